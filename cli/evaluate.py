"""`attune evaluate`: measure runs, and hold them against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attunement.cli.simulate import MaxMinutes, MaxTokens, MaxUsd, Price

if TYPE_CHECKING:
    from attunement.evaluation.encoder import Encoder
    from attunement.evaluation.figures import Family
    from attunement.evaluation.judges.human import People
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
    judge: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="A model that judges; several make a panel."),
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="What: reply, dialogue (marks), pairs; else pairs, and marks of dialogues, or in "
            "replays of replies.",
        ),
    ] = None,
    reference_planner: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="A model whose strategies the planner is held against."),
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="The judges' OpenAI-compatible server; or several."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask anew where a judge could not be read.")
    ] = False,
    human: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FILE", help="People's ratings of a system, as CSV or JSON."),
    ] = None,
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    price: Price = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="New folder; else evaluations/NNN.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is redrawn and exchanged.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure runs: outcome, text, strategy, reflection, judges, people, realism; with intervals.

    Several runs of the same seed on the same personas or recorded dialogues are compared in pairs,
    the first one being the baseline. Judges' answers are kept in the runs: none is asked twice, and
    what was stopped goes on with the same command. Bounds are those of each run, its own calls
    included. Writes report.md, report.json and plots.

    Example: attune evaluate plain=runs/001 refined=runs/002 --judge rehearsal
    """
    from rich.console import Console

    from attunement.cli.evaluate_table import print_report
    from attunement.cli.judging import ask_judges, questions
    from attunement.cli.options import prices
    from attunement.core.errors import ConfigError
    from attunement.evaluation.comparison import compare
    from attunement.evaluation.encoder import load_encoder
    from attunement.evaluation.report.writing import as_json as dumped
    from attunement.evaluation.report.writing import next_folder, refuse_existing, write_report
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
    said = _people(human or (), named)
    asked = questions(ask)
    if ask and not judge:
        raise ConfigError("`--ask` says what a judge is asked; name one with --judge SPEC")
    if judge or reference_planner:
        bounds = {"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes}
        ask_judges(
            named, first, judge or (), asked, reference_planner, base_url or (), again,
            prices(price) or {}, bounds, "the same command",
        )  # fmt: skip
    how = _How(wanted, embed, iterate, first, reference_planner, said)
    measured, moved = _measure(named, how)
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


@dataclass(frozen=True, slots=True)
class _How:
    """What is to be found out."""

    families: "Sequence[Family]"
    encoder: "Encoder | None"
    iterate: bool
    baseline: "System"
    reference: str | None
    people: "Mapping[str, People]"
    """By the name of the system that their ratings are about."""


def _people(words: Sequence[str], systems: "Sequence[System]") -> "dict[str, People]":
    """The ratings of each file, about the system that it names, or the only one."""
    from attunement.core.errors import ConfigError, unknown
    from attunement.evaluation.judges.human import people_of

    by_name, found = {system.name: system for system in systems}, {}
    for word in words:
        name, equals, path = word.partition("=")
        if Path(word).exists() or not equals:
            name, path = systems[0].name, word
            if len(systems) > 1:
                raise ConfigError(f"whose ratings are in {word!r}? Say --human NAME={word}")
        if name not in by_name:
            raise ConfigError(unknown("system", name, by_name))
        found[name] = people_of(Path(path), by_name[name].folders)
    return found


def _measure(systems: "Sequence[System]", how: _How) -> "tuple[list[Measured], dict[str, float]]":
    """All systems read, with their progress on stderr; and with an encoder how far they drift."""
    from attunement.cli.progress import watched
    from attunement.evaluation.judges.panel import decided_pairs, opponents
    from attunement.evaluation.stability import DriftMeter, drifts
    from attunement.evaluation.systems import measure, meters_for, writers_of

    writers = {system.name: writers_of(system) for system in systems}  # a wrong folder shows here
    drifting: dict[str, DriftMeter] = {}
    found = []
    for system in systems:
        alone, said = len(systems) == 1, how.people.get(system.name)
        paired = alone or system != how.baseline
        others = opponents(system, how.baseline) if paired and "people" in how.families else ()
        meters = meters_for(
            how.families, how.encoder, how.reference, writers[system.name], opponents=others
        )
        if how.encoder and how.iterate:
            meters.append(drifting.setdefault(system.name, DriftMeter(how.encoder)))
        one = measure(system, meters, watched, said)
        if paired and {"judges", "people"} & {*how.families}:
            one.findings.append(decided_pairs(system, how.baseline, said))
        found.append(one)
    means = {name: meter.mean() for name, meter in drifting.items()}
    return found, drifts(means) if means else {}


def _survey(path: Path) -> "Measured":
    from attunement.evaluation.survey import read_survey
    from attunement.evaluation.systems import beside

    return beside(path, read_survey(path))
