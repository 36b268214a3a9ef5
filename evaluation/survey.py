"""What people said of recorded dialogues: the corpora's own surveys, as figures of outcome.

    findings = read_survey("ESConv.json")

ESConv and FailedESConv asked the seeker for the strength of the emotion before and after, and for
scores of 1 to 5. The names and scales are those of `outcome_meter.py`, so that a run's figures can
stand beside them. A score that is missing or not 1 to 5 enters no mean, and is counted.
"""

from collections import defaultdict
from pathlib import Path

from attunement.core.errors import RecordingError
from attunement.evaluation.figures import Better, Figure, Findings, Measure, Series, mean_figure
from attunement.personas.recorded import Recording, read_recordings

_SIDES = ("seeker", "supporter")


def _measure(name: str, method: str, unit: str = "points", better: Better = "higher") -> Measure:
    return Measure(name=name, family="outcome", unit=unit, better=better, method=method)


RELIEF = _measure(
    "relief", "Emotion intensity (1 to 5) before minus after the dialogue, by the seeker in the "
    "survey; mean over dialogues with both.",
)  # fmt: skip
RATING = _measure(
    "rating", "The seeker's survey score of the supporter's empathy (1 to 5); mean over dialogues."
)
EACH_RATING = _measure(
    "rating per reply", "The stars (1 to 5) that the seeker gave the supporter's words as they "
    "talked; mean over stars.",
)  # fmt: skip
RELEVANCE = _measure(
    "relevance", "The seeker's survey score of how far the talk kept to the topic (1 to 5)."
)
OWN_RELEVANCE = _measure(
    "relevance by supporter", "The supporter's own survey score of how far the talk kept to the "
    "topic (1 to 5).",
)  # fmt: skip
RELIEVED = _measure(
    "relieved", "Share of dialogues after which the emotion was weaker than before. ESConv holds "
    "no others: they were left out as it was collected.", "share",
)  # fmt: skip
ANSWERED = _measure(
    "survey answered", "Share of dialogues whose survey has both intensities.", "share"
)
UNREADABLE = _measure(
    "unreadable survey scores", "Scores a dialogue that are there and not 1 to 5.", "scores",
    "lower",
)  # fmt: skip
INTENSITY = _measure("intensity", "The seeker's survey score (1 to 5); mean over dialogues.",
                     better="lower")  # fmt: skip

_MISSING = "no dialogue's survey has it"
_FIGURES = (
    (RELIEF, _MISSING), (RELIEVED, _MISSING), (RATING, _MISSING),
    (EACH_RATING, "the file has no stars: no utterance has a `feedback`"),
    (RELEVANCE, _MISSING), (OWN_RELEVANCE, _MISSING), (ANSWERED, _MISSING), (UNREADABLE, _MISSING),
)  # fmt: skip
_Sums = defaultdict[str, dict[str, tuple[float, float]]]


def read_survey(path: str | Path) -> Findings:
    """The survey of a file of recorded dialogues; parts are keyed by the recordings' ids.

    `RecordingError` for a file that cannot be read, in which no dialogue has a survey, or in which
    an intensity is not 1 to 5.
    """
    sums: _Sums = defaultdict(dict)
    asked = False
    for recording in read_recordings(path):
        asked = asked or any(recording.survey.get(side) for side in _SIDES)
        _count(sums, recording)
    if not asked:
        raise RecordingError(
            f"`{Path(path).name}` holds no survey scores; give a file whose dialogues have a "
            "`survey_score`, as ESConv.json and FailedESConv.json do"
        )
    figures = [mean_figure(m, sums[m.name], why=why) for m, why in _FIGURES]
    return Findings(figures=figures, series=[_along(sums)])


def _count(sums: _Sums, recording: Recording) -> None:
    key = recording.id
    before, after = recording.intensity, recording.final_intensity
    sums[ANSWERED.name][key] = (before is not None and after is not None, 1)
    if before is not None:
        sums["before"][key] = (before, 1)
    if after is not None:
        sums["after"][key] = (after, 1)
    if before is not None and after is not None:
        sums[RELIEF.name][key] = (before - after, 1)
        sums[RELIEVED.name][key] = (after < before, 1)
    stars = [star for star in recording.feedback if star is not None]
    sums[EACH_RATING.name][key] = (sum(stars), len(stars))
    unreadable = 0
    for measure, side, question in (
        (RATING, "seeker", "empathy"), (RELEVANCE, "seeker", "relevance"),
        (OWN_RELEVANCE, "supporter", "relevance"),
    ):  # fmt: skip
        given = recording.survey.get(side, {}).get(question)
        score = _score(given)
        if score is not None:
            sums[measure.name][key] = (score, 1)
        unreadable += score is None and given not in (None, "")
    sums[UNREADABLE.name][key] = (unreadable, 1)


def _score(given: str | int | float | None) -> int | None:
    """A score of 1 to 5, which the corpora write as text."""
    text = str(given).strip()
    return int(text) if text in {"1", "2", "3", "4", "5"} else None


def _along(sums: _Sums) -> Series:
    """Intensity before and after, each over the dialogues that give it."""
    points: dict[str, Figure] = {
        when: mean_figure(INTENSITY, sums[when], why=_MISSING) for when in ("before", "after")
    }
    return Series(INTENSITY, points)
