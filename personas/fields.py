"""The fields of a card that a table can fill: their names, and how their values are read."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from attunement.core.errors import PersonaError, unknown
from attunement.core.records import TRAITS, Demographics, Emotion, Problem
from attunement.personas.checking import LONGEST, shown
from attunement.personas.files import clean, one_line, slug

DEMOGRAPHICS = tuple(Demographics.model_fields)
TARGETS: tuple[str, ...] = (
    "id", "name", *DEMOGRAPHICS, "language", "big_five", *TRAITS, "problem", "situation",
    "emotion", "intensity", "background", "what_helps", "what_hurts", "opens_up", "manner",
    "voice", "profile", "risk", "risk_detail", "licence",
)  # fmt: skip
"""What `--map` and `--set` can name. `source` is written by the import itself."""

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("persona_id", "card_id", "uid"),
    "name": ("first_name",),
    "age": ("age_band", "age_group", "age_range"),
    "gender": ("sex",),
    "occupation": ("job", "profession", "employment", "employment_status"),
    "education": ("education_level",),
    "culture": ("country", "nationality", "ethnicity"),
    "living": ("socioeconomic_status", "household", "income"),
    "language": ("lang",),
    "big_five": ("big_five_traits", "bigfive", "ocean"),
    "problem": ("problem_type", "topic"),
    "situation": ("scenario", "description", "context"),
    "emotion": ("emotion_type",),
    "intensity": ("emotion_intensity", "initial_emotion_intensity"),
    "profile": ("persona", "personality", "bio", "biography"),
    "licence": ("license",),
}
"""Other names under which a field is recognised, best first; case and `_` do not matter."""

_NOTHING = {"", "n/a", "nan", "null", "unknown", "not stated"}
_LEVELS = {
    "low": "low", "l": "low", "high": "high", "h": "high", "medium": "medium", "m": "medium",
    "moderate": "medium", "average": "medium", "mid": "medium", "neutral": "medium",
}  # fmt: skip
_BAND = re.compile(r"(\d+)\s*(?:-|–|—|to)\s*(\d+)")
_OPEN_BAND = re.compile(r"(\d+)\s*\+")


def target(name: str, option: str) -> str:
    """The field that `name` stands for (`demographics.age` is `age`); else `PersonaError`."""
    short = name.strip().removeprefix("demographics.").removeprefix("big_five.")
    if short not in TARGETS:
        raise PersonaError(f"`{option}`: {unknown('field', name, TARGETS)}")
    return short


def simple(name: str) -> str:
    """A column's name without case, `_`, `-` and blanks, for recognising it."""
    return re.sub(r"[\W_]+", "", name).lower()


def says_nothing(value: object) -> bool:
    """Whether a cell is empty in one of the ways in which tables leave cells empty."""
    if isinstance(value, str):
        return value.strip().lower() in _NOTHING
    return value is None or value in ([], {})


def read_value(field: str, value: Any) -> Any:
    """A cell as the value of `field`; `ValueError` says what is wrong with it."""
    reader: Callable[[Any], Any] = _READERS.get(field, _line)
    return reader(value)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Field values in the shape of a card: demographics and traits one level down."""
    card = {k: v for k, v in flat.items() if k not in DEMOGRAPHICS and k not in TRAITS}
    about = {k: flat[k] for k in DEMOGRAPHICS if k in flat}
    traits = card.pop("big_five", {}) | {k: flat[k] for k in TRAITS if k in flat}
    inner = {"demographics": about, "big_five": traits}
    return card | {name: values for name, values in inner.items() if values}


# ---- one reader a kind of value -----------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise ValueError(f"must be text, got {shown(value)}")
    return clean(str(value)).strip()


def _line(value: Any) -> str:
    return one_line(_text(value))


def _kind(value: Any) -> str:
    return _line(value).lower().replace(" ", "-")


def _id(value: Any) -> str:
    return slug(_line(value))


def _number(value: Any) -> Any:
    """A whole number where it is one; the card itself checks its bounds."""
    text = _line(value).removesuffix(".0")
    return int(text) if text.isdecimal() else text


def _age(value: Any) -> Any:
    """Years; a band becomes its middle, and an open band (`65+`) the middle of its first decade."""
    text = _line(value).lower().removesuffix("years").strip()
    if band := _BAND.fullmatch(text):
        return (int(band[1]) + int(band[2]) + 1) // 2
    if band := _OPEN_BAND.fullmatch(text):
        return int(band[1]) + 5
    if not text.isdecimal():
        raise ValueError(f"must be years or a band such as 25-34 or 65+, got {shown(value)}")
    return int(text)


def _member(kind: str, known: type[StrEnum]) -> Callable[[Any], StrEnum]:
    by_name = {simple(member.value): member for member in known}

    def read(value: Any) -> StrEnum:
        found = by_name.get(simple(_line(value)))
        if found is None:
            raise ValueError(unknown(kind, str(value)[:LONGEST], known))
        return found

    return read


def _level(value: Any) -> str:
    found = _LEVELS.get(_kind(value))
    if found is None:
        raise ValueError(f"must be low, medium or high, got {shown(value)}")
    return found


def _big_five(value: Any) -> dict[str, str]:
    """Five levels in the order of `TRAITS` (openness first), or a mapping of traits to levels."""
    if isinstance(value, dict):
        levels = {simple(str(name)): level for name, level in value.items()}
        return {t: _level(levels[t]) for t in TRAITS if not says_nothing(levels.get(t))}
    words = re.findall(r"[A-Za-z]+", value) if isinstance(value, str) else value
    if not isinstance(words, list) or len(words) != len(TRAITS):
        raise ValueError(f"must be five levels, {', '.join(TRAITS)}, got {shown(value)}")
    return dict(zip(TRAITS, map(_level, words), strict=True))


def _sentences(value: Any) -> tuple[str, ...]:
    """A list of sentences, or a text of sentences parted by `|` or line ends."""
    parts = value if isinstance(value, list) else re.split(r"[|\n]", _text(value))
    return tuple(line for part in parts if (line := _line(part)))


_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _id,
    "age": _age,
    "intensity": _number,
    "problem": _member("problem", Problem),
    "emotion": _member("emotion", Emotion),
    "big_five": _big_five,
    **dict.fromkeys(TRAITS, _level),
    **dict.fromkeys(("background", "what_helps", "what_hurts"), _sentences),
    **dict.fromkeys(("opens_up", "manner", "risk"), _kind),
    **dict.fromkeys(("situation", "profile"), _text),
}
