"""Two runs dialogue by dialogue, and two dialogues turn by turn."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from sqlalchemy import func, select

from attunement.core.records import Dialogue, Turn
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES, PERSONAS
from attunement.viewer.debugger.finding import dialogue_at
from attunement.viewer.debugger.reading import card_of, turn_view
from attunement.viewer.debugger.records import (
    Aligned,
    DialogueComparison,
    Pairing,
    RunComparison,
    RunPage,
    Side,
    Word,
)
from attunement.viewer.diff import word_diff


@dataclass(frozen=True, slots=True)
class Compared:
    """A run that is compared."""

    journal: Journal
    page: RunPage


def compare_runs(a: Compared, b: Compared, offset: int, limit: int) -> RunComparison:
    """The dialogues of two runs that have one persona, `limit` of them; branches left out."""
    ours, theirs = _cast(a.journal), _cast(b.journal)
    pairs = paired(ours, theirs)
    rows = [_pairing(a, b, i, j) for i, j in pairs[offset : offset + limit]]
    return RunComparison(
        a=a.page,
        b=b.page,
        rows=tuple(rows),
        total=len(pairs),
        only_a=len(ours) - len(pairs),
        only_b=len(theirs) - len(pairs),
        offset=offset,
    )


def compare_dialogues(a: Compared, index: int, b: Compared, other: int) -> DialogueComparison:
    """Two dialogues, of one run or of two, branches or not. `NotFound` if one is not there."""
    ours, theirs = dialogue_at(a.journal, index), dialogue_at(b.journal, other)
    both = enumerate(zip_longest(ours.turns, theirs.turns), 1)
    return DialogueComparison(
        a=_side(a, ours, index),
        b=_side(b, theirs, other),
        turns=tuple(_aligned(ours, theirs, n, *turns) for n, turns in both),
    )


# ---- which belong together ----------------------------------------------------------------------


def paired(
    ours: Sequence[tuple[int, str]], theirs: Sequence[tuple[int, str]]
) -> list[tuple[int, int]]:
    """Dialogues (index, persona's id) of two runs by twos, in the sequence of the first: those of
    one index and persona, and of the others the first of a persona with the first, and so on."""
    same = {*ours} & {*theirs}
    left: defaultdict[str, list[int]] = defaultdict(list)
    for index, persona in reversed(theirs):
        if (index, persona) not in same:
            left[persona].append(index)
    pairs = []
    for index, persona in ours:
        if (index, persona) in same:
            pairs.append((index, index))
        elif left[persona]:
            pairs.append((index, left[persona].pop()))
    return pairs


def _cast(journal: Journal) -> list[tuple[int, str]]:
    """(index, persona's id) of every dialogue but the branches, in order, without reading them."""
    id = func.json_extract(PERSONAS.c.card, "$.id")
    query = select(DIALOGUES.c.idx, id).join(PERSONAS).where(DIALOGUES.c.origin.is_(None))
    with journal.engine.connect() as db:
        return [(row[0], row[1]) for row in db.execute(query.order_by(DIALOGUES.c.idx))]


def _pairing(a: Compared, b: Compared, index: int, other: int) -> Pairing:
    ours, theirs = dialogue_at(a.journal, index), dialogue_at(b.journal, other)
    return Pairing(
        a=card_of(a.journal, ours, index),
        b=card_of(b.journal, theirs, other),
        first_difference=first_difference(ours.turns, theirs.turns),
    )


def first_difference(ours: Sequence[Turn], theirs: Sequence[Turn]) -> int | None:
    """The number of the first turn in which something else was said; None where there is none."""
    both = enumerate(zip_longest(map(_said, ours), map(_said, theirs)), 1)
    return next((number for number, (a, b) in both if a != b), None)


def _said(turn: Turn | None) -> tuple[str | None, str | None]:
    """The seeker's words and the reply, as far as there are any."""
    if turn is None:
        return None, None
    return turn.seeker.text, turn.reply.text if turn.reply else None


# ---- turn by turn -------------------------------------------------------------------------------


def _side(run: Compared, dialogue: Dialogue, index: int) -> Side:
    card, run_card = card_of(run.journal, dialogue, index), run.page.card
    return Side(run=run_card.key, run_name=run_card.name, card=card, fork=dialogue.fork)


def _aligned(
    ours: Dialogue, theirs: Dialogue, number: int, a: Turn | None, b: Turn | None
) -> Aligned:
    return Aligned(
        number=number,
        a=turn_view(ours, a) if a else None,
        b=turn_view(theirs, b) if b else None,
        same=a is not None and b is not None and _thought(a) == _thought(b),
        seeker=_words(_said(a)[0], _said(b)[0]),
        reply=_words(_said(a)[1], _said(b)[1]),
    )


def _thought(turn: Turn) -> Turn:
    """A turn without what was judged of it afterwards."""
    return turn.model_copy(update={"verdicts": ()})


def _words(a: str | None, b: str | None) -> tuple[Word, ...]:
    return () if a is None or b is None else word_diff(a, b)
