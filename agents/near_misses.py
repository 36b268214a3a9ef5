"""Values that are nearly right: fitted to a record's fields where only one thing can be meant."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from attunement.agents.slips import OUT_OF
from attunement.core.errors import UserError
from attunement.core.records import CrisisKind, Record
from attunement.core.strategies import Strategy, parse_strategy

NEAR, CLOSE = 0.84, 0.7
"""Likeness (difflib's ratio) of a typo to what was meant, and that no other name may reach."""
_SMALL = {"a", "an", "and", "at", "for", "of", "or", "the", "to", "with"}
_NOTHING = {"", "none", "null"}


def fit_record(data: dict[str, Any], record: type[Record]) -> dict[str, Any]:
    """`data` with each value fitted to its field, as far as only one reading is possible."""
    fitted = {}
    for name, value in data.items():
        field = record.model_fields.get(name)
        if field is None:
            fitted[name] = value
            continue
        kind, limits, optional = _plain(field.annotation, field.metadata)
        if value is None and not optional and not field.is_required() and _can_be_empty(kind):
            continue
        fitted[name] = _fit(value, kind, limits, optional)
    return fitted


def _plain(kind: Any, limits: Iterable[Any] = ()) -> tuple[Any, list[Any], bool]:
    """(type without `Annotated` and `| None`, what was annotated, whether it may be None)."""
    limits, optional = list(limits), False
    while True:
        args = get_args(kind)
        if get_origin(kind) is Annotated:
            kind = args[0]
            limits += args[1:]
        elif get_origin(kind) in (Union, UnionType) and NoneType in args and len(args) == 2:
            kind, optional = args[args[0] is NoneType], True
        else:
            return kind, limits, optional


def _can_be_empty(kind: Any) -> bool:
    """Whether null says "nothing there" of it: not of a number, a name or a yes or no."""
    return kind is str or get_origin(kind) in (list, tuple) or _is_record(kind)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Record)


def _fit(value: Any, kind: Any, limits: list[Any], optional: bool) -> Any:
    if _is_record(kind):
        return fit_record(value, kind) if isinstance(value, dict) else value
    if get_origin(kind) is list or (get_origin(kind) is tuple and get_args(kind)[1:] == (...,)):
        return _fit_list(value, *_plain(get_args(kind)[0]))
    if not isinstance(value, str):
        return value
    if kind is int:
        return _whole(value, limits)
    if not (names := _names(kind)) or value in names:
        return value
    if optional and value.strip().lower() in _NOTHING:
        return None
    return _meant(value, names, kind)


def _fit_list(value: Any, kind: Any, limits: list[Any], optional: bool) -> Any:
    if isinstance(value, str) and (kind is str or _names(kind)):
        value = [value] if value.strip() else []
    if not isinstance(value, list):
        return value
    return [_fit(item, kind, limits, optional) for item in value]


def _whole(value: str, limits: list[Any]) -> Any:
    """`"4"` as 4, and `"4/5"` where 5 is the field's upper bound."""
    match = OUT_OF.fullmatch(value)
    if not match:
        return value
    parts = [part for limit in limits for part in getattr(limit, "metadata", [limit])]
    bounds = [str(part.le) for part in parts if hasattr(part, "le")]
    return match[1] if match[2] is None or match[2] in bounds else value


@lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...]:
    """The names that a `StrEnum` or `Literal` knows; none for any other type."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return tuple(member.value for member in kind)
    known = get_args(kind) if get_origin(kind) is Literal else ()
    return tuple(name for name in known if isinstance(name, str))


def _meant(value: str, names: tuple[str, ...], kind: Any) -> str:
    """The one name that `value` can mean, else `value`."""
    said = words_of(value)
    if not said or len(value) > 80:
        return value
    if kind is Strategy:
        try:
            return parse_strategy(said)
        except UserError:
            pass  # no alias: it may still be near a name
    found = [name for name in names if words_of(name, "") == words_of(value, "")]
    # What kind of crisis it is decides whom somebody is sent to: there nothing is guessed.
    if not found and kind != CrisisKind and (wanted := set(said.split()) - _SMALL):
        found = [name for name in names if wanted <= set(words_of(name).split())]
        found = found or _misspelt(wanted, names)
    return found[0] if len(found) == 1 else value


def _misspelt(wanted: set[str], names: tuple[str, ...]) -> list[str]:
    """The names of whose words, or of which as one word, `wanted` is a misspelling."""

    def alike(name: str, cutoff: float) -> bool:
        words = {*words_of(name).split(), words_of(name, "")}
        return all(any(_typo(said, word, cutoff) for word in words) for said in wanted)

    close = [name for name in names if alike(name, CLOSE)]
    return close if any(alike(name, NEAR) for name in close) else []


def words_of(text: str, between: str = " ") -> str:
    """The words of `text` in small letters, without punctuation."""
    return between.join(re.findall(r"[^\W_]+", text.casefold()))


def _typo(said: str, word: str, cutoff: float) -> bool:
    # Short words and other first letters make other words: slow and low, danger and anger.
    if said == word or min(len(said), len(word)) < 5 or said[0] != word[0]:
        return said == word
    return SequenceMatcher(None, said, word, autojunk=False).ratio() >= cutoff
