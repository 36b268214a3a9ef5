"""Tables of role cards: rows from JSON, JSONL, CSV, TSV or YAML, and which column is what."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attunement.core.errors import PersonaError
from attunement.personas.fields import ALIASES, TARGETS, simple, target
from attunement.personas.files import check_readable, json_values, read_text
from attunement.personas.yamls import yaml_items

EXTENSIONS = (".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml")
_LONGEST_CELL = 10_000_000
_DEEPEST = 6
_WHOLE = ("big_five", "background", "what_helps", "what_hurts")
"""Fields whose value can be a list or an object; all others are plain cells."""


# ---- rows ---------------------------------------------------------------------------------------


def read_rows(path: Path) -> Iterator[Any]:
    """The rows of a table: objects by column name, or bare texts; raises `PersonaError`."""
    check_readable(path, PersonaError)
    match path.suffix.lower():
        case ".json" | ".jsonl":
            return json_values(path, PersonaError)
        case ".yaml" | ".yml":
            text = read_text(path, PersonaError)
            return (value for _, value in yaml_items(text, path.name))
        case ".csv" | ".tsv":
            return iter(_separated(read_text(path, PersonaError), path))
    known = ", ".join(EXTENSIONS)
    raise PersonaError(f"`{path}` must end in one of {known}, got {path.suffix!r}")


def _separated(text: str, path: Path) -> list[dict[str, str]]:
    before = csv.field_size_limit(_LONGEST_CELL)  # the default refuses a cell over 131 kB
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, path))
    try:
        header = _header(next(rows, []), path)
        return [_row(header, cells, f"`{path.name}`, line {rows.line_num}") for cells in rows]
    except csv.Error as error:
        raise PersonaError(f"`{path.name}`, line {rows.line_num}: {error}") from None
    finally:
        csv.field_size_limit(before)


def _row(header: list[str], cells: list[str], place: str) -> dict[str, str]:
    if len(cells) > len(header):
        raise PersonaError(
            f"{place}: {len(cells)} cells under {len(header)} columns; "
            "put texts that hold the separator in quotes"
        )
    return dict(zip(header, cells, strict=False))


def _delimiter(text: str, path: Path) -> str:
    """Tab in a .tsv; else the one that the header line holds most often."""
    header = text.partition("\n")[0]
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=header.count)


def _header(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise PersonaError(f"`{path.name}`, line 1: no column names; the first line must hold them")
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise PersonaError(f"`{path.name}`, line 1: two columns are named {repeated!r}")
    return names


# ---- columns ------------------------------------------------------------------------------------


def pluck(row: Mapping[str, Any], path: str) -> Any:
    """The value at a column name or a dotted path (`profile.age`, `traits.0`); None if absent."""
    if path in row:
        return row[path]
    value: Any = row
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def columns_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    """Every path of the rows, shallow ones first, and whether it ever holds a plain cell."""
    plain: dict[str, bool] = {}
    for row in rows:
        for path, value in _paths(row, "", 1):
            is_plain = isinstance(value, str | int | float)
            plain[path] = plain.get(path, False) or is_plain
    return dict(sorted(plain.items(), key=lambda column: column[0].count(".")))


def _paths(row: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        yield f"{prefix}{name}", value
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _paths(value, f"{prefix}{name}.", depth + 1)


def choose_columns(columns: Mapping[str, bool], wanted: Mapping[str, str]) -> dict[str, str]:
    """Field -> column: those that `wanted` names, and those that are recognised by their names.

    An empty column (`age=`) keeps a field from being recognised. Raises `PersonaError` for a
    field or a column that does not exist.
    """
    chosen = {target(field, "--map"): column.strip() for field, column in wanted.items()}
    for field, column in chosen.items():
        if column and not _exists(columns, column):
            raise PersonaError(
                f"`--map {field}={column}`: no row has {column!r}; columns: {', '.join(columns)}"
            )
    for field in TARGETS:
        found = None if field in chosen else _recognised(field, columns, chosen.values())
        if found is not None:
            chosen[field] = found
    chosen = {field: column for field, column in chosen.items() if column}
    if columns and not chosen:
        raise PersonaError(
            f"no column is recognised among {', '.join(columns)}; name one with --map FIELD=COLUMN"
        )
    return chosen


def _exists(columns: Mapping[str, bool], column: str) -> bool:
    head, _, tail = column.rpartition(".")
    return column in columns or (tail.isdecimal() and bool(head) and _exists(columns, head))


def _recognised(field: str, columns: Mapping[str, bool], taken: Iterable[str]) -> str | None:
    free = {c: plain for c, plain in columns.items() if c not in set(taken)}
    for name in (field, *ALIASES.get(field, ())):
        for column, plain in free.items():
            if simple(column.rpartition(".")[2]) == simple(name) and (plain or field in _WHOLE):
                return column
    return None


def not_read(columns: Mapping[str, bool], chosen: Iterable[str]) -> tuple[str, ...]:
    """The columns with plain cells that no field takes."""
    used = set(chosen)
    return tuple(c for c, plain in columns.items() if plain and c not in used)
