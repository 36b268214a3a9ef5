"""Text metrics: by hand, and against the packages themselves."""

import math
import sys

import pytest

from attunement.core.errors import ConfigError
from attunement.evaluation.diversity import corpus_distinct, plain_tokens
from attunement.evaluation.text import ReplyPair, distinct_within, score_replies, unigram_f1

pytest.importorskip("nltk")
pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

PAIRS = [
    ReplyPair("a", "You feel sad. Don't you?", "You feel very sad, don't you?"),
    ReplyPair("a", "I am here for you.", "I am here, take your time."),
    ReplyPair("b", "What happened at work today?", "What happened then?"),
    ReplyPair("b", "Have you tried to rest a little, and to eat?", "Try to rest and eat a little."),
]


def test_corpus_bleu_is_sacrebleus():
    from sacrebleu import corpus_bleu

    found = score_replies(PAIRS).corpus
    expected = corpus_bleu([p.generated for p in PAIRS], [[p.recorded for p in PAIRS]])
    assert found.bleu == pytest.approx(expected.score)
    assert "tok:13a" in found.bleu_signature


def test_sentence_bleu_is_nltks_by_reply():
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    reply = ["you", "feel", "sad", ".", "do", "n't", "you", "?"]
    human = ["you", "feel", "very", "sad", ",", "do", "n't", "you", "?"]
    found = score_replies(PAIRS[:1]).mean
    for n, value in enumerate((found.bleu_1, found.bleu_2, found.bleu_3, found.bleu_4), 1):
        expected = sentence_bleu([human], reply, weights=[1 / n] * n,
                                 smoothing_function=SmoothingFunction().method3)  # fmt: skip
        assert value.value == pytest.approx(100 * expected)


def test_bleu_1_by_hand():
    # 7 of 8 tokens are the human's (the full stop is not), who has 9: brevity penalty exp(1 - 9/8).
    expected = 100 * 7 / 8 * math.exp(1 - 9 / 8)
    assert score_replies(PAIRS[:1]).mean.bleu_1.value == pytest.approx(expected)


def test_rouge_l_by_hand():
    # you feel sad don t you / you feel very sad don t you: 6 in order of 6 and of 7.
    assert score_replies(PAIRS[:1]).mean.rouge_l.value == pytest.approx(100 * 12 / 13)


def test_f1_counts_a_token_as_often_as_both_sides_have_it():
    assert unigram_f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(2 * 2 / 6)
    assert unigram_f1([], ["a"]) == unigram_f1(["a"], ["b"]) == 0
    assert score_replies(PAIRS[:1]).mean.f1.value == pytest.approx(100 * 14 / 17)


def test_distinct_within_a_reply_and_over_the_corpus_are_not_the_same():
    same = [ReplyPair(d, "I am here.", "Go on.") for d in "abcd"]
    found = score_replies(same)
    assert found.mean.distinct_1.value == 100
    assert found.corpus.distinct_1 == pytest.approx(25)
    assert found.corpus.distinct_2 == pytest.approx(25)
    assert distinct_within(["a", "b", "a", "b"], 2) == pytest.approx(2 / 3)
    assert distinct_within(["a"], 2) is None
    assert corpus_distinct([], 1) is None


def test_tokens_keep_what_an_apostrophe_joins():
    assert plain_tokens("Don’t GO, it's late!") == ["don't", "go", ",", "it's", "late", "!"]


def test_the_mean_is_over_replies_and_its_interval_over_dialogues():
    found = score_replies(PAIRS)
    alone = [score_replies([pair]).mean.bleu_2.value for pair in PAIRS]
    assert found.mean.bleu_2.value == pytest.approx(sum(alone) / 4)
    assert found.mean.bleu_2.n == 2
    assert found.words.value == pytest.approx((5 + 5 + 5 + 10) / 4)


def test_an_empty_reply_scores_zero_and_is_counted():
    found = score_replies([ReplyPair("a", " ", "Go on, please.")])
    assert (found.replies, found.empty) == (1, 1)
    assert found.mean.bleu_1.value == found.mean.f1.value == found.mean.rouge_l.value == 0
    assert found.mean.distinct_1 is None


def test_no_replies_have_no_figures():
    found = score_replies([])
    assert found.replies == 0
    assert {found.words, found.corpus.bleu, found.mean.bleu_1, found.mean.distinct_1} == {None}


def test_saying_what_the_human_said_scores_100():
    found = score_replies([ReplyPair("a", p.recorded, p.recorded) for p in PAIRS])
    for value in (found.mean.bleu_1, found.mean.bleu_4, found.mean.f1, found.mean.rouge_l):
        assert value.value == pytest.approx(100)
    assert found.corpus.bleu == pytest.approx(100)


def test_a_missing_package_says_what_to_install(monkeypatch):
    from attunement.evaluation.text import _tools

    _tools.cache_clear()
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    with pytest.raises(ConfigError, match=r"pip install 'attunement\[metrics\]'"):
        score_replies(PAIRS)
    _tools.cache_clear()
