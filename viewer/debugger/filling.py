"""Filling a run's index from its journal, a step at a time, while others write and read."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from attunement.viewer.debugger import texts
from attunement.viewer.debugger.effects import Turns, mark_turns, take_replies
from attunement.viewer.debugger.index import Index, place_of
from attunement.viewer.debugger.judgements import Judgements
from attunement.viewer.debugger.spending import Spending

_CARDS, _TEXTS, _TURNS = 2000, 500, 400
"""Rows that a step reads."""
_ROW = """
SELECT d.idx, d.id, d.status, d.stop_reason, d.outcome, d.error, d.origin, d.forked_at, p.card
FROM dialogues d JOIN personas p ON p.position = d.persona
"""
_NEW = f"{_ROW} WHERE d.idx > ? ORDER BY d.idx LIMIT ?"
_THESE = f"{_ROW} WHERE d.idx IN (SELECT value FROM json_each(?))"
_INSERT = """
INSERT INTO cards (idx, root, id, persona_id, name, problem, emotion, status, stop_reason, error,
                   first, last, rating, origin, forked_at)
VALUES (:idx, coalesce((SELECT root FROM cards WHERE idx = :origin), :idx), :id, :persona_id, :name,
        :problem, :emotion, :status, :stop_reason, :error, :first, :last, :rating, :origin,
        :forked_at)
"""
_CLOSE = """
UPDATE cards SET status = :status, stop_reason = :stop_reason, error = :error, first = :first,
                 last = :last, rating = :rating
WHERE idx = :idx
"""
_COUNT = """
UPDATE cards SET replies = replies + ?, set_aside = set_aside + ?, crisis = max(crisis, ?)
WHERE idx = ?
"""
_ASIDE = "INSERT INTO asides VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET turns = turns + ?3"
_FELT = """
INSERT INTO intensities VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET dialogues = dialogues + ?2, total = total + ?3
"""
_WORDS = "INSERT INTO words (rowid, text) VALUES (?, ?)"
DEPTH = 50
"""Turns of which the mean intensity is kept."""


class Filler:
    """Keeps the index of one run up with its journal; used by one thread."""

    def __init__(self, journal: Path, index: Index) -> None:
        self._db = sqlite3.connect(
            f"{journal.resolve().as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        self._index = index
        self._judgements, self._spending = Judgements(), Spending()
        self._seen = self._card = self._text = -1
        """The state that was last looked at; the last dialogue with a row, and with its texts."""
        self._turn = self._last_turn = 0
        """The last turn that is in the index, and in the journal."""
        self._branches: set[int] = set()
        self.behind = True
        """Whether another step has something to do."""

    def changed(self) -> bool:
        """Whether somebody has written since this was last asked. Cheap."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        before, self._seen = self._seen, version
        self.behind = self.behind or version != before
        return version != before

    def step(self) -> set[int]:
        """Take in what is new, up to a bound; returns the dialogues that have changed."""
        self._db.execute("BEGIN")
        try:
            with self._index.writing() as index:
                touched = self._take(index)
        finally:
            self._db.execute("COMMIT")
        there = self._last_turn + self._last_card + 1
        self._index.read = (self._turn + self._text + 1) / there if there else 1.0
        if self._card == self._last_card:
            self._index.ready.set()
        return touched

    def close(self) -> None:
        """Let go of the journal."""
        self._db.close()

    def _take(self, index: sqlite3.Connection) -> set[int]:
        self._last_card = self._highest("dialogues", "idx")
        self._last_turn = self._highest("turns", "key")
        self.behind = True
        touched = self._new_cards(index)
        if touched:
            return touched  # at once: lists have waited for them
        judged = self._judgements.take(self._db, index)
        mark_turns(self._db, index, judged)
        touched = judged | self._closings(index) | self._card_texts(index) | self._turns(index)
        more = self._spending.take(self._db, index)
        self.behind = more or self._text < self._last_card or self._turn < self._last_turn
        return touched

    def _highest(self, table: str, key: str) -> int:
        found = self._db.execute(f"SELECT max({key}) FROM {table}").fetchone()[0]
        return int(found) if found is not None else 0 if key == "key" else -1

    # ---- dialogues ------------------------------------------------------------------------------

    def _new_cards(self, index: sqlite3.Connection) -> set[int]:
        rows = [_card(row) for row in self._db.execute(_NEW, (self._card, _CARDS))]
        index.executemany(_INSERT, rows)
        _keep_errors(index, rows)
        self._branches |= {row["idx"] for row in rows if row["origin"] is not None}
        self._card = rows[-1]["idx"] if rows else self._card
        return {row["idx"] for row in rows}

    def _closings(self, index: sqlite3.Connection) -> set[int]:
        """What was closed, failed or was opened again: dialogues whose status or error differs."""
        query = "SELECT idx, {} FROM {} WHERE status = ?"
        changed: set[int] = set()
        for status, what in (("open", "0"), ("failed", "error")):
            now = set(self._db.execute(query.format(what, "dialogues"), (status,)))
            changed |= {
                row[0] for row in now ^ set(index.execute(query.format(what, "cards"), (status,)))
            }
        if changed:
            rows = [
                _card(row) for row in self._db.execute(_THESE, (orjson.dumps([*changed]).decode(),))
            ]
            index.executemany(_CLOSE, rows)
            _keep_errors(index, rows)
        return changed

    def _card_texts(self, index: sqlite3.Connection) -> set[int]:
        query = _NEW.replace(_ROW, "SELECT d.idx, d.id, p.card FROM dialogues d "
                             "JOIN personas p ON p.position = d.persona")  # fmt: skip
        rows = self._db.execute(query, (self._text, _TEXTS)).fetchall()
        words = (
            (
                place_of(idx, 0),
                texts.fold(id) + "\n" + texts.folded(texts.of_card(orjson.loads(card))),
            )
            for idx, id, card in rows
        )
        index.executemany(_WORDS, words)
        self._text = rows[-1][0] if rows else self._text
        return {row[0] for row in rows}

    # ---- turns ----------------------------------------------------------------------------------

    def _turns(self, index: sqlite3.Connection) -> set[int]:
        query = "SELECT key, dialogue, number, record FROM turns WHERE key > ? ORDER BY key LIMIT ?"
        rows = self._db.execute(query, (self._turn, _TURNS)).fetchall()
        turns = [(dialogue, number, orjson.loads(record)) for _, dialogue, number, record in rows]
        words = (
            (place_of(d, number), texts.folded(texts.of_turn(turn))) for d, number, turn in turns
        )
        index.executemany(_WORDS, words)
        index.executemany(_COUNT, _counted(turns))
        index.executemany(_ASIDE, _asides(turns))
        own = [turn for turn in turns if turn[0] not in self._branches]
        index.executemany(_FELT, _felt(own))
        take_replies(index, own)
        self._turn = rows[-1][0] if rows else self._turn
        return {dialogue for dialogue, _, _ in turns}


