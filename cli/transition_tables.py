"""How `attune graph --strategies` prints: what each strategy brought, and which came next."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import networkx as nx
from rich import box
from rich.console import Console
from rich.table import Table

from attunement.graphs.drawing.diagram import many


def transition_text(graph: nx.DiGraph, title: str, plain: bool = False) -> str:
    """The network of `evaluation.transitions` as tables for a terminal; `plain` for ASCII only."""
    console = Console(file=io.StringIO(), width=120, markup=False, highlight=False, emoji=False)
    for part in (title, "", _strategies(graph), "", _matrix(graph), "", *_notes(graph)):
        console.print(part)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    text = "\n".join(line.rstrip() for line in lines)
    return text.replace("─", "-") if plain else text


def _strategies(graph: nx.DiGraph) -> Table:
    table = _table(("strategy", "times", "mean relief", "mean rating"))
    for strategy, figures in graph.nodes.items():
        rating = figures["mean_rating"]
        rated = "-" if rating is None else f"{rating:.2f}"
        table.add_row(strategy, f"{figures['times']:,}", _relief(figures), rated)
    return table


def _matrix(graph: nx.DiGraph) -> Table:
    """A row a strategy, a column the strategy of the next reply, by its first three letters."""
    table = _table(("this reply, then the next", *(name[:3] for name in graph)))
    for strategy in graph:
        following = [graph.get_edge_data(strategy, after) for after in graph]
        table.add_row(
            strategy, *(f"{f['times']:,}\n{_relief(f, 1)}" if f else "." for f in following)
        )
    return table


def _notes(graph: nx.DiGraph) -> Iterator[str]:
    yield "in the second table: how often, and the mean relief that the next reply brought"
    yield "relief: drop of the seeker's intensity (1-5) from the turn to their next turn"
    if without := graph.graph["without_strategy"]:
        words = many(without, "reply without a strategy", "replies without a strategy")
        yield f"not in the tables: {words}, such as hand-offs"


def _relief(figures: Mapping[str, Any], digits: int = 2) -> str:
    relief = figures["mean_relief"]
    return "-" if relief is None else f"{relief:+.{digits}f}"


def _table(columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table
