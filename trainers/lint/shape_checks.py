"""Checks of a row's shape: can it be read, who speaks when, what its texts may not hold."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from attunement.core.text import CONTROLS
from attunement.trainers.lint.checks import Bound, Bounds, RowCheck, Scope, remembered
from attunement.trainers.lint.shapes import Sample, Turns


class Schema(RowCheck):
    """Rows of no known format, and columns whose type changes."""

    name = "schema"
    what = "rows whose fields are missing, or of another type than they should be"
    remedy = "Give each row the fields of its format, with one type a column."

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.tally = scope.malformed
        self._types: dict[str, tuple[str, str]] = {}

    def fault(self, sample: Sample) -> str | None:
        """A column of another type than the first row that had a value."""
        for name, value in sample.raw.items():
            if value is None:
                continue
            kind = _TYPES.get(type(value), "number")
            if name not in self._types:
                self._types[name] = kind, sample.place
            first, place = self._types[name]
            if kind != first:
                return f"`{name}` is {kind} here and {first} in {place}"
        return None


_TYPES: dict[type[Any], str] = {str: "text", list: "a list", dict: "an object", bool: "true/false"}


class MixedFormats(RowCheck):
    """Rows of another format than their file's first."""

    name = "mixed-formats"
    what = "rows of another format than the first of their file"
    remedy = "Keep one format a file: a trainer looks at the first row and reads all like it."

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._file = self._format = ""

    def fault(self, sample: Sample) -> str | None:
        """The two formats' names."""
        if sample.file != self._file:
            self._file, self._format = sample.file, sample.format
        if sample.format == self._format:
            return None
        return f"{sample.format} in a file that begins with {self._format}"


class ControlCharacters(RowCheck):
    """NULs and other invisible control characters."""

    name = "control-characters"
    what = "texts with NUL or other control characters"
    remedy = "Strip them: they are tokens that no chat ever holds."

    def fault(self, sample: Sample) -> str | None:
        """The character and its code."""
        for turns in (sample.prompt, *sample.sides.values()):
            for role, text in turns:
                if found := _control(text):
                    return f"{found} in a message of {role!r}"
        return None


@remembered
def _control(text: str) -> str | None:
    """The first control character."""
    found = CONTROLS.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


class RoleOrder(RowCheck):
    """System first and only first; then user and assistant in turn."""

    name = "role-order"
    what = "messages out of turn"
    remedy = "Let the system speak only first, and then user and assistant in turn."

    def fault(self, sample: Sample) -> str | None:
        """Where the order breaks."""
        if sample.plain:
            return None
        for side, turns in sample.sides.items():
            if reason := _order(tuple(r for r, _ in sample.prompt), tuple(r for r, _ in turns)):
                return f"{reason}, in `{side}`" if reason.startswith("the side") else reason
        return None


@lru_cache(maxsize=1 << 12)
def _order(prompt: tuple[str, ...], side: tuple[str, ...]) -> str | None:
    if side[-1] != "assistant":
        return f"the side ends with {side[-1]!r}"
    before = "nobody"
    for place, role in enumerate((*prompt, *side), 1):
        if role == "system" and place > 1:
            return f"message {place} is the system's"
        if role not in _NEXT[before]:
            return f"message {place} is by {role!r} after {before!r}"
        before = role
    return None


_NEXT = {
    "nobody": ("system", "user"), "system": ("user",), "user": ("assistant",),
    "assistant": ("user", "tool"), "tool": ("assistant", "tool"),
}  # fmt: skip


class Messages(RowCheck):
    """Dialogues of more messages than one would think."""

    name = "messages"
    what = "dialogues of too many messages"
    remedy = "Look whether dialogues were joined by mistake; cut what is older than helps."
    bounds: ClassVar[Bounds] = {"messages": Bound(100, "most messages of a row")}

    def fault(self, sample: Sample) -> str | None:
        """How many there are."""
        count = len(sample.prompt) + max(map(len, sample.sides.values()))
        return f"{count} messages" if count > self.limits[self.name] else None


class PromptEnd(RowCheck):
    """Prompts that do not end with the person who is to be answered."""

    name = "prompt-end"
    what = "prompts that do not end with the seeker"
    remedy = "End the prompt with role 'user': the reply is learnt as an answer to it."

    def fault(self, sample: Sample) -> str | None:
        """Who ends it."""
        if sample.plain:
            return None
        last = _last(sample.prompt)
        return None if last in ("user", "tool") else f"it ends with {last!r}"


def _last(turns: Turns) -> str:
    return turns[-1][0] if turns else "nobody"


def every() -> Iterator[type[RowCheck]]:
    """The checks of this file, in order."""
    yield from (Schema, MixedFormats, ControlCharacters, RoleOrder, Messages, PromptEnd)
