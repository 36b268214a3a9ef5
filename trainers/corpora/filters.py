"""What is no training data, and why: filters of turns and of pairs, each with its reason."""

from collections.abc import Iterable, Sequence

from pydantic import Field

from attunement.core.psychology import ERRORS
from attunement.core.records import Dialogue, Record, Turn, Utterance
from attunement.core.text import CONTROLS
from attunement.evaluation.realism.seeker import score_seeker
from attunement.simulator.annotating import annotations
from attunement.trainers.corpora.rows import edit_distance, words

LABELLED_BAD = "a person labelled it bad"
"""Also where they named an error of the reply."""


class Filters(Record):
    """Which turns become pairs."""

    max_length_ratio: float | None = Field(default=None, ge=0)
    """Words of the chosen side over words of the rejected one, at most; 0 for any. None: two where
    a run's drafts are rejected (recipe A), any for mined pairs (recipe B)."""
    min_history: int | None = Field(default=None, ge=1)
    """Seeker turns heard, at least. None: three where a refinement is preferred, because with fewer
    a reflection falls back on guesses (recipe A), and one for everything else."""
    max_similarity: float = Field(default=0.95, ge=0, le=1)
    """1 - word-level edit distance; pairs above it are nearly equal and teach nothing."""
    errors: bool = False
    """Keep a pair only if, by every judge, its chosen side shows no psychological error and its
    rejected side at least one."""
    realistic: bool = False
    """Leave out the dialogues of simulated seekers who are not believable, by the rules of
    `evaluation/realism/seeker.py`."""


def seeker_reason(dialogue: Dialogue, filters: Filters) -> str | None:
    """Why no turn of a dialogue is training data: the first fault of its seeker. None if they may
    be, or where nobody asks."""
    unfit = score_seeker(dialogue).unfit if filters.realistic else ()
    return f"seeker not believable: {unfit[0]}" if unfit else None


def turn_reason(turn: Turn, heard: Sequence[Utterance], min_history: int) -> str | None:
    """Why a supporter's turn is no training data; None if it may be."""
    if turn.guard.crisis:
        return "crisis"
    if any(annotation.faulty for annotation in annotations(turn).values()):
        return LABELLED_BAD
    if turn.set_aside:
        return f"set aside: no usable answer of the {turn.set_aside[0].role}"
    spoken = sum(line.speaker == "seeker" and bool(line.text.strip()) for line in heard)
    if spoken < min_history:
        return f"fewer than {min_history} seeker turns heard"
    return None


def pair_reason(chosen: str, rejected: str, filters: Filters) -> str | None:
    """Why two replies make no pair; None if they do."""
    if not chosen.strip() or not rejected.strip():
        return "an empty side"
    if CONTROLS.search(chosen) or CONTROLS.search(rejected):
        return "control characters"
    if chosen.strip() == rejected.strip():
        return "equal sides"
    if 1 - edit_distance(chosen, rejected) >= filters.max_similarity:
        return "nearly equal sides"
    ratio = filters.max_length_ratio
    if ratio and words(chosen) > ratio * words(rejected):
        return f"chosen over {ratio:g} times as long"
    return None


def error_reason(turn: Turn, chosen: str, rejected: str, judges: Iterable[str]) -> str | None:
    """Why the judges' labels speak against a pair of two sides (`refined`, `draft`, …).

    None if by every judge the chosen side shows no error and the rejected side shows one.
    """
    labels = [v for v in turn.verdicts if v.name == ERRORS]
    judges = set(judges)
    for side, wanted in ((chosen, 0), (rejected, 1)):
        found = [v for v in labels if v.about == side]
        if {v.judge for v in found} != judges or not found:
            return f"errors of the {side} not labelled"
        if any(v.value is None for v in found):
            return f"errors of the {side} not readable"
        if wanted == 0 and any(v.value for v in found):
            return f"the {side} reply shows an error"
        if wanted == 1 and any(not v.value for v in found):
            return f"the {side} reply shows no error"
    return None
