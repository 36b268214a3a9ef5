"""Coverage of a persona set: counts per cell, the cells that are empty, and how uneven it is.

attune personas coverage --personas cards.yaml
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from attunement.core.errors import PersonaError
from attunement.core.records import TRAITS, Emotion, Level, Manner, Persona, Problem, Record

_PROBLEMS = tuple(p.value for p in Problem if p is not Problem.OTHER)
"""`other` is for foreign tables: it is counted where it occurs, but never missed."""
_EMOTIONS = tuple(e.value for e in Emotion)
_DECADES = tuple(f"{first}-{first + 9}" for first in range(10, 80, 10))
_LATE = "80+"
PAIRS = "problem x emotion"


class Dimension(Record):
    """One way of dividing a set: its cells, with the empty ones."""

    name: str
    counts: dict[str, int]
    """Every known cell, in the order of the taxonomy, and then others that occur."""
    empty: tuple[str, ...]
    discrepancy: float | None
    """Largest distance of a known cell's share from the even share, 0 (even) to 1.

    Empty cells count; None where no card is in a known cell, e.g. where no age is given.
    """


class Coverage(Record):
    """What a persona set covers, dimension by dimension."""

    cards: int
    dimensions: tuple[Dimension, ...]
    """problem, emotion, the five traits, problem x emotion, age, manner."""

    empty: tuple[str, ...]
    """All empty cells by name, e.g. `problem: School Bullying`."""

    def __getitem__(self, name: str) -> Dimension:
        return {dimension.name: dimension for dimension in self.dimensions}[name]


def coverage(personas: Sequence[Persona]) -> Coverage:
    """The coverage of a set; `PersonaError` for an empty one."""
    if not personas:
        raise PersonaError("there are no cards to report on; give a set with at least one")
    traits = [
        _dimension(trait, get_args(Level), (getattr(p.big_five, trait) for p in personas))
        for trait in TRAITS
    ]
    dimensions = (
        _dimension("problem", _PROBLEMS, (p.problem.value for p in personas)),
        _dimension("emotion", _EMOTIONS, (p.emotion.value for p in personas)),
        *traits,
        _dimension(PAIRS, _pairs(), (pair(p.problem, p.emotion) for p in personas)),
        _dimension("age", (*_DECADES, _LATE), (_decade(p) for p in personas)),
        _dimension("manner", get_args(Manner), (p.manner for p in personas)),
    )
    empty = tuple(f"{d.name}: {cell}" for d in dimensions for cell in d.empty)
    return Coverage(cards=len(personas), dimensions=dimensions, empty=empty)


def pair(problem: str, emotion: str) -> str:
    """Name of a cell of the problem x emotion matrix."""
    return f"{problem} x {emotion}"


def _pairs() -> tuple[str, ...]:
    return tuple(pair(problem, emotion) for problem in _PROBLEMS for emotion in _EMOTIONS)


def _decade(persona: Persona) -> str:
    age = persona.demographics.age
    if age is None:
        return "unknown"
    first = age // 10 * 10
    return _LATE if age >= 80 else f"{first}-{first + 9}"


def _dimension(name: str, known: Sequence[str], values: Iterable[str]) -> Dimension:
    counts = Counter(values)
    every = dict.fromkeys(known, 0) | counts
    return Dimension(
        name=name,
        counts=every,
        empty=tuple(cell for cell in known if not every[cell]),
        discrepancy=_discrepancy([every[cell] for cell in known]),
    )


def _discrepancy(counts: Sequence[int]) -> float | None:
    total, even = sum(counts), 1 / len(counts)
    return max(abs(c / total - even) for c in counts) if total else None
