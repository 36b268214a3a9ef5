"""An evaluation on the terminal: figures family by family, and what is more than chance."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from attunement.evaluation.comparison import Comparison, Row
from attunement.evaluation.report.markdown import STEP_FIGURES, step_cell
from attunement.evaluation.report.words import (
    TITLES,
    Finding,
    cell,
    decimals,
    findings,
    head,
    levels,
    missing,
)
from attunement.evaluation.report.writing import MARKDOWN, Report
from attunement.evaluation.stability import Stability
from attunement.evaluation.systems import FAMILIES, Facts
from attunement.graphs.drawing.diagram import many

MOST = 15
"""Findings that are printed; all stand in the report."""
_NARROW, _WIDE = 20, 30
"""Characters of the first column."""


def print_report(console: Console, folder: Path, report: Report) -> None:
    """Print a report that was written to `folder`."""
    found = report.comparison
    for facts in found.systems:
        console.print(_fact(facts, found.baseline), soft_wrap=True)
    widths = _widths(found)
    for family in FAMILIES:
        rows = [row for row in found.figures if row.measure.family == family]
        _print_family(console, TITLES[family], rows, found.names_in(rows), widths)
    _print_findings(console, found)
    if report.stability:
        _print_stability(console, report.stability)
    for note in report.notes:
        console.print(Text(f"Note: {note}", style="dim"))
    console.print()
    console.print(Text(f"Report: {folder / MARKDOWN}, with plots and report.json"), soft_wrap=True)


def _fact(facts: Facts, baseline: str) -> Text:
    people = "1 person" if facts.personas == 1 else f"{facts.personas:,} people"
    said = f"  {many(facts.dialogues, 'dialogue')}, {people}"
    for n, what in ((facts.failed, "failed"), (facts.unfinished, "unfinished")):
        said += f", {n:,} {what} left out" if n else ""
    if facts.shared is not None:
        said += f"; shared with {baseline}: {facts.shared:,}"
    return Text.assemble((facts.name, "bold"), said)


def _print_family(
    console: Console,
    title: str,
    rows: Sequence[Row],
    names: Sequence[str],
    widths: tuple[int, int],
) -> None:
    if not rows:
        return
    console.print()
    known = [row for row in rows if any(s.value is not None for s in row.systems.values())]
    if not known:
        why = next(iter(missing(rows, names, most=2)))
        console.print(Text.assemble((title, "bold"), (f"  n/a: {why}", "dim")))
        return
    console.print(_table(title, known, names, widths))
    for reason in missing(rows, names, most=3):
        console.print(Padding(Text(f"n/a: {reason}", style="dim"), (0, 0, 0, 2)))


def _widths(comparison: Comparison) -> tuple[int, int]:
    """Characters of the first column and of a system's, the same in all tables."""
    names, cells = [_NARROW], [len(facts.name) for facts in comparison.systems]
    for row in comparison.figures:
        names.append(min(len(head(row.measure)), _WIDE))
        digits = decimals(row)
        cells += [len(_cell(row, system, digits)) for system in row.systems]
    return max(names), max(cells)


def _table(title: str, rows: Sequence[Row], names: Sequence[str], widths: tuple[int, int]) -> Table:
    """Figures with their bounds; a star is a difference from the baseline beyond chance."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(Text(title, style="bold not dim"), overflow="fold", min_width=widths[0],
                     max_width=widths[0])  # fmt: skip
    for name in names:
        table.add_column(Text(name), overflow="fold", min_width=widths[1])
    for row in rows:
        digits = decimals(row)
        what = Text(head(row.measure))
        if said := levels(row, digits):
            lines = wrap(said, widths[0], initial_indent="  ", subsequent_indent="  ")
            what.append("".join(f"\n{line}" for line in lines), "dim")
        table.add_row(what, *(_cell(row, name, digits) for name in names))
    return table


def _cell(row: Row, name: str, digits: int) -> Text:
    found = row.against.get(name)
    star = found is not None and found.significant
    shown = row.systems[name]
    style = "bold" if star else "" if shown.value is not None else "dim"
    return Text(cell(shown, digits) + (" *" if star else ""), style=style)


def _print_findings(console: Console, found: Comparison) -> None:
    if not found.others:
        return
    console.print()
    said = findings(found)
    if said:
        what = (
            f"{len(said)} of {found.tests} differences from {found.baseline} are more than chance"
        )
        console.print(Text.assemble((what, "bold"), " (*), p corrected"))
        console.print(_differences(said[:MOST]))
    elif found.tests:
        nothing = f"No difference is more than chance ({found.tests} tests, corrected after Holm)."
        console.print(Text(nothing, style="bold"))
    if len(said) > MOST:
        console.print(Text(f"and {len(said) - MOST} more in the report", style="dim"))
    for facts in found.systems:
        if facts.shared == 0:
            console.print(
                Text(f"{facts.name} and {found.baseline} share no dialogue: side by side alone.")
            )


def _differences(found: Sequence[Finding]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("system", "figure", "is"):
        table.add_column(name, overflow="fold")
    for name in ("difference", "d", "n", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        cells = (one.system, one.figure, one.way, one.difference, one.effect, f"{one.n:,}", one.p)
        table.add_row(*map(Text, cells))
    return table


def _print_stability(console: Console, found: Stability) -> None:
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(Text("Stability", style="bold not dim"))
    for step in found.steps:
        table.add_column(Text(step.name), justify="right")
    for name, said in STEP_FIGURES.items():
        table.add_row(said, *(step_cell(step, name) for step in found.steps))
    console.print(table)
    for warning in found.warnings:
        console.print(Text(f"Warning: {warning}", style="yellow"))
    if not found.warnings:
        console.print(Text("No warning: nothing has gone past a threshold.", style="green"))
    for note in found.notes:
        console.print(Text(note, style="dim"))
