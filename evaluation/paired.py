"""Two systems on the same dialogues: how far apart are they, and could it be chance?

    found = [paired(after, before) for after, before in figures]   # figures of one measure each
    found = corrected(found)                                       # all tests of one report at once

- Bounds: paired bootstrap; a dialogue's two parts are always drawn together.
- p: approximate randomisation (Noreen 1989). If the systems did not differ, their parts of a
  dialogue could change places; p is the share of random exchanges that lead to a difference at
  least as large, two-sided, (1 + hits) / (1 + draws).
- Effect: Cohen's d_z, the mean of the dialogues' own differences over their standard deviation.
- Many tests: Holm 1979.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from attunement.core.records import Record
from attunement.core.seeds import derive_seed
from attunement.evaluation.figures import Figure, redrawn, stack
from attunement.graphs.drawing.diagram import many

SWAPS = 10_000
"""Random exchanges, at least."""
LEVEL = 0.05
"""A corrected p below it makes a finding."""
FEWEST = 5
"""Dialogues (or personas) below which nothing is redrawn: of so few there are no more than a few
dozen draws, and their bounds would say too much."""
_CHUNK = 2_000_000
"""Coins that are held at a time."""
_SLACK = 1e-9
"""How much of a difference may be the rounding of sums."""
WHOLE = "is no function of a sum over dialogues: no interval and no test"


class Paired(Record):
    """A figure of one system minus that of another, on the dialogues that both have."""

    value: float | None = None
    low: float | None = None
    """Bounds of the middle 95 % of the redrawn differences."""
    high: float | None = None
    n: int = 0
    """Dialogues that both have."""
    units: int = 0
    """What was resampled and exchanged: those dialogues, or their personas."""
    p: float | None = None
    p_corrected: float | None = None
    """Holm's, over all tests of the report."""
    effect: float | None = None
    """Cohen's d_z over the dialogues that have a figure of their own; None where all differ by
    exactly as much, which no standard deviation can be divided into."""
    higher: float | None = None
    """Share of these dialogues in which the first system's figure is the higher one."""
    equal: float | None = None
    lower: float | None = None
    level: float | None = None
    """What the figure itself is held against, where that is no other system's figure: 0.5 for a
    win rate."""
    why: str = ""
    """Why there is no difference, or no interval and test of it."""

    @property
    def significant(self) -> bool:
        """Whether it is more than chance, all tests of the report considered."""
        return self.p_corrected is not None and self.p_corrected < LEVEL


def swaps_for(tests: int) -> int:
    """Exchanges for a report of so many tests: the smallest possible p must survive Holm."""
    return max(SWAPS, round(2 * tests / LEVEL))


def units_for(tests: int) -> int:
    """Dialogues (or personas) from which on one of so many tests can at all be more than chance.

    Of the 2^n exchanges of n units two lead as far as what was found: none, and all of them. So no
    p is smaller than 2 / 2^n, and Holm multiplies the smallest of the report by the tests.
    """
    units = 2
    while tests * 2.0 ** (1 - units) >= LEVEL:
        units += 1
    return units


def paired(
    after: Figure,
    before: Figure,
    groups: Mapping[str, str] | None = None,
    seed: int = 0,
    draws: int = 2000,
    swaps: int = SWAPS,
) -> Paired:
    """`after` minus `before`, two figures of one measure.

    `groups`, by dialogue, are redrawn and exchanged whole: the persona of each, say.
    """
    for figure in (after, before):
        if figure.value is None:
            return Paired(why=figure.why or "nothing to compute it from")
    if not (after.parts and before.parts):
        assert after.value is not None
        assert before.value is not None
        return Paired(value=after.value - before.value, why=WHOLE)
    keys = [key for key in after.parts if key in before.parts]
    if not keys:
        return Paired(why="share no dialogue that has this figure")
    sides = [stack(figure.parts, keys, groups).astype(float) for figure in (after, before)]
    value = _gap(after, before, sides[0].sum(0), sides[1].sum(0))
    if np.isnan(value):
        return Paired(n=len(keys), why="nothing to compute it from on the shared dialogues")
    found = Paired(value=float(value), n=len(keys), units=len(sides[0]))
    found = found.model_copy(update=_effect(after, before, keys))
    if found.units < FEWEST:
        return found.model_copy(update={"why": too_few(found.units, groups is not None)})
    low, high = _bounds(after, before, sides, seed, draws)
    p = _chance(after, before, sides, abs(float(value)), seed, swaps)
    return found.model_copy(update={"low": low, "high": high, "p": p})


