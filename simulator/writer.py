"""The journal's writer: one thread that commits whatever has gathered, and then answers."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam
from sqlalchemy.exc import SQLAlchemyError

from attunement.core.errors import JournalError
from attunement.simulator.tables import CALLS, DIALOGUES, TURNS

Row = dict[str, Any]
_CLOSE = (
    DIALOGUES.update()
    .where(DIALOGUES.c.idx == bindparam("at"))
    .values({c: bindparam(c) for c in ("status", "stop_reason", "outcome", "error")})
)
_STATEMENTS = {"call": CALLS.insert(), "turn": TURNS.insert(), "close": _CLOSE}
"""What can be written, in the order in which one transaction writes it."""


@contextmanager
def as_journal_error() -> Iterator[None]:
    """Turn a database's complaint into a `JournalError` that says what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise JournalError(
            f"the journal cannot be written: {cause}; nothing that was committed is lost. "
            "Make room or repair the cause, then run `attune resume`"
        ) from None


class Writer:
    """Group commit from within an event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[list[tuple[str, Row]], asyncio.Future[None]]] = []
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    async def write(self, *items: tuple[str, Row]) -> None:
        """Write rows (kind, values) in one transaction; returns when it is committed."""
        done = self._loop.create_future()
        with self._wake:
            self._waiting.append((list(items), done))
            self._wake.notify()
        await done

    def close(self) -> None:
        """Write what is waiting and end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        with self._engine.connect() as db:
            while batch := self._next_batch():
                error: JournalError | None = None
                try:
                    with as_journal_error():
                        _commit(db, [item for items, _ in batch for item in items])
                except JournalError as failed:
                    error = failed
                answer = [done for _, done in batch]
                if not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(_answer, answer, error)

    def _next_batch(self) -> list[tuple[list[tuple[str, Row]], asyncio.Future[None]]]:
        with self._wake:
            while not self._waiting and not self._closed:
                self._wake.wait()
            batch, self._waiting = self._waiting, []
            return batch


def _commit(db: Connection, items: list[tuple[str, Row]]) -> None:
    with db.begin():
        for kind, statement in _STATEMENTS.items():
            if rows := [row for found, row in items if found == kind]:
                db.execute(statement, rows)


def _answer(futures: list[asyncio.Future[None]], error: JournalError | None) -> None:
    for future in futures:
        if future.done():  # its dialogue was cancelled meanwhile
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


def insert_in_pages(db: Connection, table: Table, rows: Iterable[Row], size: int = 500) -> None:
    """Insert any number of rows in constant memory."""
    rows = iter(rows)
    while page := list(islice(rows, size)):
        db.execute(table.insert(), page)
