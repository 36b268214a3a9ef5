"""Branches as the journal keeps them: where one comes from, and what it changes."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from attunement.core.records import Change, Fork
from attunement.simulator.tables import DIALOGUES


def names_of(db: Connection, indices: Collection[int]) -> dict[int, str]:
    """The ids of some dialogues by their index."""
    if not indices:
        return {}
    query = select(DIALOGUES.c.idx, DIALOGUES.c.id).where(DIALOGUES.c.idx.in_(indices))
    return {row.idx: row.id for row in db.execute(query)}


def fork_of(row: Any, names: Mapping[int, str]) -> Fork | None:
    """Where the dialogue of a row comes from; None for one that is no branch."""
    if row.origin is None:
        return None
    change = Change.model_validate_json(row.change)
    return Fork(origin=names[row.origin], turn=row.forked_at, change=change)
