"""Files that rows stream into: JSON lines or Parquet, in TRL's or LLaMA-Factory's layout."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from attunement.core.errors import ConfigError
from attunement.trainers.corpora.report import FileFormat, Layout
from attunement.trainers.corpora.rows import MESSAGES, PAIR_SETS, Row, SetName, columns

GROUP = 1024
"""Rows of a Parquet row group, which are held in memory."""
_SHAREGPT = {"user": "human", "assistant": "gpt"}
Plain = dict[str, Any]


class Sink(ABC):
    """One file of one split of one set."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    @abstractmethod
    def write(self, row: Row) -> None:
        """Append a row."""

    @abstractmethod
    def close(self) -> None:
        """Write what is left and let go of the file."""


class JsonLines(Sink):
    """One JSON object a line, every column in every row."""

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path)
        self._shape = layout == "llama-factory"
        self._file = path.open("wb")

    def write(self, row: Row) -> None:
        if self._shape:
            line = orjson.dumps(as_sharegpt(row.model_dump(mode="json")))
        else:
            line = row.model_dump_json().encode()
        self._file.write(line + b"\n")

    def close(self) -> None:
        self._file.close()


class Parquet(Sink):
    """Parquet with the columns' declared types, so that empty ones keep theirs."""

    def __init__(self, path: Path, layout: Layout, row: type[Row]) -> None:
        super().__init__(path)
        import pyarrow

        self._shape = layout == "llama-factory"
        self._rows = ParquetRows(path, _schema(pyarrow, file_columns(row, layout)))

    def write(self, row: Row) -> None:
        plain = row.model_dump(mode="json")
        self._rows.append(as_sharegpt(plain) if self._shape else plain)

    def close(self) -> None:
        self._rows.close()


class ParquetRows:
    """A Parquet file of a given schema that rows are appended to, a group in memory."""

    def __init__(self, path: Path, schema: Any) -> None:
        import pyarrow
        from pyarrow import parquet

        self._table, self._schema = pyarrow.Table, schema
        self._file = parquet.ParquetWriter(path, schema)
        self._rows: list[Plain] = []

    def append(self, row: Plain) -> None:
        """Write a row, with its group."""
        self._rows.append(row)
        if len(self._rows) == GROUP:
            self._flush()

    def _flush(self) -> None:
        self._file.write_table(self._table.from_pylist(self._rows, self._schema))
        self._rows.clear()

    def close(self) -> None:
        """Write what is left and let go of the file."""
        if self._rows:
            self._flush()
        self._file.close()


def make_sink(path: Path, kind: FileFormat, layout: Layout, row: type[Row]) -> Sink:
    """The sink for a file. `ConfigError` where Parquet's package is missing."""
    if kind == "jsonl":
        return JsonLines(path, layout)
    try:
        return Parquet(path, layout, row)
    except ImportError:
        raise ConfigError(
            "Parquet needs a package that is not here; pip install 'attunement[corpora]'"
        ) from None


def _schema(arrow: Any, types: dict[str, Any]) -> Any:
    def kind(name: Any) -> Any:
        if isinstance(name, list):
            return arrow.list_(kind(name[0]))
        if isinstance(name, dict):
            return arrow.list_(arrow.struct([(n, kind(k)) for n, k in name.items()]))
        if isinstance(name, tuple):
            return arrow.struct([(n, kind(k)) for n, k in name])
        return getattr(arrow, name)()

    return arrow.schema([(name, kind(what)) for name, what in types.items()])


# ---- LLaMA-Factory ------------------------------------------------------------------------------


def as_sharegpt(row: Plain) -> Plain:
    """A row in LLaMA-Factory's ShareGPT layout; the other columns stay.

    The dialogue is `conversations` with its `system` beside it; the two sides of a pair are single
    messages, and the completion of an example ends its dialogue.
    """
    prompt = row["prompt"]
    system = prompt[0]["content"] if prompt[0]["role"] == "system" else ""
    spoken = [message for message in prompt if message["role"] != "system"]
    kept = {name: value for name, value in row.items() if name not in MESSAGES}
    if "completion" in row:
        spoken += row["completion"]
        sides = {}
    else:
        sides = {side: _turn(row[side][0]) for side in ("chosen", "rejected")}
    return {"system": system, "conversations": [_turn(m) for m in spoken], **sides, **kept}


def _turn(message: Plain) -> Plain:
    return {"from": _SHAREGPT[message["role"]], "value": message["content"]}


def file_columns(row: type[Row], layout: Layout) -> dict[str, Any]:
    """The columns of a file: name -> type as in `columns`; a single record is a tuple of pairs."""
    types = columns(row)
    if layout == "trl":
        return types
    turn = (("from", "string"), ("value", "string"))
    sides: Plain = {side: turn for side in ("chosen", "rejected") if side in types}
    kept = {name: kind for name, kind in types.items() if name not in MESSAGES}
    return {"system": "string", "conversations": dict(turn), **sides, **kept}


def dataset_info(files: Mapping[SetName, Mapping[str, str]]) -> Plain:
    """LLaMA-Factory's `dataset_info.json` for files by set and split."""
    shared = {"messages": "conversations", "system": "system"}
    pairs = {"chosen": "chosen", "rejected": "rejected"}
    tags = {
        "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
    }  # fmt: skip
    info: Plain = {}
    for name, by_split in files.items():
        ranking = name in PAIR_SETS
        for split, path in by_split.items():
            entry: Plain = {"file_name": path, "formatting": "sharegpt", "tags": tags}
            entry["columns"] = shared | pairs if ranking else shared
            info[f"{name}_{split}"] = entry | ({"ranking": True} if ranking else {})
    return info
