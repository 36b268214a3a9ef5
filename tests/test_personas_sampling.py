"""Sampling: even where chance clumps, the same for the same seed, and clear about its cycle."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.core.errors import PersonaError
from attunement.core.records import TRAITS, BigFive, Emotion, Level, Persona, Problem
from attunement.personas.importers import import_personas
from attunement.personas.sampling import numbered, sample

LEVELS: tuple[Level, ...] = ("low", "medium", "high")


def person(number: int, problem: Problem, emotion: Emotion, levels: Sequence[Level]) -> Persona:
    return Persona(
        id=f"p{number}",
        problem=problem,
        emotion=emotion,
        situation="s",
        intensity=3,
        big_five=BigFive(**dict(zip(TRAITS, levels, strict=True))),
    )


def skewed(size: int, seed: int) -> list[Persona]:
    """A set like a collected corpus: few problems and emotions hold most of its cards."""
    chance = random.Random(seed)
    problems, emotions = list(Problem)[:6], list(Emotion)[:5]
    return [
        person(
            n,
            chance.choices(problems, [8, 6, 4, 2, 1, 1])[0],
            chance.choices(emotions, [8, 6, 3, 2, 1])[0],
            [chance.choices(LEVELS, [1, 2, 3])[0] for _ in TRAITS],
        )
        for n in range(size)
    ]


def divisions(personas: Sequence[Persona]) -> Iterator[list[object]]:
    yield [p.problem for p in personas]
    yield [p.emotion for p in personas]
    yield [(p.problem, p.emotion) for p in personas]
    for trait in TRAITS:
        yield [getattr(p.big_five, trait) for p in personas]


def worst_cells(chosen: Sequence[Persona], everyone: Sequence[Persona]) -> list[float]:
    """For each division, the largest distance of a cell's share from the even share."""
    worst = []
    for ours, all_of_them in zip(divisions(chosen), divisions(everyone), strict=True):
        cells, counts = set(all_of_them), Counter(ours)
        worst.append(max(abs(counts[c] / len(ours) - 1 / len(cells)) for c in cells))
    return worst


@pytest.mark.parametrize("n", [30, 100])
def test_it_is_more_even_than_chance_for_every_seed_and_in_every_division(n: int) -> None:
    differences = []
    for seed in range(25):
        everyone = skewed(600, seed)
        even = worst_cells(sample(everyone, n, seed), everyone)
        naive = worst_cells(random.Random(seed).sample(everyone, n), everyone)
        assert max(even) < 0.5 * max(naive), seed
        differences.append([theirs - ours for ours, theirs in zip(even, naive, strict=True)])
    assert all(mean(division) > 0.05 for division in zip(*differences, strict=True))


def test_esconv_is_sampled_more_evenly_than_by_chance(shared_data: Path) -> None:
    everyone = import_personas(shared_data / "esconv" / "ESConv.json").personas
    for seed in range(5):
        even = worst_cells(sample(everyone, 200, seed), everyone)
        naive = worst_cells(random.Random(seed).sample(everyone, 200), everyone)
        assert all(ours < theirs for ours, theirs in zip(even, naive, strict=True)), seed


def test_a_full_grid_is_sampled_perfectly_evenly() -> None:
    cells = product(list(Problem)[:4], list(Emotion)[:4], LEVELS)
    grid = [person(n, p, e, [level] * 5) for n, (p, e, level) in enumerate(cells)]
    chosen = sample(grid, 16, seed=7)
    assert len({(p.problem, p.emotion) for p in chosen}) == 16
    assert set(Counter(p.problem for p in chosen).values()) == {4}
    assert set(Counter(p.emotion for p in chosen).values()) == {4}
    assert sorted(Counter(p.big_five.openness for p in chosen).values()) == [5, 5, 6]


def test_rare_cells_are_found_first() -> None:
    everyone = [person(n, Problem.JOB_CRISIS, Emotion.FEAR, ["low"] * 5) for n in range(500)]
    rare = person(999, Problem.BULLYING, Emotion.PAIN, ["high"] * 5)
    assert all(rare in sample([*everyone, rare], 2, seed) for seed in range(20))


@given(seed=st.integers(), n=st.integers(1, 90))
def test_the_same_seed_gives_the_same_cards_and_a_smaller_sample_begins_a_larger(
    seed: int, n: int
) -> None:
    everyone = skewed(40, 1)
    assert sample(everyone, n, seed) == sample(everyone, 90, seed)[:n]


def test_the_order_of_the_set_does_not_matter_but_the_seed_does() -> None:
    everyone = skewed(200, 3)
    assert sample(everyone, 50, 1) == sample(everyone[::-1], 50, 1)
    assert sample(everyone, 50, 1) != sample(everyone, 50, 2)


def test_no_card_comes_again_before_every_card_has_come() -> None:
    everyone = skewed(40, 2)
    chosen = sample(everyone, 100, seed=5)
    for start, often in ((0, 40), (40, 40), (80, 20)):
        assert len({p.id for p in chosen[start : start + often]}) == often
    assert chosen[:40] != chosen[40:80]


def test_copies_get_ids_of_their_own_for_a_file() -> None:
    everyone = skewed(3, 2)
    ids = [p.id for p in numbered(sample(everyone, 7, seed=0))]
    assert len(set(ids)) == 7
    assert Counter(i.partition(".")[2] for i in ids) == {"": 3, "2": 3, "3": 1}


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_card_is_refused(n: int) -> None:
    with pytest.raises(PersonaError, match=rf"`n` must be at least 1, got {n}; pass --n 8"):
        sample(skewed(3, 0), n)


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(PersonaError, match="no cards to sample from"):
        sample([], 1)