def _card(row: Sequence[Any]) -> dict[str, Any]:
    idx, id, status, stop_reason, outcome, error, origin, forked_at, card = row
    persona, told = orjson.loads(card), orjson.loads(outcome) if outcome else {}
    return {
        "idx": idx, "id": id, "status": status, "stop_reason": stop_reason, "error": error,
        "origin": origin, "forked_at": forked_at, "persona_id": persona["id"],
        "name": persona.get("name") or persona["id"], "problem": persona["problem"],
        "emotion": persona["emotion"], "first": told.get("first_intensity"),
        "last": told.get("last_intensity"), "rating": told.get("mean_rating"),
    }  # fmt: skip


def _keep_errors(index: sqlite3.Connection, rows: Iterable[dict[str, Any]]) -> None:
    """What is searched of the errors of these dialogues."""
    rows = list(rows)
    query = "DELETE FROM loose WHERE place = ? AND field = 'error'"
    index.executemany(query, ((place_of(row["idx"], 0),) for row in rows))
    errors = ((row["idx"], row["error"]) for row in rows if row["error"])
    found = ((place_of(idx, 0), "error", error, texts.fold(error)) for idx, error in errors)
    index.executemany("INSERT INTO loose VALUES (?, ?, ?, ?)", found)


def _counted(turns: Turns) -> Iterable[tuple[int, int, int, int]]:
    for dialogue, _, turn in turns:
        reply = bool(turn.get("spoken") or turn.get("recorded"))
        crisis = bool((turn.get("guard") or {}).get("crisis"))
        yield reply, bool(turn.get("set_aside")), crisis, dialogue


def _asides(turns: Turns) -> Iterable[tuple[int, str, int]]:
    found = Counter(
        (dialogue, role)
        for dialogue, _, turn in turns
        for role in {item["role"] for item in turn.get("set_aside", ())}
    )
    return ((dialogue, role, count) for (dialogue, role), count in found.items())


def _felt(turns: Turns) -> Iterable[tuple[int, int, int]]:
    for _, number, turn in turns:
        felt = turn["seeker"].get("intensity")
        if felt is not None and number <= DEPTH:
            yield number, 1, felt
