"""What came after what in a run, read light: strategies, intensities, ratings, and nothing else.

A run of 100,000 turns is so read in seconds, where making every record would take a minute.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select

from attunement.core.records import Turn
from attunement.core.strategies import Strategy
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES, TURNS


class Exchange(NamedTuple):
    """Of a turn what a count of strategies needs."""

    replied: bool
    """Whether anything was spoken, a hand-off included."""
    strategy: Strategy | None
    """Of the reply that was spoken."""
    intensity: int | None
    """Of what the seeker feels, 1 to 5."""
    rating: int | None
    """What the seeker gives the reply before, 1 to 5."""


def exchanges_in(turns: Iterable[Turn]) -> list[Exchange]:
    """The exchanges of a dialogue's turns."""
    found = []
    for turn in turns:
        reply, said = turn.reply, turn.seeker
        strategy = reply.strategy if reply else None
        found.append(Exchange(reply is not None, strategy, said.intensity, said.rating))
    return found


def exchanges_of(journal: Journal) -> Iterator[list[Exchange]]:
    """The exchanges of every dialogue, branches left out, read once and in order."""
    turns = DIALOGUES.outerjoin(TURNS, TURNS.c.dialogue == DIALOGUES.c.idx)
    query = select(DIALOGUES.c.idx, TURNS.c.record).select_from(turns)
    query = query.where(DIALOGUES.c.origin.is_(None)).order_by(DIALOGUES.c.idx, TURNS.c.number)
    with journal.engine.connect() as db:
        rows = db.execute(query.execution_options(yield_per=500))
        for _, dialogue in groupby(rows, lambda row: row[0]):
            yield [_exchange(orjson.loads(record)) for _, record in dialogue if record]


def _exchange(turn: dict[str, Any]) -> Exchange:
    """From a turn as the journal keeps it: what is as by default is not there."""
    spoken, said = turn.get("spoken"), turn["seeker"]
    strategy = turn[spoken].get("strategy") if spoken else None
    known = Strategy(strategy) if strategy else None
    return Exchange(spoken is not None, known, said.get("intensity"), said.get("rating"))
