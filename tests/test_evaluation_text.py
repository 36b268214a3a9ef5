"""Text metrics: by hand, and against the packages themselves."""

import math
import sys
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from attunement.core.errors import ConfigError
from attunement.evaluation.bleu import bleu, bleu_counts
from attunement.evaluation.diversity import Sample, corpus_distinct, plain_tokens, self_bleu
from attunement.evaluation.text import ReplyPair, TextScore, score_replies
from attunement.evaluation.wording import RougeWords, distinct_within, unigram_f1, wording
from attunement.personas.preprocessing import prepare
from attunement.personas.recorded import read_recordings

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
    from attunement.evaluation.bleu import _sacrebleu
    from attunement.evaluation.wording import wording

    for name, loaded in (("nltk.stem.porter", wording), ("sacrebleu.metrics.bleu", _sacrebleu)):
        loaded.cache_clear()
        with monkeypatch.context() as here:
            here.setitem(sys.modules, name, None)
            with pytest.raises(ConfigError, match=r"pip install 'attunement\[metrics\]'"):
                score_replies(PAIRS)
        loaded.cache_clear()


def test_meteor_by_hand():
    # 4 of 5 tokens match (feels ~ feel by its stem), in two chunks; the human has 5 too.
    pair = ReplyPair("a", "she feels low all day", "she feel sad all day")
    mean = 0.8 * 0.8 / (0.9 * 0.8 + 0.1 * 0.8)
    expected = 100 * mean * (1 - 0.5 * (2 / 4) ** 3)
    assert score_replies([pair]).mean.meteor.value == pytest.approx(expected)


def test_a_synonym_counts_for_nothing():
    pair = ReplyPair("a", "glad", "happy")
    assert score_replies([pair]).mean.meteor.value == 0


def test_a_reply_without_a_recorded_one_is_counted_and_compared_to_nothing():
    alone = [ReplyPair("c", "Go on.", None), ReplyPair("c", "Go on!", " ")]
    found, without = score_replies([*PAIRS, *alone]), score_replies(PAIRS)
    assert (found.replies, found.unmatched, without.unmatched) == (6, 2, 0)
    assert found.mean.bleu_2 == without.mean.bleu_2
    assert found.corpus.bleu == without.corpus.bleu
    assert found.words.value == pytest.approx((5 + 5 + 5 + 10 + 2 + 2) / 6)
    nothing = score_replies(alone)
    assert nothing.corpus.bleu is nothing.mean.meteor is None
    assert nothing.corpus.distinct_1 == pytest.approx(100 * 4 / 6)


def test_stock_openers_are_a_share_of_replies():
    pairs = [ReplyPair("a", text, "Yes.") for text in ("I hear you. Go on.", "What then?")]
    assert score_replies(pairs).stock.value == 50


def test_self_bleu_is_1_where_all_say_the_same_and_none_for_one_reply():
    assert self_bleu(["I am here for you."] * 3) == pytest.approx(1)
    assert self_bleu(["I am here for you.", "What do they want?"]) == 0
    assert self_bleu(["I am here for you.", ""]) is None
    assert score_replies(PAIRS[:1]).corpus.self_bleu is None


def test_a_sample_depends_on_names_alone():
    one, other = Sample(3), Sample(3)
    for i in range(50):
        one.add(f"one {i}", "dialogue", i)
    for i in reversed(range(50)):
        other.add(f"other {i}", "dialogue", i)
    assert [t.split()[1] for t in one.texts] == [t.split()[1] for t in other.texts]
    assert len(one.texts) == 3
    assert one.texts != _sampled(3, seed=1)


def _sampled(size: int, seed: int) -> list[str]:
    sample = Sample(size, seed)
    for i in range(50):
        sample.add(f"one {i}", "dialogue", i)
    return sample.texts


def test_a_report_of_an_earlier_version_can_be_read():
    score = score_replies(PAIRS).model_dump()
    for name in ("stock", "unmatched"):
        del score[name]
    for name in ("bleu_1", "bleu_2", "bleu_3", "distinct_3", "self_bleu"):
        del score["corpus"][name]
    for name in ("meteor", "distinct_3"):
        del score["mean"][name]
    assert TextScore.model_validate(score).corpus.bleu == score_replies(PAIRS).corpus.bleu


# ---- 200 replies of ESConv, each against another supporter's reply of its dialogue --------------


@pytest.fixture(scope="module")
def replies(shared_data: Path) -> list[ReplyPair]:
    found = []
    for recording in read_recordings(shared_data / "esconv" / "ESConv.json", 25):
        said = [turn.text for turn in prepare(recording.utterances) if turn.speaker == "supporter"]
        found += [ReplyPair(recording.id, a, b) for a, b in pairwise(said)]
    assert len(found) >= 200
    return found[:200]


def test_corpus_bleu_is_sacrebleus_on_esconv(replies):
    from sacrebleu.metrics.bleu import BLEU

    found = score_replies(replies).corpus
    generated, recorded = [p.generated for p in replies], [p.recorded for p in replies]
    for n, value in enumerate((found.bleu_1, found.bleu_2, found.bleu_3, found.bleu), 1):
        expected = BLEU(max_ngram_order=n).corpus_score(generated, [recorded]).score
        assert value == pytest.approx(expected, abs=1e-6)
        assert 0.5 < value < 50


