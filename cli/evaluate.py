"""`attune evaluate`: measure runs, and hold them against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attunement.cli.simulate import MaxMinutes, Price

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
            help="outcome, text, strategy, reflection, judges, people, realism, stability; "
            "several with commas.",
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
        typer.Option(
            metavar="[NAME=]FILE",
            help="People's ratings of a system, as CSV or JSON; several files.",
        ),
    ] = None,
    max_usd: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Stop before the judges have cost more."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Stop before they have used more tokens.")
    ] = None,
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
    what was stopped goes on with the same command. Bounds are of what this command asks. Writes
    report.md, report.json and plots.

    Example: attune evaluate plain=runs/001 refined=runs/002 --judge rehearsal
    """
    from rich.console import Console

    from attunement.cli.evaluate_inputs import people_of_systems, surveys, systems_of
    from attunement.cli.evaluate_table import print_report
    from attunement.cli.judging import ask_judges, questions
    from attunement.cli.options import prices
    from attunement.core.errors import ConfigError
    from attunement.evaluation.comparison import compare
    from attunement.evaluation.encoder import load_encoder
    from attunement.evaluation.judges.panel import notes
    from attunement.evaluation.report.writing import as_json as dumped
    from attunement.evaluation.report.writing import next_folder, refuse_existing, write_report
    from attunement.evaluation.stability import stability
    from attunement.evaluation.systems import baseline_of, families

    folder = out or next_folder()
    refuse_existing(folder)
    wanted = families(only or ())
    for option, given, family in (
        ("--judge", judge, "judges"), ("--human", human, "people"),
        ("--reference-planner", reference_planner, "strategy"),
    ):  # fmt: skip
        if given and family not in wanted:
            raise ConfigError(f"`{option}` is of no use without the family {family!r}; see --only")
    named, margins = systems_of(systems or (), evolution)
    first = baseline_of(named, baseline)
    beside = surveys(survey or (), named)
    embed = load_encoder(encoder) if encoder else None
    iterate = iterations or evolution is not None
    said = people_of_systems(human or (), named)
    asked = questions(ask)
    if ask and not judge:
        raise ConfigError("`--ask` says what a judge is asked; name one with --judge SPEC")
    if judge or reference_planner:
        bounds = {"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes}
        ask_judges(
            named, first, judge or (), asked, reference_planner, base_url or (), again,
            prices(price) or {}, bounds, "the same command",
        )  # fmt: skip
    panel = [_served(spec, base_url) for spec in judge or ()]
    planner = _served(reference_planner, base_url) if reference_planner else None
    how = _How(wanted, embed, iterate, first, planner, said, panel)
    measured, moved = _measure(named, how)
    typer.echo("Comparing, drawing …", err=True)
    comparison = compare([*measured, *beside], first.name, by, seed, only=wanted)
    stable = stability(comparison, margins, moved) if iterate else None
    used = [*panel, planner] if judge and planner else panel if judge else None
    told = notes(named, measured, used) if "judges" in wanted else []
    report = write_report(folder, comparison, stable, told)
    if as_json:
        typer.echo(dumped(report).decode(), nl=False)
        typer.echo(f"Report: {folder}", err=True)
    else:
        print_report(Console(), folder, report)


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
    panel: Sequence[str]
    """The judges of this command; empty: whoever has judged."""


def _measure(systems: "Sequence[System]", how: _How) -> "tuple[list[Measured], dict[str, float]]":
    """All systems read, with their progress on stderr; and with an encoder how far they drift."""
    from attunement.cli.progress import watched
    from attunement.evaluation.judges.panel import common_panel, decided_pairs
    from attunement.evaluation.stability import DriftMeter, drifts
    from attunement.evaluation.systems import measure, meters_for, writers_of

    writers = {system.name: writers_of(system) for system in systems}  # a wrong folder shows here
    drifting: dict[str, DriftMeter] = {}
    # Nobody named: whoever has judged every run can be compared; else each by its own judges.
    panel, found = how.panel or common_panel(systems) or None, []
    for system in systems:
        alone, said = len(systems) == 1, how.people.get(system.name)
        paired = alone or system != how.baseline
        meters = meters_for(how.families, how.encoder, how.reference, writers[system.name], panel)
        if how.encoder and how.iterate:
            meters.append(drifting.setdefault(system.name, DriftMeter(how.encoder)))
        one = measure(system, meters, watched, said)
        if paired and {"judges", "people"} & {*how.families}:
            one.findings.append(decided_pairs(system, how.baseline, said, how.panel or None))
        found.append(one)
    means = {name: meter.mean() for name, meter in drifting.items()}
    return found, drifts(means) if means else {}


def _served(spec: str, base_url: Sequence[str] | None) -> str:
    """A judge's spec as verdicts have it: with the address of its server, where one is given."""
    from attunement.simulator.judging import at

    return at(spec, base_url or ()) if spec.startswith("openai:") else spec
