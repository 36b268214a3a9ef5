"""The report on the terminal: whatever its width and however many systems, nothing is cut."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from attunement.cli.evaluate_table import print_report
from attunement.evaluation.comparison import Comparison, compare
from attunement.evaluation.figures import Measure, mean_figure
from attunement.evaluation.report.words import cell, decimals
from attunement.evaluation.report.writing import Report
from attunement.evaluation.stability import stability
from tests.test_evaluation_comparison import places, relief, system

LONG = "a_long_name_of_a_system"
HARM = Measure(name="harm", family="outcome", unit="share", method="replies that harm")


def compared(many: int, n: int = 12) -> Comparison:
    names = [LONG, *(f"system {i}" for i in range(1, many))]
    sums = {key: (i % 2, 1) for i, key in enumerate(places(n))}
    harm = mean_figure(HARM, sums, {"chance": 0.25})
    return compare(
        [system(s, relief(n, 100 * i, i), figures=(harm,)) for i, s in enumerate(names)], draws=200
    )


def printed(comparison: Comparison, width: int) -> list[str]:
    out = StringIO()
    report = Report(comparison=comparison, stability=stability(comparison), notes=())
    print_report(Console(file=out, width=width), Path("report"), report)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("many", [1, 4, 6])
def test_every_cell_of_every_system_is_printed_whole(many, width):
    comparison = compared(many)
    lines = printed(comparison, width)
    assert max(map(len, lines[many:])) <= width  # the first ones are for the terminal to wrap
    assert "…" not in "".join(lines)
    rows = [line for line in lines if line.startswith("relief (points)")]
    row = comparison.figures[0]
    for name, shown in row.systems.items():
        assert any(cell(shown, decimals(row)) in line for line in rows), name
    steps = " ".join(line for line in lines if line.startswith("words a reply"))
    assert steps.count("n/a") == many


def test_systems_stand_in_as_few_blocks_as_fit_each_under_its_name():
    lines = printed(compared(4), 100)
    heads = [line for line in lines if line.startswith("Outcome")]
    assert [[i for i in range(1, 4) if f"system {i}" in head] for head in heads] == [[1, 2], [3]]
    # What figures are to be read against is said once.
    assert sum("chance 0.25" in line for line in lines) == 1
    assert len([line for line in printed(compared(4), 200) if line.startswith("Outcome")]) == 1


def test_too_few_dialogues_for_any_finding_are_told():
    said = "\n".join(printed(compared(2, n=5), 200))
    assert "Too few dialogues: with 5 no difference could be told from chance" in said
    assert "No difference is more than chance" not in said
    assert "One shared dialogue: nothing can be tested." in printed(compared(2, n=1), 200)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_what_is_found_stands_in_short_before_the_figures(width):
    lines = printed(compared(3), width)
    start, end = lines.index("In short"), next(i for i, s in enumerate(lines) if "Outcome" in s)
    said = " ".join(line.strip() for line in lines[start + 1 : end])
    assert all(len(line) <= width for line in lines[start:end])
    assert f"system 1 against {LONG}: relief +" in said
    assert f"system 2 against {LONG}: relief +" in said
    assert said.count("better (p 0.00") == 2


def test_findings_name_their_system_only_where_there_are_several():
    heads = [next(line for line in printed(compared(many), 100) if "p corrected" in line)
             for many in (2, 3)]  # fmt: skip
    assert [head.split()[0] for head in heads] == ["figure", "system"]


def test_families_without_a_figure_are_a_sentence():
    none = mean_figure(HARM.model_copy(update={"family": "people"}), {}, why="nobody was asked")
    lines = printed(compare([system("a", relief(5, 0), figures=(none,))]), 80)
    assert "People  n/a: nobody was asked" in lines
    assert "People  n/a: nothing was measured" in printed(
        compare([system("a", relief(5, 0))], only=["people"]), 80
    )


def test_stability_that_nothing_was_measured_for_gives_no_all_clear():
    said = "\n".join(printed(compared(2), 100))
    assert "Nothing could be watched" in said
    assert "No warning" not in said
