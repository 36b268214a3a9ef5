"""A figure as every kind of measurement hands it over: what it is, and its parts by dialogue.

    figure = mean_figure(RELIEF, {"0/ada-0000": (1.5, 1)})
    figure.value, figure.interval()

A figure is a function of a sum over dialogues: a mean of (sum, count), F1 of a table of counts,
BLEU of matched n-grams. So one resampling of dialogues serves all of them, and two systems are
compared by the same draws. What is no such function (Distinct-n, say) is a `whole`, without an
interval.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np

from attunement.core.records import Dialogue, Record
from attunement.evaluation.bootstrap import Interval, draw_rows, interval_of
from attunement.evaluation.dividing import over

Family = Literal[
    "outcome", "text", "strategy", "reflection", "judges", "people", "realism", "stability"
]
Better = Literal["higher", "lower", ""]
Parts = Mapping[str, np.ndarray]
"""Dialogue key -> an array of one fixed shape, which may be added up over dialogues."""
_KEPT = 4_000_000
"""Counts of a bootstrap that are kept for the next figure of as many dialogues, at most."""
Of = Callable[[np.ndarray], np.ndarray]
"""Sums, stacked in front, shape (…, *shape of one part) -> figures, shape (…); NaN where there is
nothing to compute it from."""


class Measure(Record):
    """What is measured."""

    name: str
    """Unique within its family, as in `emotion accuracy`."""
    family: Family
    unit: str = ""
    """`points`, `share`, `%`, `words`; empty for a plain number."""
    better: Better = ""
    """Which way is good; empty where neither is."""
    method: str
    """How it is computed and from what, in a sentence."""
    diagnostic: bool = False
    """Whether it says how far to trust other figures, rather than anything of the system: it is
    shown, and no differences of it are tested."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one system."""

    measure: Measure
    parts: Parts = field(default_factory=dict)
    of: Of = lambda sums: ratios(sums)
    whole: float | None = None
    """The figure where it is no function of a sum over dialogues: there are no `parts` then."""
    levels: Mapping[str, float] = field(default_factory=dict)
    """What a figure has to be read against, by name: `chance`, `majority`, `always 3`."""
    why: str = ""
    """Why there is no figure, where there is none."""
    basis: str = ""
    """Who or what it rests on, such as the judges of a panel: figures of different ones are not
    compared."""
    rival: Parts = field(default_factory=dict)
    """For a figure that is about two sides by itself, as a win rate is: the parts of the other
    side's, against which it is tested."""

    @property
    def value(self) -> float | None:
        """The figure; None where there was nothing to compute it from."""
        if not self.parts:
            return self.whole
        found = float(self.of(np.sum(list(self.parts.values()), axis=0)))
        return None if np.isnan(found) else found

    def interval(
        self, groups: Mapping[str, str] | None = None, seed: int = 0, draws: int = 2000
    ) -> Interval | None:
        """The figure with bounds by a bootstrap over dialogues.

        None for a `whole` one, and where there is but one to resample: that says nothing.
        `groups`, by dialogue, are resampled whole: the persona of each, say.
        """
        if not self.parts or self.value is None:
            return None
        stacked = stack(self.parts, list(self.parts), groups)
        if len(stacked) < 2:
            return None
        found = np.concatenate([self.of(sums) for sums in redrawn(stacked, seed, draws)])
        return None if np.isnan(found).all() else interval_of(self.value, found, len(stacked))


@dataclass(frozen=True, slots=True)
class Series:
    """A figure along something: by turn, by strategy."""

    measure: Measure
    points: Mapping[str, Figure]
    """What stands below the axis -> the figure there."""


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of what was said against what was so: a confusion matrix."""

    name: str
    family: Family
    rows: str
    """What rows are: `inferred`, `predicted`."""
    columns: str
    """What columns are: `true`, `recorded`."""
    labels: Sequence[str]
    counts: np.ndarray
    """Shape (len(labels), len(labels)), or one row more: what could not be read."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one kind of measurement found out about one system."""

    figures: Sequence[Figure] = ()
    series: Sequence[Series] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    """What a reader has to be told: that a judge is not to be relied on, say."""


class Meter(Protocol):
    """Reads a system's dialogues one by one, and keeps no more of them than it needs."""

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Read a finished dialogue. Its key is the same for every system that is compared."""
        ...

    def findings(self) -> Findings:
        """What was found in all of them."""
        ...


def win_rate(figure: Figure) -> Figure:
    """A share of wins, ties half, which is to be held against the other side's."""
    lost = {key: np.array((part[1] - part[0], part[1])) for key, part in figure.parts.items()}
    return replace(figure, rival=lost)


def added_up(rows: Iterable[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Parts by dialogue, of rows (dialogue, part of one of its items)."""
    found: dict[str, np.ndarray] = {}
    for key, part in rows:
        found[key] = found[key] + part if key in found else part
    return found


def computed(
    measure: Measure, parts: Parts, of: Of, levels: Mapping[str, float], why: str
) -> Figure:
    """A figure, or why there is none; a level that cannot be computed is left out."""
    known = {name: level for name, level in levels.items() if not np.isnan(level)}
    found = Figure(measure, parts, of, levels=known)
    return Figure(measure, why=why) if found.value is None else found


def mean_figure(
    measure: Measure,
    sums: Mapping[str, tuple[float, float]],
    levels: Mapping[str, float] | None = None,
    why: str = "nothing to compute it from",
) -> Figure:
    """A mean over all that was counted: dialogue -> (sum of values, how many)."""
    parts = {key: np.array(pair, float) for key, pair in sums.items() if pair[1]}
    return Figure(measure, parts, levels=levels or {}, why="" if parts else why)


def ratios(sums: np.ndarray) -> np.ndarray:
    """Means of sums and counts, shape (…, 2) -> (…); NaN where nothing was counted."""
    return over(sums[..., 0], sums[..., 1])


def stack(parts: Parts, keys: Sequence[str], groups: Mapping[str, str] | None = None) -> np.ndarray:
    """The parts of some dialogues, shape (dialogues or groups, …), groups added up."""
    if groups is None:
        return np.stack([parts[key] for key in keys])
    together: dict[str, np.ndarray] = {}
    for key in keys:
        name = groups[key]
        together[name] = together[name] + parts[key] if name in together else parts[key]
    return np.stack(list(together.values()))


def redrawn(stacked: np.ndarray, seed: int, draws: int) -> list[np.ndarray]:
    """Sums over redrawn rows, a block of draws at a time: arrays (draws in the block, …)."""
    n = len(stacked)
    blocks = _kept(n, seed, draws) if n * draws <= _KEPT else _times(n, seed, draws)
    return [np.tensordot(times, stacked, 1) for times in blocks]


@lru_cache(maxsize=2)
def _kept(n: int, seed: int, draws: int) -> tuple[np.ndarray, ...]:
    """The draws of many figures of the same dialogues, made once."""
    return tuple(_times(n, seed, draws))


def _times(n: int, seed: int, draws: int) -> Iterator[np.ndarray]:
    """How often each of n rows is drawn, a block of draws at a time: arrays (block, n)."""
    for rows in draw_rows(n, seed, draws):
        yield np.stack([np.bincount(row, minlength=n) for row in rows]).astype(float)
