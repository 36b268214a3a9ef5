"""A run's dialogues as a list: filtered, searched, sorted, a page at a time."""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy import select, tuple_

from attunement.core.records import Emotion, Outcome, Problem, Record, StopReason
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES, PERSONAS, TURNS
from attunement.viewer.debugger import texts
from attunement.viewer.debugger.index import Index, at, place_of
from attunement.viewer.debugger.records import (
    FLAGS,
    DialogueCard,
    DialogueList,
    Flag,
    Hit,
    Sort,
    Status,
)
from attunement.viewer.debugger.searching import Found, hits, search, words_of

IS: Mapping[Flag, str] = {
    "set aside": "set_aside > 0", "crisis": "crisis", "failed": "status = 'failed'",
    "annotated": "annotated > 0", "bad": "bad", "faulty": "faulty", "branch": "origin IS NOT NULL",
}  # fmt: skip
"""What a dialogue's row says where it has a flag."""
_SORTED: Mapping[Sort, str] = {
    "index": "root", "turns": "replies", "relief": "first - last", "rating": "rating",
    "set_aside": "set_aside", "match": "-found.turns",
}  # fmt: skip
_COLUMNS = (
    "idx", "id", "persona_id", "name", "problem", "emotion", "status", "stop_reason", "replies",
    "set_aside", "first", "last", "rating", "origin", "forked_at",
)  # fmt: skip
_FOUND = """
JOIN (SELECT CAST(key AS INTEGER) AS idx, value AS turns FROM json_each(:found)) found USING (idx)
"""
_KEPT = 8
"""Searches whose results are kept, for the next page of them."""


