"""Agreement: textbook examples, the reference packages, and what has no answer."""

import krippendorff
import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask

from attunement.evaluation.judges.agreement import (
    alphas,
    coincidences,
    correlations,
    kappas,
    moments,
)

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section E: four observers, twelve
# units, values 1 to 5, missing ones as None.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [[v for v in unit if v is not None] for unit in zip(*OBSERVERS, strict=True)]


@pytest.mark.parametrize(
    ("level", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_that_of_krippendorffs_own_example(level, printed):
    assert float(alphas(coincidences(UNITS, 5), level)) == pytest.approx(printed, abs=0.0006)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_reference_package(level):
    random = np.random.default_rng(0)
    for _ in range(20):
        data = random.integers(0, 5, (3, 30)).astype(float)
        data[random.random(data.shape) < 0.3] = np.nan
        units = [[int(v) for v in unit if not np.isnan(v)] for unit in data.T]
        expected = krippendorff.alpha(data, level_of_measurement=level)
        assert float(alphas(coincidences(units, 4), level)) == pytest.approx(expected, abs=1e-9)


def test_alpha_of_stacked_tables_is_that_of_each():
    one, other = coincidences(UNITS, 5), coincidences(UNITS[:6], 5)
    both = alphas(np.stack([one, other]), "ordinal")
    expected = [float(alphas(one, "ordinal")), float(alphas(other, "ordinal"))]
    assert both.tolist() == pytest.approx(expected)


def test_coincidences_add_up_over_units():
    parts = sum(coincidences([unit], 5) for unit in UNITS)
    assert np.allclose(parts, coincidences(UNITS, 5))


def test_alpha_has_no_value_where_nothing_was_judged_twice_or_nothing_could_disagree():
    assert np.isnan(alphas(coincidences([[1], [2]], 5), "nominal"))
    assert np.isnan(alphas(coincidences([[3, 3], [3, 3]], 5), "ordinal"))
    assert float(alphas(coincidences([[1, 1], [4, 4]], 5), "ordinal")) == 1.0


# Cohen's kappa as Wikipedia and most textbooks work it: 50 grant proposals, two readers, yes or no:
# both yes 20, both no 15, A alone yes 5, B alone yes 10: observed 0.70, by chance 0.50, kappa 0.40.
GRANTS = np.array([[20, 5], [10, 15]])


def test_kappa_is_that_of_the_textbook_example_of_fifty_grants():
    assert float(kappas(GRANTS)) == pytest.approx(0.40, abs=1e-12)


def test_kappa_is_that_of_nltk_weighted_and_not():
    random = np.random.default_rng(1)
    one, other = random.integers(0, 4, 60), random.integers(0, 4, 60)
    other[:30] = one[:30]
    table = np.zeros((4, 4))
    np.add.at(table, (one, other), 1)
    rows = [("a", i, int(v)) for i, v in enumerate(one)]
    rows += [("b", i, int(v)) for i, v in enumerate(other)]
    plain = AnnotationTask(rows)
    assert float(kappas(table)) == pytest.approx(plain.kappa())
    squared = AnnotationTask(rows, distance=lambda a, b: (a - b) ** 2 / 9)
    assert float(kappas(table, weighted=True)) == pytest.approx(
        squared.weighted_kappa(max_distance=1)
    )


def test_weighted_kappa_by_hand():
    # 1 for 1 twice, 3 for 3 once, 3 for 1 once. Seen: 1 · 4 / 4. By chance: rows (2, 2) and
    # columns (3, 1) give 2 · 1 + 2 · 3 = 8 of 16 pairs two points apart: 8 · 4 / 16. 1 - 1 / 2.
    pairs = [[(0, 0), (0, 0), (2, 2), (2, 0)], [(0, 0), (2, 2), (4, 4)], [(0, 4), (4, 0)]]
    tables = np.zeros((3, 5, 5))
    for table, of in zip(tables, pairs, strict=True):
        np.add.at(table, tuple(zip(*of, strict=True)), 1)
    assert kappas(tables, weighted=True).tolist() == pytest.approx([0.5, 1, -1])


def test_kappa_has_no_value_where_both_always_said_the_same_one_thing():
    assert np.isnan(kappas(np.array([[9, 0], [0, 0]])))
    assert np.isnan(kappas(np.zeros((2, 2))))


def test_correlation_is_numpys_and_has_no_value_without_variation():
    random = np.random.default_rng(2)
    x, y = random.random(40), random.random(40)
    expected = np.corrcoef(x, y)[0, 1]
    assert float(correlations(moments(x, y))) == pytest.approx(expected)
    assert np.isnan(correlations(moments([0.1] * 7, list(range(7)))))


@pytest.mark.parametrize("share", [5e-3, 1e-3, 1e-5])
def test_a_small_spread_of_both_sides_is_one(share):
    x = 4 + 4 * share * np.arange(30)
    assert float(correlations(moments(x, 20 * x))) == pytest.approx(1, abs=1e-3)
    assert np.isnan(correlations(moments(x, [0.1] * 30)))
    # Long sums of a constant round further apart.
    one = moments([0.1], [0.3])
    assert np.isnan(correlations(np.cumsum(np.tile(one, (10**6, 1)), axis=0)[-1]))
