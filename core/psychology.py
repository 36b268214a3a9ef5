"""The six psychological errors of a supporter's reply (arXiv 2505.16995).

Gross's process model of emotion regulation has three steps, and a reply can go wrong in each: the
emotion is identified, a way to meet it is selected, and that way is put into words.
"""

from enum import StrEnum


class PsychologicalError(StrEnum):
    """What can be wrong with a supporter's reply."""

    STRATEGY_MISMATCH = "Strategy Mismatch"
    TEMPLATE_RESPONSE = "Template Response"
    LACK_OF_EMPATHY = "Lack of Empathy"
    EMOTION_MISREAD = "Emotion Misread"
    EARLY_EMOTION_SHIFT = "Early Emotion Shift"
    OTHER = "Other"


DEFINITIONS: dict[PsychologicalError, str] = {
    PsychologicalError.STRATEGY_MISMATCH: "the kind of help does not fit the seeker's state",
    PsychologicalError.TEMPLATE_RESPONSE: "stock phrases that would fit anybody",
    PsychologicalError.LACK_OF_EMPATHY: "it does not meet the emotion that the seeker shows",
    PsychologicalError.EMOTION_MISREAD: "it takes the seeker to feel what they do not feel",
    PsychologicalError.EARLY_EMOTION_SHIFT: "advice or cheer before the feeling has been met",
    PsychologicalError.OTHER: "another fault that would hurt or put off this seeker; say which",
}
"""One line each, as judges are told."""

OF_A_RESPONSE = (
    PsychologicalError.LACK_OF_EMPATHY,
    PsychologicalError.EARLY_EMOTION_SHIFT,
    PsychologicalError.TEMPLATE_RESPONSE,
)
"""What makes a sampled reply a rejected side when pairs are mined."""

ERRORS = "psychological errors"
"""Name of the verdicts that label them."""
