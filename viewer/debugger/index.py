"""What lists filter, sort and search by: a file beside no run, made anew for each viewing."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue

from attunement.viewer.debugger.home import Home

_SCHEMA = """
CREATE TABLE cards (
    idx INTEGER PRIMARY KEY,
    root INTEGER NOT NULL,
    id TEXT NOT NULL,
    persona_id TEXT NOT NULL,
    name TEXT NOT NULL,
    problem TEXT NOT NULL,
    emotion TEXT NOT NULL,
    status TEXT NOT NULL,
    stop_reason TEXT,
    error TEXT,
    first INTEGER,
    last INTEGER,
    rating REAL,
    origin INTEGER,
    forked_at INTEGER,
    replies INTEGER NOT NULL DEFAULT 0,
    set_aside INTEGER NOT NULL DEFAULT 0,
    crisis INTEGER NOT NULL DEFAULT 0,
    annotated INTEGER NOT NULL DEFAULT 0,
    bad INTEGER NOT NULL DEFAULT 0,
    faulty INTEGER NOT NULL DEFAULT 0,
    verdicts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE replies (
    place INTEGER PRIMARY KEY,
    replied INTEGER NOT NULL,
    strategy TEXT,
    set_aside INTEGER NOT NULL,
    before INTEGER,
    followed INTEGER NOT NULL DEFAULT 0,
    rating INTEGER,
    after INTEGER
);
CREATE TABLE marks (
    place INTEGER PRIMARY KEY,
    annotated INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    faulty INTEGER NOT NULL
);
CREATE TABLE asides (
    dialogue INTEGER, role TEXT, turns INTEGER NOT NULL, PRIMARY KEY (dialogue, role)
) WITHOUT ROWID;
CREATE TABLE intensities (number INTEGER PRIMARY KEY, dialogues INTEGER, total INTEGER);
CREATE TABLE usage (
    role TEXT, model TEXT, calls INTEGER, failed INTEGER, prompt_tokens INTEGER,
    completion_tokens INTEGER, PRIMARY KEY (role, model)
);
CREATE TABLE loose (place INTEGER, field TEXT, text TEXT, folded TEXT);
CREATE INDEX loose_by_place ON loose (place);
CREATE VIRTUAL TABLE words USING fts5(text, content='', columnsize=0, tokenize='trigram');
CREATE VIRTUAL TABLE threes USING fts5vocab(words, row);
"""
"""`cards`: a row a dialogue, without its texts. `root` is the dialogue that it, or its origin's
origin, branches from; `annotated` counts turns, `verdicts` rows of the journal. `replies`: a
row a turn by its place, branches left out; where a turn followed, what it says of the reply.
`marks`: the turns of which something is said. `words` and `loose` hold what is searched, by place:
what stays as it is, and what may be replaced (errors, notes)."""
_BITS = 20
"""Of a place, those that say which turn; 0 is the persona's card."""


def place_of(dialogue: int, turn: int) -> int:
    """A place in what is searched."""
    return dialogue << _BITS | turn


def at(place: int) -> tuple[int, int]:
    """The dialogue and the turn of a place."""
    return place >> _BITS, place & (1 << _BITS) - 1


class Index:
    """The index of one run. One thread writes it, others read it meanwhile."""

    def __init__(self) -> None:
        self._home = Home()
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        try:
            self.writer = self._connect()
            self.writer.execute("PRAGMA journal_mode=WAL")
            self.writer.executescript(_SCHEMA)
        except BaseException:
            self._home.remove()
            raise
        self.ready = threading.Event()
        """Set when every dialogue has its row, and lists have something to list."""
        self.read = 0.0
        """The share of turns that are in it."""
        self.revision = 0
        """Counts its changes."""

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with."""
        try:
            db = self._idle.get_nowait()
        except Empty:
            db = self._connect()
        try:
            yield db
        finally:
            self._idle.put(db)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The writing thread's connection, in a transaction."""
        self.writer.execute("BEGIN")
        try:
            yield self.writer
        except BaseException:
            self.writer.execute("ROLLBACK")
            raise
        self.writer.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file and remove it."""
        self.writer.close()
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()
        self._home.remove()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._home.folder / "index.db", isolation_level=None, check_same_thread=False
        )
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA busy_timeout=30000")
        return db
