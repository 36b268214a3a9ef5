"""Intervals by resampling: how far a figure would move with other dialogues of the same kind.

    interval = difference(after, before)     # paired by key
    if interval and interval.low > 0: ...    # better, beyond chance

Percentile bootstrap (Efron 1979): draw as many rows as there are, with replacement, and take the
middle `level` of the statistic over many draws. One seed gives one interval.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from attunement.core.records import Record

Rows = np.ndarray
"""Row numbers of one draw: as many as there are rows, some of them several times."""
_CHUNK = 2_000_000
"""Row numbers that are held at a time, whatever the number of draws."""

Key = TypeVar("Key", bound=Hashable)


class Interval(Record):
    """A figure and the bounds between which the middle `level` of its redrawn values lie."""

    value: float
    low: float
    high: float
    n: int
    """What was resampled: rows, or groups of rows."""

    @property
    def excludes_zero(self) -> bool:
        """Whether both bounds stand on one side of zero."""
        return self.low > 0 or self.high < 0


def mean_interval(
    values: Sequence[float],
    seed: int = 0,
    draws: int = 2000,
    level: float = 0.95,
    groups: Sequence[Hashable] | None = None,
) -> Interval | None:
    """The mean with its interval; None without values.

    `groups`, one a value, are resampled whole: for values that hang together, as those of one
    persona do. The mean stays that of all values.
    """
    if not len(values):
        return None
    sums, counts = _sums(np.asarray(values, dtype=float), groups)
    means = np.concatenate(
        [sums[rows].sum(axis=1) / counts[rows].sum(axis=1)
         for rows in draw_rows(len(sums), seed, draws)]
    )  # fmt: skip
    return interval_of(float(sums.sum() / counts.sum()), means, len(sums), level)


def difference(
    after: Mapping[Key, float],
    before: Mapping[Key, float],
    seed: int = 0,
    draws: int = 2000,
    level: float = 0.95,
    group: Callable[[Key], Hashable] | None = None,
) -> Interval | None:
    """The mean of `after` minus `before` over the keys of both; None where they share none.

    Paired: a key's two values are always drawn together. `group` names what a key belongs to, if
    such groups are to be resampled whole.
    """
    shared = [key for key in after if key in before]
    gains = [after[key] - before[key] for key in shared]
    groups = [group(key) for key in shared] if group else None
    return mean_interval(gains, seed, draws, level, groups)


def statistic_interval(
    n: int,
    statistic: Callable[[Rows], float],
    seed: int = 0,
    draws: int = 2000,
    level: float = 0.95,
    groups: Sequence[Hashable] | None = None,
) -> Interval | None:
    """Any statistic of row numbers 0 … n-1, with its interval; None without rows.

    `groups`, one a row, are resampled whole. `statistic` may return NaN where it is not defined:
    draws that do are left out of the bounds, and if it does on the rows themselves there is no
    interval.
    """
    value = float(statistic(np.arange(n))) if n else float("nan")
    if np.isnan(value):
        return None
    members = _members(n, groups)
    drawn = (row for rows in draw_rows(len(members), seed, draws) for row in rows)
    found = np.array([statistic(np.concatenate([members[i] for i in row])) for row in drawn], float)
    return interval_of(value, found, len(members), level)


def _sums(values: np.ndarray, groups: Sequence[Hashable] | None) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of values by group; by value where there are no groups."""
    if groups is None:
        return values, np.ones(len(values))
    where = _places(len(values), groups)
    counts = np.bincount(where).astype(float)
    return np.bincount(where, weights=values), counts


def _members(n: int, groups: Sequence[Hashable] | None) -> list[Rows]:
    """The row numbers of each group; each row alone where there are no groups."""
    if groups is None:
        return list(np.arange(n)[:, None])
    where = _places(n, groups)
    return [np.flatnonzero(where == place) for place in range(where.max() + 1)]


def _places(n: int, groups: Sequence[Hashable]) -> np.ndarray:
    """The number of the group of each row, in the order in which groups first come."""
    if len(groups) != n:
        raise ValueError(f"`groups` must be one a value, got {len(groups)} for {n}")
    place: dict[Hashable, int] = {}
    return np.array([place.setdefault(group, len(place)) for group in groups])


def draw_rows(n: int, seed: int, draws: int) -> Iterator[Rows]:
    """`draws` draws of n rows out of n, a block at a time: arrays (draws in the block, n)."""
    random = np.random.default_rng(seed)
    block = max(1, _CHUNK // n)
    for start in range(0, draws, block):
        yield random.integers(0, n, (min(block, draws - start), n))


def interval_of(value: float, found: np.ndarray, n: int, level: float = 0.95) -> Interval:
    """A figure with the bounds of its redrawn values `found`, where these are not NaN."""
    tail = (1 - level) / 2
    known = found[~np.isnan(found)]
    low, high = np.quantile(known, (tail, 1 - tail)) if len(known) else (value, value)
    return Interval(value=value, low=float(low), high=float(high), n=n)
