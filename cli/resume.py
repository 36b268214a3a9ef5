"""`attune resume`: finish an interrupted run."""

from pathlib import Path
from typing import Annotated

import typer


def resume(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Run failed dialogues again, from where they broke."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run summary as JSON.")] = False,
) -> None:
    """Finish an interrupted run: nothing journalled is asked again, nothing is lost.

    Example: attune resume runs/001
    """
    from attunement.cli.running import carry_out

    carry_out(run, as_json=as_json, retry_failed=retry_failed)
