"""A record's JSON schema in the words that every server and grammar engine understands."""

from functools import lru_cache
from typing import Any

from attunement.core.records import Record

_DROPPED = {
    "$defs", "default", "examples", "format", "maxItems", "maxLength", "minItems", "minLength",
    "pattern", "title", "uniqueItems",
}  # fmt: skip
"""What some engine refuses, or heeds at a price. The record itself still checks all of it."""
_LONGEST_LIST = 32
"""Whole numbers in a short range are listed instead: engines agree on `enum`, not on bounds."""


@lru_cache(maxsize=256)
def _schema_of(record: type[Record]) -> dict[str, Any]:
    whole = record.model_json_schema()
    found: dict[str, Any] = _portable(whole, whole.get("$defs", {}), ())
    return found


def json_schema(record: type[Record]) -> dict[str, Any]:
    """The record's JSON schema: nothing referred to elsewhere, all fields required, no others.

    A field that may be None stays so. Read the answer with the record: lengths, patterns and
    long ranges are not in the schema. The dict is shared: do not change it. `ValueError` for a
    record that holds itself.
    """
    return _schema_of(record)


def _portable(node: Any, defs: dict[str, Any], inside: tuple[str, ...]) -> Any:
    """`node` with its references put in place; `inside` are the definitions that it stands in."""
    if isinstance(node, list):
        return [_portable(item, defs, inside) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in inside:
            raise ValueError(f"`{name}` holds itself: it has no schema without references")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _portable(defs[name] | beside, defs, (*inside, name))
    kept = {
        key: _named(value, defs, inside) if key == "properties" else _portable(value, defs, inside)
        for key, value in node.items()
        if key not in _DROPPED
    }
    if "properties" in kept:
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return _listed(kept)


def _named(fields: dict[str, Any], defs: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
    """A mapping of field names: a field may be called `title` or `default`."""
    return {name: _portable(value, defs, inside) for name, value in fields.items()}


def _listed(node: dict[str, Any]) -> dict[str, Any]:
    low, high = node.get("minimum"), node.get("maximum")
    if node.get("type") != "integer" or low is None or high is None or high - low >= _LONGEST_LIST:
        return node
    rest = {key: value for key, value in node.items() if key not in ("minimum", "maximum")}
    return rest | {"enum": list(range(low, high + 1))}
