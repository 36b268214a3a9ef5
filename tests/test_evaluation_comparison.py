"""Everything of several systems: figures side by side, differences, and reasons where none are."""

from dataclasses import replace

import numpy as np
import pytest

from attunement.core.errors import ConfigError
from attunement.evaluation.comparison import Comparison, compare
from attunement.evaluation.figures import (
    Figure,
    Findings,
    Measure,
    Series,
    Table,
    mean_figure,
    win_rate,
)
from attunement.evaluation.paired import Paired
from attunement.evaluation.systems import Facts, Measured

RELIEF = Measure(name="relief", family="outcome", unit="points", better="higher", method="drop")
WORDS = Measure(name="words", family="text", unit="words", method="words of a reply")
MARKS = Measure(name="overall", family="judges", unit="points", better="higher", method="marks")
DISTINCT = Measure(name="Distinct-2", family="text", unit="%", method="of all replies together")


def facts(name: str, n: int, **changes: object) -> Facts:
    values = {
        "name": name, "folders": (name,), "dialogues": n, "personas": n, "failed": 0,
        "unfinished": 0, "replayed": 0, "models": ("rehearsal",), "graphs": ("direct",),
    }  # fmt: skip
    return Facts.model_validate(values | changes)


def system(name: str, relief: dict[str, float], **findings: object) -> Measured:
    """A system with one figure, and what else is named."""
    sums = {key: (value, 1.0) for key, value in relief.items()}
    figures = (mean_figure(RELIEF, sums), *findings.pop("figures", ()))
    people = {key: key.split("/")[1] for key in relief}
    found = Findings(figures=figures, **findings)
    return Measured(facts(name, len(relief)), people, [found])


def places(n: int, prefix: str = "0") -> list[str]:
    return [f"{prefix}/{i:03d}/x" for i in range(n)]


def relief(n: int, mean: float, seed: int = 0, prefix: str = "0") -> dict[str, float]:
    values = np.random.default_rng(seed).normal(mean, 1, n)
    return dict(zip(places(n, prefix), map(float, values), strict=True))


def test_the_first_is_the_baseline_and_all_others_are_held_against_it():
    found = compare([system("a", relief(30, 0)), system("b", relief(30, 2, 1)),
                     system("c", relief(30, 0, 2))])  # fmt: skip
    row = found.figures[0]
    assert (found.baseline, found.others, found.tests) == ("a", ("b", "c"), 2)
    assert row.against.keys() == {"b", "c"}
    assert row.against["b"].low > 1
    assert row.against["b"].p_corrected == pytest.approx(2 * row.against["b"].p)
    assert row.against["b"].significant
    assert not row.against["c"].significant
    assert row.systems["a"].low < row.systems["a"].value < row.systems["a"].high
    assert [facts.shared for facts in found.systems] == [None, 30, 30]


def test_another_baseline_turns_the_sign():
    two = [system("a", relief(30, 0)), system("b", relief(30, 2, 1))]
    forth, back = compare(two), compare(two, baseline="b")
    there, here = forth.figures[0].against["b"], back.figures[0].against["a"]
    assert here.value == pytest.approx(-there.value)
    assert here.p == there.p
    with pytest.raises(ConfigError, match="unknown baseline 'x'; known: a, b"):
        compare(two, baseline="x")


def test_two_systems_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two systems are named 'a'"):
        compare([system("a", relief(3, 0)), system("a", relief(3, 1))])


