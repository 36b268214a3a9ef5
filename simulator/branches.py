"""Branches as the journal keeps them: where one comes from, and what it changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, literal, select

from attunement.core.records import Change, Fork
from attunement.simulator.tables import DIALOGUES, TURNS
from attunement.simulator.writer import as_journal_error


@dataclass(frozen=True, slots=True)
class Lineage:
    """How a branch came about."""

    root: int
    """Index of the dialogue, itself no branch, from which the first fork was made."""
    origin: int
    """Index of the dialogue that was forked for this one."""
    forks: Sequence[Fork]
    """From the first fork to the branch's own."""


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


def lineage_of(engine: Engine, index: int) -> Lineage:
    """How the branch with this index came about."""
    forks: list[Fork] = []
    origins: list[int] = []
    with engine.connect() as db:
        row = _row(db, index)
        while row.origin is not None:
            before = _row(db, row.origin)
            if fork := fork_of(row, {before.idx: before.id}):
                forks.insert(0, fork)
            origins.append(row.origin)
            row = before
    return Lineage(row.idx, origins[0], forks)


def lay_branch(engine: Engine, origin: int, turn: int, change: Change) -> tuple[int, str]:
    """Lay down a branch, open from `turn` on, with copies of the turns before; its (index, id).

    A branch that is forked before its own fork is a branch of its origin: till there they are one.
    """
    with as_journal_error(), engine.begin() as db:
        row = _row(db, origin)
        while row.origin is not None and turn < row.forked_at:
            row = _row(db, row.origin)
        index = db.execute(select(func.max(DIALOGUES.c.idx) + 1)).scalar_one()
        name = _free_name(db, row.id.partition("~")[0])
        db.execute(
            DIALOGUES.insert(),
            {
                "idx": index, "id": name, "persona": row.persona, "recorded": row.recorded,
                "status": "open", "origin": row.idx, "forked_at": turn,
                "change": change.model_dump_json(exclude_defaults=True),
            },
        )  # fmt: skip
        c = TURNS.c
        before = select(literal(index), c.number, c.record).order_by(c.number)
        before = before.where(c.dialogue == row.idx, c.number < turn)
        db.execute(TURNS.insert().from_select(["dialogue", "number", "record"], before))
    return index, name


def open_branches(engine: Engine, only: Sequence[int] | None = None) -> list[int]:
    """The indices of branches that are still to be run, of `only` these."""
    c = DIALOGUES.c
    query = select(c.idx).where(c.origin.is_not(None), c.status == "open").order_by(c.idx)
    if only is not None:
        query = query.where(c.idx.in_(only))
    with engine.connect() as db:
        return list(db.execute(query).scalars())


def _free_name(db: Connection, root: str) -> str:
    """`000003-mira~1`, `~2`, …: a branch is named after the dialogue at the root of its lineage."""
    number = 1
    while db.execute(select(DIALOGUES.c.idx).where(DIALOGUES.c.id == f"{root}~{number}")).scalar():
        number += 1
    return f"{root}~{number}"


def _row(db: Connection, index: int) -> Any:
    return db.execute(select(DIALOGUES).where(DIALOGUES.c.idx == index)).one()
