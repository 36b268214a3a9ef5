"""Files that rows are written back into, of the kind and with the columns that they came from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from attunement.trainers.corpora.sinks import ParquetRows
from attunement.trainers.lint.reading import holds_list

Plain = dict[str, Any]


@contextmanager
def open_sink(like: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    """A function that appends a row to `target`, a file of the kind of `like`."""
    kind = _parquet if like.suffix.lower() == ".parquet" else _list if holds_list(like) else _lines
    with kind(like, target) as write:
        yield write


@contextmanager
def _lines(_: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    with target.open("wb") as file:

        def write(row: Plain) -> None:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

        yield write


@contextmanager
def _list(_: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    with target.open("wb") as file:
        between = iter((b"[\n",))

        def write(row: Plain) -> None:
            file.write(next(between, b",\n") + orjson.dumps(row))

        yield write
        file.write(next(between, b"") + b"\n]\n")


@contextmanager
def _parquet(like: Path, target: Path) -> Iterator[Callable[[Plain], None]]:
    from pyarrow import parquet

    rows = ParquetRows(target, parquet.read_schema(like))
    try:
        yield rows.append
    finally:
        rows.close()
