"""Finding a dialogue of a run by its index, its branches, and who asked for a turn of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from attunement.core.errors import UserError
from attunement.core.records import Dialogue
from attunement.simulator.journal import Journal
from attunement.simulator.tables import CALLS, DIALOGUES

_MOST = 2**62
"""SQLite's whole numbers end soon after."""


class NotFound(UserError):  # noqa: N818  # what HTTP calls it
    """A dialogue or a turn that there is not."""


def dialogue_at(journal: Journal, index: int) -> Dialogue:
    """The dialogue of an index, a branch or not. `NotFound` if there is none."""
    if 0 <= index < _MOST:
        found = next(journal.dialogues(DIALOGUES.c.idx == index, branches=True), None)
        if found:
            return found
    count = sum(journal.counts(branches=True).values())
    raise NotFound(f"no dialogue {index}; this run has 0 to {count - 1}")


def index_of(journal: Journal, id: str) -> int:
    """The index of the dialogue with an id. `NotFound` if there is none."""
    with journal.engine.connect() as db:
        found = db.execute(select(DIALOGUES.c.idx).where(DIALOGUES.c.id == id)).scalar()
    if found is None:
        raise NotFound(f"no dialogue {id!r} in this run; check the id")
    return int(found)


def asker_of(journal: Journal, index: int, turn: int) -> int:
    """The index of the dialogue in which a turn was asked for: a branch has copies of the turns
    before its fork, and their calls stand with the origin."""
    c = DIALOGUES.c
    with journal.engine.connect() as db:
        while True:
            row = db.execute(select(c.origin, c.forked_at).where(c.idx == index)).one()
            if row.origin is None or turn >= row.forked_at:
                return index
            index = row.origin


def branches_of(journal: Journal, index: int) -> Sequence[Any]:
    """The rows of the branches that were forked from a dialogue, in the sequence of forking."""
    query = select(DIALOGUES).where(DIALOGUES.c.origin == index).order_by(DIALOGUES.c.idx)
    with journal.engine.connect() as db:
        return db.execute(query).fetchall()


def has_begun(journal: Journal, index: int, turn: int) -> bool:
    """Whether anybody was asked anything at a turn, judges left out."""
    c = CALLS.c
    query = select(c.key).where(c.dialogue == index, c.turn == turn, c.role != "judge").limit(1)
    with journal.engine.connect() as db:
        return db.execute(query).first() is not None
