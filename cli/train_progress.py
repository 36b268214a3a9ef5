"""How far a training is: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from attunement.cli.progress import PLAIN_EVERY
from attunement.trainers.learning.report import Progress, Watch

_SHOWN = ("loss", "margin", "accuracy", "eval_loss", "eval_margin", "eval_accuracy")
_STAGE = {
    "reading": "reading the corpus", "reference": "asking the reference", "training": "training",
    "writing": "writing the model",
}  # fmt: skip


@contextmanager
def watching() -> Iterator[Watch]:
    """A watch that shows what it is told on stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines().tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[figures]}"),
        console=console, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None, figures="")

        def tell(progress: Progress) -> None:
            bar.update(
                task, description=_STAGE[progress.stage], completed=progress.done,
                total=progress.total or None, figures=figures(progress),
            )  # fmt: skip

        yield tell


class Lines:
    """A line where a stage begins, and every few seconds."""

    def __init__(self) -> None:
        self._stage, self._last = "", 0.0

    def tell(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage == self._stage and now - self._last < PLAIN_EVERY:
            return
        self._stage, self._last = progress.stage, now
        typer.echo(line(progress), err=True)


def line(progress: Progress) -> str:
    """The progress in a line."""
    count = f" {progress.done:,} of {progress.total:,}" if progress.total else ""
    shown = figures(progress)
    return f"{_STAGE[progress.stage]}{count}{f': {shown}' if shown else ''}"


def figures(progress: Progress) -> str:
    """The newest figures in a line."""
    found = progress.figures
    return ", ".join(f"{name} {found[name]:.4g}" for name in _SHOWN if name in found)
