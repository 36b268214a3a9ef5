"""Seeded sampling that covers problem, emotion and Big Five evenly, where chance would clump.

    from attunement.personas.sampling import sample
    chosen = sample(personas, 200, seed=1)

Greedy stratification: each pick goes to the problem x emotion pair that is furthest behind (by the
counts so far of the problem, of the emotion and of the pair), and within it to the card whose Big
Five levels are furthest behind. Ties go by a seeded hash. So every beginning of a sample is itself
an even sample: `sample(personas, 50, seed)` is the first quarter of `sample(personas, 200, seed)`.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import count, islice

from attunement.core.errors import PersonaError
from attunement.core.records import TRAITS, Emotion, Level, Persona, Problem
from attunement.personas.drawing import ranked

_Pair = tuple[Problem, Emotion]
_Levels = tuple[Level, ...]
_Strata = dict[_Pair, dict[_Levels, list[Persona]]]


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
    tally: Counter[Hashable] = Counter()
    for turn in count():
        yield from _one_pass(_strata(personas, seed, turn), tally)


def _one_pass(strata: _Strata, tally: Counter[Hashable]) -> Iterator[Persona]:
    while strata:
        pair = min(strata, key=lambda p: tally[p[0]] + tally[p[1]] + tally[p])
        levels = min(strata[pair], key=lambda found: sum(tally[cell] for cell in _cells(found)))
        cards = strata[pair][levels]
        yield cards.pop()
        tally.update((*pair, pair, *_cells(levels)))
        if not cards:
            del strata[pair][levels]
        if not strata[pair]:
            del strata[pair]


def _cells(levels: _Levels) -> Iterator[tuple[int, Level]]:
    return enumerate(levels)


def _strata(personas: Sequence[Persona], seed: int, turn: int) -> _Strata:
    """The cards by problem and emotion, then by Big Five, all of it in an order by hash."""
    strata: _Strata = defaultdict(lambda: defaultdict(list))
    order = sorted(personas, key=lambda p: ranked(seed, p.id, f"pass {turn}"))
    for persona in order:
        levels = tuple(getattr(persona.big_five, trait) for trait in TRAITS)
        strata[persona.problem, persona.emotion][levels].append(persona)
    return strata


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
