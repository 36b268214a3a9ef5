"""Several systems side by side: every figure with bounds, each held against one baseline.

    comparison = compare([measured_a, measured_b], seed=0)
    comparison.figures[0].against["b"].p_corrected

The figures of a system are of all its dialogues; a difference is of those that the baseline has
too. Points of a series (by turn, by strategy) have bounds and are not tested: so many tests would
leave nothing standing after their correction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Record
from attunement.evaluation.figures import Family, Figure, Findings, Measure, Series, Table
from attunement.evaluation.paired import (
    FEWEST,
    SWAPS,
    Paired,
    corrected,
    paired,
    swaps_for,
    too_few,
    won,
)
from attunement.evaluation.systems import FAMILIES, Facts, Measured

By = Literal["dialogue", "persona"]
NOT_MEASURED = "not measured for this system"


class Shown(Record):
    """A figure of one system."""

    value: float | None = None
    low: float | None = None
    """Bounds of the middle 95 % of the redrawn values; None where there are none."""
    high: float | None = None
    n: int = 0
    """Dialogues that it is computed from; 0 for a figure that is no sum over dialogues."""
    levels: dict[str, float] = Field(default_factory=dict)
    """What it has to be read against, by name."""
    why: str = ""
    """Why there is no figure, or no interval."""
    method: str = ""
    """How it is computed, where that is another way than the row's."""
    basis: str = ""
    """Who or what it rests on: the judges of a panel."""


class Row(Record):
    """One figure of all systems."""

    measure: Measure
    systems: dict[str, Shown]
    against: dict[str, Paired]
    """Other system -> its figure minus the baseline's; of a win rate, minus one half."""


class Curve(Record):
    """A figure along something, of all systems."""

    measure: Measure
    points: tuple[str, ...]
    systems: dict[str, dict[str, Shown]]
    """System -> point -> the figure there."""


class Matrix(Record):
    """A table of counts of all systems."""

    name: str
    family: Family
    rows: str
    columns: str
    labels: tuple[str, ...]
    """Of columns and rows; a row more counts what could not be read."""
    systems: dict[str, tuple[tuple[float, ...], ...]]


class Comparison(Record):
    """Everything that an evaluation found out."""

    baseline: str
    by: By
    seed: int
    draws: int
    """Redrawings behind every interval."""
    swaps: int
    """Random exchanges behind every p."""
    tests: int
    """Differences with a p: what Holm's correction counts."""
    families: tuple[Family, ...]
    """What was asked for."""
    apart: dict[str, str]
    """System that shares no dialogue with the baseline -> why."""
    systems: tuple[Facts, ...]
    figures: tuple[Row, ...]
    series: tuple[Curve, ...]
    tables: tuple[Matrix, ...]

    @property
    def others(self) -> tuple[str, ...]:
        """The systems that are held against the baseline."""
        runs = (facts.name for facts in self.systems if facts.is_run)
        return tuple(name for name in runs if name != self.baseline)

    def names_in(self, rows: "Sequence[Row]") -> list[str]:
        """The systems that have a place beside these figures: all that were run, and what else has
        one of them."""
        return [
            facts.name
            for facts in self.systems
            if facts.is_run or any(row.systems[facts.name].value is not None for row in rows)
        ]

    @property
    def most_units(self) -> int:
        """Dialogues, or personas where these are exchanged, of the largest test."""
        tested = (one for row in self.figures for one in row.against.values() if one.p is not None)
        return max((one.units for one in tested), default=0)

    def significant(self) -> Iterator[tuple[Row, str, Paired]]:
        """The differences that are more than chance: (figure, system, difference)."""
        for row in self.figures:
            for name, found in row.against.items():
                if found.significant:
                    yield row, name, found


@dataclass(frozen=True, slots=True)
class _How:
    """What all comparisons of a report share."""

    baseline: Measured
    groups: Mapping[str, str] | None
    """Dialogue -> persona, where personas are redrawn."""
    seed: int
    draws: int
    swaps: int


