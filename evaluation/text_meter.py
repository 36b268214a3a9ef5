"""The words of replies: length, stock phrases, sameness, and nearness to the recorded replies.

Figures of the corpus as a whole and means of single replies stand side by side, each under its
name: they must not be mixed. `text.py` says what each is.

What is spoken counts, but for crisis hand-offs. Where a run has refinements, figures named
`… (draft)` say what the drafts came to in the same turns. In a replay, the level `people` is the
same figure of the recorded replies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from attunement.core.records import Dialogue, Reply, Turn
from attunement.evaluation.bleu import bleu, signature
from attunement.evaluation.diversity import SAMPLED, self_bleu
from attunement.evaluation.encoder import Encoder
from attunement.evaluation.figures import Better, Figure, Findings, Measure, mean_figure
from attunement.evaluation.text_corpus import BERT, Said, TextCorpus

LIVE = "live dialogues have no recorded replies"
UNMATCHED = "no reply has a recorded one in its place"
NOBODY = "no reply was spoken"
NO_ENCODER = "needs a local encoder, and none was given"
NO_TOKENS = "the encoder has no vectors of single tokens"
PEOPLE = "people"
"""The level of a figure that recorded replies have."""
METEOR = "METEOR (no synonyms)"
DRAFTS = ("words", "stock openers", "Distinct-2", "sentence BLEU-1", "ROUGE-L", METEOR)
"""What is said of drafts too."""


def _measure(name: str, method: str, better: Better = "", unit: str = "%") -> Measure:
    return Measure(name=name, family="text", unit=unit, better=better, method=method)


_TOKENS = "mean per reply, lower-cased nltk tokens: "
ALONE = {
    "words": _measure("words", "mean per reply, parted at white space", unit="words"),
    "stock": _measure(
        "stock openers", "replies with a stock phrase that begins a sentence", "lower"
    ),
    **{
        f"distinct_{n}": _measure(
            f"Distinct-{n} in a reply",
            f"{_TOKENS}different {n}-grams over all of one reply; 90 and more is normal",
        )
        for n in (1, 2, 3)
    },
}
"""Means of single replies that need no other reply, by their key in a `TextCorpus`."""
WHOLE = {
    n: _measure(
        f"Distinct-{n}",
        f"corpus: different {n}-grams over all of all replies; falls with their number",
    )
    for n in (1, 2, 3)
}
SELF = _measure(
    "self-BLEU",
    f"corpus: mean BLEU-4 of a reply against all others, of at most {SAMPLED} drawn by a seed",
    "lower",
)
COMPARED = _measure("replies compared", "replies with a recorded one in their place")
AGAINST = {
    **{
        f"bleu_{n}": _measure(
            f"sentence BLEU-{n}", f"{_TOKENS}nltk, up to {n}-grams, smoothing method 3", "higher"
        )
        for n in (1, 2, 3, 4)
    },
    "f1": _measure("unigram F1", f"{_TOKENS}both shares of common tokens", "higher"),
    "rouge_l": _measure(
        "ROUGE-L", "mean per reply: F by rouge-score, words of every script, not stemmed", "higher"
    ),
    "meteor": _measure(METEOR, f"{_TOKENS}nltk, by exact words and stems alone", "higher"),
}
"""Means of single replies against the recorded ones."""
ENCODED = {
    "similarity": _measure("embedding similarity", "mean per reply: cosine", "higher"),
    **{
        key: _measure(
            f"BERTScore {what}", "mean per reply: greedy matching, no idf, no rescaling", "higher"
        )
        for key, what in zip(BERT, ("precision", "recall", "F1"), strict=True)
    },
}


class TextMeter:
    """Measures the words of replies.

    `embed_limit`: how many replies are embedded, about; the first dialogues' are. None is all.
    Where the extra `metrics` is missing, what needs it has the reason instead of a figure.
    """

    def __init__(self, encoder: Encoder | None = None, embed_limit: int | None = None) -> None:
        self._encoder, self._limit = encoder, embed_limit
        self._spoken, self._drafts, self._people = TextCorpus(), TextCorpus(), TextCorpus()
        self._embedded = 0
        self._replayed = self._refined = False

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Read a finished dialogue."""
        turns = [turn for turn in dialogue.turns if turn.reply and turn.spoken != "hand_off"]
        self._replayed |= dialogue.recorded is not None
        self._refined |= any(turn.spoken == "refined" and turn.draft for turn in turns)
        spoken = [said for turn in turns for said in _said(turn, turn.reply)]
        self._spoken.add(key, spoken)
        self._drafts.add(key, [said for turn in turns for said in _said(turn, turn.draft)])
        self._people.add(key, [Said(s.turn, s.recorded) for s in spoken if s.recorded])
        if self._encoder and (self._limit is None or self._embedded < self._limit):
            self._embedded += self._spoken.embed(key, spoken, self._encoder)

    def findings(self) -> Findings:
        """All figures, and those of `DRAFTS` again where the run refined."""
        figures = [*self._figures(self._spoken), *self._encoded()]
        if self._refined:
            figures += [
                _renamed(figure)
                for figure in self._figures(self._drafts)
                if figure.measure.name in DRAFTS
            ]
        return Findings(figures=figures)

    def _figures(self, corpus: TextCorpus) -> Iterator[Figure]:
        for key, measure in ALONE.items():
            why = (key.startswith("distinct") and corpus.missing) or NOBODY
            yield self._mean(corpus, key, measure, why)
        for n, measure in WHOLE.items():
            people = self._people.distinct[n].value
            yield _whole(measure, corpus.distinct[n].value, people, NOBODY)
        ours, theirs = (self_bleu(side.sample.texts) for side in (corpus, self._people))
        yield _whole(SELF, ours, theirs, "needs two replies")
        compared = corpus.means.get("compared", {}) if self._replayed else {}
        yield mean_figure(COMPARED, compared, why=NOBODY if self._replayed else LIVE)
        for key, measure in AGAINST.items():
            yield mean_figure(measure, corpus.means.get(key, {}), why=self._why(corpus))
        by = f", {signature()}" if corpus.bleu else ""
        for n in (1, 2, 3, 4):
            measure = _measure(
                f"corpus BLEU-{n}", f"corpus: sacrebleu, up to {n}-grams{by}", "higher"
            )
            why = "" if corpus.bleu else self._why(corpus)
            yield Figure(measure, dict(corpus.bleu), partial(_percent_bleu, n=n), why=why)

    def _mean(self, corpus: TextCorpus, key: str, measure: Measure, why: str) -> Figure:
        """A mean, beside that of the recorded replies."""
        people = mean_figure(measure, self._people.means.get(key, {})).value
        levels = {} if people is None else {PEOPLE: people}
        return mean_figure(measure, corpus.means.get(key, {}), levels, why)

    def _encoded(self) -> Iterator[Figure]:
        for key, measure in ENCODED.items():
            why = self._why(self._spoken, packages=False)
            if self._replayed and self._encoder is None:
                why = NO_ENCODER
            elif key in BERT and self._embedded:
                why = NO_TOKENS
            of = f"{measure.method}; {self._encoder.name}" if self._encoder else measure.method
            if self._encoder and self._limit is not None:
                of += f"; {self._embedded:,} replies of the first dialogues"
            named = measure.model_copy(update={"method": of})
            yield mean_figure(named, self._spoken.means.get(key, {}), why=why)

    def _why(self, corpus: TextCorpus, packages: bool = True) -> str:
        """Why nothing was held against recorded replies."""
        if not self._replayed:
            return LIVE
        if not corpus.means:
            return NOBODY
        return (packages and corpus.missing) or UNMATCHED


def _said(turn: Turn, reply: Reply | None) -> Sequence[Said]:
    recorded = turn.recorded.text if turn.recorded else None
    return [Said(turn.number, reply.text, recorded)] if reply else []


def _whole(measure: Measure, value: float | None, people: float | None, why: str) -> Figure:
    levels = {} if people is None else {PEOPLE: 100 * people}
    if value is None:
        return Figure(measure, levels=levels, why=why)
    return Figure(measure, whole=100 * value, levels=levels)


def _percent_bleu(sums: np.ndarray, n: int) -> np.ndarray:
    return 100 * bleu(sums, n)


def _renamed(figure: Figure) -> Figure:
    name = f"{figure.measure.name} (draft)"
    return replace(figure, measure=figure.measure.model_copy(update={"name": name}))
