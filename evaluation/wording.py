"""One reply against the recorded one, by the packages of the extra `metrics`.

    read = wording()                            # `ConfigError` where a package is missing
    read.against(generated, recorded)["meteor"]

Tokens are nltk's, lower-cased. Its tokenizer of words is used without data files: the text is
parted into sentences by a full stop, question or exclamation mark before white space, where nltk
itself has a trained model.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from unicodedata import category, normalize

from attunement.evaluation.bleu import missing
from attunement.evaluation.diversity import ngrams

AGAINST = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "f1", "rouge_l", "meteor")
"""Figures of a reply against a recorded one."""
WITHIN = ("distinct_1", "distinct_2", "distinct_3")
"""Figures of a reply by itself."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_ALONE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WEIGHTS = [(1 / n,) * n for n in (1, 2, 3, 4)]

Tokens = Sequence[str]


def unigram_f1(generated: Tokens, recorded: Tokens) -> float:
    """Harmonic mean of the shares of tokens that both sides have, each as often as in both."""
    both = (Counter(generated) & Counter(recorded)).total()
    return 2 * both / (len(generated) + len(recorded)) if both else 0.0


def distinct_within(tokens: Tokens, n: int) -> float | None:
    """Different n-grams over all n-grams of one reply; None where it has none."""
    grams = ngrams(tokens, n)
    return len(set(grams)) / len(grams) if grams else None


class Wording(NamedTuple):
    """What the packages bring."""

    tokens: Callable[[str], list[str]]
    bleus: Callable[[Tokens, Tokens], list[float]]
    """Sentence BLEU-1 to 4 of generated and recorded tokens, smoothing method 3."""
    rouge_l: Callable[[str, str], float]
    """F of generated and recorded text by rouge-score, without stemming, with tokens of ours:
    letters and digits of every script, where its own know a to z alone. In plain ASCII text both
    are the same."""
    meteor: Callable[[Tokens, Tokens], float]
    """METEOR of generated and recorded tokens by exact words and stems alone: the synonyms that
    the original knows are a dictionary to be downloaded."""

    def against(self, generated: str, recorded: str) -> dict[str, float]:
        """The figures of `AGAINST`, 0 to 1; all are 0 for a reply without words."""
        ours, theirs = self.tokens(generated), self.tokens(recorded)
        if not ours or not theirs:
            return dict.fromkeys(AGAINST, 0.0)
        others = (
            unigram_f1(ours, theirs), self.rouge_l(generated, recorded), self.meteor(ours, theirs)
        )  # fmt: skip
        return dict(zip(AGAINST, (*self.bleus(ours, theirs), *others), strict=True))

    def within(self, generated: str) -> dict[str, float]:
        """The figures of `WITHIN`, 0 to 1, that the reply is long enough for."""
        tokens = self.tokens(generated)
        found = zip(WITHIN, (distinct_within(tokens, n) for n in (1, 2, 3)), strict=True)
        return {name: value for name, value in found if value is not None}


@lru_cache(maxsize=1)
def wording() -> Wording:
    """The packages' functions. `ConfigError` says which of them is missing."""
    try:
        from nltk.stem.porter import PorterStemmer
        from nltk.tokenize.destructive import NLTKWordTokenizer
        from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
        from nltk.translate.meteor_score import single_meteor_score
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise missing(error) from None
    words, smooth = NLTKWordTokenizer(), SmoothingFunction().method3
    rouge = RougeScorer(["rougeL"], tokenizer=RougeWords())
    dictionary = {"stemmer": _Stems(PorterStemmer().stem), "wordnet": _NoSynonyms()}

    @lru_cache(maxsize=1 << 14)
    def tokens(text: str) -> list[str]:
        sentences = _SENTENCE_END.split(text.lower().strip())
        return [token for sentence in sentences for token in words.tokenize(sentence)]

    def bleus(generated: Tokens, recorded: Tokens) -> list[float]:
        found = sentence_bleu([recorded], generated, weights=_WEIGHTS, smoothing_function=smooth)
        return list(map(float, found))

    def rouge_l(generated: str, recorded: str) -> float:
        return float(rouge.score(recorded, generated)["rougeL"].fmeasure)

    def meteor(generated: Tokens, recorded: Tokens) -> float:
        return float(single_meteor_score(recorded, generated, **dictionary))

    return Wording(tokens, bleus, rouge_l, meteor)


class RougeWords:
    """Words as rouge-score takes them, runs of letters and digits, in every script.

    Marks belong to their letter. Han signs and kana, which no space parts, stand alone.
    """

    def tokenize(self, text: str) -> list[str]:
        """The words in lower case."""
        words = "".join(map(_as_word, normalize("NFC", text.lower()))).split()
        return [word for word in words if any(map(str.isalnum, word))]  # not the mark of a sign


@lru_cache(maxsize=1 << 14)
def _as_word(sign: str) -> str:
    """A sign of a word as it is; all others part words."""
    if _ALONE.match(sign):
        return f" {sign} "
    return sign if sign.isalnum() or category(sign).startswith("M") else " "


class _Stems:
    """A stemmer that remembers: most words come again."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        self.stem = lru_cache(maxsize=1 << 14)(stem)


class _NoSynonyms:
    """Stands for WordNet, and knows no word."""

    def synsets(self, word: str) -> tuple[Any, ...]:
        """No meanings, whatever the word."""
        return ()
