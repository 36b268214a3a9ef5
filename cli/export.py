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
) -> None:
    """Write every turn as one JSON line, in a stable order and without clock values.

    Example: attune export runs/001 --out turns.jsonl
    """
    from contextlib import closing

    from attunement.simulator.export import call_rows, turn_rows, write_rows
    from attunement.simulator.run import open_run

    _, journal = open_run(run)
    with closing(journal):
        written = write_rows(call_rows(journal) if calls else turn_rows(journal), out)
    if str(out) != "-":
        typer.echo(f"{written} {'calls' if calls else 'turns'} written to {out}")