def won(
    figure: Figure,
    groups: Mapping[str, str] | None = None,
    seed: int = 0,
    draws: int = 2000,
    swaps: int = SWAPS,
) -> Paired:
    """A win rate minus one half, tested against the other side's own (its `rival`).

    The two sides' rates add up to 1: a half is half as far as they are from each other. Its d_z
    would be that of the two sides, whose dialogues mirror each other, and is left out.
    """
    found = paired(figure, replace(figure, parts=figure.rival), groups, seed, draws, swaps)
    halves = {
        name: value / 2
        for name in ("value", "low", "high")
        if (value := getattr(found, name)) is not None
    }
    return found.model_copy(update={**halves, "effect": None, "level": 0.5})


def too_few(units: int, persona: bool) -> str:
    """Why there is no interval of so few."""
    return f"of {many(units, 'persona' if persona else 'dialogue')}: too few to redraw"


def _gap(after: Figure, before: Figure, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.asarray(after.of(ours) - before.of(theirs))


def _bounds(
    after: Figure, before: Figure, sides: Sequence[np.ndarray], seed: int, draws: int
) -> tuple[float | None, float | None]:
    """Of the differences of redrawn units; None where every draw leaves one undefined."""
    together = redrawn(np.stack(sides, 1), seed, draws)
    found = np.concatenate([_gap(after, before, sums[:, 0], sums[:, 1]) for sums in together])
    known = found[~np.isnan(found)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _chance(
    after: Figure, before: Figure, sides: Sequence[np.ndarray], gap: float, seed: int, swaps: int
) -> float:
    """p: how often an exchange leads at least as far. An undefined difference counts as that."""
    ours, theirs = sides
    moved, shape = (theirs - ours).reshape(len(ours), -1), ours.shape[1:]
    hits = 0
    for coins in _coins(len(ours), seed, swaps):
        change = (coins @ moved).reshape(-1, *shape)
        apart = _gap(after, before, ours.sum(0) + change, theirs.sum(0) - change)
        hits += int(np.sum(~(np.abs(apart) < gap - _SLACK * max(1.0, gap))))
    return (1 + hits) / (1 + swaps)


def _coins(n: int, seed: int, swaps: int) -> Iterator[np.ndarray]:
    """0 or 1 for each of n units, `swaps` times, a block at a time: arrays (block, n)."""
    random = np.random.default_rng(derive_seed(seed, "swaps"))
    block = max(1, _CHUNK // n)
    for start in range(0, swaps, block):
        rows = min(block, swaps - start)
        bits = np.frombuffer(random.bytes(-(-rows * n // 8)), np.uint8)
        yield np.unpackbits(bits, count=rows * n).reshape(rows, n).astype(float)


def _effect(after: Figure, before: Figure, keys: Sequence[str]) -> dict[str, float | None]:
    """Of the dialogues that have a figure of their own on both sides."""
    gaps = _gap(after, before, stack(after.parts, keys), stack(before.parts, keys))
    gaps = gaps[~np.isnan(gaps)]
    if len(gaps) < 2:
        return {}
    gaps[np.abs(gaps) < _SLACK] = 0
    spread, mean = float(gaps.std(ddof=1)), float(gaps.mean())
    effect = mean / spread if spread > _SLACK * abs(mean) else None
    return {
        "effect": 0.0 if mean == spread == 0 else effect,
        "higher": float((gaps > 0).mean()),
        "equal": float((gaps == 0).mean()),
        "lower": float((gaps < 0).mean()),
    }


# ---- many tests ---------------------------------------------------------------------------------


def corrected(found: Sequence[Paired]) -> list[Paired]:
    """The same with their corrected p; those without a p are no tests."""
    tested = [place for place, one in enumerate(found) if one.p is not None]
    raised = holm([one.p for one in found if one.p is not None])
    result = list(found)
    for place, p in zip(tested, raised, strict=True):
        result[place] = found[place].model_copy(update={"p_corrected": p})
    return result


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): p times the tests not yet passed, never falling."""
    result = [0.0] * len(ps)
    reached = 0.0
    for passed, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        reached = max(reached, min(1.0, (len(ps) - passed) * ps[place]))
        result[place] = reached
    return result
