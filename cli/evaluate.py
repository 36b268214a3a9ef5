"""`attune evaluate`: measure runs, and hold them against each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from attunement.evaluation.encoder import Encoder
    from attunement.evaluation.figures import Family
    from attunement.evaluation.systems import Measured, System


def evaluate(
    systems: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]RUN[,RUN]...",
            help="Run folders, a system each; several seeds of one with commas.",
        ),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME", help="Against which one; else the first.")
    ] = None,
    by: Annotated[
        Literal["dialogue", "persona"],
        typer.Option(help="What is redrawn: dialogues, or personas with all of theirs."),
    ] = "dialogue",
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY",
            help="outcome, text, strategy, reflection, judges, people, realism; several with "
            "commas.",
        ),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A local encoder, for similarity and BERTScore."),
    ] = None,
    survey: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Recorded dialogues whose own survey stands beside."),
    ] = None,
    iterations: Annotated[
        bool, typer.Option("--iterations", help="They are one model's iterations: is it stable?")
    ] = False,
    evolution: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The iterations of an attune evolve folder."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="New folder; else evaluations/NNN.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is redrawn and exchanged.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure runs: outcome, text, strategy, reflection, judges, people, realism; with intervals.

    Several runs of the same seed on the same personas or recorded dialogues are compared in pairs,
    the first one being the baseline. Writes report.md, report.json and plots.

    Example: attune evaluate plain=runs/001 refined=runs/002 --out evaluations/refined
    """
    from rich.console import Console

    from attunement.cli.evaluate_table import print_report
    from attunement.evaluation.comparison import compare
    from attunement.evaluation.encoder import load_encoder
    from attunement.evaluation.report import as_json as dumped
    from attunement.evaluation.report import next_folder, refuse_existing, write_report
    from attunement.evaluation.stability import stability
    from attunement.evaluation.systems import baseline_of, families

    folder = out or next_folder()
    refuse_existing(folder)
    wanted = families(only or ())
    named, margins = _systems(systems or (), evolution)
    first = baseline_of(named, baseline)
    beside = [_survey(path) for path in survey or ()]
    embed = load_encoder(encoder) if encoder else None
    iterate = iterations or evolution is not None
    measured, moved = _measure(named, wanted, embed, iterate)
    typer.echo("Comparing, drawing …", err=True)
    comparison = compare([*measured, *beside], first.name, by, seed, only=wanted)
    stable = stability(comparison, margins, moved) if iterate else None
    report = write_report(folder, comparison, stable)
    if as_json:
        typer.echo(dumped(report).decode(), nl=False)
        typer.echo(f"Report: {folder}", err=True)
    else:
        print_report(Console(), folder, report)


def _systems(
    words: Sequence[str], evolution: Path | None
) -> "tuple[Sequence[System], dict[str, float]]":
    """What is to be measured, and the reward margin of each iteration that was trained."""
    from attunement.core.errors import ConfigError
    from attunement.evaluation.systems import named_systems

    if evolution and words:
        raise ConfigError("`--evolution` brings its own runs; leave out the others")
    if evolution:
        return _iterations(evolution)
    if not words:
        raise ConfigError("no run is named; try: attune evaluate runs/001")
    return named_systems(words), {}


def _iterations(folder: Path) -> "tuple[Sequence[System], dict[str, float]]":
    """The measured runs of a self-evolution's ledger, M_0 first."""
    from attunement.core.errors import ConfigError
    from attunement.evaluation.systems import System
    from attunement.trainers.evolve.ledger import read_ledger

    ledger = read_ledger(folder)
    if ledger is None or not ledger.entries:
        raise ConfigError(
            f"{str(folder)!r} holds no ledger; name the folder of an attune evolve that has "
            "measured a model"
        )
    named = [
        System(name=f"M_{entry.t}", folders=(folder / f"m{entry.t}" / "evaluate",))
        for entry in ledger.entries
    ]
    margins = {
        f"M_{entry.t}": entry.training.metrics["margin"]
        for entry in ledger.entries
        if entry.training and "margin" in entry.training.metrics
    }
    return named, margins


def _measure(
    systems: "Sequence[System]",
    families: "Sequence[Family]",
    encoder: "Encoder | None",
    iterate: bool,
) -> "tuple[list[Measured], dict[str, float]]":
    """All systems read, with their progress on stderr; and with an encoder how far they drift."""
    from attunement.cli.progress import watched
    from attunement.evaluation.stability import DriftMeter, drifts
    from attunement.evaluation.systems import measure, meters_for, writers_of

    writers = {system.name: writers_of(system) for system in systems}  # a wrong folder shows here
    drifting: dict[str, DriftMeter] = {}
    found = []
    for system in systems:
        meters = meters_for(families, encoder, writers=writers[system.name])
        if encoder and iterate:
            meters.append(drifting.setdefault(system.name, DriftMeter(encoder)))
        found.append(measure(system, meters, watched))
    means = {name: meter.mean() for name, meter in drifting.items()}
    return found, drifts(means) if means else {}


def _survey(path: Path) -> "Measured":
    from attunement.evaluation.survey import read_survey
    from attunement.evaluation.systems import beside

    return beside(path, read_survey(path))
