"""BLEU of counts: so that counts may be added up over dialogues, and dialogues drawn again.

    sums = bleu_counts(generated, recorded)     # sacrebleu's counts, shape (10,)
    100 * bleu(sums, 4)                         # sacrebleu's figure

A row holds the two lengths in tokens (generated, recorded), the n-grams that match for n = 1 to 4,
and the n-grams that were generated.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from attunement.core.errors import ConfigError

ORDERS = 4
_MATCHED, _TOTAL = slice(2, 2 + ORDERS), slice(2 + ORDERS, 2 + 2 * ORDERS)


def bleu(sums: np.ndarray, n: int) -> np.ndarray:
    """BLEU-n of counts, shape (…, 10) -> (…), 0 to 1; NaN where nothing was recorded.

    Cumulative: the geometric mean of the precisions of 1- to n-grams, times the brevity penalty
    (Papineni et al. 2002). Of the orders in which nothing matches the first counts half an n-gram,
    the next a quarter (sacrebleu's `exp`, nltk's method 3); where no order matches it is 0.
    """
    matched, total = sums[..., _MATCHED][..., :n], sums[..., _TOTAL][..., :n]
    half = 0.5 ** np.cumsum(matched == 0, axis=-1)
    counts = np.where(matched > 0, matched, half)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(total > 0, np.log(counts / total), -np.inf)
        brevity = np.minimum(0, 1 - sums[..., 1] / sums[..., 0])
    found = np.where(matched.any(-1), np.exp(logs.mean(-1) + brevity), 0.0)
    return np.asarray(np.where(sums[..., 1] > 0, found, np.nan))


def counted(generated: int, recorded: int, matched: Sequence[int]) -> list[float]:
    """A row of counts of one reply; where it has no n-gram of an order, one counts, as in nltk."""
    totals = [max(1, generated - n) for n in range(ORDERS)]
    return [generated, recorded, *matched, *totals]


def bleu_counts(generated: Sequence[str], recorded: Sequence[str]) -> np.ndarray:
    """Counts of some replies together, by sacrebleu with its own tokens (13a)."""
    found = _sacrebleu().corpus_score(list(generated), [list(recorded)])
    return np.array([found.sys_len, found.ref_len, *found.counts, *found.totals], float)


def signature() -> str:
    """How sacrebleu computes it, in its own words."""
    metric = _sacrebleu()
    metric.corpus_score(["a"], [["a"]])  # it knows the number of references only after a call
    return str(metric.get_signature())


@lru_cache(maxsize=1)
def _sacrebleu() -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise missing(error) from None
    return BLEU()


def missing(error: ImportError) -> ConfigError:
    """What to say where a package of the extra is not there."""
    return ConfigError(
        f"text metrics need {error.name!r}, which is not here; pip install 'attunement[metrics]'"
    )
