"""What recipe B came to, in print."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from attunement.trainers.decoupled.report import MARKDOWN, DecoupledReport, tables


def print_report(console: Console, folder: Path, report: DecoupledReport) -> None:
    """The report's tables."""
    for table in tables(report):
        grid = Grid(title=table.title, title_justify="left", box=None, pad_edge=False)
        for place, name in enumerate(table.head):
            grid.add_column(name, justify="right" if place else "left", no_wrap=not place)
        for row in table.rows:
            grid.add_row(*map(Text, row))
        console.print(grid)
        console.print()
    typer.echo(f"The same as Markdown: {folder / 'report' / MARKDOWN}", err=True)
