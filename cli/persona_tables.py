"""How `attune personas` prints: tables on a terminal, JSON where it is asked for."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import typer
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

from attunement.core.records import Persona, Problem
from attunement.personas.coverage import PAIRS, Coverage, Dimension, pair
from attunement.personas.importers import ImportReport

_PIPE_WIDTH = 140
"""Columns where the output is no terminal, so that rows stay whole for grep."""


def print_json(value: Any) -> None:
    """One JSON value on stdout, indented."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def summary(card: Persona) -> dict[str, Any]:
    """What `list --json` says of a card."""
    return {
        "id": card.id,
        "name": card.name,
        "age": card.demographics.age,
        "problem": card.problem.value,
        "emotion": card.emotion.value,
        "intensity": card.intensity,
        "opens_up": card.opens_up,
        "manner": card.manner,
        "risk": card.risk,
    }


def print_list(cards: Sequence[Persona], origin: str) -> None:
    """All cards of a set, one a line."""
    table = _table(("id", "age", "problem", "emotion", "manner"), apart=0)
    for card in cards:
        table.add_row(
            card.id,
            str(card.demographics.age or "-"),
            card.problem.value,
            f"{card.emotion.value} {card.intensity}",
            card.manner if card.risk == "none" else f"{card.manner}, {card.risk}",
        )
    _show(table)
    typer.echo(
        f"{_many(len(cards), 'card')} from {origin}; the number is the emotion's strength, 1 to 5"
    )


def print_card(card: Persona) -> None:
    """One card, field by field."""
    table = _table(("field", "value"))
    for name, value in _lines(card.model_dump(mode="json")):
        table.add_row(name, value)
    _show(table)


def print_sample(whole: Coverage, chosen: Coverage, written: Mapping[str, Any]) -> None:
    """How even a sample is beside its set, and where it was written."""
    table = _table(("largest distance from an even share", "set", "sample"))
    for dimension in whole.dimensions:
        both = (dimension.discrepancy, chosen[dimension.name].discrepancy)
        table.add_row(dimension.name, *map(_share, both))
    _show(table)
    cards, size = written["cards"], written["set"]
    again = "; where a card comes again, its id ends in .2 and so on" if cards > size else ""
    typer.echo(
        f"{_many(cards, 'card')} from a set of {size} written to {written['out']} "
        f"(seed {written['seed']}){again}"
    )


def print_import(report: ImportReport, out: Path | None) -> None:
    """What an import read, drew and skipped."""
    if report.columns:
        table = _table(("field", "read from"))
        for field, column in report.columns.items():
            table.add_row(field, column)
        _show(table)
    for label, text in _import_notes(report):
        typer.echo(f"{label}: {text}")
    done = "nothing written; pass --out cards.yaml" if out is None else f"written to {out}"
    rows, cards = _many(report.rows, "row"), _many(report.cards, "card")
    typer.echo(f"{report.file}: {rows} read, {cards} made, {done}")


def _import_notes(report: ImportReport) -> Iterator[tuple[str, str]]:
    notes = {
        "columns not read": ", ".join(report.not_read),
        "set": ", ".join(f"{name}={value}" for name, value in report.fixed.items()),
        "drawn": _times(report.drawn, report.cards),
        "left neutral, beside a text that says more": _times(report.assumed, report.cards),
        "skipped": "; ".join(f"row {row.row} ({row.reason})" for row in report.skipped[:20]),
    }
    more = len(report.skipped) - 20
    for label, text in notes.items():
        if text:
            yield label, text + (f" and {more} more" if label == "skipped" and more > 0 else "")


def _times(counts: Mapping[str, int], cards: int) -> str:
    return ", ".join(
        name if count == cards else f"{name} (in {count} of {cards})"
        for name, count in counts.items()
    )


# ---- coverage -----------------------------------------------------------------------------------


def print_coverage(report: Coverage, origin: str) -> None:
    """The problem x emotion matrix, the other dimensions, and what is empty."""
    typer.echo(f"{_many(report.cards, 'card')} from {origin}")
    _show(_matrix(report))
    table = _table(("dimension", "cards in each cell", "uneven by"))
    for dimension in report.dimensions:
        cells = "in the table above" if dimension.name == PAIRS else _counts(dimension)
        table.add_row(dimension.name, cells, _share(dimension.discrepancy))
    _show(table)
    typer.echo("uneven by: largest distance of a cell's share from the even share")
    _print_empty(report)


def _matrix(report: Coverage) -> Table:
    """Emotions by their first three letters, so that it fits 80 columns."""
    emotions = list(report["emotion"].counts)
    table = _table(("problem", *(name[:3] for name in emotions), "all"), apart=0, right=True)
    for problem, total in report["problem"].counts.items():
        cells = [report[PAIRS].counts.get(pair(problem, emotion), 0) for emotion in emotions]
        table.add_row(problem, *(str(count or ".") for count in (*cells, total)))
    totals = (*report["emotion"].counts.values(), report.cards)
    table.add_row("all", *(str(count or ".") for count in totals))
    return table


def _counts(dimension: Dimension) -> str:
    return ", ".join(f"{cell} {count}" for cell, count in dimension.counts.items())


def _print_empty(report: Coverage) -> None:
    single = [f"{d.name}: {', '.join(d.empty)}" for d in report.dimensions if d.name != PAIRS]
    lines = [line for line in single if not line.endswith(": ")]
    typer.echo(f"empty cells: {len(report.empty)}" if report.empty else "no cell is empty")
    for line in [*lines, *_empty_pairs(report)]:
        typer.echo(f"  {line}")


def _empty_pairs(report: Coverage) -> Iterator[str]:
    """One line a problem: its emotions that are missing, where some are there."""
    pairs, emotions = report[PAIRS].counts, report["emotion"].counts
    for problem in Problem:
        missing = [e for e in emotions if pairs.get(pair(problem, e)) == 0]
        if missing and report["problem"].counts.get(problem.value):
            yield f"{problem.value} x {', '.join(missing)}"


# ---- pieces -------------------------------------------------------------------------------------


def _lines(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in card.items():
        if isinstance(value, Mapping):
            yield from _lines(value)
        elif isinstance(value, list) and value:
            yield name, "\n".join(f"- {item}" for item in value)
        elif value not in (None, "", []):
            yield name, str(value)


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(columns: Iterable[str], *, apart: int = 1, right: bool = False) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, apart, 0, 0))
    for number, name in enumerate(columns):
        justify: JustifyMethod = "right" if right and number else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=number == 0)
    return table


def _show(table: Table) -> None:
    """Print a persona's words as they are: no markup, no emoji codes."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    console.print(table)
