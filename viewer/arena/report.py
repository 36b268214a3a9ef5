"""What came of an arena: the figures of people's answers, in the shape that the verb prints."""

from pathlib import Path

from attunement.core.records import Record
from attunement.evaluation.figures import Figure
from attunement.evaluation.judges.panel import heard, judged_pairs
from attunement.evaluation.judges.people import Person
from attunement.viewer.arena.opening import opened


class Line(Record):
    """A figure with its bounds."""

    name: str
    value: float | None
    low: float | None
    """Of the 95 % interval over dialogues."""
    high: float | None
    dialogues: int
    chance: float | None
    why: str
    """Why there is no figure, where there is none."""
    method: str


class ArenaReport(Record):
    """Everything that people have said of a run's pairs, whenever they did."""

    run: str
    against: str
    """The other run, or `its drafts`."""
    pairs: int
    """That there are."""
    judged: int
    """That somebody judged."""
    figures: tuple[Line, ...]
    people: tuple[Person, ...]


def report_on(run: Path, against: Path | None) -> ArenaReport:
    """Read what is stored. `ConfigError` where there is nothing to judge."""
    with opened(run, against):  # refuses a run without a pair
        found = list(judged_pairs(run, against))
        meter = heard(found)
        return ArenaReport(
            run=str(run),
            against=str(against) if against else "its drafts",
            pairs=len(found),
            judged=meter.judged,
            figures=tuple(_line(figure) for figure in meter.findings().figures),
            people=tuple(meter.people()),
        )


def _line(figure: Figure) -> Line:
    interval = figure.interval()
    return Line(
        name=figure.measure.name,
        value=figure.value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        dialogues=len(figure.parts),
        chance=figure.levels.get("chance"),
        why=figure.why,
        method=figure.measure.method,
    )
