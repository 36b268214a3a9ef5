"""Tables of predicted against recorded strategies, and what is computed of them.

Every function takes one table or a stack of many, so that resampled ones cost one pass.
"""

from collections.abc import Callable

import numpy as np

from attunement.core.strategies import Strategy
from attunement.evaluation.dividing import over

NAMES = tuple(Strategy)
UNREADABLE = len(NAMES)
"""The row of a table that counts predictions which name no strategy."""
_SWEEPS = 20

Tables = np.ndarray
"""Counts, shape (…, 9, 8): turns by predicted strategy (the ninth: unreadable) and recorded one.
They may be expectations, and need not be whole."""


def preferences(tables: Tables) -> np.ndarray:
    """p of every strategy, shape (…, 8), mean 1; NaN where a table holds no readable prediction.

    w[i, j] counts turns predicted i and recorded j. From p = 1, 20 sweeps set one p_i after the
    other, in the order of the eight, to (Σ w_ij p_j / (p_i + p_j)) / (Σ w_ji / (p_i + p_j)) over
    j ≠ i, and divide by the geometric mean of those above zero. The published code divides by zero
    twice, and both are guarded here: where p_i and p_j are both 0 (two strategies that are never
    predicted) their terms are 0; and where the lower sum is 0 (no turn that is recorded as i is
    predicted otherwise, as when every prediction is right) p_i stays as it is.
    """
    wins = np.asarray(tables, float)[..., :UNREADABLE, :]
    others = wins * (1 - np.eye(UNREADABLE))
    p = np.ones(others.shape[:-1])
    for _ in range(_SWEEPS):
        for i in range(UNREADABLE):
            together = p[..., i : i + 1] + p
            share = np.divide(1, together, out=np.zeros_like(p), where=together > 0)
            above = (others[..., i, :] * p * share).sum(-1)
            below = (others[..., :, i] * share).sum(-1)
            np.divide(above, below, out=p[..., i], where=below > 0)
        p /= _geometric_mean(p)[..., None]
    p *= UNREADABLE / p.sum(-1, keepdims=True)
    p[wins.sum((-2, -1)) == 0] = np.nan
    return p


def _geometric_mean(p: np.ndarray) -> np.ndarray:
    """Of those above zero; 1 where none is."""
    positive = p > 0
    logs = np.log(p, out=np.zeros_like(p), where=positive)
    mean: np.ndarray = np.exp(logs.sum(-1) / np.maximum(positive.sum(-1), 1))
    return mean


def biases(tables: Tables) -> np.ndarray:
    """Preference bias B of every table: the population standard deviation of its p."""
    return np.asarray(preferences(tables).std(-1))


def f1_scores(tables: Tables) -> np.ndarray:
    """F1 of every strategy, shape (…, 8); NaN for one that is neither recorded nor predicted."""
    right = np.diagonal(np.asarray(tables, float)[..., :UNREADABLE, :], axis1=-2, axis2=-1)
    predicted = tables[..., :UNREADABLE, :].sum(-1)
    return over(2 * right, predicted + tables.sum(-2))


def macro_f1s(tables: Tables) -> np.ndarray:
    """Mean F1 of the strategies that are recorded or predicted."""
    scores = f1_scores(tables)
    known = (~np.isnan(scores)).sum(-1)
    return over(np.nansum(scores, -1), known)


def weighted_f1s(tables: Tables) -> np.ndarray:
    """Mean F1 weighted by how often a strategy is recorded."""
    recorded = tables.sum(-2)
    return over(np.nansum(f1_scores(tables) * recorded, -1), recorded.sum(-1))


def accuracies(tables: Tables) -> np.ndarray:
    """Share of turns that are predicted as recorded."""
    right = np.trace(tables[..., :UNREADABLE, :], axis1=-2, axis2=-1)
    return over(right, tables.sum((-2, -1)))


FIGURES: dict[str, Callable[[Tables], np.ndarray]] = {
    "bias": biases, "macro_f1": macro_f1s, "weighted_f1": weighted_f1s, "accuracy": accuracies,
}  # fmt: skip
"""What is computed of a table, by its name in a score."""


# ---- how often each is used ---------------------------------------------------------------------


def entropies(used: np.ndarray) -> np.ndarray:
    """Entropy in bits of how often each strategy is used, shape (…, 8) -> (…); at most 3.

    NaN where none is used at all.
    """
    used = np.asarray(used, float)
    shares = over(used, used.sum(-1, keepdims=True))
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-(shares * logs).sum(-1)) + 0.0  # no minus zero


# ---- what a table has to beat -------------------------------------------------------------------


def majority_table(recorded: np.ndarray) -> Tables:
    """The table of always predicting the commonest of the recorded strategies, counts (8,)."""
    table = np.zeros((UNREADABLE + 1, UNREADABLE))
    table[int(np.argmax(recorded))] = recorded
    return table


def prior_table(recorded: np.ndarray) -> Tables:
    """The expected table of drawing predictions by how often each is recorded, counts (8,)."""
    table = np.zeros((UNREADABLE + 1, UNREADABLE))
    table[:UNREADABLE] = np.outer(recorded, recorded) / max(1.0, float(np.sum(recorded)))
    return table
