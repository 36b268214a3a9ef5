"""What a strategy planner has to beat: choosing without reading a word of the dialogue.

    for name, turns in baseline_turns(train, test).items():
        score = score_strategies(turns)

All are fitted on the recorded strategies of the train split and scored on those of the test split.
`transition` knows more than a planner is told: the supporter's last recorded strategy, which
stands in no planner's prompt.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from attunement.core.errors import ConfigError
from attunement.core.seeds import derive_seed
from attunement.core.strategies import Strategy
from attunement.evaluation.strategy import StrategyTurn
from attunement.evaluation.strategy_tables import FIGURES, NAMES, UNREADABLE, Tables

Baseline = Literal["most_frequent", "prior", "transition", "transition_sampled"]
Recorded = Mapping[str, Sequence[Strategy]]
"""Dialogue -> the strategies of its supporter turns, in order."""
Counts = Mapping[Strategy, int]


def baseline_turns(
    train: Recorded, test: Recorded, seed: int = 0
) -> dict[Baseline, list[StrategyTurn]]:
    """The test turns as each baseline predicts them.

    - `most_frequent`: always the commonest strategy.
    - `prior`: drawn by how often each is used; `prior_expectation` has what that comes to.
    - `transition`: the commonest after the supporter's last strategy, or as the first.
    - `transition_sampled`: drawn by how often each comes after it.

    `ConfigError` where the train split holds no strategy.
    """
    often = Counter(strategy for strategies in train.values() for strategy in strategies)
    if not often:
        raise ConfigError("the train split holds no strategy: there is nothing to fit")
    after = _after(train)
    commonest = _commonest(often)
    found: dict[Baseline, list[StrategyTurn]] = {
        "most_frequent": [], "prior": [], "transition": [], "transition_sampled": [],
    }  # fmt: skip
    for dialogue, before, turn, recorded in _turns(test):
        counts = after.get(before) or often
        predicted: dict[Baseline, Strategy] = {
            "most_frequent": commonest,
            "prior": _drawn(often, seed, "prior", dialogue, turn),
            "transition": _commonest(counts),
            "transition_sampled": _drawn(counts, seed, "transition", dialogue, turn),
        }
        for name, strategy in predicted.items():
            found[name].append(StrategyTurn(dialogue, strategy, recorded))
    return found


def prior_expectation(train: Recorded, test: Recorded) -> dict[str, float]:
    """The prior's figures without the luck of a draw: those of the expected table of counts.

    By the names of a score's figures; accuracy is the exact expectation, the others are those of
    the table that infinitely many draws would give.
    """
    often = Counter(strategy for strategies in train.values() for strategy in strategies)
    recorded = Counter(strategy for strategies in test.values() for strategy in strategies)
    table: Tables = np.zeros((UNREADABLE + 1, UNREADABLE))
    shares = np.array([often[s] for s in NAMES]) / max(1, often.total())
    table[:UNREADABLE] = np.outer(shares, [recorded[s] for s in NAMES])
    return {name: float(figure(table)) for name, figure in FIGURES.items()}


def _after(train: Recorded) -> dict[Strategy | None, Counter[Strategy]]:
    """The last strategy (None at the beginning) -> how often each came next."""
    after: defaultdict[Strategy | None, Counter[Strategy]] = defaultdict(Counter)
    for _, before, _, recorded in _turns(train):
        after[before][recorded] += 1
    return dict(after)


def _turns(
    recorded: Recorded,
) -> Iterator[tuple[str, Strategy | None, int, Strategy]]:
    for dialogue, strategies in recorded.items():
        for turn, strategy in enumerate(strategies):
            yield dialogue, strategies[turn - 1] if turn else None, turn, strategy


def _commonest(counts: Counts) -> Strategy:
    """Of several that are equally common, the first of the eight."""
    return max(NAMES, key=lambda strategy: counts.get(strategy, 0))


def _drawn(counts: Counts, *where: object) -> Strategy:
    """A strategy drawn by its count, decided by `where` alone."""
    place = derive_seed(*where) % sum(counts.values())
    for strategy in NAMES:
        place -= counts.get(strategy, 0)
        if place < 0:
            return strategy
    raise AssertionError("counts are above zero")
