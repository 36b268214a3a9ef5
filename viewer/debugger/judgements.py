"""What judges and people have said of a run's turns, kept up with in its index.

The journal removes verdicts as well as adding them, and SQLite gives the keys of the last rows
away again: so the last rows are compared in their words, and all are counted.
"""

import sqlite3
from typing import Any

import orjson

from attunement.core.psychology import ERRORS
from attunement.simulator.annotating import ANNOTATION
from attunement.viewer.debugger.index import place_of
from attunement.viewer.debugger.texts import fold

_TAIL = 1000
"""Rows that are compared in their words."""
_LAST = """
SELECT key, dialogue, turn, about, name, judge, label, value, reason FROM verdicts
WHERE key > ? AND key <= ? ORDER BY key
"""
_WHERE = "dialogue IN (SELECT value FROM json_each(:these))"
_MARKS = f"""
SELECT dialogue, count(*), count(DISTINCT CASE WHEN name = '{ANNOTATION}' THEN turn END),
       max(name = '{ANNOTATION}' AND coalesce(value = 0, 0)),
       max(name = '{ERRORS}' AND turn > 0 AND coalesce(value = 1, 0))
FROM verdicts {{}} GROUP BY dialogue
"""
_NOTES = f"""
SELECT dialogue, turn, reason FROM verdicts WHERE name = '{ANNOTATION}' AND reason != '' {{}}
"""
_SET = """
UPDATE cards SET verdicts = ?2, annotated = ?3, bad = ?4, faulty = ?5 WHERE idx = ?1
"""
_UNSET = "UPDATE cards SET verdicts = 0, annotated = 0, bad = 0, faulty = 0"


class Judgements:
    """Remembers how far the verdicts of one journal have been read."""

    def __init__(self) -> None:
        self._key = 0
        self._tail: set[tuple[Any, ...]] = set()

    def take(self, journal: sqlite3.Connection, index: sqlite3.Connection) -> set[int]:
        """Take in what has changed; returns the dialogues concerned."""
        last = journal.execute("SELECT coalesce(max(key), 0) FROM verdicts").fetchone()[0]
        tail = set(journal.execute(_LAST, (self._key - _TAIL, self._key)))
        new = journal.execute("SELECT DISTINCT dialogue FROM verdicts WHERE key > ?", (self._key,))
        found: set[int] = {row[0] for row in new} | {row[1] for row in tail ^ self._tail}
        if found and (tail & self._tail or not self._tail):
            _mark(journal, index, found)
            found |= _mark(journal, index, None) if _differ(journal, index) else set()
        elif found or _differ(journal, index):
            found = _mark(journal, index, None)
        self._key = last
        self._tail = set(journal.execute(_LAST, (last - _TAIL, last)))
        return found


def _differ(journal: sqlite3.Connection, index: sqlite3.Connection) -> bool:
    """Whether the journal has another number of verdicts than the index: some were removed."""
    there = journal.execute("SELECT count(*) FROM verdicts").fetchone()[0]
    return bool(index.execute("SELECT total(verdicts) != ? FROM cards", (there,)).fetchone()[0])


def _mark(
    journal: sqlite3.Connection, index: sqlite3.Connection, these: set[int] | None
) -> set[int]:
    """Mark these dialogues, or all, by what is said of them; returns those that may differ."""
    chosen = {"these": orjson.dumps([*these]).decode()} if these is not None else {}
    marks = journal.execute(_MARKS.format(f"WHERE {_WHERE}" if chosen else ""), chosen).fetchall()
    notes = journal.execute(_NOTES.format(f"AND {_WHERE}" if chosen else ""), chosen).fetchall()
    before = {row[0] for row in index.execute("SELECT idx FROM cards WHERE verdicts > 0")}
    index.execute(
        _UNSET + (f" WHERE {_WHERE.replace('dialogue', 'idx')}" if chosen else ""), chosen
    )
    index.executemany(_SET, marks)
    old = " AND place >> 20 IN (SELECT value FROM json_each(:these))" if chosen else ""
    index.execute("DELETE FROM loose WHERE field = 'note'" + old, chosen)
    found = ((place_of(dialogue, turn), "note", note, fold(note)) for dialogue, turn, note in notes)
    index.executemany("INSERT INTO loose VALUES (?, ?, ?, ?)", found)
    return these if these is not None else before | {row[0] for row in marks}
