"""How strategies are used: how often each, how evenly, and through which stages a dialogue goes.

A reply stands in the stage of its strategy: exploration, comforting, action. `Others` belongs to
all three, and so stands in none.
"""

from collections.abc import Sequence
from functools import partial
from itertools import combinations, pairwise

import numpy as np

from attunement.core.strategies import STRATEGIES, Stage, Strategy
from attunement.evaluation.figures import Figure, Measure, Of, Parts, Series, computed, ratios
from attunement.evaluation.strategy_tables import NAMES, entropies

STAGES = tuple(Stage)
THIRDS = ("first third", "second third", "last third")
_STAGELESS = len(STAGES)
_STAGE = {strategy: STAGES.index(stage) for stage in STAGES for strategy in STRATEGIES[stage]}
_MOST = np.log2(len(NAMES))

ENTROPY = Measure(
    name="strategy entropy", family="strategy", unit="bits",
    method="Entropy of how often each of the eight is chosen; at most 3.",
)  # fmt: skip
EVENNESS = Measure(
    name="normalised strategy entropy", family="strategy",
    method="Strategy entropy over its maximum: 1 where all eight are chosen alike.",
)  # fmt: skip
ORDER = Measure(
    name="stage order", family="strategy", unit="share", better="higher",
    method="Share of neighbouring replies of a dialogue that do not go back a stage "
    "(exploration, comforting, action; `Others` is skipped).",
)  # fmt: skip
USE = Measure(
    name="strategies chosen", family="strategy", unit="share",
    method="Share of the planner's choices that fall on a strategy; a refiner may follow another "
    "one.",
)  # fmt: skip


class Usage:
    """Counts of what was chosen, by dialogue."""

    def __init__(self) -> None:
        self.often: dict[str, np.ndarray] = {}
        """Choices by strategy, shape (8,)."""
        self.thirds: dict[str, np.ndarray] = {}
        self.order: dict[str, np.ndarray] = {}

    def add(self, key: str, strategies: Sequence[Strategy]) -> None:
        """Count a dialogue's strategies, in order; one without any has no part."""
        if strategies:
            self.often[key] = np.array([strategies.count(s) for s in NAMES], float)
            self.thirds[key] = stages_by_third(strategies)
            self.order[key] = stage_order(strategies)

    def figures(self, human: "Usage", why: str) -> list[Figure]:
        """Entropy and order of stages, beside those of the recorded strategies."""
        by_chance = {"random order": _ordered_by_chance(self.order)}
        short = "no dialogue holds two replies that stand in a stage"
        return [
            computed(ENTROPY, self.often, entropies, _recorded(human.often, entropies), why),
            computed(EVENNESS, self.often, _evenness, _recorded(human.often, _evenness), why),
            computed(ORDER, self.order, _ordered, by_chance | _recorded(human.order, _ordered),
                     short if self.order else why),
        ]  # fmt: skip

    def series(self, human: "Usage", why: str) -> list[Series]:
        """The share of each strategy, and of each stage along a dialogue."""
        points = {}
        for place, strategy in enumerate(NAMES):
            of = partial(_share, place=place)
            levels = _recorded(human.often, of)
            points[strategy.value] = computed(USE, self.often, of, levels, why)
        return [Series(USE, points), *(self._stage(place, human, why) for place in range(3))]

    def _stage(self, place: int, human: "Usage", why: str) -> Series:
        stage = STAGES[place].value
        measure = Measure(
            name=f"{stage} along the dialogue", family="strategy", unit="share",
            method=f"Share of the replies in a third of their dialogue that stand in {stage}.",
        )  # fmt: skip
        why = "no dialogue has a reply there" if self.thirds else why
        points = {}
        for third, name in enumerate(THIRDS):
            of = partial(stage_shares, third=third, stage=place)
            points[name] = computed(measure, self.thirds, of, _recorded(human.thirds, of), why)
        return Series(measure, points)


# ---- one dialogue -------------------------------------------------------------------------------


def stages_by_third(strategies: Sequence[Strategy]) -> np.ndarray:
    """Replies of a dialogue by third and stage, shape (3, 4); the fourth stage is `Others`.

    A reply stands in the third that holds its middle: a single one in the second.
    """
    counts = np.zeros((len(THIRDS), len(STAGES) + 1))
    for i, strategy in enumerate(strategies):
        third = len(THIRDS) * (2 * i + 1) // (2 * len(strategies))
        counts[third, _STAGE.get(strategy, _STAGELESS)] += 1
    return counts


def stage_order(strategies: Sequence[Strategy]) -> np.ndarray:
    """How a dialogue's stages follow each other, shape (3,).

    Of its neighbouring replies, `Others` skipped: how many do not go back a stage, how many there
    are, and how many would not if the same replies came in a random order.
    """
    places = [_STAGE[s] for s in strategies if s in _STAGE]
    pairs = len(places) - 1
    if pairs < 1:
        return np.zeros(3)
    kept = sum(after >= before for before, after in pairwise(places))
    often = [places.count(stage) for stage in range(len(STAGES))]
    # Of all ordered pairs of two of its replies, these go back.
    back = sum(a * b for a, b in combinations(often, 2)) / (len(places) * pairs)
    return np.array([kept, pairs, pairs * (1 - back)], float)


# ---- of sums ------------------------------------------------------------------------------------


def stage_shares(counts: np.ndarray, third: int, stage: int) -> np.ndarray:
    """The share of a stage in a third, shape (…, 3, 4) -> (…); NaN where nothing was said."""
    here = counts[..., third, :]
    return ratios(np.stack([here[..., stage], here.sum(-1)], -1))


def _share(often: np.ndarray, place: int) -> np.ndarray:
    return ratios(np.stack([often[..., place], often.sum(-1)], -1))


def _evenness(often: np.ndarray) -> np.ndarray:
    return np.asarray(entropies(often) / _MOST)


def _ordered(order: np.ndarray) -> np.ndarray:
    return ratios(order[..., :2])


def _ordered_by_chance(order: Parts) -> float:
    sums = np.sum(list(order.values()), axis=0) if order else np.zeros(3)
    return float(ratios(sums[[2, 1]]))


def _recorded(parts: Parts, of: Of) -> dict[str, float]:
    """What the recorded strategies come to, where there are any."""
    return {"recorded": float(of(np.sum(list(parts.values()), axis=0)))} if parts else {}
