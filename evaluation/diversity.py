"""How much of what is said is said for the first time: Distinct-n and self-BLEU of many replies.

Distinct-n (Li et al. 2016): different n-grams over all n-grams of all replies together. It falls
with the number of replies, so only corpora of one size are to be compared. The mean within single
replies is another figure, and near 90 %: see `attunement.evaluation.text`.

Self-BLEU (Zhu et al. 2018): each reply's BLEU-4 against all the others; 1 where all are the same.
It rises with the number of replies, so a `Sample` of them is taken: as many for every system.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import heappush, heappushpop

import numpy as np

from attunement.core.seeds import derive_seed
from attunement.evaluation.bleu import bleu, counted

_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s]")
SAMPLED = 200
"""Replies that self-BLEU is computed of, where there are more."""


def plain_tokens(text: str) -> list[str]:
    """Lower-case words, with what an apostrophe joins, and single punctuation marks."""
    return _TOKEN.findall(text.lower().replace("’", "'"))


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """The n-grams of some tokens in order; none where there are fewer than n."""
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))


# ---- Distinct-n ---------------------------------------------------------------------------------


class Distinct:
    """Distinct-n of replies that come one by one."""

    def __init__(self, n: int) -> None:
        self._n, self._total = n, 0
        # Hashes, not the n-grams: among a million, two clash once in thirty million corpora.
        self._seen: set[int] = set()

    def add(self, tokens: Sequence[str]) -> None:
        """Count a reply's n-grams."""
        grams = ngrams(tokens, self._n)
        self._seen.update(map(hash, grams))
        self._total += len(grams)

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None where no reply has n tokens."""
        return len(self._seen) / self._total if self._total else None


def corpus_distinct(replies: Iterable[str], n: int) -> float | None:
    """Distinct-n of all replies together, 0 to 1; None where no reply has n tokens."""
    counter = Distinct(n)
    for reply in replies:
        counter.add(plain_tokens(reply))
    return counter.value


# ---- self-BLEU ----------------------------------------------------------------------------------


class Sample:
    """A sample of replies that come one by one: of any number, `SAMPLED` drawn by a seed.

    What is drawn depends on the names of the replies alone, not on their order or words: of two
    systems, the replies at the same places.
    """

    def __init__(self, size: int = SAMPLED, seed: int = 0) -> None:
        self._size, self._seed = size, seed
        self._kept: list[tuple[int, str]] = []

    def add(self, text: str, *name: object) -> None:
        """Keep the reply, or leave it."""
        entry = (-derive_seed(self._seed, "sample", *name), text)
        if len(self._kept) < self._size:
            heappush(self._kept, entry)
        else:
            heappushpop(self._kept, entry)

    @property
    def texts(self) -> list[str]:
        """The replies drawn."""
        return [text for _, text in sorted(self._kept)]


def self_bleu(replies: Sequence[str]) -> float | None:
    """Mean BLEU-4 of each reply against all the others, 0 to 1; None for fewer than two.

    Tokens are `plain_tokens`, smoothing is nltk's method 3. A reply without tokens is left out.
    """
    tokens = [found for reply in replies if (found := plain_tokens(reply))]
    if len(tokens) < 2:
        return None
    lengths = sorted(map(len, tokens))
    orders = [[Counter(ngrams(reply, n)) for reply in tokens] for n in range(1, 5)]
    most = [_most(counts) for counts in orders]
    rows = [
        counted(len(reply), _nearest(lengths, len(reply)),
                [_matched(counts[i], found) for counts, found in zip(orders, most, strict=True)])
        for i, reply in enumerate(tokens)
    ]  # fmt: skip
    return float(bleu(np.array(rows), 4).mean())


_Grams = Counter[tuple[str, ...]]
_Most = dict[tuple[str, ...], tuple[int, int]]


def _most(counts: Iterable[_Grams]) -> _Most:
    """How often a reply has each n-gram at most, and the next most often one has it."""
    most: _Most = {}
    for reply in counts:
        for gram, count in reply.items():
            first, second = most.get(gram, (0, 0))
            most[gram] = (max(first, count), max(second, min(first, count)))
    return most


def _matched(reply: _Grams, most: _Most) -> int:
    """N-grams that another reply has too, each as often as in the one that has it most often."""
    matched = 0
    for gram, count in reply.items():
        first, second = most[gram]
        matched += min(count, second if count == first else first)
    return matched


def _nearest(lengths: Sequence[int], own: int) -> int:
    """The length of another reply that is nearest to one's own; of two, the shorter."""
    place = bisect_left(lengths, own)
    if lengths[place : place + 2] == [own, own]:
        return own
    others = [*lengths[max(0, place - 1) : place], *lengths[place + 1 : place + 2]]
    return min(others, key=lambda length: (abs(length - own), length))