def test_systems_on_different_sets_stand_side_by_side_without_a_test():
    one, other = system("a", relief(10, 0)), system("b", relief(10, 5, 1, prefix="7"))
    found = compare([one, other])
    row = found.figures[0]
    assert row.systems["a"].value is not None
    assert row.systems["b"].value is not None
    assert row.against["b"].value is None
    assert row.against["b"].why == f"share no dialogue: {found.apart['b']}"
    assert (found.tests, found.systems[1].shared) == (0, 0)
    assert compare([one, system("b", relief(3, 0))]).apart == {}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("7/ada-0/aa", "11/bo-1/bb"),
         "the same people under other seeds (0 and 7, 11): run both with the same seed"),
        (("0/ada-9/aa",), "the same people under other numbers"),
        (("0/ada-0/zz",), "people of the same names, but other cards or other recorded lines"),
        (("0/cy-0/zz",), "other people or recordings: run both on the same personas"),
    ],
)  # fmt: skip
def test_why_systems_share_no_dialogue_is_said(keys, said):
    def people(name: str, *keys: str) -> Measured:
        who = {key: key.split("/")[1].split("-")[0] for key in keys}
        return Measured(facts(name, len(keys)), who, [Findings()])

    found = compare([people("a", "0/ada-0/aa", "0/bo-1/bb"), people("b", *keys)])
    assert found.apart["b"].startswith(said)


def judged_by(name: str, basis: str, seed: int = 0) -> Measured:
    marks = {key: (value, 1) for key, value in relief(8, 2, seed).items()}
    return system(name, relief(8, 0), figures=(replace(mean_figure(MARKS, marks), basis=basis),))


def test_different_panels_of_judges_are_not_compared():
    rows = compare([judged_by("a", "x, y"), judged_by("b", "x", 1), judged_by("c", "x, y", 2)])
    row = next(row for row in rows.figures if row.measure == MARKS)
    assert row.against["b"] == Paired(why="judged by different panels (x; x, y)")
    assert row.against["c"].p is not None
    assert [shown.basis for shown in row.systems.values()] == ["x, y", "x", "x, y"]


def test_a_win_rate_stands_against_one_half_and_not_against_the_baseline():
    wins = {key: (float(i < 18), 1) for i, key in enumerate(places(20))}
    found = compare(
        [
            system("a", relief(20, 0)),
            system("b", relief(20, 0), figures=(win_rate(mean_figure(MARKS, wins)),)),
        ]
    )
    row = next(row for row in found.figures if row.measure == MARKS)  # fmt: skip
    assert row.against["b"].value == pytest.approx(row.systems["b"].value - 0.5)
    assert row.against["b"].low == pytest.approx(row.systems["b"].low - 0.5)
    assert (row.against["b"].level, row.against["b"].effect) == (0.5, None)
    assert row.against["b"].significant
    alone = MARKS.model_copy(update={"diagnostic": True})
    found = compare(
        [
            system("a", relief(20, 0)),
            system("b", relief(20, 0), figures=(win_rate(mean_figure(alone, wins)),)),
        ]
    )
    assert found.tests == 1  # of what says how far to trust a judge there is no test  # fmt: skip


def test_below_five_there_is_a_value_and_no_interval():
    four, five = (compare([system("a", relief(n, 0))]).figures[0].systems["a"] for n in (4, 5))
    assert (four.low, four.why) == (None, "of 4 dialogues: too few to redraw")
    assert four.value is not None
    assert five.low < five.value < five.high
    keys = {f"0/{person}/{i}": float(i) for person in "abc" for i in range(5)}
    people = compare([system("a", keys)], by="persona").figures[0].systems["a"]
    assert (people.low, people.why) == (None, "of 3 personas: too few to redraw")


def test_partly_shared_sets_are_compared_where_they_meet():
    one, other = relief(10, 0), relief(14, 0.5, 1)
    found = compare([system("a", one), system("b", dict(list(other.items())[4:]))])
    row = found.figures[0]
    assert (row.against["b"].n, row.systems["a"].n, row.systems["b"].n) == (6, 10, 10)
    shared = places(14)[4:10]
    assert row.against["b"].value == pytest.approx(np.mean([other[k] - one[k] for k in shared]))


def test_a_figure_of_all_dialogues_together_compares_on_equal_sets_alone():
    def with_distinct(name: str, n: int, value: float) -> Measured:
        return system(name, relief(n, 0), figures=(Figure(DISTINCT, whole=value),))

    same = compare([with_distinct("a", 5, 60), with_distinct("b", 5, 50)]).figures[1]
    assert same.against["b"].value == -10
    assert same.against["b"].p is None
    other = compare([with_distinct("a", 5, 60), with_distinct("b", 6, 50)]).figures[1]
    assert other.against["b"].value is None
    assert "do not have the same ones" in other.against["b"].why
    assert (other.systems["a"].value, other.systems["a"].low) == (60, None)


