"""The replies of a run that went worst, as the seekers' next turns tell."""

from collections.abc import Iterator
from heapq import nsmallest
from itertools import groupby, pairwise
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from attunement.cli.plain import plain
from attunement.cli.show_list import short
from attunement.core.errors import UserError
from attunement.core.records import Record
from attunement.core.strategies import Strategy
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES, TURNS

_LONGEST = 70
"""Characters of a reply that a line shows."""
_WHOLE = ("no.", "dialogue", "turn", "rating", "feeling")
"""Columns that are not broken into lines."""
_UNKNOWN = 9
"""Sorts behind every rating."""


class Went(Record):
    """What a reply did, as the seeker's next turn tells; None where it does not."""

    index: int
    id: str
    turn: int
    rating: int | None
    """What the seeker gave it, 1 to 5."""
    before: int | None
    after: int | None
    """How strong the feeling was when they spoke before it and after it, 1 to 5."""
    strategy: Strategy | None
    text: str


def worst(
    journal: Journal, config: RunConfig, limit: int | None, strategy: Strategy | None = None
) -> tuple[list[Went], int]:
    """Replies, the lowest rating first and then the one after which the feeling grew most; at most
    `limit` of them, and how many there are. Branches are left out. `UserError` for a replay."""
    if config.replay is not None:
        raise UserError(
            "`--worst` needs seekers who answer the replies; those of a replay answer the recorded "
            "ones, so nothing tells what these did"
        )
    total = 0

    def ranked() -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
        nonlocal total
        for found in _replies(journal):
            if strategy in (None, found["strategy"]):
                total += 1
                yield _rank(found), found

    # Places differ, so that what was found is never compared.
    first = sorted(ranked()) if limit is None else nsmallest(limit, ranked())
    return [Went.model_validate(found) for _, found in first], total


def _rank(found: dict[str, Any]) -> tuple[int, ...]:
    before, after = found["before"], found["after"]
    grew = after - before if before and after else -_UNKNOWN
    return found["rating"] or _UNKNOWN, -grew, found["index"], found["turn"]


def _replies(journal: Journal) -> Iterator[dict[str, Any]]:
    """Every reply that a seeker has answered, in order. Of 100,000 turns no records are made: that
    would take a minute."""
    c = DIALOGUES.c
    query = select(c.idx, c.id, TURNS.c.number, TURNS.c.record).select_from(TURNS.join(DIALOGUES))
    query = query.where(c.origin.is_(None), c.recorded.is_(None))
    with journal.engine.connect() as db:
        ordered = query.order_by(c.idx, TURNS.c.number).execution_options(yield_per=500)
        for _, rows in groupby(db.execute(ordered), lambda row: row.idx):
            turns = ((row, orjson.loads(row.record)) for row in rows)
            for (row, turn), (_, after) in pairwise(turns):
                if spoken := turn.get("spoken"):
                    yield _found(row, turn, turn[spoken], after["seeker"])


def _found(
    row: Any, turn: dict[str, Any], reply: dict[str, Any], then: dict[str, Any]
) -> dict[str, Any]:
    """From turns as the journal keeps them: what is as by default is not there."""
    return {
        "index": row.idx,
        "id": row.id,
        "turn": row.number,
        "rating": then.get("rating"),
        "before": turn["seeker"].get("intensity"),
        "after": then.get("intensity"),
        "strategy": reply.get("strategy"),
        "text": reply["text"],
    }


def print_worst(console: Console, found: list[Went], total: int) -> None:
    """The replies, one a line, and how many more there are."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in (*_WHOLE, "strategy", "reply"):
        table.add_column(name, no_wrap=name in _WHOLE)
    for one in found:
        table.add_row(
            str(one.index), Text(short(one.index, one.id)), str(one.turn),
            str(one.rating or ""), _felt(one), one.strategy or "", Text(_cut(plain(one.text))),
        )  # fmt: skip
    if found:
        console.print(table)
    if len(found) < total:
        shown = f"the worst {len(found):,} of {total:,} replies"
        shown += "; --limit shows more, --all shows them all"
    else:
        shown = f"{total:,} replies that a seeker has answered"
    console.print(Text(shown, "dim"))


def _felt(one: Went) -> str:
    return f"{one.before} to {one.after}" if one.before and one.after else ""


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
