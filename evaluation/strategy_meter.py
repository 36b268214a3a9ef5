"""Which strategies a planner chooses: agreement, bias, spread, and the way through the stages.

    meter = StrategyMeter()                        # against the recorded strategies of a replay
    meter = StrategyMeter(reference="rehearsal")   # against those that a reference planner named
    meter.add(key, dialogue)
    meter.findings()

What a turn chose is its plan's strategy, else the tag that a joint model wrote, else the strategy
of the reply that was spoken. A planner that gave no readable answer is wrong for accuracy and F1.
"""

from functools import partial

import numpy as np

from attunement.core.errors import UserError
from attunement.core.records import Dialogue, Turn
from attunement.core.strategies import Strategy, parse_strategy
from attunement.evaluation.figures import (
    Better,
    Figure,
    Findings,
    Measure,
    Of,
    Series,
    Table,
    computed,
    mean_figure,
)
from attunement.evaluation.stages import Usage
from attunement.evaluation.strategy_tables import (
    NAMES,
    UNREADABLE,
    Tables,
    accuracies,
    biases,
    macro_f1s,
    majority_table,
    preferences,
    prior_table,
    weighted_f1s,
)
from attunement.simulator.replanning import REFERENCE, choice_of

_PLACE = {strategy: place for place, strategy in enumerate(NAMES)}
_NOTHING = "no turn chose a strategy: the run's graph has no planner"
_UNREAD = "no choice could be read as a strategy"


def _measure(name: str, method: str, unit: str = "share", better: Better = "") -> Measure:
    return Measure(name=name, family="strategy", unit=unit, better=better, method=method)


_UNREADABLE = _measure(
    "unreadable strategies", "Share of turns whose planner gave no readable strategy.",
    better="lower",
)  # fmt: skip
_PREFERENCE = _measure(
    "preference", "p of the preference bias B: 1 on average; above 1 it is chosen too often.", ""
)


class StrategyMeter:
    """Compares what was chosen with the recording, or with what a reference planner named.

    `reference` is the spec of the judge whose verdicts `reference strategy` are compared with.
    Counts of all strategies chosen, of turns that cannot be read, and of stages need neither.
    """

    def __init__(self, reference: str | None = None) -> None:
        self._reference = reference
        self._chosen, self._human = Usage(), Usage()
        self._tables: dict[str, np.ndarray] = {}
        self._unreadable: dict[str, tuple[float, float]] = {}
        self._known: dict[str, tuple[float, float]] = {}
        self._replayed = False

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Count a dialogue's turns; one in which nothing was chosen counts for nothing."""
        self._replayed = self._replayed or dialogue.recorded is not None
        turns = [(turn, choice) for turn in dialogue.turns if (choice := choice_of(turn))]
        if not turns:
            return
        human = [turn.recorded.strategy for turn, _ in turns if turn.recorded]
        self._chosen.add(key, [choice.strategy for _, choice in turns if choice.strategy])
        self._human.add(key, [strategy for strategy in human if strategy])
        truths = [self._truth(turn) for turn, _ in turns]
        self._unreadable[key] = (sum(not choice.strategy for _, choice in turns), len(turns))
        self._known[key] = (sum(truth is not None for truth in truths), len(turns))
        table = np.zeros((UNREADABLE + 1, UNREADABLE))
        for (_, choice), truth in zip(turns, truths, strict=True):
            if truth:
                row = _PLACE[choice.strategy] if choice.strategy else UNREADABLE
                table[row, _PLACE[truth]] += 1
        if table.any():
            self._tables[key] = table

    def _truth(self, turn: Turn) -> Strategy | None:
        if self._reference is None:
            return turn.recorded.strategy if turn.recorded else None
        mine = (v for v in turn.verdicts if v.name == REFERENCE and v.judge == self._reference)
        return next((_read(verdict.label) for verdict in mine), None)

    def findings(self) -> Findings:
        """Agreement and bias where there is something to compare with; use and stages anyway."""
        table = np.sum([np.zeros((UNREADABLE + 1, UNREADABLE)), *self._tables.values()], axis=0)
        confusion = Table(
            "strategy confusion", "strategy", "predicted", self._side, [s.value for s in NAMES],
            table,
        )  # fmt: skip
        why = _UNREAD if self._unreadable else _NOTHING
        return Findings(
            figures=(*self._agreement(table), *self._chosen.figures(self._human, why)),
            series=(self._preferences(), *self._chosen.series(self._human, why)),
            tables=(confusion,) if self._tables else (),
        )

    @property
    def _side(self) -> str:
        return "recorded" if self._reference is None else "reference"

    def _why(self) -> str:
        """Why something compared cannot be computed."""
        if not self._unreadable:
            return _NOTHING
        if self._tables:
            return _UNREAD
        if self._reference is not None:
            return f"the judge {self._reference!r} named a strategy for none of these turns"
        if self._replayed:
            return "the recordings name no strategies"
        return "live dialogues have no recorded strategies; replay some, or take a reference judge"

    def _agreement(self, table: np.ndarray) -> list[Figure]:
        found = [
            computed(measure, self._tables, of, _levels(of, table.sum(0)), self._why())
            for measure, of in self._compared()
        ]
        found.append(mean_figure(_UNREADABLE, self._unreadable, why=_NOTHING))
        if self._reference is not None:
            how = f"Share of turns for which {self._reference} named a strategy that can be read."
            known = _measure("reference coverage", how, better="higher")
            found.append(mean_figure(known, self._known, why=_NOTHING))
        return found

    def _compared(self) -> list[tuple[Measure, Of]]:
        named = "the recorded strategies"
        if self._reference is not None:
            named = f"the strategies that {self._reference} would choose"
        right = f"Share of turns whose choice agrees with {named}."
        macro = f"Mean F1 of the strategies that are chosen or are among {named}."
        weighted = f"Mean F1 of strategies, weighted by how often each is among {named}."
        bias = (
            f"Preference bias B (arXiv 2402.13211) of the readable choices against {named}: 0 is "
            "none, and the square root of 7 always choosing one. Redrawing adds a spread of its "
            "own, so that the bounds of a small B lie above it."
        )
        return [
            (_measure("accuracy", right, better="higher"), accuracies),
            (_measure("macro-F1", macro, better="higher"), macro_f1s),
            (_measure("weighted-F1", weighted, better="higher"), weighted_f1s),
            (_measure("preference bias", bias, "", "lower"), biases),
        ]

    def _preferences(self) -> Series:
        points = {}
        for place, strategy in enumerate(NAMES):
            of = partial(_preference, place=place)
            points[strategy.value] = computed(
                _PREFERENCE, self._tables, of, {"unbiased": 1.0}, self._why()
            )
        return Series(_PREFERENCE, points)


def _read(label: str | None) -> Strategy | None:
    try:
        return None if label is None else parse_strategy(label)
    except UserError:
        return None


def _levels(of: Of, recorded: np.ndarray) -> dict[str, float]:
    """What choosing without reading a word comes to: always the commonest, or by how often."""
    return {
        "majority": float(of(majority_table(recorded))),
        "prior": float(of(prior_table(recorded))),
    }


def _preference(tables: Tables, place: int) -> np.ndarray:
    return preferences(tables)[..., place]
