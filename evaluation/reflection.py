"""Is the inferred person the real one? Reflections scored against the seeker's hidden truth.

The truth of a live turn is what the seeker privately feels in it; of a replayed turn it is the
recording's own emotion label and initial intensity, which is a weaker truth. What a card only
had drawn is no truth.
"""

from collections import Counter

from attunement.core.needs import kinds_of_help
from attunement.core.records import Emotion, Persona, Record, Turn


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
        live = turn.recorded is None
        truth = turn.seeker if live else persona
        self._turns += 1
        if truth.emotion and (live or "emotion" not in persona.drawn):
            self._right += seen.emotion == truth.emotion
            self._emotions[truth.emotion] += 1
        if truth.intensity and (live or "intensity" not in persona.drawn):
            self._rated += 1
            self._distance += abs(seen.intensity - truth.intensity)
            self._middle += abs(3 - truth.intensity)
        if live and (needs := kinds_of_help(persona.what_helps)):
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
