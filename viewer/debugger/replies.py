"""A run's replies as a list: what each of them did, the worst first, a page at a time."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Column, Connection, select, tuple_

from attunement.core.records import Emotion, Record, Turn, Verdict
from attunement.core.strategies import Strategy
from attunement.simulator.annotating import ANNOTATION, annotations
from attunement.simulator.journal import Journal
from attunement.simulator.tables import TURNS, VERDICTS
from attunement.viewer.debugger.index import Index, at
from attunement.viewer.debugger.records import Effect, ReplyCard, ReplyList, ReplySort

_SOURCE: Mapping[str | None, str] = {
    None: "replies WHERE replied",
    "set aside": "replies WHERE replied AND set_aside",
    "faulty": "marks CROSS JOIN replies USING (place) WHERE replied AND faulty",
    "annotated": "marks CROSS JOIN replies USING (place) WHERE annotated",
    "bad": "marks CROSS JOIN replies USING (place) WHERE bad",
}
"""Which rows a flag leaves. What people say of a turn without a reply is theirs to work through
too. A cross join reads the marks first: they are few."""
_BEST_LAST = "rating {0} NULLS LAST", "after - before {1} NULLS LAST"
_SORTED: Mapping[ReplySort, tuple[str, ...]] = {
    "index": ("place {0}",), "rating": _BEST_LAST,
    "change": ("after - before {0} NULLS LAST", "rating {1} NULLS LAST"),
}  # fmt: skip
"""By what; `{0}` is the way, `{1}` the other one: a low rating goes with a feeling that grew."""
_PERSONAS = """
SELECT idx, name, emotion FROM cards WHERE idx IN (SELECT value FROM json_each(?))
"""


class AskedReplies(Record):
    """Which of a run's replies are asked for."""

    strategy: Strategy | None = None
    flag: Literal["set aside", "annotated", "bad", "faulty"] | None = None
    sort: ReplySort = "rating"
    descending: bool = False
    offset: Annotated[int, Field(ge=0, lt=2**40)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Replies:
    """The replies of one run."""

    def __init__(self, journal: Journal, index: Index) -> None:
        self._journal, self._index = journal, index

    def page(self, asked: AskedReplies) -> ReplyList:
        """The replies that fit, of those that the index knows."""
        with self._index.reading() as db:
            rows, total = _rows(db, asked)
            personas = _personas(db, [at(row["place"])[0] for row in rows])
        turns = self._turns([at(row["place"]) for row in rows])
        cards = (_card(row, turns[at(row["place"])], personas) for row in rows)
        return ReplyList(rows=tuple(cards), total=total, offset=asked.offset)

    def _turns(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Turn]:
        """Some turns, with what people said of them and nothing of what judges did."""
        key = TURNS.c.dialogue, TURNS.c.number
        query = select(*key, TURNS.c.record).where(*_among(key, places))
        with self._journal.engine.connect() as db:
            said = _said(db, places)
            return {
                (dialogue, number): Turn.model_validate_json(record).model_copy(
                    update={"verdicts": tuple(said.get((dialogue, number), ()))}
                )
                for dialogue, number, record in db.execute(query)
            }


def _said(
    db: Connection, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], list[Verdict]]:
    """The verdicts that keep annotations, by dialogue and turn."""
    c = VERDICTS.c
    query = select(c.dialogue, c.turn, c.judge, c.label, c.value, c.reason)
    query = query.where(*_among((c.dialogue, c.turn), places), c.name == ANNOTATION)
    found: dict[tuple[int, int], list[Verdict]] = {}
    for row in db.execute(query.order_by(c.judge, c.key)):
        verdict = Verdict(
            name=ANNOTATION, value=row.value, label=row.label, judge=row.judge, reason=row.reason
        )
        found.setdefault((row.dialogue, row.turn), []).append(verdict)
    return found


def _among(key: tuple[Column[int], Column[int]], places: Sequence[tuple[int, int]]) -> list[Any]:
    """Whether a row is of one of these places. The pairs alone would have SQLite read every row:
    only by the first column it looks into the key's index."""
    return [key[0].in_({dialogue for dialogue, _ in places}), tuple_(*key).in_(places)]


def _rows(db: sqlite3.Connection, asked: AskedReplies) -> tuple[list[dict[str, Any]], int]:
    """The rows of a page, and how many there are in all."""
    source = _SOURCE[asked.flag] + (" AND strategy = :strategy" if asked.strategy else "")
    values = asked.model_dump(mode="json")
    total = db.execute(f"SELECT count(*) FROM {source}", values).fetchone()[0]
    page = f"SELECT replies.* FROM {source} ORDER BY {_order(asked)} LIMIT :limit OFFSET :offset"
    found = db.execute(page, values)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found], total


def _order(asked: AskedReplies) -> str:
    """What is unknown stands last either way, and equals stand as run."""
    ways = ("DESC", "ASC") if asked.descending else ("ASC", "DESC")
    parts = (part.format(*ways) for part in _SORTED[asked.sort])
    return ", ".join((*parts, "place"))


def _personas(db: sqlite3.Connection, dialogues: Sequence[int]) -> dict[int, tuple[str, Emotion]]:
    """Name and emotion of the persona of some dialogues."""
    found = db.execute(_PERSONAS, (json.dumps([*dialogues]),))
    return {idx: (name, Emotion(emotion)) for idx, name, emotion in found}


def _card(
    row: Mapping[str, Any], turn: Turn, personas: Mapping[int, tuple[str, Emotion]]
) -> ReplyCard:
    dialogue, number = at(row["place"])
    name, emotion = personas[dialogue]
    reply = turn.reply
    return ReplyCard(
        dialogue=dialogue,
        turn=number,
        name=name,
        emotion=emotion,
        strategy=reply.strategy if reply else None,
        text=reply.text if reply else turn.joint or "",
        said=turn.seeker.text,
        effect=_effect(row) if row["followed"] else None,
        set_aside=row["set_aside"],
        annotations=annotations(turn),
    )


def _effect(row: Mapping[str, Any]) -> Effect:
    return Effect(rating=row["rating"], before=row["before"], after=row["after"])
