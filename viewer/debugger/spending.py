"""What a run's calls amount to, kept up with in its index: summing them anew reads every call."""

import sqlite3

import orjson

_STEP = 4000
"""Calls that are summed at a time."""
_SUM = """
SELECT role, model, count(*), count(error), sum(prompt_tokens), sum(completion_tokens) FROM calls
WHERE key > ? AND key <= ? AND tries > 0 GROUP BY role, model
"""
_ADD = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    calls = calls + ?3, failed = failed + ?4,
    prompt_tokens = coalesce(prompt_tokens + ?5, prompt_tokens, ?5),
    completion_tokens = coalesce(completion_tokens + ?6, completion_tokens, ?6)
"""


_FORGOTTEN = "SELECT value FROM meta WHERE key = 'forgotten'"


class Spending:
    """Remembers how far the calls of one journal have been summed."""

    def __init__(self) -> None:
        self._key = 0
        self._forgotten: str | None = None

    def take(self, journal: sqlite3.Connection, index: sqlite3.Connection) -> bool:
        """Take in some of what is new; returns whether there is more."""
        self._begin_anew(journal, index)
        last = journal.execute("SELECT coalesce(max(key), 0) FROM calls").fetchone()[0]
        upto = min(last, self._key + _STEP)
        index.executemany(_ADD, journal.execute(_SUM, (self._key, upto)))
        self._key = upto
        return bool(upto < last)

    def _begin_anew(self, journal: sqlite3.Connection, index: sqlite3.Connection) -> None:
        """Where a retry has removed calls, keeping what they cost: their keys are given away
        again."""
        found = journal.execute(_FORGOTTEN).fetchone()
        forgotten = found[0] if found else None
        if forgotten == self._forgotten:
            return
        index.execute("DELETE FROM usage")
        rows = orjson.loads(forgotten) if forgotten else []
        index.executemany(_ADD, (row[:6] for row in rows))
        self._key, self._forgotten = 0, forgotten
