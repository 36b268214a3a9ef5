"""The shapes in which recorded dialogues come: each is read as a list of spoken lines.

- ESConv, FailedESConv: `dialog` of `speaker`, `content`, `annotation`; seeker and supporter, or
  speaker and listener
- ESConv as published one dialogue a line: `dialog` of `speaker`, `text`, `strategy`; usr and sys
- chat messages: `messages`, `conversation`, `conversations`, `dialog`, `dialogue` or `content` of
  `role`, `content`
- ShareGPT: the same with `from`, `value`; human and gpt
- ExTES: `content` of lines `User`, or `AI` and `AI Strategy`; `description`; also `Seeker` and
  `Supporter`, `user` and `assistant`, in any case
- instruction rows: `instruction`, `output`, and `history` as pairs
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from attunement.core.errors import UserError, unknown
from attunement.core.strategies import Strategy, parse_strategy
from attunement.personas.checking import shown
from attunement.personas.files import one_line

LISTS = ("dialog", "dialogue", "messages", "conversation", "conversations", "content")
_SPEAKERS: dict[str, Literal["seeker", "supporter"]] = {
    "seeker": "seeker", "user": "seeker", "usr": "seeker", "speaker": "seeker", "human": "seeker",
    "supporter": "supporter", "assistant": "supporter", "sys": "supporter",
    "listener": "supporter", "gpt": "supporter", "ai": "supporter",
}  # fmt: skip
_KEYED = _SPEAKERS.keys() - {"speaker"}
"""Speakers' names that may be the key of their words; `speaker` is the key of a name."""
_NOT_SPOKEN = ("system", "developer")


EXTES_STRATEGIES = {
    "Reflective Statements": Strategy.RESTATEMENT,
    "Clarification": Strategy.QUESTION,
    "Emotional Validation": Strategy.REFLECTION,
    "Empathetic Statements": Strategy.REFLECTION,
    "Affirmation": Strategy.AFFIRMATION,
    "Offer Hope": Strategy.AFFIRMATION,
    "Avoid Judgment And Criticism": Strategy.AFFIRMATION,
    "Suggest Options": Strategy.SUGGESTIONS,
    "Collaborative Planning": Strategy.SUGGESTIONS,
    "Provide Different Perspectives": Strategy.INFORMATION,
    "Reframe Negative Thoughts": Strategy.AFFIRMATION,
    "Share Information": Strategy.INFORMATION,
    "Normalize Experiences": Strategy.AFFIRMATION,
    "Promote Self-Care Practices": Strategy.SUGGESTIONS,
    "Stress Management": Strategy.SUGGESTIONS,
    "Others": Strategy.OTHERS,
}
"""ExTES' sixteen strategies as ESConv's eight.

The table is ours: by what each is said to do, not by a comparison of labels. Self-disclosure has no
counterpart; several of the sixteen are finer grains of one.
"""
StrategyReader = Callable[[str], Strategy | None]
"""Reads a strategy's name; None for one that counts as none, `ValueError` for an unknown one."""


class Line(NamedTuple):
    """One line of a recorded dialogue, as the file has it but for names and white space."""

    speaker: Literal["seeker", "supporter"]
    text: str
    strategy: Strategy | None = None
    feedback: int | None = None


def plain_name(name: str) -> str:
    """A strategy's name for comparison: lower case, no hyphens, no abbreviation in brackets."""
    return " ".join(re.sub(r"\([^)]*\)\s*$", "", name).replace("-", " ").lower().split())


_EXTES = {plain_name(name): strategy for name, strategy in EXTES_STRATEGIES.items()}


def named_strategy(name: str) -> Strategy:
    """The strategy that ESConv, FailedESConv or ExTES names so; else `UserError` with the known."""
    try:
        return parse_strategy(name)
    except UserError:
        if found := _EXTES.get(plain_name(name)):
            return found
        raise


def is_recorded(value: Any) -> bool:
    """Whether a JSON value looks like a recorded dialogue (rather than like a role card)."""
    if not isinstance(value, dict):
        return False
    return _list_of(value) is not None or _is_instruction_row(value)