def test_one_dialogue_has_a_figure_without_bounds_and_the_reason():
    found = compare([system("a", {"0/x/y": 1.0}), system("b", {"0/x/y": 3.0})])
    row = found.figures[0]
    assert (row.systems["a"].value, row.systems["a"].low) == (1, None)
    assert row.systems["a"].why == "of 1 dialogue: too few to redraw"
    assert (row.against["b"].value, row.against["b"].p) == (2, None)
    assert found.tests == 0


def test_a_figure_that_only_one_system_has_says_so():
    words = mean_figure(WORDS, dict.fromkeys(places(5), (20, 2)))
    rows = compare([system("a", relief(5, 0)), system("b", relief(5, 0), figures=(words,))]).figures
    row = next(row for row in rows if row.measure == WORDS)
    assert (row.systems["b"].value, row.systems["a"].value) == (10, None)
    assert row.systems["a"].why == "not measured for this system"
    assert row.against["b"].why == "not measured for the baseline"


def test_reasons_of_meters_are_handed_on():
    gone = Figure(WORDS, why="no reply was spoken")
    rows = compare([system("a", relief(5, 0), figures=(gone,))]).figures
    assert rows[1].systems["a"].why == "no reply was spoken"


def test_personas_are_resampled_whole():
    keys = [f"0/{person}/{i}" for person in "abcdef" for i in range(5)]
    values = {key: float(ord(key[2])) for key in keys}
    alone = compare([system("x", values)]).figures[0].systems["x"]
    whole = compare([system("x", values)], by="persona").figures[0].systems["x"]
    assert whole.value == alone.value
    assert whole.high - whole.low > 1.5 * (alone.high - alone.low)


def test_only_wanted_families_are_reported():
    words = mean_figure(WORDS, dict.fromkeys(places(5), (20, 2)))
    found = compare([system("a", relief(5, 0), figures=(words,))], only=["text"])
    assert [row.measure for row in found.figures] == [WORDS]


def test_series_come_in_the_order_of_their_numbers_and_tables_as_they_are():
    points = {turn: mean_figure(RELIEF, {"0/a/x": (1, 1), "0/b/x": (3, 1)})
              for turn in ("10", "2", "after", "1")}  # fmt: skip
    counts = np.array([[3, 1], [0, 2], [1, 0]])
    table = Table("emotions", "reflection", "inferred", "true", ["fear", "pain"], counts)
    found = compare([system("a", {"0/a/x": 1, "0/b/x": 3}, series=(Series(RELIEF, points),),
                            tables=(table,))])  # fmt: skip
    assert found.series[0].points == ("1", "2", "10", "after")
    assert found.series[0].systems["a"]["2"].value == 2
    assert found.tables[0].systems["a"] == ((3, 1), (0, 2), (1, 0))


def test_what_is_no_run_stands_beside_and_is_not_tested():
    survey = Measured(
        facts("survey of X.json", 3, graphs=()), {key: key for key in ("0", "1", "2")},
        [Findings((mean_figure(RELIEF, dict.fromkeys("012", (1, 1))),))],
    )  # fmt: skip
    found = compare([system("a", relief(5, 0)), system("b", relief(5, 1, 1)), survey])
    assert found.others == ("b",)
    assert found.figures[0].against.keys() == {"b"}
    assert found.figures[0].systems["survey of X.json"].value == 1
    assert found.names_in(found.figures) == ["a", "b", "survey of X.json"]
    assert found.names_in([]) == ["a", "b"]


def test_a_comparison_survives_json():
    found = compare([system("a", relief(8, 0)), system("b", relief(8, 1, 1))])
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_the_same_systems_and_seed_give_the_same_comparison():
    two = [system("a", relief(8, 0)), system("b", relief(8, 1, 1))]
    assert compare(two, seed=3) == compare(two, seed=3)
    assert compare(two, seed=3) != compare(two, seed=4)
