"""Is the inferred person the real one? Reflections scored against the seeker's hidden truth.

The truth of a live turn is what the seeker privately feels in it; of a replayed turn it is the
recording's own emotion label and initial intensity, which is a weaker truth.
"""

from collections import Counter

from attunement.core.needs import kinds_of_help
from attunement.core.records import Emotion, Persona, Record, Turn


class ReflectionScore(Record):
    """How right the reflector was over some turns. None where there was nothing to score."""

    turns: int
    """Turns with a reflection and a known truth."""
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
        self._right = self._turns = self._distance = self._middle = 0
        self._emotions: Counter[Emotion] = Counter()
        self._needs = self._recalled = 0

    def add(self, persona: Persona, turn: Turn) -> None:
        """Score one turn; a turn without a reflection counts for nothing."""
        seen = turn.reflection
        if seen is None:
            return
        live = turn.seeker.emotion is not None
        emotion = turn.seeker.emotion or persona.emotion
        intensity = turn.seeker.intensity or persona.intensity
        self._turns += 1
        self._right += seen.emotion == emotion
        self._emotions[emotion] += 1
        self._distance += abs(seen.intensity - intensity)
        self._middle += abs(3 - intensity)
        if live and (needs := kinds_of_help(persona.what_helps)):
            self._needs += len(needs)
            self._recalled += len(needs & kinds_of_help(seen.needs))

    def score(self) -> ReflectionScore:
        """The score of all turns so far."""
        n = self._turns
        return ReflectionScore(
            turns=n,
            emotion_accuracy=self._right / n if n else None,
            emotion_majority=max(self._emotions.values()) / n if n else None,
            intensity_error=self._distance / n if n else None,
            intensity_error_middle=self._middle / n if n else None,
            need_recall=self._recalled / self._needs if self._needs else None,
        )