class Asked(Record):
    """What of a run's dialogues is asked for."""

    q: str = ""
    """Words, all of which must be found in one turn or in the card."""
    status: Status | None = None
    ended: StopReason | None = None
    problem: Problem | None = None
    emotion: Emotion | None = None
    flag: Flag | None = None
    sort: Sort = "index"
    descending: bool = False
    offset: Annotated[int, Field(ge=0, lt=2**40)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Lists:
    """The lists of one run."""

    def __init__(self, journal: Journal, index: Index) -> None:
        self._journal, self._index = journal, index
        self._searched: OrderedDict[tuple[int, str], Mapping[int, Found]] = OrderedDict()

    def page(self, asked: Asked) -> DialogueList:
        """The dialogues that fit, of those that the index knows. `UserError` for a search that is
        too long."""
        words = words_of(asked.q)
        with self._index.reading() as db:
            found = self._search(db, words) if words else None
            rows, total = _rows(db, asked, found)
            shown = self._hits(db, [row["idx"] for row in rows], found or {}, words)
        cards = (card_from(row, tuple(shown.get(row["idx"], ()))) for row in rows)
        return DialogueList(rows=tuple(cards), total=total, offset=asked.offset)

    def cards(self, indices: Sequence[int]) -> dict[int, DialogueCard]:
        """Some dialogues by index."""
        query = f"SELECT *, {_flags()} FROM cards WHERE idx IN (SELECT value FROM json_each(?))"
        with self._index.reading() as db:
            rows = _dicts(db.execute(query, (json.dumps([*indices]),)))
        return {row["idx"]: card_from(row) for row in rows}

    def _search(self, db: sqlite3.Connection, words: list[str]) -> Mapping[int, Found]:
        key = self._index.revision, " ".join(words)
        found = self._searched.get(key)
        if found is None:
            found = self._searched[key] = search(db, words)
            while len(self._searched) > _KEPT:
                self._searched.popitem(last=False)
        return found

    def _hits(
        self, db: sqlite3.Connection, rows: Sequence[int], found: Mapping[int, Found],
        words: list[str],
    ) -> dict[int, list[Hit]]:  # fmt: skip
        """Where the words stand in each of these dialogues."""
        places = [(row, turn) for row in rows if row in found for turn in found[row].first]
        if not places:
            return {}
        loose = _loose(db, places)
        shown: dict[int, list[Hit]] = {}
        for (dialogue, turn), named in self._texts(places):
            all_texts = [*named, *loose.get((dialogue, turn), ())]
            shown.setdefault(dialogue, []).extend(hits(all_texts, turn, words))
        return shown

    def _texts(
        self, places: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[tuple[int, int], list[texts.Named]]]:
        """The texts of some places, in sequence; each card first."""
        cards = [dialogue for dialogue, turn in places if turn == 0]
        key = TURNS.c.dialogue, TURNS.c.number
        of_turns = select(*key, TURNS.c.record).where(tuple_(*key).in_(places))
        of_cards = select(DIALOGUES.c.idx, DIALOGUES.c.id, PERSONAS.c.card).join(PERSONAS)
        with self._journal.engine.connect() as db:
            for idx, id, card in db.execute(of_cards.where(DIALOGUES.c.idx.in_(cards))):
                named = [*texts.of_card(orjson.loads(card)), ("id", id)]
                yield (idx, 0), named
            for idx, number, record in db.execute(of_turns.order_by(*key)):
                yield (idx, number), list(texts.of_turn(orjson.loads(record)))


def _rows(
    db: sqlite3.Connection, asked: Asked, found: Mapping[int, Found] | None
) -> tuple[list[dict[str, Any]], int]:
    """The rows of a page, and how many there are in all."""
    where = [
        f"{name} = :{name}" for name in ("status", "problem", "emotion") if getattr(asked, name)
    ]
    where += ["stop_reason = :ended"] if asked.ended else []
    where += [IS[asked.flag]] if asked.flag else []
    source = "cards" if found is None else f"cards {_FOUND}"
    source += " WHERE " + " AND ".join(where) if where else ""
    values = asked.model_dump(mode="json")
    values["found"] = json.dumps({i: one.turns for i, one in found.items()}) if found else "{}"
    total = db.execute(f"SELECT count(*) FROM {source}", values).fetchone()[0]
    query = f"SELECT {', '.join(_COLUMNS)}, {_flags()} FROM {source} ORDER BY {_order(asked)}"
    page = db.execute(f"{query} LIMIT :limit OFFSET :offset", values)
    return _dicts(page), total


def _order(asked: Asked) -> str:
    """By what; what is unknown stands last, and branches beside what they branch from."""
    sort = "index" if asked.sort == "match" and not asked.q.strip() else asked.sort
    way = "DESC" if asked.descending else "ASC"
    return f"{_SORTED[sort]} {way} NULLS LAST, root {way if sort == 'index' else 'ASC'}, idx"


def _flags() -> str:
    return ", ".join(f'({test}) AS "{flag}"' for flag, test in IS.items())


def _dicts(found: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _loose(
    db: sqlite3.Connection, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[texts.Named]]:
    """Errors and notes at some places."""
    query = "SELECT place, field, text FROM loose WHERE place IN (SELECT value FROM json_each(?))"
    found: dict[tuple[int, int], list[texts.Named]] = {}
    for place, field, text in db.execute(query, (json.dumps([place_of(*one) for one in places]),)):
        found.setdefault(at(place), []).append((field, text))
    return found


def card_from(row: Mapping[str, Any], shown: tuple[Hit, ...] = ()) -> DialogueCard:
    """A dialogue in a list, from its row of the index."""
    return DialogueCard(
        index=row["idx"],
        id=row["id"],
        persona_id=row["persona_id"],
        name=row["name"],
        problem=row["problem"],
        emotion=row["emotion"],
        status=row["status"],
        stop_reason=row["stop_reason"],
        turns=row["replies"],
        set_aside=row["set_aside"],
        outcome=Outcome(
            first_intensity=row["first"], last_intensity=row["last"], mean_rating=row["rating"]
        ),
        flags=tuple(flag for flag in FLAGS if row[flag]),
        origin=row["origin"],
        forked_at=row["forked_at"],
        hits=shown,
    )
