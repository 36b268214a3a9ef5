"""Recipe B behind `attune evolve`: its stages while it works, and its tables."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from attunement.trainers.decoupled.report import MARKDOWN, DecoupledReport, tables


def run_recipe(config: Path, out: Path | None, *, dry_run: bool, redo: bool, as_json: bool) -> None:
    """Run the recipe of a file, or say what would be done."""
    from attunement.trainers.decoupled.config import read_decoupled

    checked = read_decoupled(config)
    if dry_run:
        import orjson

        from attunement.cli.evolve_table import print_plan
        from attunement.trainers.decoupled.recipe import plan

        found = plan(checked, out or Path("runs") / "new")
        if as_json:
            stages = [stage.model_dump(mode="json") for stage in found]
            typer.echo(orjson.dumps(stages, option=orjson.OPT_INDENT_2).decode())
        else:
            print_plan(found)
        return

    from attunement.cli.evolve_table import display, numbered
    from attunement.core.errors import StoppedError
    from attunement.trainers.decoupled.recipe import run_decoupled

    folder = out or numbered()
    typer.echo(f"Recipe B in {folder}", err=True)
    try:
        report = run_decoupled(checked, folder, display(), redo)
    except (KeyboardInterrupt, StoppedError):
        go_on = f"attune evolve {folder}"
        typer.echo(f"Stopped; nothing is lost. Go on with: {go_on}", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_report(Console(), folder, report)


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
