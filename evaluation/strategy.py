"""How well strategies are chosen: agreement with the recorded ones, and the bias towards a few.

    score = score_strategies([StrategyTurn("esconv-0001", predicted, recorded), ...])

Preference bias B and proficiency, which is macro-F1: Kang et al., ACL 2024 (arXiv 2402.13211).
Everything is computed from one table of counts, and intervals resample dialogues.

A prediction that names none of the eight strategies is `unreadable`: it counts as wrong for
accuracy and F1, has no part in B, and is counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attunement.core.errors import ConfigError, UserError
from attunement.core.records import Record
from attunement.core.strategies import Strategy, parse_strategy
from attunement.evaluation.bootstrap import Interval, draw_rows, interval_of
from attunement.evaluation.strategy_tables import (
    FIGURES,
    NAMES,
    UNREADABLE,
    Tables,
    biases,
    f1_scores,
    preferences,
)

_PLACE = {strategy: place for place, strategy in enumerate(NAMES)}


class StrategyTurn(NamedTuple):
    """A supporter turn whose strategy is known."""

    dialogue: str
    predicted: Strategy | None
    """None: unreadable."""
    recorded: Strategy


class StrategyFigures(Record):
    """One strategy. Shares are None where there is nothing to divide by."""

    recorded: int
    predicted: int
    preference: float | None
    """p of the bias: 1 on average; above 1 it is used too often."""
    precision: float | None
    recall: float | None
    f1: float | None


class StrategyScore(Record):
    """How well a planner chose. Shares lie between 0 and 1; None where there was no turn."""

    turns: int
    dialogues: int
    unreadable: int
    """Predictions that name none of the eight strategies."""
    bias: Interval | None
    """Preference bias B; 0 is none, and the square root of 7 always choosing one. Low is good.
    Redrawing adds a spread of its own, so that the bounds of a small B lie above it."""
    macro_f1: Interval | None
    """Mean F1 of the strategies that are recorded or predicted."""
    weighted_f1: Interval | None
    """Mean F1 weighted by how often a strategy is recorded."""
    accuracy: Interval | None
    by_strategy: dict[Strategy, StrategyFigures]


def preference_bias(
    predicted: Sequence[Strategy | str | None], recorded: Sequence[Strategy | str]
) -> float | None:
    """Preference bias B of some predictions; lower is better. None where none can be read.

    Names as ESConv or FailedESConv spell them; `UserError` for a recorded name that is none of
    them, and for sides of different length. A predicted name that is none counts for nothing.
    """
    if len(predicted) != len(recorded):
        raise UserError(
            f"`predicted` and `recorded` must be equally long, got {len(predicted)} and "
            f"{len(recorded)}; give one strategy a turn on each side"
        )
    pairs = zip(predicted, recorded, strict=True)
    table = _table([StrategyTurn("", _read(p), parse_strategy(r)) for p, r in pairs])
    bias = float(biases(table))
    return None if np.isnan(bias) else bias


def _read(name: Strategy | str | None) -> Strategy | None:
    try:
        return None if name is None else parse_strategy(name)
    except UserError:
        return None


def score_strategies(turns: Sequence[StrategyTurn], seed: int = 0) -> StrategyScore:
    """The score of some turns, with intervals over their dialogues."""
    tables = _by_dialogue(turns)
    whole = tables.sum(0)
    redrawn = _redrawn(tables, seed)
    return StrategyScore(
        turns=len(turns),
        dialogues=len(tables),
        unreadable=int(whole[UNREADABLE].sum()),
        by_strategy=_by_strategy(whole),
        **{
            name: _interval(figure(whole), figure(redrawn), len(tables))
            for name, figure in FIGURES.items()
        },
    )


def compare_strategies(
    after: Sequence[StrategyTurn], before: Sequence[StrategyTurn], seed: int = 0
) -> dict[str, Interval]:
    """`after` minus `before` by the name of the figure: both on the same turns, redrawn together.

    `ConfigError` where the two sides are not about the same turns.
    """
    if [(t.dialogue, t.recorded) for t in after] != [(t.dialogue, t.recorded) for t in before]:
        raise ConfigError("the two sides were not predicted for the same turns")
    one, other = _by_dialogue(after), _by_dialogue(before)
    drawn = _redrawn(one, seed), _redrawn(other, seed)
    gains = {
        name: _interval(
            figure(one.sum(0)) - figure(other.sum(0)), figure(drawn[0]) - figure(drawn[1]), len(one)
        )
        for name, figure in FIGURES.items()
    }
    return {name: gain for name, gain in gains.items() if gain is not None}


def _table(turns: Sequence[StrategyTurn]) -> Tables:
    table = np.zeros((UNREADABLE + 1, UNREADABLE))
    for turn in turns:
        table[_row(turn), _PLACE[turn.recorded]] += 1
    return table


def _row(turn: StrategyTurn) -> int:
    return UNREADABLE if turn.predicted is None else _PLACE[turn.predicted]


def _by_dialogue(turns: Sequence[StrategyTurn]) -> Tables:
    place = {name: i for i, name in enumerate(dict.fromkeys(turn.dialogue for turn in turns))}
    tables = np.zeros((len(place), UNREADABLE + 1, UNREADABLE))
    for turn in turns:
        tables[place[turn.dialogue], _row(turn), _PLACE[turn.recorded]] += 1
    return tables


def _redrawn(tables: Tables, seed: int, draws: int = 2000) -> Tables:
    """Sums of the tables over redrawn dialogues, shape (draws, 9, 8)."""
    n = len(tables)
    if not n:
        return np.zeros((draws, *tables.shape[1:]))
    times = [
        np.bincount(row, minlength=n) for rows in draw_rows(n, seed, draws) for row in rows
    ]  # how often each dialogue was drawn
    return np.tensordot(np.asarray(times, float), tables, 1)


def _interval(value: np.ndarray, found: np.ndarray, n: int) -> Interval | None:
    return None if np.isnan(value) else interval_of(float(value), found, n)


def _by_strategy(table: Tables) -> dict[Strategy, StrategyFigures]:
    p, f1 = preferences(table), f1_scores(table)
    predicted, recorded = table.sum(1), table.sum(0)
    return {
        strategy: StrategyFigures(
            recorded=int(recorded[i]),
            predicted=int(predicted[i]),
            preference=_known(p[i]),
            precision=float(table[i, i] / predicted[i]) if predicted[i] else None,
            recall=float(table[i, i] / recorded[i]) if recorded[i] else None,
            f1=_known(f1[i]),
        )
        for i, strategy in enumerate(NAMES)
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
