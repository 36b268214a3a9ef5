"""What is kept of many replies of one kind, as they come dialogue by dialogue: sums and counts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from attunement.core.errors import ConfigError
from attunement.evaluation.bleu import bleu_counts
from attunement.evaluation.diversity import Distinct, Sample, plain_tokens
from attunement.evaluation.encoder import Encoder, TokenEncoder, bert_scores, similarities
from attunement.evaluation.stock import stock_phrase
from attunement.evaluation.wording import wording

BERT = ("bert_precision", "bert_recall", "bert_f1")
Sums = dict[str, tuple[float, float]]
"""Dialogue -> a sum over its replies, and how many they are."""


class Said(NamedTuple):
    """A reply, and what the human said in its place."""

    turn: int
    text: str
    recorded: str | None = None
    """None where it is not known."""


class TextCorpus:
    """Replies of one kind: those spoken, the drafts, or those of people. Shares are in percent."""

    def __init__(self) -> None:
        self.means: dict[str, Sums] = {}
        """By figure: `words`, `stock`, `compared`, those of `wording` and of an encoder."""
        self.bleu: dict[str, np.ndarray] = {}
        """Dialogue -> counts of BLEU, shape (10,)."""
        self.distinct = {n: Distinct(n) for n in (1, 2, 3)}
        self.sample = Sample()
        self.missing = ""
        """What to install for the figures that are not there."""

    def add(self, key: str, replies: Sequence[Said]) -> None:
        """Count the replies of a dialogue."""
        self._mean(key, [_by_itself(reply) for reply in replies])
        for reply in replies:
            self.sample.add(reply.text, key, reply.turn)
            tokens = plain_tokens(reply.text)
            for counter in self.distinct.values():
                counter.add(tokens)
        try:
            self._read(key, replies)
        except ConfigError as error:  # the other figures are no worse for a missing package
            self.missing = str(error)

    def _read(self, key: str, replies: Sequence[Said]) -> None:
        read, pairs = wording(), matched(replies)
        self._mean(key, [read.within(reply.text) for reply in replies])
        self._mean(key, [read.against(*pair) for pair in pairs])
        if pairs:
            generated, recorded = zip(*pairs, strict=True)
            self.bleu[key] = bleu_counts(generated, recorded)

    def embed(self, key: str, replies: Sequence[Said], encoder: Encoder) -> int:
        """Add up how near a dialogue's replies are to the recorded ones; how many were."""
        if not (pairs := matched(replies)):
            return 0
        generated, recorded = zip(*pairs, strict=True)
        near = similarities(encoder, generated, recorded)
        self._mean(key, [{"similarity": float(value)} for value in near])
        if isinstance(encoder, TokenEncoder):
            scores = bert_scores(encoder, generated, recorded).tolist()
            self._mean(key, [dict(zip(BERT, score, strict=True)) for score in scores])
        return len(pairs)

    def _mean(self, key: str, found: Sequence[Mapping[str, float]]) -> None:
        """Add up figures of the single replies of a dialogue, each over those that have it."""
        for name in dict.fromkeys(name for values in found for name in values):
            known = [values[name] for values in found if name in values]
            factor = 1 if name == "words" else 100
            self.means.setdefault(name, {})[key] = factor * sum(known), len(known)


def matched(replies: Iterable[Said]) -> list[tuple[str, str]]:
    """Replies with the recorded ones, where these are known."""
    return [(reply.text, reply.recorded) for reply in replies if reply.recorded]


def _by_itself(reply: Said) -> dict[str, float]:
    return {
        "words": len(reply.text.split()),
        "stock": float(stock_phrase(reply.text) is not None),
        "compared": float(bool(reply.recorded)),
    }
