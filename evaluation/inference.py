"""Is the inferred person the real one, and how fast do they become known?

    meter = InferenceMeter()
    meter.add(key, dialogue)
    meter.findings()

The truth is that of `reflection.py`: what a live seeker privately feels in the turn, and in a
replay the recording's own emotion and initial intensity. Needs are those on a live seeker's hidden
card, compared as kinds of help. Of a recorded seeker, a trait that the card only had drawn is no
truth.
"""

from collections import Counter, defaultdict
from functools import partial
from statistics import fmean

import numpy as np

from attunement.core.needs import kinds_of_help
from attunement.core.records import TRAITS, Dialogue, Emotion, Level, Persona, Reflection, Turn
from attunement.core.strategies import Strategy
from attunement.evaluation.figures import (
    Better,
    Figure,
    Findings,
    Measure,
    Series,
    Table,
    computed,
    mean_figure,
    ratios,
)
from attunement.evaluation.judges.agreement import kappas
from attunement.evaluation.reflection import (
    calibration_errors,
    rank_correlations,
    true_emotion,
    true_intensity,
)

_kappas = partial(kappas, weighted=True)
BINS = 10
"""Bins of confidence, all of one width."""
_EMOTIONS = tuple(Emotion)
_CHANCE = {"emotion accuracy": 1 / len(_EMOTIONS)} | dict.fromkeys(
    [f"{trait} accuracy" for trait in TRAITS] + ["personality accuracy"], 1 / 3
)
"""What naming one at random comes to."""
_UNSEEN = "no turn has a reflection; run the graph self_refine"
_UNKNOWN = "nobody said what is true: on these cards it was drawn"
_UNNAMED = (
    "no reflection names a level that can be checked: the cards' own were drawn, or none is named"
)
_REPLAYED = "recorded seekers have no hidden needs; simulate live"
_NEEDLESS = "no kind of help can be read on the cards, or none in the reflections"
_UNCERTAIN = "no confidences: no reflection gives `emotion_confidence`"
_CONSTANT = "what is inferred or what is true is always the same intensity"
Where = tuple[str, int | None]
"""What is counted, and in which turn; None is all turns together."""


def _measure(name: str, method: str, unit: str = "share", better: Better = "higher") -> Measure:
    return Measure(name=name, family="reflection", unit=unit, better=better, method=method)


EMOTION = _measure("emotion accuracy", "Share of reflections that name the true emotion.")
ERROR = _measure(
    "intensity error", "Mean distance of inferred and true intensity (1 to 5).", "points", "lower"
)
RANKS = _measure(
    "intensity rank correlation",
    "Spearman's rank correlation of inferred and true intensity over all reflections.", "",
)  # fmt: skip
KAPPA = _measure(
    "intensity kappa", "Cohen's kappa of inferred and true intensity, quadratic weights.", ""
)
PERSONALITY = _measure(
    "personality accuracy", "Share of the Big Five levels named that are those of the card."
)
COVERAGE = _measure(
    "personality coverage", "Share of the five traits for which a reflection names a level."
)
RECALL = _measure("need recall", "Share of the hidden kinds of help that a reflection names.")
PRECISION = _measure(
    "need precision", "Share of the kinds of help named as needed that are hidden needs."
)
AVOID_RECALL = _measure(
    "avoid recall", "Share of the kinds of help that hurt which a reflection names as hurting."
)
AVOID_PRECISION = _measure(
    "avoid precision", "Share of the kinds of help named as hurting that do hurt."
)
CALIBRATION = _measure(
    "calibration error",
    "Expected calibration error of emotions: mean distance of confidence and accuracy in ten bins.",
    "share", "lower",
)  # fmt: skip
BRIER = _measure(
    "Brier score", "Mean squared distance of confidence and whether the emotion was right.", "",
    "lower",
)  # fmt: skip
BY_TRAIT = {
    trait: _measure(f"{trait} accuracy", f"Share of the levels of {trait} named that are right.")
    for trait in TRAITS
}
BY_CONFIDENCE = _measure(
    "emotion accuracy by confidence", "Share of right emotions among those said so surely."
)


