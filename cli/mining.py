"""Mining from the front door: a file or a run that was begun, to a run that is labelled."""

from pathlib import Path
from typing import Any

import typer

from attunement.cli.judging import watch_labels
from attunement.cli.running import (
    check_models,
    create_numbered,
    end_stopped,
    run_watched,
    say_stopping,
)
from attunement.core.errors import ConfigError, unknown
from attunement.simulator.casting import cast_for
from attunement.simulator.recorder import Tally
from attunement.trainers.corpora.mining import check_mining, label, mining_config

METHODS = ("ipm",)
"""Inferential preference mining, recipe B's (arXiv 2505.16995)."""


def mine(
    method: str, source: Path, run: Path | None, file: Path | None, settings: dict[str, Any],
    go_on: str,
) -> Path:  # fmt: skip
    """The run folder of `source`, mined and labelled: a new one for a file of recorded dialogues.

    `go_on` is the command that goes on after a stop, without its run folder.
    """
    if method not in METHODS:
        raise ConfigError(unknown("method of mining", method, METHODS))
    folder = _begun(source, run, file, settings) if source.is_dir() else None
    folder = folder or _begin(source, run, file, settings)
    tally = Tally()
    if not run_watched(folder, tally):
        end_stopped(tally, go_on.format(folder))
    tally = Tally()
    try:
        whole = label(folder, watch=watch_labels(), tally=tally, on_stop=say_stopping)
    except KeyboardInterrupt:  # before the work could watch for it, or for the second time
        whole = False
    if not whole:
        end_stopped(tally, go_on.format(folder))
    return folder


def _begun(source: Path, run: Path | None, file: Path | None, settings: dict[str, Any]) -> Path:
    check_mining(source)
    if run or file or any(value is not None for value in settings.values()):
        raise ConfigError(
            f"run {str(source)!r} was begun and has its configuration; name it alone, "
            "or a file of recorded dialogues for a new one"
        )
    return source


def _begin(source: Path, run: Path | None, file: Path | None, settings: dict[str, Any]) -> Path:
    config = mining_config(source, file, **settings)
    cast = cast_for(config)
    if run and run.is_dir():
        raise ConfigError(
            f"run folder {str(run)!r} exists; go on with it by naming it instead of the file, "
            "or choose another with --run"
        )
    folder = create_numbered(run, check_models(config), cast)
    typer.echo(f"Mining {source} in {folder}", err=True)
    return folder
