"""An evaluation on the terminal: figures family by family, and what is more than chance."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from attunement.evaluation.comparison import Comparison, Row
from attunement.evaluation.report.markdown import STEP_FIGURES, step_cell
from attunement.evaluation.report.short import in_short
from attunement.evaluation.report.words import (
    TITLES,
    Finding,
    cell,
    decimals,
    findings,
    found_in_all,
    head,
    levels,
    missing,
    nothing_found,
    nothing_there,
    strangers,
)
from attunement.evaluation.report.writing import MARKDOWN, Report
from attunement.evaluation.stability import Stability, Step
from attunement.evaluation.systems import FAMILIES, Facts
from attunement.graphs.drawing.diagram import many

MOST = 15
"""Findings that are printed; all stand in the report."""
_NARROW, _WIDE = 20, 30
"""Characters of the first column."""
_NAME, _SHORT = 20, 12
"""Characters of a system's name that make a column wider; a longer one is folded."""


def print_report(console: Console, folder: Path, report: Report) -> None:
    """Print a report that was written to `folder`."""
    found = report.comparison
    for facts in found.systems:
        console.print(_fact(facts, found.baseline), soft_wrap=True)
    _print_short(console, found)
    widths = _widths(found, console.width)
    for family in FAMILIES:
        rows = [row for row in found.figures if row.measure.family == family]
        _print_family(console, TITLES[family], rows, found.names_in(rows), widths)
    _print_nothing(console, found)
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
    known = [row for row in rows if any(s.value is not None for s in row.systems.values())]
    if not known:
        return
    console.print()
    for number, block in enumerate(_blocks(names, *widths, console.width)):
        if number:
            console.print()
        console.print(_table(title, known, block, widths, against=not number))
    for reason in missing(rows, names, most=3):
        console.print(Padding(Text(f"n/a: {reason}", style="dim"), (0, 0, 0, 2)))


def _print_nothing(console: Console, found: Comparison) -> None:
    """The families that have no figure, at the end of all that have some."""
    for number, (family, why) in enumerate(nothing_there(found)):
        if not number:
            console.print()
        console.print(Text.assemble((TITLES[family], "bold"), (f"  n/a: {why}", "dim")))


def _print_short(console: Console, found: Comparison) -> None:
    """Each line hangs below its beginning."""
    for number, (first, rest) in enumerate(in_short(found)):
        if not number:
            console.print()
            console.print(Text("In short", style="bold"))
        text = Text.assemble((first, "bold"), f": {rest}")
        lines = text.wrap(console, max(1, console.width - 4))
        for place, line in enumerate(lines):
            line.rstrip()
            console.print(Padding(line, (0, 0, 0, 4 if place else 2)))


def _blocks(names: Sequence[str], first: int, each: int, width: int) -> Iterator[Sequence[str]]:
    """As many columns as fit beside the first one, so that the terminal cuts none off."""
    fit = max(1, (width - first) // (each + 1))
    for start in range(0, len(names), fit):
        yield names[start : start + fit]


def _widths(comparison: Comparison, width: int) -> tuple[int, int]:
    """Characters of the first column and of a system's, the same in all tables."""
    names, cells = [_NARROW], [min(len(f.name), _NAME) for f in comparison.systems]
    for row in comparison.figures:
        names.append(min(len(head(row.measure)), _WIDE))
        digits = decimals(row)
        cells += [len(_cell(row, system, digits)) for system in row.systems]
    first = max(names)
    return first, min(max(cells), max(1, width - first - 1))


def _table(
    title: str,
    rows: Sequence[Row],
    names: Sequence[str],
    widths: tuple[int, int],
    against: bool = True,
) -> Table:
    """Figures with their bounds; a star is a difference from the baseline beyond chance.

    `against`: whether to say what they have to be read against.
    """
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(Text(title, style="bold not dim"), overflow="fold", min_width=widths[0],
                     max_width=widths[0])  # fmt: skip
    for name in names:
        table.add_column(Text(name), overflow="fold", min_width=widths[1], max_width=widths[1])
    for row in rows:
        digits = decimals(row)
        what = Text(head(row.measure))
        if against and (said := levels(row, digits)):
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
    said, none = findings(found), nothing_found(found)
    if said or none or found.apart:
        console.print()
    if said:
        console.print(Text.assemble((found_in_all(found, said), "bold"), " (*)"))
        console.print(_differences(said[:MOST], found.others))
    elif none:
        console.print(Text(none, style="bold"))
    if len(said) > MOST:
        console.print(Text(f"and {len(said) - MOST} more in the report", style="dim"))
    for why in strangers(found):
        console.print(Text(why, style="bold"))


def _differences(found: Sequence[Finding], others: Sequence[str]) -> Table:
    """Which system it is, where there are several."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    several = len(others) > 1
    for name in (*(["system"] if several else []), "figure", "is"):
        table.add_column(name, overflow="fold")
    for name in ("difference", "d", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("p corrected", justify="right", min_width=len("corrected"))
    for one in found:
        cells = (one.figure, one.way, one.difference, one.effect, f"{one.n:,}", one.p)
        table.add_row(*map(Text, [one.system, *cells] if several else cells))
    return table


def _print_stability(console: Console, found: Stability) -> None:
    first = max(map(len, STEP_FIGURES.values())) + 1
    most = max(len(text) for one in found.steps for text in (one.name[:_SHORT], *_step(one)))
    steps, each = {step.name: step for step in found.steps}, min(most, console.width - first - 1)
    for block in _blocks(list(steps), first, each, console.width):
        console.print()
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        table.add_column(Text("Stability", style="bold not dim"), min_width=first)
        for name in block:
            table.add_column(
                Text(name), justify="right", overflow="fold", min_width=each, max_width=each
            )
        for line in zip(STEP_FIGURES.values(), *(_step(steps[n]) for n in block), strict=True):
            table.add_row(*line)
        console.print(table)
    for warning in found.warnings:
        console.print(Text(f"Warning: {warning}", style="yellow"))
    if not found.warnings:
        console.print(Text(found.calm, style="green" if found.watched else "yellow"))
    for note in found.notes:
        console.print(Text(note, style="dim"))


def _step(step: Step) -> list[str]:
    """The figures of an iteration."""
    return [step_cell(step, name) for name in STEP_FIGURES]