def compare(
    measured: Sequence[Measured],
    baseline: str | None = None,
    by: By = "dialogue",
    seed: int = 0,
    draws: int = 2000,
    swaps: int = SWAPS,
    only: Sequence[Family] = FAMILIES,
) -> Comparison:
    """Hold all systems against one, the first unless `baseline` names another.

    `by` says what is redrawn and exchanged; of `only` these families is something reported.
    `ConfigError` for an unknown baseline, and where two systems have one name.
    """
    names = [m.facts.name for m in measured]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"two systems are named {twice[0]!r}; give each its own name")
    if baseline is not None and baseline not in names:
        raise ConfigError(unknown("baseline", baseline, names))
    first = measured[names.index(baseline) if baseline else 0]
    groups = {k: v for m in measured for k, v in m.personas.items()} if by == "persona" else None
    figures = {m.facts.name: _figures(m.findings, only) for m in measured}
    rows = _named(figures)
    how = _How(first, groups, seed, draws, max(swaps, swaps_for(len(rows) * (len(names) - 1))))
    found = _corrected([_row(key, figures, measured, how) for key in rows])
    return Comparison(
        baseline=first.facts.name, by=by, seed=seed, draws=draws, swaps=how.swaps,
        tests=sum(one.p is not None for row in found for one in row.against.values()),
        families=tuple(family for family in FAMILIES if family in only),
        apart={m.facts.name: why for m in measured if (why := _strangers(m, first))},
        systems=tuple(_with_shared(m, first) for m in measured),
        figures=tuple(found),
        series=tuple(_curves({m.facts.name: _series(m.findings, only) for m in measured}, how)),
        tables=tuple(_matrices({m.facts.name: _tables(m.findings, only) for m in measured})),
    )  # fmt: skip


# ---- figures ------------------------------------------------------------------------------------

_Key = tuple[Family, str]


def _figures(findings: Sequence[Findings], only: Sequence[Family]) -> dict[_Key, Figure]:
    found = (figure for one in findings for figure in one.figures)
    return {(f.measure.family, f.measure.name): f for f in found if f.measure.family in only}


def _series(findings: Sequence[Findings], only: Sequence[Family]) -> dict[_Key, Series]:
    found = (series for one in findings for series in one.series)
    return {(s.measure.family, s.measure.name): s for s in found if s.measure.family in only}


def _tables(findings: Sequence[Findings], only: Sequence[Family]) -> dict[_Key, Table]:
    found = (table for one in findings for table in one.tables)
    return {(t.family, t.name): t for t in found if t.family in only}


def _named(by_system: Mapping[str, Mapping[_Key, object]]) -> list[_Key]:
    """All names that any system has, by family, in the order in which they first come."""
    found = list(dict.fromkeys(key for named in by_system.values() for key in named))
    return sorted(found, key=lambda key: FAMILIES.index(key[0]))


def _row(
    key: _Key,
    figures: Mapping[str, Mapping[_Key, Figure]],
    measured: Sequence[Measured],
    how: _How,
) -> Row:
    measure = next(named[key].measure for named in figures.values() if key in named)
    own = {m.facts.name: figures[m.facts.name].get(key) for m in measured}
    base = own[how.baseline.facts.name]
    return Row(
        measure=measure,
        systems={name: _as_measured(measure, figure, how) for name, figure in own.items()},
        against={
            m.facts.name: _against(own[m.facts.name], base, m, how)
            for m in measured
            if m is not how.baseline and m.facts.is_run
        },
    )


def _as_measured(measure: Measure, figure: Figure | None, how: _How) -> Shown:
    """A figure with what its own meter says of its method, if that differs."""
    found = shown(figure, how)
    if figure is None or figure.measure.method == measure.method:
        return found
    return found.model_copy(update={"method": figure.measure.method})


def shown(figure: Figure | None, how: _How) -> Shown:
    """A figure with its bounds, or why there are none."""
    if figure is None:
        return Shown(why=NOT_MEASURED)
    value = figure.value
    if value is None:
        return Shown(why=figure.why or "nothing to compute it from", levels=dict(figure.levels))
    made = Shown(
        value=value, n=len(figure.parts), levels=dict(figure.levels), why=figure.why,
        basis=figure.basis,
    )  # fmt: skip
    units = len({how.groups[key] for key in figure.parts} if how.groups else figure.parts)
    if units < FEWEST:
        why = figure.why or (too_few(units, how.groups is not None) if units else "")
        return made.model_copy(update={"why": why})
    interval = figure.interval(how.groups, how.seed, how.draws)
    if interval is None:
        return made
    return made.model_copy(update={"low": interval.low, "high": interval.high})


