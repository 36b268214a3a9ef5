"""Files that rows are written back into, of the kind and with the columns that they came from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from attunement.trainers.corpora.sinks import ParquetRows

Plain = dict[str, Any]


@contextmanager
def open_sink(like: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    """A function that appends a row to `target`, a file of the kind of `like`."""
    kind = _parquet if like.suffix.lower() == ".parquet" else _list if _is_list(like) else _lines
    with kind(like, target) as write:
        yield write


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


@contextmanager
def _lines(_: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    with target.open("wb") as file:
        yield lambda row: _put(file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)))


@contextmanager
def _list(_: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    with target.open("wb") as file:
        between = iter((b"[\n",))
        yield lambda row: _put(file.write(next(between, b",\n") + orjson.dumps(row)))
        file.write(next(between, b"") + b"\n]\n")


def _put(_: int) -> None:
    """A write's count of bytes, not wanted."""


@contextmanager
def _parquet(like: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    from pyarrow import parquet

    rows = ParquetRows(target, parquet.read_schema(like))
    try:
        yield rows.append
    finally:
        rows.close()
