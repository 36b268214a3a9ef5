"""A row with fewer old messages in its prompt, in each format."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from attunement.trainers.lint.shapes import Sample, Turns

_OPEN, _CLOSE, _SEEKER = "<dialogue>\n", "\n</dialogue>", "seeker: "
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Shorter:
    """A prompt that lost its oldest messages."""

    prompt: Turns
    removed: int


def shorter(sample: Sample) -> list[Shorter]:
    """All shorter prompts of a row, longest first; each begins, behind the system, with a seeker
    who says something.

    A flattened dialogue in a single message (recipe B's planner) loses its oldest lines.
    """
    if sample.plain:
        return []
    start = _leading(role == "system" for role, _ in sample.prompt)
    head, said = sample.prompt[:start], sample.prompt[start:]
    if len(said) == 1 and not sample.format.startswith("alpaca"):
        return [
            Shorter((*head, (said[0][0], text)), removed) for text, removed in _lines(said[0][1])
        ]
    return [
        Shorter((*head, *said[place:]), place)
        for place, (role, text) in enumerate(said)
        if place and role == "user" and text.strip()
    ]


def _leading(systems: Iterable[bool]) -> int:
    """How many of the system's messages stand first: a field of its own may add one."""
    return sum(1 for _ in takewhile(bool, systems))


def _lines(text: str) -> list[tuple[str, int]]:
    body, close, rest = text.removeprefix(_OPEN).partition(_CLOSE)
    if not text.startswith(_OPEN) or not close:
        return []
    lines = body.split("\n")
    return [
        (_OPEN + "\n".join(lines[place:]) + close + rest, place)
        for place, line in enumerate(lines)
        if place and line.startswith(_SEEKER) and line.removeprefix(_SEEKER).strip()
    ]


def with_prompt(sample: Sample, short: Shorter) -> dict[str, Any]:
    """The row as it stood, with the shorter prompt in its own format."""
    raw = sample.raw
    if sample.format.startswith("alpaca"):
        return raw | {"history": raw["history"][short.removed // 2 :]}
    names = _fields(sample)
    if len(short.prompt) == len(sample.prompt):
        return raw | {name: _rewritten(raw[name], short.prompt) for name in names}
    return raw | {name: _without(raw[name], short.removed) for name in names}


def _fields(sample: Sample) -> tuple[str, ...]:
    """Where the prompt stands, by the format: a row may hold other messages beside it."""
    if sample.format == "trl-implicit":
        return ("chosen", "rejected")
    if sample.format == "trl-messages":
        return ("messages",)
    if sample.format.startswith("sharegpt"):
        return ("messages" if sample.raw.get("conversations") is None else "conversations",)
    return ("prompt",)


def _without(messages: list[dict[str, Any]], removed: int) -> list[dict[str, Any]]:
    start = _leading(m.get("role", m.get("from")) in _SYSTEM for m in messages)
    return messages[:start] + messages[start + removed :]


def _rewritten(messages: list[dict[str, Any]], prompt: Turns) -> list[dict[str, Any]]:
    """The messages with the words of a flattened dialogue that lost lines; what follows stays."""
    place = next(i for i, m in enumerate(messages) if _words(m).startswith(_OPEN))
    field = "content" if "content" in messages[place] else "value"
    changed = messages[place] | {field: prompt[-1][1]}
    return [*messages[:place], changed, *messages[place + 1 :]]


def _words(message: dict[str, Any]) -> str:
    return str(message.get("content", message.get("value")))