def _against(after: Figure | None, before: Figure | None, other: Measured, how: _How) -> Paired:
    if after is not None and after.measure.diagnostic:
        return Paired(why="says how far to trust other figures, and is not tested")
    if after is not None and after.rival:
        return won(after, how.groups, how.seed, how.draws, how.swaps)
    if after is None or before is None:
        return Paired(why=NOT_MEASURED if after is None else "not measured for the baseline")
    if reason := _apart(after, before, other, how.baseline):
        return Paired(why=reason)
    return paired(after, before, how.groups, how.seed, how.draws, how.swaps)


def _apart(after: Figure, before: Figure, other: Measured, first: Measured) -> str:
    """Why two systems cannot be compared in a figure; empty where they can."""
    if why := _strangers(other, first):
        return f"share no dialogue: {why}"
    if after.basis != before.basis and None not in (after.value, before.value):
        return f"judged by different panels ({after.basis}; {before.basis})"
    whole = not (after.parts and before.parts) and after.value is not None
    if whole and other.personas.keys() != first.personas.keys():
        return "is of all dialogues together, and the systems do not have the same ones"
    return ""


def _strangers(other: Measured, first: Measured) -> str:
    """Why a system shares no dialogue with the baseline; empty where it shares some."""
    if not other.facts.is_run or other.personas.keys() & first.personas.keys():
        return ""
    ours, theirs = _by_card(first), _by_card(other)
    met = ours.keys() & theirs.keys()
    seeds = [sorted(set().union(*(one[card] for card in met)), key=_size) for one in (ours, theirs)]
    if met and not {*seeds[0]} & {*seeds[1]}:
        said = " and ".join(", ".join(one) for one in seeds)
        return f"the same people under other seeds ({said}): run both with the same seed"
    if met:
        return "the same people under other numbers: run both on one file of personas, unchanged"
    if {*first.personas.values()} & {*other.personas.values()}:
        return (
            "people of the same names, but other cards or other recorded lines: run both with the "
            "same seed on the same file"
        )
    return (
        "other people or recordings: run both on the same personas or recorded dialogues, with "
        "the same seed"
    )


def _by_card(measured: Measured) -> dict[str, set[str]]:
    """The last part of each key, which stands for card and recording -> the seeds it met."""
    found: dict[str, set[str]] = {}
    for key in measured.personas:
        found.setdefault(key.rpartition("/")[2], set()).add(key.partition("/")[0])
    return found


def _size(seed: str) -> tuple[int, str]:
    return len(seed), seed


def _corrected(rows: Sequence[Row]) -> list[Row]:
    """All rows with p corrected for all of them."""
    found = iter(corrected([one for row in rows for one in row.against.values()]))
    return [
        row.model_copy(update={"against": {name: next(found) for name in row.against}})
        for row in rows
    ]


def _with_shared(measured: Measured, first: Measured) -> Facts:
    if measured is first or not measured.facts.is_run:
        return measured.facts
    shared = len(measured.personas.keys() & first.personas.keys())
    return measured.facts.model_copy(update={"shared": shared})


# ---- series and tables --------------------------------------------------------------------------


def _curves(series: Mapping[str, Mapping[_Key, Series]], how: _How) -> Iterator[Curve]:
    for key in _named(series):
        own = {name: named[key] for name, named in series.items() if key in named}
        points = dict.fromkeys(point for one in own.values() for point in one.points)
        yield Curve(
            measure=next(iter(own.values())).measure,
            points=tuple(_in_order(points)),
            systems={
                name: {p: shown(figure, how) for p, figure in one.points.items()}
                for name, one in own.items()
            },
        )


def _in_order(points: Mapping[str, None]) -> list[str]:
    """Numbers by size, then names as they came."""
    names = [point for point in points if not point.isdecimal()]
    return [*sorted((p for p in points if p.isdecimal()), key=int), *names]


def _matrices(tables: Mapping[str, Mapping[_Key, Table]]) -> Iterator[Matrix]:
    for key in _named(tables):
        own = {name: named[key] for name, named in tables.items() if key in named}
        first = next(iter(own.values()))
        yield Matrix(
            name=first.name, family=first.family, rows=first.rows, columns=first.columns,
            labels=tuple(map(str, first.labels)),
            systems={
                name: tuple(tuple(map(float, row)) for row in one.counts)
                for name, one in own.items()
            },
        )  # fmt: skip
