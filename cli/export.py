"""`attune export`: turns, or every model call, as JSON lines."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write; - for the output.")],
    calls: Annotated[
        bool, typer.Option("--calls", help="Every model call with its prompt and answer.")
    ] = False,
    branches: Annotated[
        bool,
        typer.Option("--branches", help="The branches too, from their fork on, and their origins."),
    ] = False,
) -> None:
    """Write every turn as one JSON line, in a stable order and without clock values.

    Example: attune export runs/001 --out turns.jsonl
    """
    from contextlib import closing

    from attunement.simulator.export import call_rows, turn_rows, write_rows
    from attunement.simulator.run import open_run

    _, journal = open_run(run)
    with closing(journal):
        rows = call_rows(journal, branches) if calls else turn_rows(journal, branches)
        written = write_rows(rows, out)
    if str(out) != "-":
        typer.echo(f"{written} {'calls' if calls else 'turns'} written to {out}")
