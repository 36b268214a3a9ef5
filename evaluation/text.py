"""Generated replies against recorded ones, in two conventions that must not be mixed.

    score = score_replies([ReplyPair("esconv-0001", generated, recorded), ...])
    score.corpus.bleu, score.mean.bleu_1

- `corpus`: over all replies together. BLEU by sacrebleu (its signature beside it), Distinct-n.
- `mean`: the mean over single replies, as recipe B reports it (arXiv 2505.16995): lower-cased nltk
  tokens, sentence BLEU-1 to 4 (smoothing method 3), Distinct-n within a reply (near 90 is normal),
  unigram F1, and ROUGE-L by rouge-score, with its own tokens and without stemming.

Every figure is in percent. nltk's tokenizer of words is used without data files: the text is parted
into sentences by a full stop, question or exclamation mark before white space, where nltk itself
has a trained model.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from attunement.core.errors import ConfigError
from attunement.core.records import Record
from attunement.evaluation.bootstrap import Interval, mean_interval
from attunement.evaluation.diversity import corpus_distinct, ngrams

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class ReplyPair(NamedTuple):
    """A reply and what the human said in its place."""

    dialogue: str
    generated: str
    recorded: str


class CorpusText(Record):
    """Corpus level. Percent; None where there was nothing to compute it from."""

    bleu: float | None
    bleu_signature: str
    """How sacrebleu computed it."""
    distinct_1: float | None
    """Of all replies together; it falls with their number."""
    distinct_2: float | None


class MeanText(Record):
    """Mean per reply, with intervals over dialogues. Percent; None without replies."""

    bleu_1: Interval | None
    bleu_2: Interval | None
    bleu_3: Interval | None
    bleu_4: Interval | None
    f1: Interval | None
    """Unigram F1."""
    rouge_l: Interval | None
    distinct_1: Interval | None
    """Within a reply; one without words has none."""
    distinct_2: Interval | None


class TextScore(Record):
    """Both conventions, each under its name."""

    replies: int
    empty: int
    """Replies without a word: they score 0 wherever they are compared."""
    words: Interval | None
    """Mean words a reply, parted at white space."""
    corpus: CorpusText
    mean: MeanText


def score_replies(pairs: Sequence[ReplyPair], seed: int = 0) -> TextScore:
    """Score some replies. `ConfigError` where a package of the extra `metrics` is missing."""
    tools = _tools()
    dialogues = [pair.dialogue for pair in pairs]

    def mean(value: Callable[[ReplyPair], float | None]) -> Interval | None:
        found = [(value(pair), pair.dialogue) for pair in pairs]
        known = [(100 * v, dialogue) for v, dialogue in found if v is not None]
        return mean_interval([v for v, _ in known], seed, groups=[d for _, d in known])

    words = [float(len(pair.generated.split())) for pair in pairs]
    return TextScore(
        replies=len(pairs),
        empty=sum(not pair.generated.strip() for pair in pairs),
        words=mean_interval(words, seed, groups=dialogues),
        corpus=_corpus(pairs, tools),
        mean=MeanText(
            bleu_1=mean(lambda p: tools.bleu(p, 1)),
            bleu_2=mean(lambda p: tools.bleu(p, 2)),
            bleu_3=mean(lambda p: tools.bleu(p, 3)),
            bleu_4=mean(lambda p: tools.bleu(p, 4)),
            f1=mean(lambda p: unigram_f1(tools.tokens(p.generated), tools.tokens(p.recorded))),
            rouge_l=mean(tools.rouge_l),
            distinct_1=mean(lambda p: distinct_within(tools.tokens(p.generated), 1)),
            distinct_2=mean(lambda p: distinct_within(tools.tokens(p.generated), 2)),
        ),
    )


def _corpus(pairs: Sequence[ReplyPair], tools: "_Tools") -> CorpusText:
    metric = tools.corpus_bleu()
    generated = [pair.generated for pair in pairs]
    score = metric.corpus_score(generated, [[p.recorded for p in pairs]]) if pairs else None
    distinct = [corpus_distinct(generated, n) for n in (1, 2)]
    return CorpusText(
        bleu=score.score if score else None,
        bleu_signature=str(metric.get_signature()) if score else "",
        distinct_1=None if distinct[0] is None else 100 * distinct[0],
        distinct_2=None if distinct[1] is None else 100 * distinct[1],
    )


def unigram_f1(generated: Sequence[str], recorded: Sequence[str]) -> float:
    """Harmonic mean of the shares of tokens that both sides have, each as often as in both."""
    both = (Counter(generated) & Counter(recorded)).total()
    return 2 * both / (len(generated) + len(recorded)) if both else 0.0


def distinct_within(tokens: Sequence[str], n: int) -> float | None:
    """Different n-grams over all n-grams of one reply; None where it has none."""
    grams = ngrams(tokens, n)
    return len(set(grams)) / len(grams) if grams else None


class _Tools(NamedTuple):
    """What the packages bring, loaded when first needed."""

    tokens: Callable[[str], list[str]]
    bleu: Callable[[ReplyPair, int], float]
    """Sentence BLEU up to n-grams of the given length, equal weights."""
    rouge_l: Callable[[ReplyPair], float]
    corpus_bleu: Callable[[], Any]


@lru_cache(maxsize=1)
def _tools() -> _Tools:
    try:
        from nltk.tokenize.destructive import NLTKWordTokenizer
        from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
        from rouge_score.rouge_scorer import RougeScorer
        from sacrebleu.metrics.bleu import BLEU
    except ImportError as error:
        raise ConfigError(
            f"text metrics need {error.name!r}, which is not here; "
            "pip install 'attunement[metrics]'"
        ) from None
    words, smooth = NLTKWordTokenizer(), SmoothingFunction().method3
    rouge = RougeScorer(["rougeL"], use_stemmer=False)

    @lru_cache(maxsize=1 << 14)
    def tokens(text: str) -> list[str]:
        sentences = _SENTENCE_END.split(text.lower().strip())
        return [token for sentence in sentences for token in words.tokenize(sentence)]

    def bleu(pair: ReplyPair, n: int) -> float:
        sides = [tokens(pair.recorded)], tokens(pair.generated)
        return float(sentence_bleu(*sides, weights=(1 / n,) * n, smoothing_function=smooth))

    def rouge_l(pair: ReplyPair) -> float:
        return float(rouge.score(pair.recorded, pair.generated)["rougeL"].fmeasure)

    return _Tools(tokens, bleu, rouge_l, BLEU)