def test_counts_of_bleu_add_up(replies):
    parts = [bleu_counts([p.generated], [p.recorded]) for p in replies]
    whole = bleu_counts([p.generated for p in replies], [p.recorded for p in replies])
    assert (np.sum(parts, axis=0) == whole).all()


def test_bleu_of_many_draws_is_that_of_each(replies):
    from sacrebleu.metrics.bleu import BLEU

    parts = np.array([bleu_counts([p.generated], [p.recorded]) for p in replies])
    draws = parts[:198].reshape(66, 3, 10).sum(1)  # small ones: some match nothing of an order
    assert (draws[:, 5] == 0).any()
    for n in (1, 2, 3, 4):
        expected = [
            BLEU.compute_bleu(
                [int(c) for c in row[2 : 2 + n]], [int(c) for c in row[6 : 6 + n]],
                int(row[0]), int(row[1]), smooth_method="exp", max_ngram_order=n,
            ).score
            for row in draws
        ]  # fmt: skip
        assert 100 * bleu(draws, n) == pytest.approx(expected, abs=1e-6)


def test_figures_of_single_replies_are_the_packages_on_esconv(replies):
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from nltk.translate.meteor_score import meteor_score
    from rouge_score.rouge_scorer import RougeScorer

    read, rouge = wording(), RougeScorer(["rougeL"])
    totals = dict.fromkeys(("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "meteor"), 0.0)
    for pair in replies:
        ours, theirs = read.tokens(pair.generated), read.tokens(pair.recorded)
        expected = {
            f"bleu_{n}": sentence_bleu([theirs], ours, [1 / n] * n, SmoothingFunction().method3)
            for n in (1, 2, 3, 4)
        }
        expected["rouge_l"] = rouge.score(pair.recorded, pair.generated)["rougeL"].fmeasure
        expected["meteor"] = meteor_score([theirs], ours, wordnet=Mock(synsets=lambda _: []))
        found = read.against(pair.generated, pair.recorded)
        assert {n: found[n] for n in expected} == pytest.approx(expected, abs=1e-6)
        totals = {name: totals[name] + value for name, value in expected.items()}
    means = score_replies(replies).mean
    for name, total in totals.items():
        assert getattr(means, name).value == pytest.approx(100 * total / 200, abs=1e-6)
        assert 0.5 < getattr(means, name).value < 50


def test_words_of_rouge_are_its_own_in_ascii(replies):
    from rouge_score.tokenizers import DefaultTokenizer

    texts = [text for pair in replies for text in pair if text.isascii()]
    texts += ["".join(map(chr, range(128))), "a_b  c-d's 3.5\tE\n", ""]
    assert len(texts) > 300
    own, theirs = RougeWords(), DefaultTokenizer()
    assert [own.tokenize(text) for text in texts] == [theirs.tokenize(text) for text in texts]


@pytest.mark.parametrize(
    ("generated", "recorded", "expected"),
    [
        ("Мне очень жаль.", "Мне так жаль!", 2 / 3),
        ("Τι έγινε;", "τι έγινε", 1),
        ("cafe\u0301", "café", 1),
        ("我很难过", "我难过", 2 * 3 / 7),
        ("मैं ठीक हूँ", "मैं ठीक नहीं", 2 / 3),
        ("Schade", "Мне", 0),
        ("\u2764\ufe0f yes", "\u2764\ufe0f no", 0),
    ],
)
def test_rouge_l_reads_every_script(generated, recorded, expected):
    assert wording().rouge_l(generated, recorded) == pytest.approx(expected)


def test_distinct_is_that_of_nltks_ngrams_on_esconv(replies):
    from nltk.util import ngrams

    score = score_replies(replies)
    for n in (1, 2, 3):
        grams = [g for p in replies for g in ngrams(plain_tokens(p.generated), n)]
        expected = 100 * len(set(grams)) / len(grams)
        assert getattr(score.corpus, f"distinct_{n}") == pytest.approx(expected, abs=1e-6)
        within = [list(ngrams(wording().tokens(p.generated), n)) for p in replies]
        shares = [100 * len(set(grams)) / len(grams) for grams in within if grams]
        found = getattr(score.mean, f"distinct_{n}").value
        assert found == pytest.approx(np.mean(shares), abs=1e-6)


def test_self_bleu_is_nltks_on_esconv(replies):
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    texts = [pair.generated for pair in replies[:60]]
    tokens = [plain_tokens(text) for text in texts]
    smooth = SmoothingFunction().method3
    expected = [
        sentence_bleu(tokens[:i] + tokens[i + 1 :], own, smoothing_function=smooth)
        for i, own in enumerate(tokens)
    ]
    assert self_bleu(texts) == pytest.approx(np.mean(expected), abs=1e-6)
    assert score_replies(replies).corpus.self_bleu == pytest.approx(
        100 * self_bleu([pair.generated for pair in replies]), abs=1e-6
    )
