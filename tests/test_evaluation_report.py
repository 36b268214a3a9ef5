"""The report's folder: what its page says, that its figures are all there, and its pictures."""

import re
from pathlib import Path

import numpy as np
import orjson
import pytest

from attunement.core.errors import UserError
from attunement.evaluation.comparison import Comparison, Shown, compare
from attunement.evaluation.figures import Figure, Findings, Measure, Series, Table, mean_figure
from attunement.evaluation.report.words import (
    and_list,
    cell,
    decimals,
    findings,
    missing,
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
    assert parts == ["Main findings", "Outcome", "Text", "Strategy", "Reflection"]


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
    assert "b and a share no dialogue: their figures stand side by side" in page
    assert page.count("share no dialogue") == 1
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
    assert "No difference is more than chance: none of 1 has a corrected p below 0.05." in page


def test_one_dialogue_says_why_there_is_no_interval(tmp_path):
    page = page_of(tmp_path, system("a", {"0/x/y": 1.0}), system("b", {"0/x/y": 2.0}))
    assert "| relief (points) | 1.00 | 2.00 |" in page
    assert "relief: no interval, one dialogue only: a bootstrap of one says nothing" in page


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


@pytest.mark.parametrize(("value", "digits"), [(67.2, 1), (0.31, 2), (0.0031, 3), (1200.0, 0),
                                               (0.0, 2), (0.00002, 5)])  # fmt: skip
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
