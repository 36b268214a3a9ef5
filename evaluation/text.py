"""Generated replies against recorded ones, in two conventions that must not be mixed.

    score = score_replies([ReplyPair("esconv-0001", generated, recorded), ...])
    score.corpus.bleu, score.mean.bleu_1

- `corpus`: over all replies together. BLEU by sacrebleu (its signature beside it), Distinct-n, and
  self-BLEU of a sample.
- `mean`: the mean over single replies, as recipe B reports it (arXiv 2505.16995): lower-cased nltk
  tokens, sentence BLEU-1 to 4 (smoothing method 3), Distinct-n within a reply (near 90 is normal),
  unigram F1, ROUGE-L by rouge-score, with words of every script and without stemming, and METEOR
  by exact words and stems, without synonyms.

Every figure is in percent. `wording.py`, `bleu.py` and `diversity.py` say how each is computed.
"""

from collections.abc import Callable, Iterable, Sequence
from math import isnan
from typing import NamedTuple

from attunement.core.records import Record
from attunement.evaluation.bleu import bleu, bleu_counts, signature
from attunement.evaluation.bootstrap import Interval, mean_interval
from attunement.evaluation.diversity import Sample, corpus_distinct, self_bleu
from attunement.evaluation.stock import stock_phrase
from attunement.evaluation.wording import AGAINST, WITHIN, wording


class ReplyPair(NamedTuple):
    """A reply and what the human said in its place."""

    dialogue: str
    generated: str
    recorded: str | None
    """None or blank: not known, so that the reply is compared to nothing."""


class CorpusText(Record):
    """Corpus level. Percent; None where there was nothing to compute it from."""

    bleu_1: float | None = None
    bleu_2: float | None = None
    bleu_3: float | None = None
    bleu: float | None
    """BLEU-4."""
    bleu_signature: str
    """How sacrebleu computed it."""
    distinct_1: float | None
    """Of all replies together; it falls with their number."""
    distinct_2: float | None
    distinct_3: float | None = None
    self_bleu: float | None = None
    """Of at most 200 replies, drawn by a seed; high is monotonous."""


class MeanText(Record):
    """Mean per reply, with intervals over dialogues. Percent; None without replies."""

    bleu_1: Interval | None
    bleu_2: Interval | None
    bleu_3: Interval | None
    bleu_4: Interval | None
    f1: Interval | None
    """Unigram F1."""
    rouge_l: Interval | None
    meteor: Interval | None = None
    """By exact words and stems, without synonyms."""
    distinct_1: Interval | None
    """Within a reply; one without words has none."""
    distinct_2: Interval | None
    distinct_3: Interval | None = None


class TextScore(Record):
    """Both conventions, each under its name."""

    replies: int
    empty: int
    """Replies without a word: they score 0 wherever they are compared."""
    unmatched: int = 0
    """Replies without a recorded one: they are compared to nothing."""
    words: Interval | None
    """Mean words a reply, parted at white space."""
    stock: Interval | None = None
    """Percent of replies with a stock phrase at the beginning of a sentence."""
    corpus: CorpusText
    mean: MeanText


def score_replies(pairs: Sequence[ReplyPair], seed: int = 0) -> TextScore:
    """Score some replies. `ConfigError` where a package of the extra `metrics` is missing."""
    matched = [pair for pair in pairs if _known(pair)]
    read = wording()
    against = [(p.dialogue, read.against(p.generated, p.recorded or "")) for p in matched]
    within = [(pair.dialogue, read.within(pair.generated)) for pair in pairs]
    means = _means(against, AGAINST, seed) | _means(within, WITHIN, seed)

    def mean(value: Callable[[str], float]) -> Interval | None:
        dialogues = [pair.dialogue for pair in pairs]
        return mean_interval([value(pair.generated) for pair in pairs], seed, groups=dialogues)

    return TextScore(
        replies=len(pairs),
        empty=sum(not pair.generated.strip() for pair in pairs),
        unmatched=len(pairs) - len(matched),
        words=mean(lambda text: len(text.split())),
        stock=mean(lambda text: 100.0 * (stock_phrase(text) is not None)),
        corpus=_corpus(pairs, matched, seed),
        mean=MeanText(**means),
    )


def _known(pair: ReplyPair) -> bool:
    return bool(pair.recorded and pair.recorded.strip())


def _means(
    found: Sequence[tuple[str, dict[str, float]]], names: Iterable[str], seed: int
) -> dict[str, Interval | None]:
    """The mean of every figure in percent, over the replies that have it."""
    means = {}
    for name in names:
        known = [(100 * values[name], key) for key, values in found if name in values]
        means[name] = mean_interval([v for v, _ in known], seed, groups=[key for _, key in known])
    return means


def _corpus(pairs: Sequence[ReplyPair], matched: Sequence[ReplyPair], seed: int) -> CorpusText:
    generated = [pair.generated for pair in pairs]
    bleus: list[float | None] = [None] * 4
    if matched:
        counts = bleu_counts([p.generated for p in matched], [p.recorded or "" for p in matched])
        bleus = [_percent(float(bleu(counts, n))) for n in (1, 2, 3, 4)]
    distinct = [_percent(corpus_distinct(generated, n)) for n in (1, 2, 3)]
    return CorpusText(
        bleu_1=bleus[0], bleu_2=bleus[1], bleu_3=bleus[2], bleu=bleus[3],
        bleu_signature=signature() if matched else "",
        distinct_1=distinct[0], distinct_2=distinct[1], distinct_3=distinct[2],
        self_bleu=_percent(_self_bleu(generated, seed)),
    )  # fmt: skip


def _self_bleu(replies: Sequence[str], seed: int) -> float | None:
    sample = Sample(seed=seed)
    for place, reply in enumerate(replies):
        sample.add(reply, place)
    return self_bleu(sample.texts)


def _percent(share: float | None) -> float | None:
    return None if share is None or isnan(share) else 100 * share
