"""Recorded dialogues: ESConv, FailedESConv and chat logs, read one by one.

    from attunement.personas.preprocessing import prepare
    for recording in read_recordings("ESConv.json"):
        turns = prepare(recording.utterances)

`shapes.py` lists the shapes that are read, `preprocessing.py` what is made of them.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from attunement.core.errors import RecordingError, unknown
from attunement.core.records import Emotion, Intensity, Problem, Record, Utterance
from attunement.core.strategies import split_joint
from attunement.personas.checking import LONGEST, field_name, first_problem
from attunement.personas.files import json_values, one_line, slug
from attunement.personas.shapes import (
    Line,
    StrategyReader,
    mapping,
    named_strategy,
    spoken_lines,
    stars,
)

_ANSWERS = (
    "seeker_question1", "seeker_question2", "supporter_question1", "supporter_question2",
)  # fmt: skip
ESCONV_LICENCE = "CC BY-NC 4.0"


class Recording(Record):
    """One recorded dialogue, as its file has it: nothing merged, nothing dropped but markup."""

    id: str
    """File stem in lower case and place in the file from 1, e.g. `esconv-0001`."""
    file: str
    """Name of the file, without its folder."""
    licence: str = ""
    problem: Problem | None = None
    emotion: Emotion | None = None
    situation: str = ""
    intensity: Intensity | None = None
    """How strong the emotion was before the dialogue, by the seeker."""
    final_intensity: Intensity | None = None
    """How strong it was after it; None where the seeker was not asked."""
    experience: str = ""
    """`Current Experience` or `Previous Experience` in ESConv."""
    survey: dict[str, dict[str, str | int | float | None]] = Field(default_factory=dict)
    """ESConv's survey as read: side (seeker, supporter) -> question -> score as text."""
    answers: dict[str, str] = Field(default_factory=dict)
    """ESConv's four free-text questions, those that were answered."""
    utterances: tuple[Utterance, ...]
    """White space is stripped, and every run of it one blank."""
    feedback: tuple[Annotated[int, Field(ge=1, le=5)] | None, ...]
    """One entry an utterance: the stars that the seeker gave the supporter's last words."""


def read_recordings(
    path: str | Path, limit: int | None = None, strategy: StrategyReader = named_strategy
) -> Iterator[Recording]:
    """The dialogues of a file, at most `limit`; one object a line is read as it streams.

    `strategy` reads the strategies' names. Raises `RecordingError` with file, dialogue (from 1)
    and what is wrong, for a missing file before the first one.
    """
    path = Path(path)
    values = json_values(path, RecordingError)
    return islice(_recordings(path, values, strategy), limit)


def recording_ids(path: str | Path, limit: int | None = None) -> Iterator[str]:
    """The ids of a file's dialogues, without reading what is in them; errors as above."""
    path = Path(path)
    values = json_values(path, RecordingError)
    return islice((_id(path, number) for number, _ in _numbered(path, values)), limit)


def _numbered(path: Path, values: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    number = 0
    for number, value in enumerate(values, 1):
        yield number, value
    if not number:
        raise RecordingError(f"`{path.name}` holds no dialogues; give a file with at least one")


def _id(path: Path, number: int) -> str:
    return f"{slug(path.stem.lower(), 'dialogue')}-{number:04d}"


def _recordings(path: Path, values: Iterator[Any], strategy: StrategyReader) -> Iterator[Recording]:
    for number, value in _numbered(path, values):
        try:
            recording = _recording(value, path, number, strategy)
        except ValidationError as error:
            loc, sentence = first_problem(error)
            raise _wrong(path, number, f"field `{field_name(loc)}`: {sentence}") from None
        except ValueError as error:
            raise _wrong(path, number, str(error)) from None
        yield recording


def _wrong(path: Path, number: int, what: str) -> RecordingError:
    return RecordingError(f"`{path.name}`, dialogue {number}: {what}")


def _recording(value: Any, path: Path, number: int, strategy: StrategyReader) -> Recording:
    lines = list(spoken_lines(value, strategy))
    survey = mapping(value.get("survey_score"))
    seeker = mapping(survey.get("seeker"))
    return Recording(
        id=_id(path, number),
        file=path.name,
        licence=ESCONV_LICENCE if "survey_score" in value else "",
        problem=_member("problem", value.get("problem_type") or value.get("problem"), Problem),
        emotion=_member("emotion", value.get("emotion_type") or value.get("emotion"), Emotion),
        situation=_text(value.get("situation")) or _text(value.get("description")),
        intensity=stars("initial_emotion_intensity", seeker.get("initial_emotion_intensity")),
        final_intensity=stars("final_emotion_intensity", seeker.get("final_emotion_intensity")),
        experience=value.get("experience_type") or "",
        survey=survey,
        answers={key: text for key in _ANSWERS if (text := _text(value.get(key)))},
        utterances=tuple(_utterance(line) for line in lines),
        feedback=tuple(line.feedback for line in lines),
    )


def _text(value: Any) -> str:
    return one_line(value) if isinstance(value, str) else ""


def _utterance(line: Line) -> Utterance:
    """A corpus may write `[Strategy] reply`: the tag is no part of what was said."""
    strategy, text = line.strategy, line.text
    if line.speaker == "supporter" and text.startswith("["):
        tagged, text = split_joint(text)
        strategy = strategy or tagged
    return Utterance(speaker=line.speaker, text=text, strategy=strategy)


_Name = TypeVar("_Name", bound=StrEnum)


def _member(kind: str, name: object, known: type[_Name]) -> _Name | None:
    if not name:
        return None
    wanted = " ".join(str(name).split()).lower()
    for member in known:
        if member.value.lower() == wanted:
            return member
    raise ValueError(unknown(kind, str(name)[:LONGEST], known))
