"""Differences of two systems: bounds, p, effect, corrections, and what cannot be compared."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from attunement.evaluation.figures import Figure, Measure, mean_figure, win_rate
from attunement.evaluation.paired import (
    Paired,
    corrected,
    holm,
    paired,
    swaps_for,
    units_for,
    won,
)

RELIEF = Measure(name="relief", family="outcome", unit="points", better="higher", method="drop")


def figure(values: dict[str, float], count: float = 1) -> Figure:
    return mean_figure(RELIEF, {key: (value * count, count) for key, value in values.items()})


def drawn(seed: int, n: int, mean: float = 0.0) -> dict[str, float]:
    random = np.random.default_rng(seed)
    return {f"0/{i}/x": float(v) for i, v in enumerate(random.normal(mean, 1, n))}


@pytest.mark.parametrize("tests", [1, 5, 51])
def test_as_many_units_as_are_needed_can_be_a_finding_and_fewer_cannot(tests):
    needed = units_for(tests)
    for units, possible in ((needed, True), (needed - 1, False)):
        apart = 10.0 + np.arange(units)
        one = mean_figure(RELIEF, {str(i): (value, 1) for i, value in enumerate(apart)})
        other = mean_figure(RELIEF, {str(i): (0.0, 1) for i in range(units)})
        found = paired(one, other, swaps=20_000)
        others = [found.model_copy(update={"p": 1.0})] * (tests - 1)
        assert 2.0 ** (1 - units) == pytest.approx(found.p, rel=0.5)
        exact = found.model_copy(update={"p": 2.0 ** (1 - units)})
        assert corrected([exact, *others])[0].significant is possible


def test_a_shift_of_all_is_found_with_bounds_around_it():
    before = drawn(1, 40)
    noise = drawn(2, 40)
    after = {key: value + 1 + 0.3 * noise[key] for key, value in before.items()}
    found = paired(figure(after), figure(before))
    gaps = np.array([after[key] - before[key] for key in before])
    assert found.value == pytest.approx(gaps.mean())
    assert found.low < gaps.mean() < found.high
    assert found.low > 0.8
    assert found.p == pytest.approx(1 / 10_001)
    assert found.effect == pytest.approx(gaps.mean() / gaps.std(ddof=1))
    assert (found.n, found.units) == (40, 40)
    assert (found.higher, found.equal, found.lower) == (1, 0, 0)


def test_p_agrees_with_counting_all_exchanges():
    """Eight dialogues: 256 exchanges, which can be gone through one by one."""
    before, after = drawn(3, 8), drawn(4, 8, 0.8)
    gaps = np.array([after[key] - before[key] for key in before])
    signs = np.array(list(product((1, -1), repeat=8)))
    exact = np.mean(np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-9)
    assert paired(figure(after), figure(before)).p == pytest.approx(exact, abs=0.01)


def test_a_ratio_of_sums_exchanges_whole_dialogues():
    """Replies are counted over all dialogues, so a long dialogue weighs more."""
    same = dict.fromkeys("cde", (0, 0.5))  # such as no exchange can change
    after = mean_figure(RELIEF, {"a": (9, 9), "b": (0, 1)} | same)
    before = mean_figure(RELIEF, {"a": (0, 9), "b": (1, 1)} | same)
    found = paired(after, before)
    assert found.value == pytest.approx(9 / 11.5 - 1 / 11.5)
    # Of the exchanges half lead to a gap of 8 / 11.5, half to one of 10 / 11.5: all as far.
    assert found.p == 1.0
    assert found.effect == 0.0  # +1 in one dialogue, -1 in another


def test_identical_systems_do_not_differ_and_divide_by_nothing():
    values = drawn(5, 12)
    found = paired(figure(values), figure(values))
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert (found.p, found.effect, found.equal) == (1.0, 0.0, 1.0)


def test_two_draws_of_one_thing_seldom_differ():
    """Under the null p is even: about one in twenty lies below 0.05."""
    ps = [paired(figure(drawn(2 * i, 20)), figure(drawn(2 * i + 1, 20)), swaps=500).p
          for i in range(200)]  # fmt: skip
    below = np.mean(np.array(ps) < 0.05)
    assert 0.005 < below < 0.12


def test_a_difference_that_never_varies_has_no_effect_size():
    before = {str(i): float(i) for i in range(6)}
    found = paired(figure({key: value + 2 for key, value in before.items()}), figure(before))
    assert found.value == pytest.approx(2)
    assert found.effect is None
    assert found.p == pytest.approx(2 / 64, abs=0.01)


@pytest.mark.parametrize(("n", "said"), [(1, "1 dialogue"), (4, "4 dialogues")])
def test_a_few_dialogues_have_a_difference_but_no_interval_and_no_test(n, said):
    found = paired(figure({str(i): 3.0 + i for i in range(n)}),
                   figure({str(i): 1.0 for i in range(n)}))  # fmt: skip
    assert found.value == pytest.approx(2 + (n - 1) / 2)
    assert (found.low, found.high, found.p) == (None, None, None)
    assert found.why == f"of {said}: too few to redraw"


def test_five_dialogues_are_enough():
    values = {str(i): 1.0 + i for i in range(5)}
    found = paired(figure(values), figure(dict.fromkeys(values, 0.0)))
    assert found.low < found.value < found.high
    assert found.p == pytest.approx(2 / 32, abs=0.01)


def test_a_win_rate_is_held_against_one_half():
    wins = {str(i): (1.0 if i < 8 else 0.0, 1.0) for i in range(10)}
    rate = win_rate(mean_figure(RELIEF, wins))
    found, apart = won(rate), paired(rate, replace(rate, parts=rate.rival))
    assert (found.value, found.level) == (pytest.approx(0.3), 0.5)
    assert apart.value == pytest.approx(0.6)
    assert (found.low, found.high) == pytest.approx((apart.low / 2, apart.high / 2))
    interval = rate.interval()
    assert (found.low, found.high) == pytest.approx((interval.low - 0.5, interval.high - 0.5))
    assert found.p == apart.p
    assert found.effect is None
    assert (found.higher, found.lower) == (0.8, 0.2)


def test_only_shared_dialogues_are_compared():
    after, before = {"a": 1.0, "b": 2.0, "c": 99.0}, {"a": 0.0, "b": 0.0, "d": -99.0}
    found = paired(figure(after), figure(before))
    assert (found.value, found.n) == (1.5, 2)


def test_without_a_shared_dialogue_there_is_a_reason_instead():
    found = paired(figure({"a": 1.0}), figure({"b": 1.0}))
    assert found.value is None
    assert "share no dialogue" in found.why


def test_a_missing_figure_hands_on_its_reason():
    found = paired(figure({"a": 1.0}), Figure(RELIEF, why="a replay has no relief"))
    assert found == Paired(why="a replay has no relief")


def test_personas_are_exchanged_whole():
    """Six people with twenty dialogues each: 64 exchanges, whatever the number of dialogues."""
    keys = [f"{person}/{i}" for person in "abcdef" for i in range(20)]
    groups = {key: key[0] for key in keys}
    before = figure(dict.fromkeys(keys, 0.0))
    after = figure({key: 1.0 if key[0] == "a" else 0.8 for key in keys})
    alone, together = paired(after, before), paired(after, before, groups)
    assert alone.p < 0.001
    assert (together.n, together.units) == (120, 6)
    assert together.p == pytest.approx(2 / 64, abs=0.01)
    assert together.value == pytest.approx(alone.value)
    only_a = {key: value for key, value in groups.items() if value == "a"}
    one = paired(figure(dict.fromkeys(only_a, 1.0)), figure(dict.fromkeys(only_a, 0.0)), groups)
    assert one.why == "of 1 persona: too few to redraw"


def test_a_whole_figure_has_neither_interval_nor_test():
    found = paired(Figure(RELIEF, whole=0.6), Figure(RELIEF, whole=0.5))
    assert found.value == pytest.approx(0.1)
    assert found.p is None
    assert "no interval and no test" in found.why


def test_the_same_seed_gives_the_same_figures():
    after, before = figure(drawn(6, 30, 0.2)), figure(drawn(7, 30))
    assert paired(after, before, seed=3) == paired(after, before, seed=3)
    assert paired(after, before, seed=3) != paired(after, before, seed=4)


# ---- many tests ---------------------------------------------------------------------------------


def test_holm_by_hand():
    """Four tests: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1, and none below the one before it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_never_exceeds_one_and_keeps_one_test_as_it_is():
    assert holm([0.9, 0.8, 0.7]) == [1.0, 1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_only_tests_are_corrected():
    found = corrected([Paired(p=0.02), Paired(why="n/a"), Paired(p=0.03)])
    assert [one.p_corrected for one in found] == pytest.approx([0.04, None, 0.04])
    assert [one.significant for one in found] == [True, False, True]


def test_the_smallest_p_survives_the_correction_of_many_tests():
    for tests in (10, 300, 5_000):
        assert tests / (1 + swaps_for(tests)) < 0.05
