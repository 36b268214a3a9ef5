"""The shapes in which recorded dialogues come: each is read as a list of spoken lines.

- ESConv, FailedESConv: `dialog` of `speaker`, `content`, `annotation`; seeker and supporter, or
  speaker and listener
- ESConv as published one dialogue a line: `dialog` of `speaker`, `text`, `strategy`; usr and sys
- chat messages: `messages`, `conversation`, `conversations` or `dialog` of `role`, `content`
- ShareGPT: the same with `from`, `value`; human and gpt
- ExTES: `content` of lines `User` and `AI`, `description`
- instruction rows: `instruction`, `output`, and `history` as pairs
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from attunement.core.errors import unknown
from attunement.core.strategies import Strategy, parse_strategy
from attunement.personas.checking import shown
from attunement.personas.files import one_line

LISTS = ("dialog", "messages", "conversation", "conversations")
_SPEAKERS: dict[str, Literal["seeker", "supporter"]] = {
    "seeker": "seeker", "user": "seeker", "usr": "seeker", "speaker": "seeker", "human": "seeker",
    "supporter": "supporter", "assistant": "supporter", "sys": "supporter",
    "listener": "supporter", "gpt": "supporter",
}  # fmt: skip
_NOT_SPOKEN = ("system", "developer")


class Line(NamedTuple):
    """One line of a recorded dialogue, as the file has it but for names and white space."""

    speaker: Literal["seeker", "supporter"]
    text: str
    strategy: Strategy | None = None
    feedback: int | None = None


def is_recorded(value: Any) -> bool:
    """Whether a JSON value looks like a recorded dialogue (rather than like a role card)."""
    if not isinstance(value, dict):
        return False
    if any(isinstance(value.get(key), list) for key in LISTS) or _is_instruction_row(value):
        return True
    lines = value.get("content")
    return isinstance(lines, list) and any(isinstance(x, dict) and "User" in x for x in lines)


def _is_instruction_row(value: dict[str, Any]) -> bool:
    return isinstance(value.get("history"), list) and "output" in value


def spoken_lines(value: Any) -> Iterator[Line]:
    """The lines of one dialogue in any of the shapes; `ValueError` says what is wrong, and where.

    System messages are dropped, and so are strategy names of ExTES, which has other ones.
    """
    if not is_recorded(value):
        known = ", ".join(f"`{key}`" for key in LISTS)
        raise ValueError(f"must be an object with a list under {known}, got {shown(value)}")
    for number, raw in enumerate(_raw_lines(value), 1):
        try:
            line = _line(raw)
        except ValueError as error:
            raise ValueError(f"utterance {number}: {error}") from None
        if line is not None:
            yield line


def _raw_lines(value: dict[str, Any]) -> list[Any]:
    for key in LISTS:
        if isinstance(value.get(key), list):
            return list(value[key])
    if _is_instruction_row(value):
        return _instruction_row(value)
    return [_extes(line) for line in value["content"]]


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


def _extes(line: Any) -> Any:
    if not isinstance(line, dict):
        return line
    role, key = ("user", "User") if "User" in line else ("assistant", "AI")
    return {"role": role, "content": line.get(key)}


def _line(raw: Any) -> Line | None:
    if not isinstance(raw, dict):
        raise ValueError(f"must be an object with a speaker and a text, got {shown(raw)}")
    name = _first(raw, "speaker", "role", "from")
    if str(name).lower() in _NOT_SPOKEN:
        return None
    speaker = _SPEAKERS.get(str(name).lower())
    if speaker is None:
        raise ValueError(unknown("speaker", name, _SPEAKERS))
    text = _first(raw, "content", "text", "value") or ""
    if not isinstance(text, str):
        raise ValueError(f"`content` must be text, got {shown(text)}")
    notes = raw | mapping(raw.get("annotation"))
    if speaker == "seeker":
        return Line(speaker, one_line(text), feedback=stars("feedback", notes.get("feedback")))
    strategy = notes.get("strategy")
    return Line(speaker, one_line(text), parse_strategy(str(strategy)) if strategy else None)


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
