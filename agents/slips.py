"""JSON with slips of form: read where only one reading is possible, never completed."""

import json
import re
from collections.abc import Iterator
from typing import Any


class BrokenJsonError(ValueError):
    """Not JSON, and no forgivable slip; the message is what stands there."""


class CutJsonError(ValueError):
    """The text ends inside a value."""


def _body(stop: str) -> re.Pattern[str]:
    return re.compile(rf"[^{stop}\\]*(?:\\.[^{stop}\\]*)*", re.DOTALL)


# In curly quotes no other double quote may stand: it could be the end of the string.
_CURLY, _SINGLE = _body('„“”"'), _body("‘’")
_STRINGS = {
    '"': (_body('"'), '"'), "'": (_body("'"), "'"),
    "“": (_CURLY, "”"), "”": (_CURLY, "”"), "„": (_CURLY, "“”"),
    "‘": (_SINGLE, "’"), "’": (_SINGLE, "’"),
}  # fmt: skip
"""What stands in a string, by its opening quote, and what may close it."""
_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"\d+ out of \d+(?![^\s,}\]])|[^\s,:{}\[\]\"'“”„‘’]+")
_CONSTANTS = {"true": True, "false": False, "null": None}
_CONSTANTS |= {str(value): value for value in _CONSTANTS.values()}  # as Python writes them
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
OUT_OF = re.compile(r"\s*(-?\d+)(?:\.0+)?\s*(?:(?:/|out of)\s*(\d+)(?:\.0+)?\s*)?")
"""A whole number, or one out of another: `4`, `4/5`, `4 out of 5`."""
_ESCAPE = re.compile(r'\\U[0-9a-fA-F]{8}|\\.|"', re.DOTALL)
_DEEPEST = 32


class ForgivingJson:
    """A JSON reader that forgives trailing commas, raw line breaks, Python's and curly quotes."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def read(self, at: int) -> tuple[Any, int]:
        """The value at `at`, and where it ends."""
        self.at = at
        return self._value(0), self.at

    def _value(self, depth: int) -> Any:
        if (char := self._next()) in _STRINGS:
            return self._string(char)
        if char not in "{[":
            return self._bare()
        if depth == _DEEPEST:
            raise self._broken()
        return self._object(depth + 1) if char == "{" else self._list(depth + 1)

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self._until("}"):
            if (quote := self._next()) not in _STRINGS:
                raise self._broken()
            key = self._string(quote)
            if self._next() != ":":
                raise self._broken()
            self.at += 1
            found[key] = self._value(depth)
        return found

    def _list(self, depth: int) -> list[Any]:
        return [self._value(depth) for _ in self._until("]")]

    def _until(self, close: str) -> Iterator[None]:
        """One step for each item up to `close`; a comma may stand behind the last one."""
        self.at += 1
        while self._next() != close:
            yield
            if (char := self._next()) == ",":
                self.at += 1
            elif char != close:
                raise self._broken()
        self.at += 1

    def _string(self, quote: str) -> str:
        body, closing = _STRINGS[quote]
        start, end = self.at + 1, _after(body, self.text, self.at + 1)
        if end == len(self.text) or self.text[end] == "\\":
            raise CutJsonError
        self.at = end
        if self.text[end] not in closing:
            raise self._broken()
        try:
            escaped = _ESCAPE.sub(_as_json, self.text[start:end])
            found: str = json.loads(f'"{escaped}"', strict=False)
            found.encode()  # a lone surrogate can be neither kept nor sent
        except ValueError:
            raise self._broken() from None
        self.at += 1
        return found

    def _bare(self) -> Any:
        if not (match := _BARE.match(self.text, self.at)):
            raise self._broken()
        word = match[0]
        if match.end() == len(self.text):
            raise CutJsonError
        if word in _CONSTANTS:
            found: Any = _CONSTANTS[word]
        elif number := _NUMBER.fullmatch(word):
            found = float(word) if number[1] or number[2] or len(word) > 400 else int(word)
        elif OUT_OF.fullmatch(word):
            found = word
        else:
            raise self._broken()
        self.at = match.end()
        return found

    def _next(self) -> str:
        """The next character that is no white space."""
        self.at = _after(_SPACE, self.text, self.at)
        if self.at == len(self.text):
            raise CutJsonError
        return self.text[self.at]

    def _broken(self) -> BrokenJsonError:
        return BrokenJsonError(self.text[self.at : self.at + 24])


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    assert found, "both patterns match nothing at all, too"
    return found.end()


def _as_json(escape: re.Match[str]) -> str:
    """Python's escapes in JSON's spelling."""
    if len(escape[0]) > 2:
        return json.dumps(chr(int(escape[0][2:], 16)))[1:-1]
    return {"\\'": "'", '"': '\\"', "\\x": "\\u00"}.get(escape[0], escape[0])
