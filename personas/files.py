"""Files of people: text in and out, cleaned at the door, and names fit for ids."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from attunement.core.errors import UserError

_BOM = b"\xef\xbb\xbf"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")
_ID_LENGTH = 60
"""Leaves room for a row number within the 80 characters of a persona's id."""


def clean(text: str) -> str:
    """`text` with line ends as LF and without control characters other than newline and tab.

    They are invisible, PostgreSQL refuses NUL, and a terminal obeys ESC.
    """
    if not _CONTROLS.search(text):
        return text
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """`text` cleaned, stripped, and every run of white space as one blank."""
    return clean(" ".join(text.split()))


def slug(name: str, default: str = "row") -> str:
    """`name` as (the beginning of) an id: letters, digits, dot, dash, underscore."""
    return _NOT_IN_IDS.sub("-", name).strip("-._")[:_ID_LENGTH] or default


def check_readable(path: Path, error: type[UserError]) -> None:
    """Raise `error` with one sentence where `path` is no file that can be opened."""
    if path.is_dir():
        raise error(f"`{path}` is a folder; give a file")
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise error(f"`{path}` does not exist; check the path") from None
    except OSError as problem:
        raise error(f"`{path}` cannot be read: {problem.strerror}") from None


def read_text(path: Path, error: type[UserError]) -> str:
    """The whole file as text, without a byte order mark; raises `error` where it is not UTF-8."""
    check_readable(path, error)
    return decode(path.read_bytes(), path.name, error)


def decode(raw: bytes, file: str, error: type[UserError]) -> str:
    """`raw` as text, without a byte order mark; raises `error` with the line that is not UTF-8."""
    try:
        return raw.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise error(f"`{file}`, line {line}: not UTF-8; save the file as UTF-8") from None


def write_atomically(path: Path, content: bytes, error: type[UserError]) -> None:
    """Write `content` beside `path` first, so that no reader ever sees half a file."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        raise error(f"`{path}` cannot be written: {problem.strerror}") from None


# ---- JSON arrays and one object a line ----------------------------------------------------------


def json_values(path: Path, error: type[UserError]) -> Iterator[Any]:
    """The values of a JSON array, of one JSON object, or of a file with one value a line.

    Told apart by content, not by extension. One value a line is read as it streams.
    """
    check_readable(path, error)
    first = _first_line(path)
    if not first:
        raise error(f"`{path.name}` is empty")
    try:
        streams = not isinstance(orjson.loads(first), list)
    except orjson.JSONDecodeError:
        streams = path.suffix.lower() == ".jsonl" and not first.startswith(b"[")
    return _lines(path, error) if streams else _whole(path, error)


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return next((s for line in file if (s := line.removeprefix(_BOM).strip())), b"")


def _whole(path: Path, error: type[UserError]) -> Iterator[Any]:
    value = _parse(path.read_bytes(), path.name, 1, error)
    yield from value if isinstance(value, list) else [value]


def json_lines(path: Path, error: type[UserError]) -> Iterator[tuple[int, Any]]:
    """Line number and value of every line that is not blank."""
    check_readable(path, error)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.removeprefix(_BOM).strip():
                yield number, _parse(line.rstrip(), path.name, number, error)


def _lines(path: Path, error: type[UserError]) -> Iterator[Any]:
    return (value for _, value in json_lines(path, error))


def _parse(raw: bytes, file: str, line: int, error: type[UserError]) -> Any:
    try:
        return orjson.loads(raw.removeprefix(_BOM))
    except orjson.JSONDecodeError as problem:
        decode(raw, file, error)  # names the line where that is what is wrong
        if "surrogate" in problem.msg:
            advice = "a text holds half a character (a lone surrogate); mend its \\u escapes"
        else:
            advice = f"not JSON: {problem.msg}"
        at = line + problem.lineno - 1
        raise error(f"`{file}`, line {at}, column {problem.colno}: {advice}") from None
