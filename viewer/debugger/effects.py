"""What each reply did, and what is said of it: kept up with in a run's index, branches left out."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from attunement.core.psychology import ERRORS
from attunement.simulator.annotating import ANNOTATION
from attunement.viewer.debugger.index import place_of

Turns = Sequence[tuple[int, int, dict[str, Any]]]
"""Dialogue, number and record of some turns."""
_INSERT = "INSERT INTO replies (place, replied, strategy, set_aside, before) VALUES (?, ?, ?, ?, ?)"
_FOLLOWED = "UPDATE replies SET followed = 1, rating = ?, after = ? WHERE place = ? AND replied"
_MARKS = f"""
SELECT dialogue, turn, max(name = '{ANNOTATION}'),
       max(name = '{ANNOTATION}' AND coalesce(value = 0, 0)),
       max(name = '{ERRORS}')
FROM verdicts
WHERE dialogue IN (SELECT value FROM json_each(?)) AND
      (name = '{ANNOTATION}' OR (name = '{ERRORS}' AND value = 1))
GROUP BY dialogue, turn
"""


def take_replies(index: sqlite3.Connection, turns: Turns) -> None:
    """Take in turns. Each also says what the reply before it did, which may have come in long
    before; so turns of one dialogue come in sequence."""
    index.executemany(_INSERT, _rows(turns))
    index.executemany(_FOLLOWED, _effects(turns))


def mark_turns(journal: sqlite3.Connection, index: sqlite3.Connection, these: set[int]) -> None:
    """Mark the turns of these dialogues by what judges and people say of them now, be the turns in
    the index or not yet."""
    old = ((place_of(dialogue, 0), place_of(dialogue + 1, 0)) for dialogue in these)
    index.executemany("DELETE FROM marks WHERE place >= ? AND place < ?", old)
    found = journal.execute(_MARKS, (orjson.dumps([*these]).decode(),))
    marks = ((place_of(dialogue, turn), *rest) for dialogue, turn, *rest in found)
    index.executemany("INSERT INTO marks VALUES (?, ?, ?, ?)", marks)


def _rows(turns: Turns) -> Iterator[tuple[Any, ...]]:
    for dialogue, number, turn in turns:
        spoken = turn.get("spoken")
        strategy = turn[spoken].get("strategy") if spoken else None
        replied = bool(spoken or turn.get("recorded"))
        felt = turn["seeker"].get("intensity")
        yield place_of(dialogue, number), replied, strategy, bool(turn.get("set_aside")), felt


def _effects(turns: Turns) -> Iterator[tuple[int | None, int | None, int]]:
    """What each turn says of the reply before it; a recorded seeker answers another reply."""
    for dialogue, number, turn in turns:
        if not turn.get("recorded"):
            said = turn["seeker"]
            yield said.get("rating"), said.get("intensity"), place_of(dialogue, number) - 1
