"""Persona cards: read from YAML, JSONL or a folder of them, the packaged library, and written.

from attunement.personas.cards import library, load_personas
personas = load_personas("cards.yaml")
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml
from pydantic import ValidationError

from attunement.core.errors import PersonaError
from attunement.core.records import Persona
from attunement.personas.checking import field_name, first_problem, shown
from attunement.personas.files import (
    check_readable,
    clean,
    decode,
    json_lines,
    read_text,
    write_atomically,
)
from attunement.personas.yamls import Dumper, line_of, yaml_items

EXTENSIONS = (".yaml", ".yml", ".jsonl")


class _Placed(NamedTuple):
    """A card and where it stands, for messages."""

    persona: Persona
    place: str


# ---- reading ------------------------------------------------------------------------------------


def load_personas(path: str | Path) -> tuple[Persona, ...]:
    """All cards of a YAML file (one card or a list), a JSONL file or a folder of these.

    A folder's files are read in the order of their names, without its subfolders. Control
    characters other than newline and tab are removed from the texts. Raises `PersonaError` with
    file, line and field for a card that cannot be read, for an id that occurs twice, and for a
    set without cards.
    """
    path = Path(path)
    personas = _unique(placed for file in _files(path) for placed in _read(file))
    if not personas:
        raise PersonaError(f"`{path}` holds no persona cards; give a file with at least one")
    return personas


@cache
def library() -> tuple[Persona, ...]:
    """The cards that come with the package."""
    folder = resources.files("attunement.personas").joinpath("library")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return _unique(
        placed
        for file in files
        for placed in _read_yaml(decode(file.read_bytes(), file.name, PersonaError), file.name)
    )


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in EXTENSIONS)
    check_readable(path, PersonaError)
    _check_extension(path, "`attune personas import` reads other tables")
    return [path]


def _check_extension(path: Path, advice: str) -> None:
    if path.suffix.lower() not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise PersonaError(f"`{path}` must end in {known}, got {path.suffix!r}; {advice}")


def _unique(cards: Iterable[_Placed]) -> tuple[Persona, ...]:
    seen: dict[str, _Placed] = {}
    for card in cards:
        if card.persona.id in seen:
            raise PersonaError(
                f"{card.place}, field `id`: {card.persona.id!r} is taken by the card at "
                f"{seen[card.persona.id].place}; give each card its own id"
            )
        seen[card.persona.id] = card
    return tuple(card.persona for card in seen.values())


def _read(path: Path) -> Iterator[_Placed]:
    if path.suffix.lower() == ".jsonl":
        return _read_jsonl(path)
    return _read_yaml(read_text(path, PersonaError), path.name)


def _read_jsonl(path: Path) -> Iterator[_Placed]:
    for line, data in json_lines(path, PersonaError):
        yield _card(data, path.name, line)


def _read_yaml(text: str, file: str) -> Iterator[_Placed]:
    for node, data in yaml_items(text, file):
        yield _card(data, file, line_of(node), node)


def _card(data: Any, file: str, line: int, node: yaml.Node | None = None) -> _Placed:
    place = f"`{file}`, line {line}"
    if not isinstance(data, dict):
        raise PersonaError(f"{place}: must be a card (fields with values), got {shown(data)}")
    try:
        return _Placed(Persona.model_validate(cleaned(data)), place)
    except ValidationError as error:
        loc, sentence = first_problem(error)
        at = line if node is None else line_of(node, loc)
        field = f", field `{field_name(loc)}`" if loc else ""
        raise PersonaError(f"`{file}`, line {at}{field}: {sentence}") from None


def cleaned(value: Any, depth: int = 2) -> Any:
    """A card's raw data with its texts cleaned; no card nests deeper than `depth`."""
    if isinstance(value, str):
        return clean(value)
    if depth and isinstance(value, list):
        return [cleaned(item, depth - 1) for item in value]
    if depth and isinstance(value, dict):
        return {key: cleaned(item, depth - 1) for key, item in value.items()}
    return value


# ---- writing ------------------------------------------------------------------------------------


def write_personas(
    path: str | Path, personas: Iterable[Persona], *, overwrite: bool = False
) -> None:
    """Write cards as YAML or JSONL, by extension; fields that say nothing are left out.

    Raises `PersonaError` where the file exists (unless `overwrite`), cannot be written or has
    another extension, and where an id occurs twice.
    """
    path = Path(path)
    check_writable(path, overwrite=overwrite)
    placed = (_Placed(persona, f"card {n}") for n, persona in enumerate(personas, 1))
    cards = [_said(persona.model_dump(mode="json")) for persona in _unique(placed)]
    if path.suffix.lower() == ".jsonl":
        content = b"".join(orjson.dumps(card, option=orjson.OPT_APPEND_NEWLINE) for card in cards)
    else:
        content = _as_yaml(cards)
    write_atomically(path, content, PersonaError)


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Raise `PersonaError` where cards cannot be written to `path`; asked before long work."""
    _check_extension(path, "name the file accordingly")
    if path.exists() and not overwrite:
        raise PersonaError(f"`{path}` exists; give another file or pass --force")
    if not path.parent.is_dir():
        raise PersonaError(f"`{path.parent}` is not a folder; create it or give another file")


_EMPTY_BY_DEFAULT = {name for name, field in Persona.model_fields.items() if field.default == ""}


def _said(card: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty, where empty is the default: it reads back the same."""
    nested = {k: _said(v) if isinstance(v, dict) else v for k, v in card.items()}
    return {
        k: v
        for k, v in nested.items()
        if v not in (None, [], {}) and not (v == "" and k in _EMPTY_BY_DEFAULT)
    }


def _as_yaml(cards: list[dict[str, Any]]) -> bytes:
    text = yaml.dump(cards, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=100)
    return str(text).encode()
