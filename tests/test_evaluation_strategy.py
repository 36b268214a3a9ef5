"""Strategy metrics: bias against the published loop, F1 by hand, intervals, baselines."""

import math
import random
import warnings

import numpy as np
import pytest

from attunement.core.errors import ConfigError, UserError
from attunement.core.strategies import Strategy
from attunement.evaluation.baselines import baseline_turns, prior_expectation
from attunement.evaluation.strategy import (
    StrategyTurn,
    compare_strategies,
    preference_bias,
    score_strategies,
)

NAMES = list(Strategy)
Q, R, F, D, A, S, I, O = NAMES  # noqa: E741


def some_turns(seed: int, n: int, right: float, dialogues: int = 20) -> list[StrategyTurn]:
    """Turns of which about `right` are predicted rightly, the others mostly as questions."""
    draw = random.Random(seed)
    found = []
    for i in range(n):
        recorded = draw.choice(NAMES)
        wrong = draw.choice([Q, Q, Q, *NAMES])
        predicted = recorded if draw.random() < right else wrong
        found.append(StrategyTurn(f"d{i % dialogues}", predicted, recorded))
    return found


def published_bias(predicted: list[Strategy], recorded: list[Strategy]) -> float:
    """The published loop in plain Python, without guards."""
    w = [[0] * 8 for _ in range(8)]
    for p, r in zip(predicted, recorded, strict=True):
        w[NAMES.index(p)][NAMES.index(r)] += 1
    p = [1.0] * 8
    for _ in range(20):
        for i in range(8):
            others = [j for j in range(8) if j != i]
            p[i] = sum(w[i][j] * p[j] / (p[i] + p[j]) for j in others) / sum(
                w[j][i] / (p[i] + p[j]) for j in others
            )
        positive = [x for x in p if x > 0]
        mean = math.prod(positive) ** (1 / len(positive))
        p = [x / mean for x in p]
    scaled = [8 * x / sum(p) for x in p]
    return math.sqrt(sum((x - 1) ** 2 for x in scaled) / 8)


@pytest.mark.parametrize("seed", range(5))
def test_bias_equals_the_published_loop_where_that_is_defined(seed):
    turns = some_turns(seed, 400, right=0.3)
    predicted, recorded = [t.predicted for t in turns], [t.recorded for t in turns]
    expected = published_bias(predicted, recorded)
    assert preference_bias(predicted, recorded) == pytest.approx(expected, abs=1e-12)
    assert expected > 0.1


def test_two_strategies_that_are_never_predicted_do_not_divide_by_zero():
    turns = [t for t in some_turns(1, 600, right=0.2) if t.predicted not in (D, I)]
    predicted, recorded = [t.predicted for t in turns], [t.recorded for t in turns]
    with pytest.raises(ZeroDivisionError):
        published_bias(predicted, recorded)
    with warnings.catch_warnings(action="error"):
        found = score_strategies(turns)
    assert 0 < found.bias.value < math.sqrt(7)
    assert found.by_strategy[D].preference == found.by_strategy[I].preference == 0


def test_all_right_has_no_bias_and_always_one_has_the_most():
    assert preference_bias(NAMES, NAMES) == 0
    assert preference_bias([Q] * 8, NAMES) == pytest.approx(math.sqrt(7))


def test_bias_takes_the_names_of_both_corpora_and_refuses_unknown_recorded_ones():
    names = ["question", "Direct Guidance", "Reflection of feelings"]
    assert preference_bias(names, ["Information", "Questions", "Others"]) > 0
    assert preference_bias(["no strategy", None], [Q, Q]) is None
    assert preference_bias([], []) is None
    with pytest.raises(UserError, match="unknown strategy 'Comfort'"):
        preference_bias([Q], ["Comfort"])
    with pytest.raises(UserError, match="must be equally long, got 1 and 2"):
        preference_bias([Q], [Q, Q])


def test_f1_and_accuracy_by_hand():
    turns = [StrategyTurn("a", p, r) for p, r in [(Q, Q), (Q, S), (S, S), (None, S), (A, Q)]]
    found = score_strategies(turns)
    # Question: 1 right of 2 predicted, 2 recorded; Suggestions: 1 right of 1 predicted, 3 recorded.
    assert found.by_strategy[Q].f1 == pytest.approx(2 / 4)
    assert found.by_strategy[S].f1 == pytest.approx(2 / 4)
    assert (found.by_strategy[A].f1, found.by_strategy[A].recall) == (0, None)
    assert found.by_strategy[O].f1 is None
    assert found.macro_f1.value == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert found.weighted_f1.value == pytest.approx(0.5)
    assert found.accuracy.value == pytest.approx(2 / 5)
    assert (found.turns, found.dialogues, found.unreadable) == (5, 1, 1)
    assert (found.by_strategy[S].precision, found.by_strategy[S].recall) == (1, 1 / 3)
    assert found.by_strategy[S].recorded == 3
    assert found.by_strategy[S].predicted == 1


