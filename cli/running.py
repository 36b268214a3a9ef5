"""Carrying out a run from the front door: progress, summary, and what to do next."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from attunement.cli.estimate import print_estimate
from attunement.cli.summary import print_example, print_summary
from attunement.evaluation.summary import summarise
from attunement.simulator.backends import (
    backends_for,
    not_heeded,
    prices_for,
    with_capabilities,
    without_effect,
)
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import check_priced
from attunement.simulator.estimate import choose_probes, estimate
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Tally
from attunement.simulator.run import open_run
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
    finished = _run(folder, tally, retry_failed, bounds or {})
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
            print_summary(console, folder, summary, tally, seconds)
    if not finished:
        _end_stopped(folder, tally)
    if summary.failed and summary.failed == summary.dialogues:
        raise typer.Exit(1)


def carry_out_probes(folder: Path, as_json: bool) -> None:
    """Run a few dialogues of a new run, then say what the whole of it will take."""
    config, journal = open_run(folder)
    with closing(journal):
        chosen = choose_probes(sum(journal.counts().values()))
    tally = Tally()
    if not _run(folder, tally, False, {}, only=chosen):
        _end_stopped(folder, tally)
    config, journal = open_run(folder)
    with closing(journal):
        found = estimate(journal, config, prices_for(config), chosen)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_estimate(Console(), folder, found)


def _run(
    folder: Path,
    tally: Tally,
    retry_failed: bool,
    bounds: Mapping[str, float | None],
    only: Sequence[int] | None = None,
) -> bool:
    try:
        return run_folder(
            folder, watch=_watch, retry_failed=retry_failed, tally=tally, on_stop=_say_stopping,
            bounds=bounds, only=only,
        )  # fmt: skip
    except KeyboardInterrupt:  # before the run could watch for it, or for the second time
        _say_stopped(folder)
        raise typer.Exit(130) from None


def _end_stopped(folder: Path, tally: Tally) -> NoReturn:
    if tally.stopped_by.startswith("--"):
        typer.echo(
            f"Stopped by {tally.stopped_by}; nothing is lost. "
            f"Go on with a wider bound: attune resume {folder}",
            err=True,
        )
        raise typer.Exit(3)
    _say_stopped(folder)
    raise typer.Exit(130)


def _say_stopping() -> None:
    typer.echo("Stopping: calls in flight finish first; Ctrl-C again ends at once.", err=True)


def _say_stopped(folder: Path) -> None:
    typer.echo(f"Stopped; nothing is lost. Go on with: attune resume {folder}", err=True)


@contextmanager
def _watch(tally: Tally, journal: Journal) -> Iterator[None]:
    """Show a run's progress on stderr: a live line on a terminal, plain lines elsewhere."""
    counts = journal.counts()
    total, before = sum(counts.values()), counts["done"] + counts["failed"]
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
