"""Turns as the journal gives them back: each with what judges said of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from attunement.core.records import Turn, Verdict
from attunement.simulator.tables import TURNS, VERDICTS
from attunement.simulator.writer import Row

Judged = Mapping[tuple[int, int], Sequence[Verdict]]
"""What judges said, by a dialogue's index and the turn; turn 0 is the whole dialogue."""


def turns_of(db: Connection, dialogues: Sequence[int], judged: Judged) -> dict[int, list[Turn]]:
    """The turns of some dialogues by the dialogue's index, each with what judges said of it."""
    turns: dict[int, list[Turn]] = {index: [] for index in dialogues}
    of_these = select(TURNS).where(TURNS.c.dialogue.in_(dialogues))
    for row in db.execute(of_these.order_by(TURNS.c.dialogue, TURNS.c.number)):
        turn = Turn.model_validate_json(row.record)
        if verdicts := judged.get((row.dialogue, row.number)):
            turn = turn.model_copy(update={"verdicts": tuple(verdicts)})
        turns[row.dialogue].append(turn)
    return turns


def verdicts_of(db: Connection, dialogues: Sequence[int]) -> Judged:
    """What judges said of some dialogues."""
    c = VERDICTS.c
    judged: dict[tuple[int, int], list[Verdict]] = {}
    query = select(VERDICTS).where(c.dialogue.in_(dialogues))
    for row in db.execute(query.order_by(c.dialogue, c.turn, c.name, c.about, c.judge, c.key)):
        judged.setdefault((row.dialogue, row.turn), []).append(_verdict(row))
    return judged


def _verdict(row: Any) -> Verdict:
    return Verdict(
        name=row.name, value=row.value, reason=row.reason, about=row.about or None,
        label=row.label or None, judge=row.judge,
    )  # fmt: skip


def verdict_row(index: int, turn: int, verdict: Verdict, round: int) -> Row:
    """The journal's row of a verdict on a turn of the dialogue with this index."""
    about, label = verdict.about or "", verdict.label or ""
    values = verdict.model_dump() | {"about": about, "label": label}
    return values | {"dialogue": index, "turn": turn, "round": round}
