"""Seeded sampling that covers problem, emotion and Big Five evenly, where chance would clump.

    from attunement.personas.sampling import sample
    chosen = sample(personas, 200, seed=1)

Greedy stratification: each pick goes to the card whose cells hold the fewest picks so far, summed
over its problem, its emotion, the pair of both, and its five trait levels; ties go by a seeded
hash. Each step lowers the sum of squares of all cells' counts as far as one card can. So every
beginning of a sample is itself an even sample: `sample(personas, 50, seed)` is the first quarter
of `sample(personas, 200, seed)`.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import count, islice

import numpy as np

from attunement.core.errors import PersonaError
from attunement.core.records import TRAITS, Persona
from attunement.personas.drawing import ranked

_Cell = Hashable
_SPENT = 1 << 40
"""Score of a stratum without cards: above any count."""


def sample(personas: Sequence[Persona], n: int, seed: int = 0) -> tuple[Persona, ...]:
    """`n` cards that cover the set evenly; the same ones, in the same order, for the same seed.

    No card comes a second time before every card has come once. Where `n` is larger than the set,
    the set is gone through again, in a new order that evens out what the first pass left uneven;
    the cards keep their ids. Raises `PersonaError` for `n` below 1 and
    for an empty set.
    """
    if n < 1:
        raise PersonaError(f"`n` must be at least 1, got {n}; pass --n 8")
    if not personas:
        raise PersonaError("there are no cards to sample from; give a set with at least one")
    return tuple(islice(_picks(personas, seed), n))


def _picks(personas: Sequence[Persona], seed: int) -> Iterator[Persona]:
    tally: Counter[_Cell] = Counter()
    for turn in count():
        yield from _one_pass(_strata(personas, seed, turn), tally)


def _one_pass(
    strata: dict[tuple[_Cell, ...], list[Persona]], tally: Counter[_Cell]
) -> Iterator[Persona]:
    """All cards once. Scores are kept up to date by cell, so that a pick costs microseconds."""
    cells, cards = list(strata), list(strata.values())
    members: dict[_Cell, list[int]] = defaultdict(list)
    for stratum, its_cells in enumerate(cells):
        for cell in its_cells:
            members[cell].append(stratum)
    where = {cell: np.array(several) for cell, several in members.items()}
    score = np.array([sum(tally[cell] for cell in its_cells) for its_cells in cells])
    for _ in range(sum(map(len, cards))):
        best = int(score.argmin())
        yield cards[best].pop()
        tally.update(cells[best])
        for cell in cells[best]:
            score[where[cell]] += 1
        if not cards[best]:
            score[best] = _SPENT


def _strata(
    personas: Sequence[Persona], seed: int, turn: int
) -> dict[tuple[_Cell, ...], list[Persona]]:
    """The cards by all of their cells, in an order by hash."""
    strata = defaultdict(list)
    for persona in sorted(personas, key=lambda p: ranked(seed, p.id, f"pass {turn}")):
        strata[_cells(persona)].append(persona)
    return strata


def _cells(persona: Persona) -> tuple[_Cell, ...]:
    levels = ((trait, getattr(persona.big_five, trait)) for trait in TRAITS)
    problem, emotion = persona.problem, persona.emotion
    return (problem, emotion, (problem, emotion), *levels)


def numbered(personas: Iterable[Persona]) -> tuple[Persona, ...]:
    """The cards with ids that are unique, as a file needs them: a card's second copy is `ID.2`."""
    seen: Counter[str] = Counter()
    cards = []
    for persona in personas:
        seen[persona.id] += 1
        often = seen[persona.id]
        name = persona.id if often == 1 else f"{persona.id[:70]}.{often}"
        cards.append(persona.model_copy(update={"id": name}))
    return tuple(cards)
