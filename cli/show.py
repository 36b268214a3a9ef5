"""`attune show`: read a run in the terminal."""

from pathlib import Path
from typing import Annotated

import typer


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    dialogue: Annotated[
        str | None, typer.Argument(help="Its number (from 0) or its id; else the run's summary.")
    ] = None,
    turn: Annotated[int | None, typer.Option(help="Only this turn, counted from 1.")] = None,
    calls: Annotated[
        bool, typer.Option("--calls", help="With --turn: its rendered prompts and raw answers.")
    ] = False,
    graph: Annotated[
        bool,
        typer.Option("--graph", help="The run on its graph; with --turn, the way that it took."),
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="A live run: each turn as soon as it is there.")
    ] = False,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The turns that hold these words.")
    ] = None,
    worst: Annotated[
        bool, typer.Option("--worst", help="The replies after which it went worst.")
    ] = False,
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --worst: replies of this strategy.")
    ] = None,
    branches: Annotated[
        bool, typer.Option("--branches", help="List the branches too, and what they change.")
    ] = False,
    offset: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="List from this number on.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="List so many; else 20."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List all of them.")] = False,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="What a prefix cache could serve, by role.")
    ] = False,
    pager: Annotated[
        bool, typer.Option(help="On a terminal, page what is longer than the screen.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a run: its summary and dialogues, or one dialogue with all that was thought in it.

    Example: attune show runs/001 0 --turn 2 --graph
    """
    from contextlib import closing

    from rich.console import Console

    from attunement.cli import showing
    from attunement.cli.paging import paged
    from attunement.simulator.run import open_run

    asked = showing.Asked(
        run, dialogue, turn, calls=calls, graph=graph, follow=follow, search=search, worst=worst,
        strategy=strategy, branches=branches, offset=offset, limit=limit, every=every,
        prefix=prefix, as_json=as_json,
    )  # fmt: skip
    showing.check(asked)
    config, journal = open_run(run)
    console = Console()
    with closing(journal), paged(console, pager and not follow):
        showing.show(console, asked, config, journal)
