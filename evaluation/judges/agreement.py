"""How far judges agree: Krippendorff's alpha and Cohen's kappa, from tables that add up.

Alpha (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability") needs of all units only
their coincidences, kappa (Cohen 1960; weighted: 1968) only how often which two answers met. Both
tables may be summed over dialogues, so that intervals can resample dialogues.

    table = coincidences([(3, 3), (2, 4, 4)], top=5)
    alphas(table, "ordinal")
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from attunement.evaluation.dividing import over

Level = Literal["nominal", "ordinal", "interval"]
"""What may be said of two values: same or not, which is more, how much more."""


def coincidences(units: Iterable[Sequence[int]], top: int) -> np.ndarray:
    """The coincidence matrix of some units, shape (top + 1, top + 1).

    A unit is the values, whole numbers from 0 to `top`, that different judges gave it; one that a
    single judge has judged says nothing about agreement and adds nothing.
    """
    table = np.zeros((top + 1, top + 1))
    for values in units:
        if len(values) < 2:
            continue
        counts = np.bincount(np.asarray(values, int), minlength=top + 1).astype(float)
        table += (np.outer(counts, counts) - np.diag(counts)) / (len(values) - 1)
    return table


def alphas(tables: np.ndarray, level: Level) -> np.ndarray:
    """Krippendorff's alpha of coincidence matrices, shape (…, k, k) -> (…).

    1 is perfect agreement, 0 what chance gives, below 0 worse than that. NaN where nothing was
    judged twice, and where only one value was ever given: nothing could have disagreed.
    """
    tables = np.asarray(tables, float)
    often = tables.sum(-1)
    total = often.sum(-1)
    apart = _distances(often, level)
    seen = (tables * apart).sum((-2, -1))
    expected = (often[..., :, None] * often[..., None, :] * apart).sum((-2, -1))
    return 1 - over(seen * (total - 1), expected)


def _distances(often: np.ndarray, level: Level) -> np.ndarray:
    """The squared distance of every two values, shape (…, k, k)."""
    k = often.shape[-1]
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(k), (*often.shape, k))
    if level == "interval":
        apart = np.subtract.outer(np.arange(k), np.arange(k)) ** 2.0
        return np.broadcast_to(apart, (*often.shape, k))
    # How many values stand between the middles of the two.
    middles = often.cumsum(-1) - often / 2
    return np.asarray((middles[..., :, None] - middles[..., None, :]) ** 2)


def kappas(tables: np.ndarray, weighted: bool = False) -> np.ndarray:
    """Cohen's kappa of tables of two judges' answers, shape (…, k, k) -> (…).

    `weighted`: with quadratic weights, for values that are an order. NaN where the two answered
    nothing in common, or chance alone agrees always: each gave one and the same answer throughout.
    """
    tables = np.asarray(tables, float)
    k = tables.shape[-1]
    apart = np.subtract.outer(np.arange(k), np.arange(k)) ** 2.0 if weighted else 1 - np.eye(k)
    total = tables.sum((-2, -1))
    by_chance = tables.sum(-1)[..., :, None] * tables.sum(-2)[..., None, :]
    return 1 - over((tables * apart).sum((-2, -1)) * total, (by_chance * apart).sum((-2, -1)))


def correlations(sums: np.ndarray) -> np.ndarray:
    """Pearson's r from sums (n, x, y, xx, yy, xy), shape (…, 6) -> (…); NaN where a side does not
    vary, or by less of its size than the rounding of sums: about a millionth.
    """
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, float), -1, 0)
    spread = _spread(n, x, xx) * _spread(n, y, yy)
    return np.asarray(np.clip(over(n * xy - x * y, spread), -1, 1))


def _spread(n: np.ndarray, x: np.ndarray, xx: np.ndarray) -> np.ndarray:
    """n times the standard deviation; 0 where it may be what rounding leaves of none."""
    square = n * xx - x * x
    rounding = 1e-14 * np.maximum(n, 100) * n * xx
    return np.asarray(np.sqrt(np.where(square > rounding, square, 0)))


def moments(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """The sums that `correlations` takes, shape (6,)."""
    a, b = np.asarray(x, float), np.asarray(y, float)
    return np.array([len(a), a.sum(), b.sum(), (a * a).sum(), (b * b).sum(), (a * b).sum()])