def test_an_unreadable_prediction_is_wrong_but_no_part_of_the_bias():
    turns = some_turns(3, 200, right=0.4)
    spoilt = [*turns, *(StrategyTurn("d0", None, r) for r in NAMES)]
    clear, with_spoilt = score_strategies(turns), score_strategies(spoilt)
    assert with_spoilt.bias.value == clear.bias.value
    assert with_spoilt.accuracy.value < clear.accuracy.value
    assert with_spoilt.macro_f1.value < clear.macro_f1.value


def test_nothing_to_score_is_none():
    found = score_strategies([])
    assert (found.turns, found.bias, found.macro_f1, found.accuracy) == (0, None, None, None)


def test_intervals_resample_whole_dialogues():
    right = [StrategyTurn("good", s, s) for s in NAMES]
    wrong = [StrategyTurn("bad", s, NAMES[i - 1]) for i, s in enumerate(NAMES)]
    found = score_strategies(right + wrong)
    assert (found.accuracy.value, found.accuracy.low, found.accuracy.high) == (0.5, 0, 1)
    assert found.accuracy.n == 2


def test_a_redrawn_table_is_that_of_the_redrawn_turns():
    turns = some_turns(4, 60, right=0.5, dialogues=6)
    whole = score_strategies(turns)
    draws = []
    rows = np.random.default_rng(0).integers(0, 6, (2000, 6))
    for row in rows:
        redrawn = [t for d in row for t in turns if t.dialogue == f"d{d}"]
        draws.append(sum(t.predicted == t.recorded for t in redrawn) / len(redrawn))
    low, high = np.quantile(draws, (0.025, 0.975))
    assert (whole.accuracy.low, whole.accuracy.high) == pytest.approx((low, high))


def test_better_predictions_of_the_same_turns_show_a_gain():
    before = some_turns(5, 400, right=0.2)
    after = [t._replace(predicted=t.recorded) if i % 3 == 0 else t for i, t in enumerate(before)]
    gains = compare_strategies(after, before)
    assert gains["macro_f1"].low > 0
    assert gains["accuracy"].low > 0
    # The bias is of the wrong ones alone: fewer of them are not less biased, others are.
    assert gains["bias"].low < 0 < gains["bias"].high
    draw = random.Random(0)
    spread = [t._replace(predicted=draw.choice(NAMES)) for t in before]
    assert compare_strategies(spread, before)["bias"].high < 0
    same = compare_strategies(before, before)
    assert all((g.value, g.low, g.high) == (0, 0, 0) for g in same.values())


def test_other_turns_are_not_compared():
    turns = some_turns(5, 10, right=0.2)
    with pytest.raises(ConfigError, match="not predicted for the same turns"):
        compare_strategies(turns, turns[1:])


# ---- baselines ----------------------------------------------------------------------------------

TRAIN = {"a": [Q, S, Q, S, Q, S], "b": [Q, S, Q, A], "c": [Q, S, Q, S]}
TEST = {"x": [Q, S, S, Q], "y": [A, Q, S]}


def test_baselines_are_fitted_on_train_and_scored_on_test():
    found = baseline_turns(TRAIN, TEST)
    places = [(name, strategy) for name, said in TEST.items() for strategy in said]
    assert [(turn.dialogue, turn.recorded) for turn in found["prior"]] == places
    assert [t.predicted for t in found["most_frequent"]] == [Q] * 7
    # After a question comes advice, after advice a question; nothing ever came after reassurance.
    assert [t.predicted for t in found["transition"]] == [Q, S, Q, Q, Q, Q, S]
    assert {t.predicted for t in found["prior"]} <= {Q, S, A}


def test_draws_follow_the_seed_and_the_counts():
    test = {f"d{i}": [Q, S, Q, S] for i in range(300)}
    one, other = (baseline_turns(TRAIN, test, seed)["prior"] for seed in (0, 1))
    assert one != other
    assert one == baseline_turns(TRAIN, test, 0)["prior"]
    share = sum(t.predicted is Q for t in one) / len(one)
    assert share == pytest.approx(7 / 14, abs=0.05)
    sampled = baseline_turns(TRAIN, test)["transition_sampled"]
    after_question = [t.predicted for i, t in enumerate(sampled) if i % 4 in (1, 3)]
    assert after_question.count(A) / len(after_question) == pytest.approx(1 / 7, abs=0.04)


def test_the_priors_expectation_is_what_many_draws_come_to():
    expected = prior_expectation(TRAIN, TEST)
    assert expected["accuracy"] == pytest.approx((7 * 3 + 6 * 3 + 1 * 1) / (14 * 7))
    drawn = [score_strategies_quickly(baseline_turns(TRAIN, TEST, s)["prior"]) for s in range(400)]
    assert np.mean(drawn) == pytest.approx(expected["accuracy"], abs=0.03)


def score_strategies_quickly(turns: list[StrategyTurn]) -> float:
    return sum(t.predicted == t.recorded for t in turns) / len(turns)


def test_a_train_split_without_strategies_is_refused():
    with pytest.raises(ConfigError, match="holds no strategy"):
        baseline_turns({"a": []}, TEST)
