"""Intervals by resampling: against theory, against pairs, against groups."""

import numpy as np
import pytest

from attunement.evaluation.bootstrap import difference, mean_interval, statistic_interval


def test_a_mean_interval_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).normal(2.0, 1.0, 400)
    found = mean_interval(list(values))
    assert found.value == pytest.approx(values.mean())
    assert found.n == 400
    half = 1.96 * values.std(ddof=1) / 20
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    assert found.low < found.value < found.high


def test_no_values_have_no_interval():
    assert mean_interval([]) is None
    assert difference({"a": 1.0}, {"b": 2.0}) is None
    assert statistic_interval(0, lambda rows: 1.0) is None


def test_one_seed_gives_one_interval_and_another_seed_another():
    values = list(np.random.default_rng(2).normal(size=30))
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_a_higher_level_is_wider():
    values = list(range(50))
    wide, narrow = mean_interval(values, level=0.99), mean_interval(values, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_pairs_cancel_what_they_have_in_common():
    random = np.random.default_rng(0)
    before = {i: float(x) for i, x in enumerate(random.normal(0, 10, 100))}
    after = {i: x + 1 + float(random.normal(0, 0.1)) for i, x in before.items()}
    found = difference(after | {"new": 1e6}, before | {"old": -1e6})
    assert found.n == 100
    assert 0.9 < found.low < 1.0 < found.high < 1.1
    assert found.excludes_zero


def test_an_interval_around_zero_does_not_exclude_it():
    assert not mean_interval([-1.0, 1.0] * 20).excludes_zero
    assert mean_interval([-1.0, -2.0] * 20).excludes_zero


def test_a_statistic_draws_groups_of_rows_whole():
    values, groups = np.array([0.0] * 50 + [1.0] * 50), ["a"] * 50 + ["b"] * 50
    found = statistic_interval(100, lambda rows: values[rows].mean(), groups=groups)
    assert found == mean_interval(list(values), groups=groups)
    with pytest.raises(ValueError, match="one a value, got 100 for 99"):
        statistic_interval(99, lambda rows: values[rows].mean(), groups=groups)


def test_values_of_one_group_are_drawn_together():
    values, groups = [0.0] * 50 + [1.0] * 50, ["a"] * 50 + ["b"] * 50
    apart, together = mean_interval(values), mean_interval(values, groups=groups)
    assert apart.value == together.value == 0.5
    assert together.n == 2
    assert (together.low, together.high) == (0.0, 1.0)
    assert apart.low > 0.3
    by_parity = difference({i: float(i) for i in range(10)}, dict.fromkeys(range(10), 0.0),
                           group=lambda key: key % 2)  # fmt: skip
    assert (by_parity.value, by_parity.low, by_parity.high, by_parity.n) == (4.5, 4.0, 5.0, 2)


def test_groups_of_another_number_are_refused():
    with pytest.raises(ValueError, match="`groups` must be one a value, got 1 for 2"):
        mean_interval([1.0, 2.0], groups=["a"])


def test_many_values_are_drawn_block_by_block_with_the_same_result(monkeypatch):
    whole = mean_interval(list(range(100)), draws=50)
    monkeypatch.setattr("attunement.evaluation.bootstrap._CHUNK", 700)
    parts = mean_interval(list(range(100)), draws=50)
    assert parts == whole


def test_any_statistic_of_rows_has_an_interval():
    values = np.arange(101.0)
    found = statistic_interval(101, lambda rows: float(np.median(values[rows])))
    assert found.value == 50
    assert 35 < found.low < 50 < found.high < 65
    means = statistic_interval(101, lambda rows: float(values[rows].mean()))
    assert means == mean_interval(list(values))


def test_draws_where_a_statistic_is_not_defined_are_left_out():
    def share(rows: np.ndarray) -> float:
        return float("nan") if (rows == 0).all() else 1.0

    found = statistic_interval(2, share)
    assert (found.low, found.high) == (1.0, 1.0)
    assert statistic_interval(2, lambda rows: float("nan")) is None
