"""Distinct-n over a whole corpus of replies: how much of what is said is said for the first time.

Li et al. 2016: different n-grams over all n-grams of all replies together. It falls with the number
of replies, so only corpora of one size are to be compared. The mean within single replies is
another figure, and near 90 %: see `attunement.evaluation.text`.
"""

import re
from collections.abc import Iterable, Sequence

_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s]")


def plain_tokens(text: str) -> list[str]:
    """Lower-case words, with what an apostrophe joins, and single punctuation marks."""
    return _TOKEN.findall(text.lower().replace("’", "'"))


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """The n-grams of some tokens in order; none where there are fewer than n."""
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))


def corpus_distinct(replies: Iterable[str], n: int) -> float | None:
    """Distinct-n of all replies together, 0 to 1; None where no reply has n tokens."""
    seen: set[tuple[str, ...]] = set()
    total = 0
    for reply in replies:
        grams = ngrams(plain_tokens(reply), n)
        seen.update(grams)
        total += len(grams)
    return len(seen) / total if total else None
