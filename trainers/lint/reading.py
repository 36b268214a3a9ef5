"""Rows of files as they stand, one at a time, and what cannot be read, with line and reason."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from attunement.core.errors import ConfigError, UserError

Read = tuple[int, Any]
"""Line or row from 1, and its value: an `Broken` where there is none."""
PIECE = 1 << 20
"""Characters of a JSON list that are read at a time."""
HEAD = 4096
"""Bytes in which a file must begin."""
LONGEST = 1 << 24
"""Characters after which a JSON list's row is taken for broken."""
_LITERAL = 16
"""More characters than a number's end, an escape or a constant has."""
_SPACE = re.compile(r"[\s,]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BOM = b"\xef\xbb\xbf"


class Broken(str):
    """Why a row cannot be read."""

    __slots__ = ()


def read_rows(path: Path) -> Iterator[Read]:
    """Every row of a file in constant memory. Raises `UserError` if the file cannot be opened."""
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(path)
        else:
            yield from (_list(path) if holds_list(path) else _lines(path))
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None


def holds_list(path: Path) -> bool:
    """Whether a file is a JSON list rather than lines."""
    with path.open("rb") as file:
        return file.read(HEAD).removeprefix(_BOM).lstrip()[:1] == b"["


# ---- JSON lines ---------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[Read]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                if not line.strip():
                    continue
                if number == 1 and path.suffix.lower() == ".json" and not _closed(line):
                    yield 1, Broken("the file is one JSON object, neither a list nor lines of rows")
                    return
                yield number, Broken(_why(line, str(error)))


def _closed(line: bytes) -> bool:
    return line.rstrip().endswith(b"}")


def _why(line: bytes, error: str) -> str:
    """What keeps a line from being strict JSON."""
    if line.startswith(_BOM):
        return "begins with a byte order mark; save it as UTF-8 without one"
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError as wrong:
        return f"not UTF-8: byte {wrong.object[wrong.start]:#04x} at {wrong.start + 1}"
    except _ConstantError as constant:
        return f"{constant} is no JSON number"
    except RecursionError:
        return "nested too deeply"
    except ValueError as wrong:
        if not line.endswith(b"\n"):
            return "half a line: the file ends in the middle of a row"
        return f"not JSON: {wrong}"
    return _not_text(value) or f"not JSON: {error}"


class _ConstantError(Exception):
    """NaN or an infinity."""


def _refuse(name: str) -> float:
    raise _ConstantError(name)


def _not_text(value: Any) -> str | None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "a lone surrogate (half a character) that no tokenizer can read"
    return None


# ---- JSON lists ---------------------------------------------------------------------------------


def _list(path: Path) -> Iterator[Read]:
    """The rows of a JSON list, decoded one at a time from a window on the file."""
    found: list[str] = []
    decoder = json.JSONDecoder(parse_constant=found.append)
    with path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        window, at, row, more = file.read(HEAD), 0, 0, True
        at = window.index("[") + 1
        while True:
            gap = _SPACE.match(window, at)
            at = gap.end() if gap else at
            if window.startswith("]", at):
                if _more_than_space(window[at + 1 :], file):
                    yield row + 1, Broken("something stands behind the list's `]`; it was not read")
                return
            found.clear()
            try:
                value, end = decoder.raw_decode(window, at)
            except (ValueError, RecursionError) as error:
                broken = _is_broken(error, window)
                window, at = window[at:], 0
                more = more and not broken
                piece = file.read(max(PIECE, len(window))) if more else ""
                more = bool(piece)
                window += piece
                if more and len(window) < LONGEST:
                    continue
                yield row + 1, Broken(f"{_what(error, window)}; nothing after it was read")
                return
            row += 1
            yield row, _sound(value, window[at:end], found)
            at = end


def _is_broken(error: Exception, window: str) -> bool:
    """Whether a row is wrong where it stands, not just cut off by the window's end."""
    if not isinstance(error, json.JSONDecodeError):
        return True
    return not error.msg.startswith("Unterminated") and error.pos < len(window) - _LITERAL


def _what(error: Exception, window: str) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"not JSON: {error}" if window.strip() else "the list is not closed"


def _more_than_space(window: str, file: IO[str]) -> bool:
    """Whether anything but white space follows."""
    while not window.strip():
        window = file.read(PIECE)
        if not window:
            return False
    return True


def _sound(value: Any, text: str, constants: list[str]) -> Any:
    """The value, or why it is none."""
    if constants:
        return Broken(f"{constants[0]} is no JSON number")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return Broken("not UTF-8")
    if _SURROGATE.search(text) and (reason := _not_text(value)):
        return Broken(reason)
    return value


# ---- Parquet ------------------------------------------------------------------------------------


def _parquet(path: Path) -> Iterator[Read]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            "Parquet needs a package that is not here; pip install 'attunement[corpora]'"
        ) from None
    row = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=512):
                for value in _batch(batch):
                    row += 1
                    yield row, value
    except pyarrow.ArrowException as error:
        first = str(error).splitlines()[0]
        yield row + 1, Broken(f"not Parquet, or damaged: {first}; nothing after it was read")


def _batch(batch: Any) -> Iterator[Any]:
    """The rows of a batch; those that are not UTF-8 are found one by one."""
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        for i in range(batch.num_rows):
            try:
                yield from map(_finite, batch.slice(i, 1).to_pylist())
            except UnicodeDecodeError:
                yield Broken("not UTF-8")
        return
    yield from map(_finite, rows)


def _finite(row: dict[str, Any]) -> Any:
    for name, value in row.items():
        if isinstance(value, float) and not math.isfinite(value):
            return Broken(f"`{name}` is {value}, which is no value")
    return row
