"""Carrying out a run from the front door: progress, summary, and what to do next."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from attunement.cli.estimate import print_estimate
from attunement.cli.summary import print_example, print_summary
from attunement.core.errors import RunFolderError
from attunement.evaluation.summary import summarise
from attunement.simulator.backends import (
    backends_for,
    not_heeded,
    prices_for,
    with_capabilities,
    without_effect,
)
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import check_priced
from attunement.simulator.estimate import choose_probes, estimate
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, open_run
from attunement.simulator.run import run as run_folder

PLAIN_EVERY = 5.0
"""Seconds between progress lines where there is no terminal."""


def check_models(config: RunConfig) -> RunConfig:
    """The configuration with what its servers can do, found out before anything is laid down."""
    check_priced(config.budget, prices_for(config))
    for line in without_effect(config):
        typer.echo(f"Note: {line}", err=True)

    async def ask() -> RunConfig:
        backends = backends_for(config)
        if servers := [spec for spec in backends if spec.startswith("openai:")]:
            typer.echo(f"Asking what it can do: {', '.join(servers)} …", err=True)
        try:
            return await with_capabilities(config, backends)
        finally:
            for backend in backends.values():
                await backend.aclose()

    checked = asyncio.run(ask())
    for line in not_heeded(checked):
        typer.echo(f"Note: {line}; config.toml lists it.", err=True)
    return checked


def carry_out(
    folder: Path,
    as_json: bool,
    retry_failed: bool = False,
    example: bool = False,
    bounds: Mapping[str, float | None] | None = None,
) -> None:
    """Run what is open, then print the summary.

    Exit 130 if a signal stopped it, 3 if its budget did, 1 if all dialogues failed.
    """
    started = time.monotonic()
    tally = Tally()
    finished = run_watched(folder, tally, retry_failed, bounds or {})
    seconds = time.monotonic() - started
    config, journal = open_run(folder)
    with closing(journal):
        summary = summarise(journal, prices_for(config))
        if as_json:
            typer.echo(summary.model_dump_json(indent=2))
        else:
            console = Console()
            if example and finished:
                print_example(console, journal)
            print_summary(console, folder, summary, tally, seconds, config.mines)
    if not finished:
        end_stopped(tally, f"attune resume {folder}")
    if summary.failed and summary.failed == summary.dialogues:
        raise typer.Exit(1)


def carry_out_probes(folder: Path, as_json: bool) -> None:
    """Run a few dialogues of a new run, then say what the whole of it will take."""
    config, journal = open_run(folder)
    with closing(journal):
        chosen = choose_probes(sum(journal.counts().values()))
    tally = Tally()
    if not run_watched(folder, tally, only=chosen):
        end_stopped(tally, f"attune resume {folder}")
    config, journal = open_run(folder)
    with closing(journal):
        found = estimate(journal, config, prices_for(config), chosen)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_estimate(Console(), folder, found)


def run_watched(
    folder: Path,
    tally: Tally,
    retry_failed: bool = False,
    bounds: Mapping[str, float | None] | None = None,
    only: Sequence[int] | None = None,
) -> bool:
    """Run what is open, with its progress on stderr; False if it was stopped."""
    try:
        return run_folder(
            folder, watch=partial(_watch, only=only), retry_failed=retry_failed, tally=tally,
            on_stop=say_stopping, bounds=bounds, only=only,
        )  # fmt: skip
    except KeyboardInterrupt:  # before the run could watch for it, or for the second time
        return False


def say_stopping() -> None:
    """What the first Ctrl-C does."""
    typer.echo("Stopping: calls in flight finish first; Ctrl-C again ends at once.", err=True)


def end_stopped(tally: Tally, go_on: str) -> NoReturn:
    """Say how to go on, and end with 3 for a bound of the budget, 130 for a signal."""
    if tally.stopped_by.startswith("--"):
        wider = f"Stopped by {tally.stopped_by}; nothing is lost. Go on with a wider bound: {go_on}"
        typer.echo(wider, err=True)
        raise typer.Exit(3)
    typer.echo(f"Stopped; nothing is lost. Go on with: {go_on}", err=True)
    raise typer.Exit(130)


def create_numbered(out: Path | None, settings: RunConfig, cast: Cast) -> Path:
    """Lay out a run in `out`, or in the first free folder `runs/NNN`."""
    folder = out or next_folder()
    while True:
        try:
            create_run(folder, settings, cast)
            return folder
        except RunFolderError:
            # Another process may have taken the free number meanwhile: then the next one.
            if out or not folder.is_dir():
                raise
            folder = next_folder()


def next_folder() -> Path:
    """The first free name `runs/NNN`."""
    number = 1
    while (folder := Path("runs") / f"{number:03d}").exists():
        number += 1
    return folder


@contextmanager
def _watch(tally: Tally, journal: Journal, only: Sequence[int] | None = None) -> Iterator[None]:
    """Show a run's progress on stderr: a live line on a terminal, plain lines elsewhere."""
    counts = journal.counts(branches=True)
    total, before = sum(counts.values()), counts["done"] + counts["failed"]
    if only is not None:
        total, before = len(only), 0
    console = Console(stderr=True)
    if not counts["open"]:
        typer.echo("Every dialogue is closed; there is nothing left to run.", err=True)
        yield
    elif console.is_terminal:
        with _live(console, tally, total, before):
            yield
    else:
        with _lines(tally, total, before):
            yield


def figures(tally: Tally, total: int, before: int) -> str:
    """The progress of a run in one line."""
    elapsed = max(time.monotonic() - tally.started, 1e-9)
    done = tally.done + tally.failed
    left = (total - before - done) * elapsed / done if done else None
    parts = [
        f"{before + done}/{total} dialogues",
        f"{tally.turns} turns",
        f"{tally.calls} calls ({tally.calls / elapsed:.0f}/s)",
        f"{(tally.prompt_tokens + tally.completion_tokens) / 1000:.0f}k tokens",
        f"{tally.set_aside} set aside",
        f"{tally.failed} failed",
    ]
    if tally.repeated:
        parts.append(f"{tally.repeated} calls from the journal")
    if tally.usd:
        parts.append(f"{tally.usd:.2f} USD")
    parts.append("time left unknown" if left is None else f"{_clock(left)} left")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@contextmanager
def _live(console: Console, tally: Tally, total: int, before: int) -> Iterator[None]:
    bar = Progress(BarColumn(40), MofNCompleteColumn(), TextColumn("{task.description}"))
    task = bar.add_task("", total=total, completed=before)

    class _Frame:
        def __rich__(self) -> Group:
            text = figures(tally, total, before).partition(", ")[2]
            bar.update(task, completed=before + tally.done + tally.failed, description=text)
            trouble = tally.trouble()
            return Group(bar, *([Text(trouble, style="yellow")] if trouble else []))

    with Live(_Frame(), console=console, refresh_per_second=4, transient=True):
        yield


@contextmanager
def _lines(tally: Tally, total: int, before: int) -> Iterator[None]:
    over = threading.Event()

    def report() -> None:
        while not over.wait(PLAIN_EVERY):
            typer.echo(figures(tally, total, before), err=True)
            if trouble := tally.trouble():
                typer.echo(trouble, err=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        typer.echo(figures(tally, total, before), err=True)
