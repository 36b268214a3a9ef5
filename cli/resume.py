"""`attune resume`: finish an interrupted run."""

from pathlib import Path
from typing import Annotated

import typer

from attunement.cli.simulate import MaxMinutes, MaxTokens, MaxUsd


def resume(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Run failed dialogues again, from where they broke."),
    ] = False,
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run summary as JSON.")] = False,
) -> None:
    """Finish an interrupted run: nothing journalled is asked again, nothing is lost.

    A bound given here replaces that of the run, for this time.

    Example: attune resume runs/001
    """
    from attunement.agents.models.secrets import load_env_file
    from attunement.cli.running import carry_out

    load_env_file()
    bounds = {"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes}
    carry_out(run, as_json=as_json, retry_failed=retry_failed, bounds=bounds)
