"""The report's folder: what its page says, that its figures are all there, and its pictures."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from attunement.core.errors import UserError
from attunement.evaluation.comparison import Comparison, Shown, compare
from attunement.evaluation.figures import (
    Figure,
    Findings,
    Measure,
    Series,
    Table,
    mean_figure,
    win_rate,
)
from attunement.evaluation.report.plots import bars, draw, heat
from attunement.evaluation.report.short import in_short
from attunement.evaluation.report.words import (
    MINUS,
    and_list,
    cell,
    decimals,
    findings,
    head,
    missing,
    nothing_found,
    number,
    p_value,
)
from attunement.evaluation.report.writing import Report, next_folder, refuse_existing, write_report
from attunement.evaluation.stability import stability
from attunement.evaluation.systems import Measured
from tests.test_evaluation_comparison import facts, places, relief, system

ACCURACY = Measure(name="emotion accuracy", family="reflection", unit="share", better="higher",
                   method="share of turns named rightly")  # fmt: skip
HARM = Measure(name="harm", family="outcome", unit="share", better="lower", method="replies that")
USE = Measure(name="use", family="strategy", unit="share", method="share of replies")


def rich_system(name: str, mean: float, seed: int, n: int = 20) -> Measured:
    """A system with figures, levels, series over turns and strategies, a table, a missing one."""
    keys = places(n)
    random = np.random.default_rng(seed)

    def shares(rate: float) -> dict[str, tuple[float, float]]:
        return {key: (float(random.binomial(4, rate)), 4.0) for key in keys}

    levels = {"chance": 1 / 11, "majority": 0.3}
    right = mean_figure(ACCURACY, shares(0.6), levels)
    turns = {str(t): mean_figure(ACCURACY, shares(0.4 + t / 20), levels) for t in (1, 2, 3)}
    kinds = {kind: mean_figure(USE, shares(0.3)) for kind in ("Question", "Information")}
    gone = Figure(Measure(name="BLEU", family="text", method="n-grams"), why="nothing recorded")
    counts = random.integers(0, 9, (3, 3)).astype(float)
    return system(
        name, relief(n, mean, seed), figures=(mean_figure(HARM, shares(0.3)), right, gone),
        series=(Series(ACCURACY, turns), Series(USE, kinds)),
        tables=(Table("emotions", "reflection", "inferred", "true", ["fear", "pain", "guilt"],
                      counts),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare([rich_system("plain", 0, 1), rich_system("warm", 2, 2)])


@pytest.fixture(scope="module")
def folder(comparison, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("home") / "evaluations/001"
    write_report(out, comparison)
    return out


def test_the_page_opens_with_what_was_compared(folder):
    page = (folder / "report.md").read_text("utf-8")
    assert page.startswith("# Evaluation of plain and warm\n\n| system | dialogues | people | ")
    assert "| warm | 20 live | 20 | 20 | none | direct | `rehearsal` | `warm` |" in page
    assert "percentile bootstrap over dialogues, 2,000 draws, seed 0" in page
    assert "corrected after Holm over all 3 tests" in page
    parts = re.findall("^## (.+)$", page, re.M)
    assert parts == [
        "In short",
        "How it was measured",
        "Main findings",
        "Outcome",
        "Text",
        "Strategy",
        "Reflection",
    ]


def test_main_findings_are_those_below_the_corrected_bound(folder, comparison):
    said = findings(comparison)
    assert [(one.system, one.figure, one.way) for one in said] == [
        ("warm", "relief (points)", "higher, better")
    ]
    page = (folder / "report.md").read_text("utf-8")
    main = page.split("## Main findings")[1].split("## Outcome")[0]
    assert main.count("| warm |") == 1
    assert f"| warm | relief (points) | higher, better | {said[0].difference} |" in main


def test_figures_have_method_levels_reason_and_star(folder):
    page = (folder / "report.md").read_text("utf-8")
    assert "- `harm`: replies that; lower is better" in page
    assert "| chance 0.09, majority 0.30 |" in page
    assert "- n/a: BLEU: nothing recorded" in page
    row = next(line for line in page.splitlines() if line.startswith("| relief (points) |"))
    assert row.count("\\*") == 1


def test_every_picture_of_the_page_is_there_and_the_other_way_round(folder):
    page = (folder / "report.md").read_text("utf-8")
    linked = re.findall(r"!\[[^\]]+\]\(plots/([^)]+)\)", page)
    assert sorted(linked) == sorted(path.name for path in (folder / "plots").iterdir())
    assert set(linked) == {
        "outcome.png", "reflection.png", "reflection-emotion-accuracy.png", "strategy-use.png",
        "reflection-emotions.png",
    }  # fmt: skip
    for name in linked:
        assert (folder / "plots" / name).read_bytes().startswith(b"\x89PNG")


def test_json_holds_every_number(folder, comparison):
    values = orjson.loads((folder / "report.json").read_bytes())
    assert Report.model_validate(values).comparison == comparison
    row = values["comparison"]["figures"][0]
    assert row["systems"]["plain"].keys() == set(Shown.model_fields)
    assert row["measure"]["method"] == "drop"
    assert row["against"]["warm"]["p_corrected"] < 0.05


def test_the_same_comparison_gives_the_same_bytes(folder, comparison, tmp_path):
    write_report(tmp_path / "again", comparison)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    again = sorted(p.relative_to(tmp_path / "again") for p in tmp_path.rglob("*") if p.is_file())
    assert files == again
    assert all((folder / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files)


def test_what_exists_is_refused_and_left_alone(tmp_path, comparison):
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match=r"folder .* exists; choose another with --out"):
        write_report(tmp_path / "there", comparison)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"file .* exists"):
        refuse_existing(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be written"):
        write_report(tmp_path / "file" / "below", comparison)
    assert list((tmp_path / "there").iterdir()) == []


def test_folders_are_numbered_by_what_is_free(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert next_folder() == Path("evaluations/001")
    (tmp_path / "evaluations/001").mkdir(parents=True)
    assert next_folder() == Path("evaluations/002")


def page_of(tmp_path: Path, *systems: Measured) -> str:
    write_report(tmp_path / "report", compare(list(systems)))
    return (tmp_path / "report/report.md").read_text("utf-8")


def test_one_system_has_no_findings(tmp_path):
    page = page_of(tmp_path, system("alone", relief(5, 1)))
    assert page.startswith("# Evaluation of alone")
    assert "Main findings" not in page
    assert "shared" not in page


def test_systems_without_a_shared_dialogue_read_well(tmp_path):
    page = page_of(tmp_path, system("a", relief(5, 1)), system("b", relief(5, 1, 1, prefix="9")))
    assert (
        "\nb and a share no dialogue: the same people under other seeds (0 and 9): run both with "
        "the same seed. Their figures stand side by side, and no difference is tested.\n"
    ) in page
    assert page.count("share no dialogue") == 1
    assert "In short" not in page
    assert "Holm" not in page


def test_partly_shared_figures_of_all_dialogues_say_why_they_are_not_compared(tmp_path):
    distinct = Measure(name="Distinct-2", family="text", unit="%", method="of all replies")
    ten, eleven = (system(name, relief(n, 1), figures=(Figure(distinct, whole=50),))
                   for name, n in (("a", 10), ("b", 11)))  # fmt: skip
    assert (
        "- n/a: b and a, Distinct-2: is of all dialogues together, and the systems do not have the "
        "same ones"
    ) in page_of(tmp_path, ten, eleven)


def test_another_method_under_the_same_name_is_told(tmp_path):
    asked = Measure(name="relief", family="outcome", unit="points", better="higher",
                    method="asked afterwards.")  # fmt: skip
    survey = Measured(facts("survey", 2, graphs=()), {"0": "0", "1": "1"},
                      [Findings((mean_figure(asked, {"0": (3, 1), "1": (2, 1)}),))])  # fmt: skip
    page = page_of(tmp_path, system("a", relief(5, 1)), survey)
    assert "- `relief`: drop; higher is better; survey: asked afterwards\n" in page


def test_no_finding_is_said_in_words(tmp_path):
    page = page_of(tmp_path, system("a", relief(9, 1)), system("b", relief(9, 1)))
    assert "The one difference is no more than chance: its p is not below 0.05." in page
    assert "corrected after Holm over the one test of this report" in page
    two = compare([rich_system("a", 0, 1), rich_system("b", 0, 1)])
    assert nothing_found(two) == (
        "No difference is more than chance: none of 3 has a corrected p below 0.05."
    )


def test_where_no_finding_was_possible_it_is_said_instead(tmp_path):
    page = page_of(tmp_path, system("a", relief(5, 1)), system("b", relief(5, 9)))
    assert (
        "\nToo few dialogues: with 5 no difference could be told from chance after the correction "
        "of 1 test; that needs at least 6.\n"
    ) in page
    assert "No difference is more than chance" not in page
    values = {f"0/{person}/{i}": float(i) for person in "abcde" for i in range(9)}
    people = compare([system("a", values), system("b", dict.fromkeys(values, 9.0))], by="persona")
    assert nothing_found(people).startswith("Too few people: with 5 no difference could be told")


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "One shared dialogue: nothing can be tested."),
     (4, "4 shared dialogues: too few, nothing can be tested (from 5 on).")],
)  # fmt: skip
def test_where_nothing_was_tested_the_main_findings_say_so(tmp_path, n, said):
    page = page_of(tmp_path, system("a", relief(n, 1)), system("b", relief(n, 9)))
    assert f"## Main findings\n\n{said}\n" in page
    assert "Holm" not in page
    values = {f"0/{person}/{i}": float(i) for person in "ab" for i in range(9)}
    two = compare([system("a", values), system("b", values)], by="persona")
    assert nothing_found(two).startswith("Only 2 people to compare: too few, nothing")


def test_where_no_figure_is_there_of_both_that_is_said(tmp_path):
    bare = [Measured(facts(name, 9), dict.fromkeys(places(9), "x"), [Findings()]) for name in "ab"]
    assert nothing_found(compare(bare)) == (
        "Nothing could be tested: no two systems have the same figure."
    )
    marks = even(named("judges", "overall"), 1)
    panels = [Measured(one.facts, one.personas, [Findings([replace(marks, basis=one.facts.name)])])
              for one in bare]  # fmt: skip
    assert nothing_found(compare(panels)) == (
        "Nothing could be tested: judged by different panels (b; a)."
    )
    write_report(tmp_path / "people", compare(bare, only=["people"]))
    page = (tmp_path / "people/report.md").read_text("utf-8")
    assert page.endswith("People: nothing was measured.\n")


def test_one_dialogue_says_why_there_is_no_interval(tmp_path):
    page = page_of(tmp_path, system("a", {"0/x/y": 1.0}), system("b", {"0/x/y": 2.0}))
    assert "| relief (points) | 1.00 | 2.00 |" in page
    assert "relief: no interval, of 1 dialogue: too few to redraw" in page
    assert "b against a**: relief +1.00, too few dialogues\n" in page


# ---- in short -----------------------------------------------------------------------------------


def named(family: str, name: str, **values: object) -> Measure:
    return Measure.model_validate(
        {"name": name, "family": family, "unit": "share", "better": "higher", "method": "m"}
        | values
    )


def even(measure: Measure, value: float, n: int = 20) -> Figure:
    """A figure that is about the same in all dialogues."""
    return mean_figure(measure, {k: (value + i / 1000, 1) for i, k in enumerate(places(n))})


def test_in_short_each_system_is_held_against_the_baseline_figure_by_figure():
    def judged_system(name: str, mean: float, fit: float) -> Measured:
        figures = [even(named("judges", "dialogue: overall", unit="points"), mean),
                   even(named("outcome", "fit"), fit), even(named("outcome", "harm"), mean),
                   even(named("outcome", "rating", unit="points"), 2.0)]  # fmt: skip
        if name != "plain":
            figures.append(win_rate(even(named("judges", "preferred over plain"), 0.9)))
        return system(name, relief(20, mean, 1), figures=figures)

    found = compare([judged_system("plain", 0, 0.5), judged_system("warm", 2, 0.4)])
    ((first, said),) = in_short(found)
    one, two, three, four = said.split("; r")[0], *re.split(r"; (?=rating|fit|preferred)", said)[1:]
    assert first == "warm against plain"
    assert re.fullmatch(
        r"relief \+2\.00 \[.+\] better \(p <?.+; better in 100 % of dialogues\)", one
    )
    assert two == "rating 0.00 [0.00, 0.00], no difference beyond chance (p 1.000)"
    assert three.startswith(f"fit {MINUS}0.10 [{MINUS}0.10, {MINUS}0.10] worse (p ")
    assert re.fullmatch(r"preferred over plain in 0\.91 \[0\.9\d, 0\.91\] better \(p .+\)", four)


def test_in_short_says_where_there_are_too_few_and_where_one_has_none():
    accurate = even(named("reflection", "emotion accuracy"), 0.5, 5)
    found = compare([system("a", relief(5, 0)), system("b", relief(5, 9), figures=(accurate,))])
    ((_, said),) = in_short(found)
    assert re.match(r"relief \+9\.00 \[.+\], too few dialogues; emotion accuracy 0\.50 ", said)
    assert said.endswith("(a has none)")


def test_in_short_one_system_stands_against_what_its_figures_have_to_beat():
    ((name, said),) = in_short(compare([rich_system("alone", 2, 2)]))
    assert name == "alone"
    assert re.fullmatch(
        r"relief 1\.\d+ \[.+\]; emotion accuracy .+ against chance 0\.09, majority 0\.30", said
    )


# ---- what a table says of a figure --------------------------------------------------------------


def test_findings_come_by_what_a_reader_wants_to_know_first():
    def two(name: str, value: float) -> Measured:
        families = ("realism", "text", "strategy", "reflection", "people", "judges")
        trust = named("judges", "order flips", diagnostic=True)
        figures = [*(even(named(f, f"x of {f}"), value) for f in families), even(trust, value)]
        return system(name, relief(20, 9 * value, 1), figures=figures)

    found = compare([two("a", 0), two("b", 1), two("c", 1)])
    families = ("judges", "people", "reflection", "strategy", "text", "realism")
    expected = ["relief (points)", *(f"x of {family} (share)" for family in families)]
    assert [one.figure for one in findings(found)] == expected * 2
    marked = found.model_copy(update={"figures": tuple(
        row.model_copy(update={"against": {
            name: one.model_copy(update={"p_corrected": 0.001}) for name, one in row.against.items()
        }}) for row in found.figures
    )})  # fmt: skip
    assert not any("flips" in one.figure for one in findings(marked))


def test_a_figure_of_fewer_dialogues_says_how_many(tmp_path):
    part = even(named("judges", "overall"), 1, 8)
    page = page_of(tmp_path, system("a", relief(9, 1)), system("b", relief(9, 1), figures=(part,)))
    row = next(line for line in page.splitlines() if line.startswith("| overall (share) |"))
    assert row.split(" | ")[1:3] == ["n/a", "1.00 [1.00, 1.00] (n 8)"]
    assert page.count("(n ") == 1


def test_the_judges_behind_a_row_are_named_once(tmp_path):
    def of(name: str, basis: str) -> Measured:
        marks = replace(even(named("judges", "overall"), 1), basis=basis)
        return system(name, relief(20, 1), figures=(marks,))

    one, two = (replace(even(named("judges", "dialogue: overall"), 1), basis=b) for b in "xy")
    ((_, said),) = in_short(compare([system("a", relief(9, 1), figures=(one,)),
                                     system("b", relief(9, 1), figures=(two,))]))  # fmt: skip
    assert said.endswith(", not compared: judged by different panels (y; x)")
    same = page_of(tmp_path / "same", of("a", "one, two"), of("b", "one, two"))
    assert "- `overall`: m; by one, two; higher is better\n" in same
    assert same.count("one, two") == 1
    other = page_of(tmp_path / "other", of("a", "one"), of("b", "one, two"))
    assert "- `overall`: m; a by one; b by one, two; higher is better\n" in other
    assert "n/a: b and a, overall: judged by different panels (one, two; one)\n" in other


def test_a_win_rate_stands_against_one_half_in_the_tables(tmp_path):
    wins = win_rate(even(named("judges", "preferred over a"), 0.9))
    page = page_of(tmp_path, system("a", relief(20, 1)), system("b", relief(20, 1),
                                                                figures=(wins,)))  # fmt: skip
    rows = [line.split(" | ") for line in page.splitlines() if "| preferred over a" in line]
    assert rows[0][1:5] == ["preferred over a (share)", "above 0.5, better",
                            "+0.41 [+0.41, +0.41]", ""]  # fmt: skip
    assert rows[2][1:3] == ["b against 0.5", "+0.41 [+0.41, +0.41]"]


@pytest.mark.parametrize(
    ("name", "unit", "said"),
    [("reply marks: length coefficient", "r", "reply marks: length coefficient (r)"),
     ("replies", "replies", "replies"), ("words (draft)", "words", "words (draft)")],
)  # fmt: skip
def test_units_are_said_unless_the_name_begins_with_them(name, unit, said):
    assert head(named("text", name, unit=unit)) == said


# ---- pictures -----------------------------------------------------------------------------------


def test_what_judges_the_judges_is_no_bar_and_long_names_are_drawn_whole(tmp_path):
    judge = "openai:some-house/A-Very-Long-Name-Of-A-Model-70B-Instruct"
    trust = even(named("people", "order flips", diagnostic=True), 0.1)
    errors = even(named("judges", f"psychological errors, {judge}"), 0.1)
    biased = even(named("judges", f"pairs, {judge}: unreadable", diagnostic=True), 0.1)
    found = compare([system("a", relief(20, 1), figures=(trust, errors, biased))])
    assert set(draw(found, tmp_path)) == {"outcome.png", "judges.png"}
    rows = [row for row in found.figures if row.measure.family == "judges"]
    axes = bars([row for row in rows if not row.measure.diagnostic], ["a"], ["a"]).axes
    title = axes[0].get_title(loc="left")
    assert title.replace("\n", "").replace(" ", "") == (
        f"psychologicalerrors,{judge}(share)\N{UPWARDS ARROW}"
    )
    assert max(map(len, title.splitlines())) < 42


def test_a_confusion_says_of_what_and_of_whom(comparison):
    titles = [axes.get_title(loc="left") for axes in heat(comparison.tables[0]).axes]
    assert titles == ["emotions, plain", "emotions, warm"]


def test_what_was_left_out_is_counted(tmp_path):
    found = system("a", relief(5, 1))
    left = Measured(facts("a", 5, failed=2, unfinished=1, replayed=5), found.personas,
                    found.findings)  # fmt: skip
    assert "| a | 5 replayed | 5 | 2 failed, 1 unfinished |" in page_of(tmp_path, left)


def test_a_bar_in_a_name_breaks_no_table(tmp_path):
    page = page_of(tmp_path, system("a|b", relief(5, 1)), system("c", relief(5, 1)))
    assert "| a/b | 5 live |" in page


def test_stability_stands_in_the_report(tmp_path, comparison):
    found = stability(comparison, {"warm": 1.5})
    write_report(tmp_path / "report", comparison, found)
    page = (tmp_path / "report/report.md").read_text("utf-8")
    assert "## Stability over iterations" in page
    assert "| reward margin | n/a | 1.50 |" in page
    report = Report.model_validate_json((tmp_path / "report/report.json").read_bytes())
    assert report.stability == found


# ---- numbers in words ---------------------------------------------------------------------------


def test_numbers_read_well():
    assert number(-0.004, 2) == "0.00"
    assert number(-1.5, 1, sign=True) == "\N{MINUS SIGN}1.5"
    assert number(1234.5, 0) == "1,234"
    assert number(None, 2) == "n/a"
    assert cell(Shown(value=0.5, low=0.4, high=0.625), 2) == "0.50 [0.40, 0.62]"
    assert cell(Shown(value=0.5), 2) == "0.50"
    assert [p_value(p) for p in (0.0001, 0.012, 1.0, None)] == ["<0.001", "0.012", "1.000", "n/a"]
    assert and_list(["a"]) == "a"
    assert and_list(["a", "b", "c"]) == "a, b and c"
    assert cell(Shown(value=1e-17, low=0, high=1e-17), 2) == "0.00 [0.00, 0.00]"


@pytest.mark.parametrize(("value", "digits"), [(67.2, 1), (0.31, 2), (0.0031, 3), (1200.0, 0),
                                               (0.0, 2), (0.00002, 5), (1e-17, 2)])  # fmt: skip
def test_a_row_has_as_many_digits_as_its_largest_number_needs(value, digits):
    row = compare([system("a", {"0/x/y": value})]).figures[0]
    assert decimals(row) == digits


def test_reasons_are_told_once_for_all_that_share_them():
    gone = [Figure(Measure(name=n, family="text", method="m"), why="live") for n in "abcdef"]
    rows = compare([system("x", relief(3, 0), figures=gone)]).figures[1:]
    assert list(missing(rows, ["x"])) == ["a, b, c, d, e, f: live"]
    assert list(missing(rows, ["x"], most=2)) == ["a, b and 4 more: live"]


def test_a_system_that_nothing_was_measured_of_has_no_findings():
    assert findings(compare([Measured(facts("a", 1), {"0/x/y": "x"}, [Findings()])])) == []
