"""The journal's writer: commits whatever has gathered, and then answers."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam
from sqlalchemy.exc import SQLAlchemyError

from attunement.core.errors import JournalError
from attunement.simulator.tables import CALLS, DIALOGUES, TURNS, VERDICTS

Row = dict[str, Any]
VERDICT_KEY = ("dialogue", "turn", "about", "name", "judge")
"""The columns that the verdicts of one judgement share."""
_CLOSE = (
    DIALOGUES.update()
    .where(DIALOGUES.c.idx == bindparam("at"))
    .values({c: bindparam(c) for c in ("status", "stop_reason", "outcome", "error")})
)
_UNJUDGE = VERDICTS.delete().where(
    *(VERDICTS.c[name] == bindparam(f"its_{name}") for name in VERDICT_KEY)
)
_STATEMENTS = {
    "call": CALLS.insert(), "turn": TURNS.insert(), "close": _CLOSE, "unjudge": _UNJUDGE,
    "verdict": VERDICTS.insert(),
}  # fmt: skip
"""What can be written, in the order in which one transaction writes it."""
CHECKPOINT_EVERY = 2000
"""Rows after which the write-ahead log is folded into the database."""


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
    """Group commit from within an event loop.

    What the loop's current round has gathered is written as one transaction at the round's end,
    in the loop's own thread: a commit in WAL mode is one write without a wait for the disk, far
    cheaper than handing it to another thread that has to win the interpreter lock first. The wait
    for the disk comes with the checkpoint, and that one runs in a thread.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        with as_journal_error():
            self._db = engine.connect()
        self._waiting: list[tuple[tuple[tuple[str, Row], ...], asyncio.Future[None]]] = []
        self._since_checkpoint = 0
        self._checkpoint: asyncio.Future[None] | None = None

    async def write(self, *items: tuple[str, Row]) -> None:
        """Write rows (kind, values) in one transaction; returns when it is committed."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        done = self._loop.create_future()
        self._waiting.append((items, done))
        await done

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        error: Exception | None = None
        try:
            with as_journal_error():
                _commit(self._db, [item for items, _ in batch for item in items])
        except Exception as failed:
            error = failed
        for _, done in batch:
            if done.done():  # its dialogue was cancelled meanwhile
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)
        self._since_checkpoint += sum(len(items) for items, _ in batch)
        if self._since_checkpoint >= CHECKPOINT_EVERY and not self._checkpoint:
            self._since_checkpoint = 0
            self._checkpoint = self._loop.run_in_executor(None, self._fold_in)
            self._checkpoint.add_done_callback(self._checkpointed)

    def _fold_in(self) -> None:
        with self._engine.connect() as db:
            db.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def _checkpointed(self, done: asyncio.Future[None]) -> None:
        self._checkpoint = None
        # A checkpoint that failed has lost nothing: the log grows, and the next one tries again.
        if done.cancelled() or done.exception():
            return
        # The thread's pass ends behind our newest commits. A second one here, where nothing
        # commits meanwhile, has little left to do and lets SQLite begin the log anew.
        with suppress(SQLAlchemyError):
            self._db.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
            self._db.rollback()

    async def aclose(self) -> None:
        """Write what is waiting and let go of the file."""
        if self._waiting:
            self._flush()
        if self._checkpoint:
            await asyncio.wait([self._checkpoint])
        self._db.close()


def _commit(db: Connection, items: list[tuple[str, Row]]) -> None:
    with db.begin():
        for kind, statement in _STATEMENTS.items():
            if rows := [row for found, row in items if found == kind]:
                db.execute(statement, rows)


def insert_in_pages(db: Connection, table: Table, rows: Iterable[Row], size: int = 500) -> None:
    """Insert any number of rows in constant memory."""
    rows = iter(rows)
    while page := list(islice(rows, size)):
        db.execute(table.insert(), page)
