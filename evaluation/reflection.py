"""Is the inferred person the real one? Reflections scored against the seeker's hidden truth.

The truth of a live turn is what the seeker privately feels in it; of a replayed turn it is the
recording's own emotion label and initial intensity, which is a weaker truth. What a card only
had drawn is no truth.
"""

from collections import Counter

import numpy as np

from attunement.core.needs import kinds_of_help
from attunement.core.records import Emotion, Persona, Record, Turn
from attunement.evaluation.dividing import over


def true_emotion(persona: Persona, turn: Turn) -> Emotion | None:
    """What the seeker of a turn feels; None where nobody said."""
    if turn.recorded is None:
        return turn.seeker.emotion
    return None if "emotion" in persona.drawn else persona.emotion


def true_intensity(persona: Persona, turn: Turn) -> int | None:
    """How strongly they feel it, 1 to 5; None where nobody said."""
    if turn.recorded is None:
        return turn.seeker.intensity
    return None if "intensity" in persona.drawn else persona.intensity


class ReflectionScore(Record):
    """How right the reflector was over some turns. None where there was nothing to score."""

    turns: int
    """Turns with a reflection. Each figure counts those of them whose truth is known."""
    emotion_accuracy: float | None
    """Share of turns whose emotion was inferred rightly, 0 to 1."""
    emotion_majority: float | None
    """The same for always naming the most frequent true emotion: what a figure has to beat."""
    intensity_error: float | None
    """Mean distance of inferred and true intensity, in points of the scale of 1 to 5."""
    intensity_error_middle: float | None
    """The same for always saying 3."""
    need_recall: float | None
    """Share of the persona's hidden kinds of help that the reflection names; live turns only."""


class ReflectionMeter:
    """Gathers turns one by one, in constant memory."""

    def __init__(self) -> None:
        self._right = self._turns = self._rated = self._distance = self._middle = 0
        self._emotions: Counter[Emotion] = Counter()
        self._needs = self._recalled = 0

    def add(self, persona: Persona, turn: Turn) -> None:
        """Score one turn; a turn without a reflection counts for nothing."""
        seen = turn.reflection
        if seen is None:
            return
        self._turns += 1
        if emotion := true_emotion(persona, turn):
            self._right += seen.emotion == emotion
            self._emotions[emotion] += 1
        if intensity := true_intensity(persona, turn):
            self._rated += 1
            self._distance += abs(seen.intensity - intensity)
            self._middle += abs(3 - intensity)
        if turn.recorded is None and (needs := kinds_of_help(persona.what_helps)):
            self._needs += len(needs)
            self._recalled += len(needs & kinds_of_help(seen.needs))

    def score(self) -> ReflectionScore:
        """The score of all turns so far."""
        named, rated = self._emotions.total(), self._rated
        return ReflectionScore(
            turns=self._turns,
            emotion_accuracy=self._right / named if named else None,
            emotion_majority=max(self._emotions.values()) / named if named else None,
            intensity_error=self._distance / rated if rated else None,
            intensity_error_middle=self._middle / rated if rated else None,
            need_recall=self._recalled / self._needs if self._needs else None,
        )


# ---- of sums, for figures -----------------------------------------------------------------------


def rank_correlations(tables: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation, ties at their mean rank: counts, shape (…, 5, 5) -> (…).

    NaN where one side never varies.
    """
    rows, columns = tables.sum(-1), tables.sum(-2)
    ours, theirs = _centred_ranks(rows), _centred_ranks(columns)
    together = (tables * ours[..., :, None] * theirs[..., None, :]).sum((-2, -1))
    spread = np.sqrt((rows * ours**2).sum(-1) * (columns * theirs**2).sum(-1))
    return over(together, spread)


def _centred_ranks(counts: np.ndarray) -> np.ndarray:
    """The mean rank of each point minus the mean of all ranks, shape (…, 5)."""
    return np.asarray(np.cumsum(counts, -1) - counts / 2 - counts.sum(-1, keepdims=True) / 2)


def calibration_errors(bins: np.ndarray) -> np.ndarray:
    """Expected calibration error (Guo et al. 2017): shape (…, 10, 3) -> (…).

    A bin holds how many, the sum of their confidences, and how many of them were right.
    """
    apart = np.abs(bins[..., 1] - bins[..., 2]).sum(-1)
    return over(apart, bins[..., 0].sum(-1))