def _list_of(value: dict[str, Any]) -> list[Any] | None:
    """The list that holds the lines. A card's `content` may be any list: it must hold speakers."""
    for key in LISTS:
        lines = value.get(key)
        if isinstance(lines, list) and (key != "content" or any(map(_has_speaker, lines))):
            return lines
    return None


def _has_speaker(line: Any) -> bool:
    return isinstance(line, dict) and ("role" in line or "speaker" in line or bool(_keyed(line)))


def _is_instruction_row(value: dict[str, Any]) -> bool:
    return isinstance(value.get("history"), list) and "output" in value


def spoken_lines(value: Any, strategy: StrategyReader = named_strategy) -> Iterator[Line]:
    """The lines of one dialogue in any of the shapes; `ValueError` says what is wrong, and where.

    System messages are dropped.
    """
    if not is_recorded(value):
        known = ", ".join(f"`{key}`" for key in LISTS)
        raise ValueError(f"must be an object with a list under {known}, got {shown(value)}")
    for number, raw in enumerate(_raw_lines(value), 1):
        try:
            yield from _lines(raw, strategy)
        except ValueError as error:
            raise ValueError(f"utterance {number}: {error}") from None


def _raw_lines(value: dict[str, Any]) -> list[Any]:
    lines = _list_of(value)
    return _instruction_row(value) if lines is None else lines


def _instruction_row(row: dict[str, Any]) -> list[Any]:
    asked = "\n".join(str(row[key]) for key in ("instruction", "input") if row.get(key))
    pairs = [*row["history"], (asked, row.get("output"))]
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError("`history` must be a list of [seeker, supporter] pairs")
    return [
        {"role": role, "content": text}
        for pair in pairs
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


def _lines(raw: Any, strategy: StrategyReader) -> Iterator[Line]:
    if not isinstance(raw, dict):
        raise ValueError(f"must be an object with a speaker and a text, got {shown(raw)}")
    for name, field in _said(raw):
        speaker = _SPEAKERS.get(name.lower())
        if speaker is None:
            raise ValueError(unknown("speaker", name, _SPEAKERS))
        text = raw[field] if raw.get(field) is not None else ""
        if not isinstance(text, str):
            raise ValueError(f"`{field}` must be text, got {shown(text)}")
        yield _line(speaker, one_line(text), raw | mapping(raw.get("annotation")), strategy)


def _said(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """The speaker's name, and the field that holds the words; several where keys name speakers."""
    name = _first(raw, "speaker", "role", "from")
    if name is None and (keyed := _keyed(raw)):
        return [(key, key) for key in keyed]
    if str(name).lower() in _NOT_SPOKEN:
        return []
    fields = ("content", "text", "value")
    return [(str(name), next((f for f in fields if raw.get(f) is not None), fields[0]))]


def _keyed(raw: dict[str, Any]) -> list[str]:
    return [key for key in raw if key.lower() in _KEYED]


def _line(
    speaker: Literal["seeker", "supporter"],
    text: str,
    notes: dict[str, Any],
    strategy: StrategyReader,
) -> Line:
    if speaker == "seeker":
        return Line(speaker, text, feedback=stars("feedback", notes.get("feedback")))
    name = next((notes[key] for key in notes if _is_strategy(key) and notes[key]), None)
    return Line(speaker, text, strategy(str(name)) if name else None)


def _is_strategy(key: str) -> bool:
    return key.lower().replace("_", " ") in ("strategy", "ai strategy", "supporter strategy")


def _first(raw: dict[str, Any], *keys: str) -> Any:
    return next((raw[key] for key in keys if raw.get(key) is not None), None)


def mapping(value: Any) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def stars(field: str, value: Any) -> int | None:
    """A 1-5 score, which the corpora write as text; None where it is absent."""
    if value is None or value == "":
        return None
    if str(value) not in {"1", "2", "3", "4", "5"}:
        raise ValueError(f"`{field}` must be 1 to 5, got {shown(value)}")
    return int(value)
