"""Carrying out a run from the front door: progress, summary, and what to do next."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from attunement.cli.summary import print_example, print_summary
from attunement.evaluation.summary import summarise
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Tally
from attunement.simulator.run import open_run
from attunement.simulator.run import run as run_folder

PLAIN_EVERY = 5.0
"""Seconds between progress lines where there is no terminal."""


def carry_out(
    folder: Path, as_json: bool, retry_failed: bool = False, example: bool = False
) -> None:
    """Run what is open, then print the summary. Exit 130 if stopped, 1 if all dialogues failed."""
    started = time.monotonic()
    tally = Tally()
    try:
        finished = run_folder(
            folder, watch=_watch, retry_failed=retry_failed, tally=tally, on_stop=_say_stopping
        )
    except KeyboardInterrupt:  # before the run could watch for it, or for the second time
        _say_stopped(folder)
        raise typer.Exit(130) from None
    seconds = time.monotonic() - started
    _, journal = open_run(folder)
    with closing(journal):
        summary = summarise(journal)
        if as_json:
            typer.echo(summary.model_dump_json(indent=2))
        else:
            console = Console()
            if example and finished:
                print_example(console, journal)
            print_summary(console, folder, summary, tally, seconds)
    if not finished:
        _say_stopped(folder)
        raise typer.Exit(130)
    if summary.failed and summary.failed == summary.dialogues:
        raise typer.Exit(1)


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
        def __rich__(self) -> Progress:
            text = figures(tally, total, before).partition(", ")[2]
            bar.update(task, completed=before + tally.done + tally.failed, description=text)
            return bar

    with Live(_Frame(), console=console, refresh_per_second=4, transient=True):
        yield


@contextmanager
def _lines(tally: Tally, total: int, before: int) -> Iterator[None]:
    over = threading.Event()

    def report() -> None:
        while not over.wait(PLAIN_EVERY):
            typer.echo(figures(tally, total, before), err=True)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        typer.echo(figures(tally, total, before), err=True)
