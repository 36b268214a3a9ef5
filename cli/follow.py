"""Following a run as it goes on: turns as they are committed, and how far it is."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text
from sqlalchemy import func, select

from attunement.cli.plain import plain
from attunement.cli.progress import PLAIN_EVERY
from attunement.core.records import Dialogue, Turn
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES, TURNS

EVERY = 0.3
"""Seconds between looks at the journal."""
QUIET = 30.0
"""Seconds without news after which it says how to go on with a run that nobody runs."""
_PAGE = 100
"""Turns that are read at a time."""


@dataclass(slots=True)
class Follower:
    """Reads what has been committed since the last look."""

    journal: Journal
    index: int | None = None
    """Follow this dialogue alone, from its first turn; else all of them, from now on."""
    last: int = field(init=False)
    """The key of the last turn that was read."""
    failed: set[int] = field(init=False)
    """The dialogues that are known to have failed."""

    def __post_init__(self) -> None:
        self.last = -1 if self.index is not None else self._newest()
        self.failed = set() if self.index is not None else {row.idx for row in self._failed()}

    def news(self) -> Iterator[tuple[Dialogue, Turn]]:
        """Turns that are new, each with its dialogue; the copies in a branch are not."""
        while rows := self._rows():
            for key, index, number in rows:
                self.last = key
                found = next(self.journal.dialogues(DIALOGUES.c.idx == index, branches=True))
                if found.fork is None or number >= found.fork.turn or self.index is not None:
                    yield found, found.turns[number - 1]

    def failures(self) -> Iterator[tuple[str, str]]:
        """(id, why) of the dialogues that have failed since."""
        for row in self._failed():
            if row.idx not in self.failed:
                self.failed.add(row.idx)
                yield row.id, row.error

    def closed(self) -> bool:
        """Whether nothing that is followed is open."""
        if self.index is None:
            return not self.journal.counts(branches=True)["open"]
        query = select(DIALOGUES.c.status).where(DIALOGUES.c.idx == self.index)
        with self.journal.engine.connect() as db:
            return bool(db.execute(query).scalar_one() != "open")

    def _newest(self) -> int:
        with self.journal.engine.connect() as db:
            return int(db.execute(select(func.coalesce(func.max(TURNS.c.key), -1))).scalar_one())

    def _failed(self) -> Sequence[Any]:
        c = DIALOGUES.c
        query = select(c.idx, c.id, c.error).where(c.status == "failed")
        if self.index is not None:
            query = query.where(c.idx == self.index)
        with self.journal.engine.connect() as db:
            return db.execute(query).fetchall()

    def _rows(self) -> list[tuple[int, int, int]]:
        c = TURNS.c
        query = select(c.key, c.dialogue, c.number).where(c.key > self.last).order_by(c.key)
        if self.index is not None:
            query = query.where(c.dialogue == self.index)
        with self.journal.engine.connect() as db:
            return [(row.key, row.dialogue, row.number) for row in db.execute(query.limit(_PAGE))]


def follow(follower: Follower, show: Callable[[Dialogue, Turn], None], console: Console) -> None:
    """Show turns as they are committed, until nothing is open. Exit 130 at Ctrl-C.

    The progress stands below them on a terminal, and on stderr elsewhere.
    """
    try:
        with _progress(console, follower.journal) as tell:
            quiet = time.monotonic()
            while True:
                over = follower.closed()  # asked first: what was committed before it is read then
                for dialogue, turn in follower.news():
                    show(dialogue, turn)
                    quiet = time.monotonic()
                for name, why in follower.failures():
                    console.print(Text(plain(f"{name} failed: {why}"), "red"))
                if over:
                    return
                tell(time.monotonic() - quiet)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def progress_line(journal: Journal) -> str:
    """How far a run is, branches included."""
    counts = journal.counts(branches=True)
    done = counts["done"] + counts["failed"]
    with journal.engine.connect() as db:
        turns = db.execute(select(func.count()).select_from(TURNS)).scalar_one()
    failed = f"{counts['failed']:,} failed"
    return f"{done:,}/{sum(counts.values()):,} dialogues, {turns:,} turns, {failed}"


def _waiting(seconds: float) -> str:
    if seconds < QUIET:
        return ""
    return f"; nothing new for {seconds:.0f} s: if nobody runs it, attune resume goes on"


@contextmanager
def _progress(console: Console, journal: Journal) -> Iterator[Callable[[float], None]]:
    """Told how long nothing has come, it shows how far the run is."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda quiet: live.update(
                Text(progress_line(journal) + _waiting(quiet), "dim"), refresh=True
            )
    else:
        told = -PLAIN_EVERY

        def tell(quiet: float) -> None:
            nonlocal told
            if time.monotonic() - told >= PLAIN_EVERY:
                told = time.monotonic()
                typer.echo(progress_line(journal) + _waiting(quiet), err=True)

        yield tell
    typer.echo(progress_line(journal), err=True)
