"""A comparison as a Markdown page: what was compared, what was found, then family by family."""

from collections.abc import Iterator, Mapping, Sequence

from attunement.evaluation.comparison import Comparison, Curve, Row, Shown
from attunement.evaluation.paired import LEVEL
from attunement.evaluation.report.short import in_short
from attunement.evaluation.report.words import (
    NONE,
    TITLES,
    against,
    and_list,
    basis,
    cell,
    decimals,
    effect,
    findings,
    found_in_all,
    head,
    judged,
    levels,
    missing,
    nothing_found,
    nothing_there,
    number,
    p_value,
    point_decimals,
    strangers,
    untested,
    without_bounds,
)
from attunement.evaluation.stability import Stability, Step
from attunement.evaluation.systems import FAMILIES, Facts

Pictures = Mapping[str, str]
"""File name -> what it shows."""


def as_markdown(
    comparison: Comparison,
    pictures: Pictures,
    stability: Stability | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The page; pictures are linked below `plots/`."""
    lines = [*_opening(comparison, notes), *_main_findings(comparison)]
    if stability:
        lines += _stability(stability)
    for family in FAMILIES:
        rows = [row for row in comparison.figures if row.measure.family == family]
        curves = [curve for curve in comparison.series if curve.measure.family == family]
        if rows or curves:
            lines += [f"## {TITLES[family]}", ""]
            lines += _family(comparison, rows)
            lines += _pictures(pictures, family, curves)
    if not comparison.figures:
        lines += [f"{TITLES[family]}: {why}.\n" for family, why in nothing_there(comparison)]
    return "\n".join(lines).rstrip() + "\n"


# ---- what was compared --------------------------------------------------------------------------


def _opening(comparison: Comparison, notes: Sequence[str]) -> Iterator[str]:
    names = [facts.name for facts in comparison.systems]
    yield f"# Evaluation of {and_list(names)}"
    yield ""
    others = comparison.others
    columns = ["system", "dialogues", "people", "left out", "graph", "models", "folders"]
    if others:
        columns.insert(3, f"shared with {comparison.baseline}")
    yield from _table(columns, [_fact(facts, bool(others)) for facts in comparison.systems])
    yield ""
    if said := list(in_short(comparison)):
        yield "## In short"
        yield ""
        yield from (f"- **{first}**: {rest}" for first, rest in said)
        yield ""
        yield "## How it was measured"
        yield ""
    yield f"- {_how(comparison)}"
    yield from (f"- {note}" for note in notes)
    yield ""


def _fact(facts: Facts, shared: bool) -> list[str]:
    kind = "replayed" if facts.replayed == facts.dialogues else "live"
    if 0 < facts.replayed < facts.dialogues:
        kind = f"{facts.replayed} of them replayed"
    kind = kind if facts.is_run else "of people"
    counts = {"failed": facts.failed, "unfinished": facts.unfinished}
    left = [f"{n} {what}" for what, n in counts.items() if n]
    cells = [
        facts.name, f"{facts.dialogues:,} {kind}", f"{facts.personas:,}",
        ", ".join(left) or "none", ", ".join(facts.graphs),
        ", ".join(f"`{m}`" for m in facts.models), ", ".join(f"`{f}`" for f in facts.folders),
    ]  # fmt: skip
    if shared:
        told = "the baseline" if facts.is_run else ""
        cells.insert(3, told if facts.shared is None else f"{facts.shared:,}")
    return cells


def _how(comparison: Comparison) -> str:
    """How bounds and p come about, in a few sentences."""
    units = f"{comparison.by}s"
    said = (
        f"Intervals: 95 %, percentile bootstrap over {units}, {comparison.draws:,} draws, seed "
        f"{comparison.seed}."
    )
    if _still(comparison):
        said += (
            " Where all dialogues have the same figure the bounds are that figure: redrawing "
            "cannot find what never occurred."
        )
    if comparison.tests:
        said += (
            f" Differences are from {comparison.baseline}, on the dialogues that both systems have "
            "(same seed, same person, same recorded lines). p: approximate randomisation over "
            f"{units}, two-sided, {comparison.swaps:,} exchanges; corrected after Holm over "
            f"{_all(comparison.tests)} of this report. d: Cohen's d_z over dialogues. A win rate "
            "is held against one half."
        )
    return said


def _all(tests: int) -> str:
    return "the one test" if tests == 1 else f"all {tests} tests"


def _still(comparison: Comparison) -> bool:
    """Whether some figure does not move."""
    shown = (shown for row in comparison.figures for shown in row.systems.values())
    return any(one.low is not None and one.low == one.high for one in shown)


# ---- what was found -----------------------------------------------------------------------------


def _main_findings(comparison: Comparison) -> Iterator[str]:
    if not comparison.others:
        return
    yield "## Main findings"
    yield ""
    found = findings(comparison)
    if found:
        yield f"{found_in_all(comparison, found)} (corrected p below {LEVEL}):"
        yield ""
        yield from _table(
            ["system", "figure", "is", "difference", "d", "dialogues", "corrected p"],
            [[f.system, f.figure, f.way, f.difference, f.effect, f"{f.n:,}", f.p] for f in found],
        )
        yield ""
    elif said := nothing_found(comparison):
        yield said
        yield ""
    for why in strangers(comparison):
        yield f"{why} Their figures stand side by side, and no difference is tested."
        yield ""


# ---- a family -----------------------------------------------------------------------------------


def _family(comparison: Comparison, rows: Sequence[Row]) -> Iterator[str]:
    known = [row for row in rows if any(s.value is not None for s in row.systems.values())]
    names = comparison.names_in(rows)
    if known:
        totals = {facts.name: facts.dialogues for facts in comparison.systems}
        cells = [_row(row, names, totals) for row in known]
        yield from _table(["figure", *names, "to be read against"], cells)
        yield ""
    tested = [_difference(row, name, comparison.baseline) for row in known for name in row.against
              if row.against[name].value is not None]  # fmt: skip
    if tested:
        yield from _table(
            ["figure", "difference", "value", "p", "corrected p", "d", "better / equal / worse",
             "n"],
            tested,
        )  # fmt: skip
        yield ""
    meeting = [facts.name for facts in comparison.systems if facts.shared]
    apart = untested(known, comparison.baseline, meeting)
    for reason in (*missing(rows, names), *without_bounds(known), *apart):
        yield f"- n/a: {reason}"
    yield from (f"- `{row.measure.name}`: {_method(row)}" for row in known)
    yield ""


def _method(row: Row) -> str:
    good = f"; {row.measure.better} is better" if row.measure.better else ""
    others = {s.method: name for name, s in row.systems.items() if s.method}
    also = "".join(f"; {name}: {method.rstrip('.')}" for method, name in others.items())
    by = f"; {said}" if (said := basis(row)) else ""
    return f"{row.measure.method.rstrip('.')}{by}{good}{also}"


def _row(row: Row, names: Sequence[str], totals: Mapping[str, int]) -> list[str]:
    digits = decimals(row)
    stars = {name: " \\*" for name, found in row.against.items() if found.significant}
    shown = [
        cell(row.systems[name], digits) + _fewer(row.systems[name], totals[name])
        + stars.get(name, "")
        for name in names
    ]  # fmt: skip
    return [head(row.measure), *shown, levels(row, digits)]


def _fewer(shown: Shown, dialogues: int) -> str:
    """How many dialogues it rests on, where these are not all."""
    return f" (n {shown.n:,})" if shown.value is not None and 0 < shown.n < dialogues else ""


def _difference(row: Row, name: str, baseline: str) -> list[str]:
    found, digits = row.against[name], decimals(row)
    good = judged(row.measure, found) if found.significant else ""
    corrected = p_value(found.p_corrected)
    return [
        row.measure.name, against(found, name, baseline), cell(found, digits, sign=True),
        p_value(found.p), f"**{corrected}** {good}".strip() if found.significant else corrected,
        effect(found), shares(row, name), f"{found.n:,}" if found.n else "",
    ]  # fmt: skip


def shares(row: Row, name: str) -> str:
    """Share of dialogues that are better, equal and worse; higher, where neither way is good."""
    found = row.against[name]
    if found.higher is None or found.lower is None or found.equal is None:
        return ""
    up, down = found.higher, found.lower
    if row.measure.better == "lower":
        up, down = down, up
    text = f"{up:.0%} / {found.equal:.0%} / {down:.0%}"
    return text if row.measure.better else f"{text} (higher first)"


def _pictures(pictures: Pictures, family: str, curves: Sequence[Curve]) -> Iterator[str]:
    for file, shows in pictures.items():
        if file == f"{family}.png" or file.startswith(f"{family}-"):
            yield f"![{shows}](plots/{file})"
            yield ""
    for curve in curves:
        if any(s.value is not None for points in curve.systems.values() for s in points.values()):
            yield from _points(curve)


def _points(curve: Curve) -> Iterator[str]:
    """A series in numbers, folded away."""
    digits = point_decimals(curve)
    yield f"<details><summary>{head(curve.measure)}: numbers</summary>"
    yield ""
    rows = [
        [point, *(_point(points.get(point), digits) for points in curve.systems.values())]
        for point in curve.points
    ]
    yield from _table(["", *curve.systems], rows)
    yield ""
    yield f"{curve.measure.method.rstrip('.')}. In parentheses: dialogues."
    yield ""
    yield "</details>"
    yield ""


def _point(shown: Shown | None, digits: int) -> str:
    if shown is None or shown.value is None:
        return NONE
    return f"{cell(shown, digits)} ({shown.n:,})"


# ---- over iterations ----------------------------------------------------------------------------


def _stability(found: Stability) -> Iterator[str]:
    yield "## Stability over iterations"
    yield ""
    names = STEP_FIGURES
    yield from _table(
        ["", *(step.name for step in found.steps)],
        [[said, *(step_cell(step, name) for step in found.steps)] for name, said in names.items()],
    )
    yield ""
    yield from (f"- **Warning:** {warning}" for warning in found.warnings)
    if not found.warnings:
        yield f"- {found.calm}"
    yield from (f"- {note}" for note in found.notes)
    yield ""


STEP_FIGURES = {
    "margin": "reward margin", "drift": "drift of embeddings", "words": "words a reply",
    "stock": "stock openers (%)", "distinct_1": "Distinct-1 (%)", "distinct_2": "Distinct-2 (%)",
    "self_bleu": "self-BLEU (%)",
}  # fmt: skip


def step_cell(step: Step, name: str) -> str:
    """A figure of an iteration."""
    value = getattr(step, name)
    return number(value, 3 if name == "drift" else 2 if name == "margin" else 1)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _line(columns)
    yield _line(["---"] * len(columns))
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