class InferenceMeter:
    """Scores every reflection of a system's dialogues."""

    def __init__(self) -> None:
        self._sums: defaultdict[Where, dict[str, tuple[float, float]]] = defaultdict(dict)
        self._truths: defaultdict[Where, Counter[object]] = defaultdict(Counter)
        """How often something is true: what always naming the commonest comes to."""
        self._points: defaultdict[int | None, Counter[int]] = defaultdict(Counter)
        """The same of intensities, by turn."""
        self._lucky: defaultdict[Where, float] = defaultdict(float)
        """Hits of naming as many kinds of help at random."""
        self._asked: Counter[Where] = Counter()
        """Turns with such a need: always naming one kind names as many."""
        self._emotions = np.zeros((len(_EMOTIONS), len(_EMOTIONS)))
        self._strengths: dict[str, np.ndarray] = {}
        self._bins: dict[str, np.ndarray] = {}
        self._seen = self._live = 0

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Score a dialogue's reflections; a turn without one counts for nothing."""
        persona = dialogue.persona
        helps, hurts = kinds_of_help(persona.what_helps), kinds_of_help(persona.what_hurts)
        for turn in dialogue.turns:
            seen = turn.reflection
            if seen is None:
                continue
            self._seen += 1
            self._emotion(key, persona, turn, seen)
            self._intensity(key, persona, turn, seen)
            self._personality(key, persona, turn, seen)
            if turn.recorded is None:
                self._live += 1
                self._kinds(key, "need", turn, helps, kinds_of_help(seen.needs))
                self._kinds(key, "avoid", turn, hurts, kinds_of_help(seen.avoid))

    def _count(self, key: str, what: str, turn: Turn, value: float, of: float = 1) -> None:
        """Count for all turns together, and for this one."""
        for number in (None, turn.number):
            above, below = self._sums[what, number].get(key, (0.0, 0.0))
            self._sums[what, number][key] = (above + value, below + of)

    def _note(self, what: str, turn: Turn, truth: object) -> None:
        self._truths[what, None][truth] += 1
        self._truths[what, turn.number][truth] += 1

    def _emotion(self, key: str, persona: Persona, turn: Turn, seen: Reflection) -> None:
        truth = true_emotion(persona, turn)
        if truth is None:
            return
        right = seen.emotion == truth
        self._count(key, EMOTION.name, turn, right)
        self._note(EMOTION.name, turn, truth)
        self._emotions[_EMOTIONS.index(seen.emotion), _EMOTIONS.index(truth)] += 1
        if (sure := seen.emotion_confidence) is not None:
            bins = self._bins.setdefault(key, np.zeros((BINS, 3)))
            bins[min(int(sure * BINS), BINS - 1)] += (1, sure, right)
            self._count(key, BRIER.name, turn, (sure - right) ** 2)

    def _intensity(self, key: str, persona: Persona, turn: Turn, seen: Reflection) -> None:
        truth = true_intensity(persona, turn)
        if truth is None:
            return
        self._count(key, ERROR.name, turn, abs(seen.intensity - truth))
        for number in (None, turn.number):
            self._points[number][truth] += 1
        table = self._strengths.setdefault(key, np.zeros((5, 5)))
        table[seen.intensity - 1, truth - 1] += 1

    def _personality(self, key: str, persona: Persona, turn: Turn, seen: Reflection) -> None:
        # A live seeker acts the card, drawn or not; a recorded one is somebody else.
        drawn = set() if turn.recorded is None else {*persona.drawn}
        for trait, measure in BY_TRAIT.items():
            level: Level | None = getattr(seen.personality, trait)
            self._count(key, COVERAGE.name, turn, level is not None)
            if level and not drawn & {"big_five", trait}:
                truth: Level = getattr(persona.big_five, trait)
                self._count(key, measure.name, turn, level == truth)
                self._count(key, PERSONALITY.name, turn, level == truth)
                self._note(measure.name, turn, truth)

    def _kinds(
        self, key: str, what: str, turn: Turn, true: frozenset[Strategy], named: frozenset[Strategy]
    ) -> None:
        if not true:
            return
        hits, lucky = len(true & named), len(true) * len(named) / len(Strategy)
        self._count(key, f"{what} recall", turn, hits, len(true))
        self._count(key, f"{what} precision", turn, hits, len(named))
        for kind in true:
            self._note(f"{what} recall", turn, kind)
            self._note(f"{what} precision", turn, kind)
        self._asked[f"{what} precision", None] += 1
        self._asked[f"{what} precision", turn.number] += 1
        for name in (f"{what} recall", f"{what} precision"):
            self._lucky[name, None] += lucky
            self._lucky[name, turn.number] += lucky

    # ---- what was found -------------------------------------------------------------------------

    def findings(self) -> Findings:
        """Figures over all reflections, and along the turns of a dialogue."""
        traits = [self._mean(measure, _UNNAMED) for measure in BY_TRAIT.values()]
        needs = [self._mean(m, self._needless()) for m in (RECALL, PRECISION)]
        avoid = [self._mean(m, self._needless()) for m in (AVOID_RECALL, AVOID_PRECISION)]
        figures = [
            self._mean(EMOTION, _UNKNOWN), *self._strength(), *traits,
            self._mean(PERSONALITY, _UNNAMED), self._mean(COVERAGE, _UNSEEN), *needs, *avoid,
            *self._calibration(),
        ]  # fmt: skip
        along = [self._along(m) for m in (EMOTION, ERROR, RECALL, AVOID_RECALL, COVERAGE)]
        return Findings(figures, [*along, *self._by_confidence()], self._tables())

    def _why(self, why: str) -> str:
        return why if self._seen else _UNSEEN

    def _needless(self) -> str:
        return _NEEDLESS if self._live else _REPLAYED

    def _mean(self, measure: Measure, why: str, turn: int | None = None) -> Figure:
        sums = self._sums.get((measure.name, turn), {})
        return mean_figure(measure, sums, self._levels(measure.name, turn), self._why(why))

    def _levels(self, name: str, turn: int | None) -> dict[str, float]:
        """What a figure has to be read against."""
        below = sum(count for _, count in self._sums.get((name, turn), {}).values())
        truths = self._truths.get((name, turn), Counter())
        levels: dict[str, float] = {}
        if not below:
            return levels
        if name == ERROR.name:
            return _constant_errors(self._points[turn])
        if name == PERSONALITY.name:
            best = [self._truths.get((m.name, turn)) for m in BY_TRAIT.values()]
            levels["majority"] = sum(max(counts.values()) for counts in best if counts) / below
        elif truths:
            levels["majority"] = max(truths.values()) / (self._asked.get((name, turn)) or below)
        if name in _CHANCE:
            levels["chance"] = _CHANCE[name]
        if (name, turn) in self._lucky:
            levels["chance"] = self._lucky[name, turn] / below
        return levels

    def _along(self, measure: Measure) -> Series:
        """The figure by turn of the dialogue."""
        turns = sorted(n for name, n in self._sums if name == measure.name and n is not None)
        return Series(measure, {str(n): self._mean(measure, _UNSEEN, n) for n in turns})

    def _strength(self) -> list[Figure]:
        why, level = self._why(_CONSTANT if self._strengths else _UNKNOWN), {"chance": 0.0}
        return [
            self._mean(ERROR, _UNKNOWN),
            computed(RANKS, self._strengths, rank_correlations, level, why),
            computed(KAPPA, self._strengths, _kappas, level, why),
        ]

    def _calibration(self) -> list[Figure]:
        why = self._why(_UNCERTAIN)
        total = np.sum([np.zeros((BINS, 3)), *self._bins.values()], axis=0).sum(0)
        share = total[2] / total[0] if total[0] else np.nan
        always = {"always the accuracy": float(share * (1 - share))} if self._bins else {}
        return [
            computed(CALIBRATION, self._bins, calibration_errors, {}, why),
            mean_figure(BRIER, self._sums.get((BRIER.name, None), {}), always, why),
        ]

    def _by_confidence(self) -> list[Series]:
        """Accuracy by bin of confidence; no line where there are no confidences."""
        if not self._bins:
            return []
        points = {}
        for place in range(BINS):
            name = f"{place / BINS:.1f}-{(place + 1) / BINS:.1f}"
            of, why = partial(_right, place=place), "no confidence lies here"
            points[name] = computed(BY_CONFIDENCE, self._bins, of, {}, why)
        return [Series(BY_CONFIDENCE, points)]

    def _tables(self) -> list[Table]:
        found = []
        if self._emotions.any():
            labels = [emotion.value for emotion in _EMOTIONS]
            found.append(
                Table("emotion confusion", "reflection", "inferred", "true", labels, self._emotions)
            )
        if self._strengths:
            counts = np.sum(list(self._strengths.values()), axis=0)
            labels = [str(point) for point in range(1, 6)]
            found.append(
                Table("intensity confusion", "reflection", "inferred", "true", labels, counts)
            )
        return found


def _constant_errors(truths: Counter[int]) -> dict[str, float]:
    """The error of always naming one intensity, and of naming any one of the five at random."""
    errors = {
        point: sum(abs(true - point) * often for true, often in truths.items()) / truths.total()
        for point in range(1, 6)
    }
    commonest = max(truths, key=lambda point: (truths[point], -point))
    return {"majority": errors[commonest], "always 3": errors[3], "chance": fmean(errors.values())}


def _right(bins: np.ndarray, place: int) -> np.ndarray:
    return ratios(bins[..., place, [2, 0]])
