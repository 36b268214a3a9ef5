"""Options that name several things at once: `ROLE=SPEC`, `[ROLE.]NAME=VALUE`, `SPEC=PRICES`."""

from collections.abc import Iterable, Iterator
from typing import Any

from attunement.core.errors import ConfigError


def roles(pairs: Iterable[str] | None) -> dict[str, str] | None:
    """`--model-for` as specs by role."""
    example = "e.g. planner=openai:x"
    return dict(_split("--model-for", "ROLE=SPEC", example, pairs, last=False)) or None


def decodings(pairs: Iterable[str] | None) -> dict[str, Any]:
    """`--decoding` as the settings `decoding` and `decoding_for`."""
    settings: dict[str, Any] = {}
    example = "e.g. temperature=0.7 or planner.temperature=0"
    for name, value in _split("--decoding", "[ROLE.]NAME=VALUE", example, pairs, last=False):
        role, dot, field = name.rpartition(".")
        target = (
            settings.setdefault("decoding_for", {}).setdefault(role, {})
            if dot
            else (settings.setdefault("decoding", {}))
        )
        target[field] = _number("--decoding", name, value)
    return settings


def prices(pairs: Iterable[str] | None) -> dict[str, dict[str, float]] | None:
    """`--price` as prices by spec."""
    shape = "SPEC=PROMPT,COMPLETION[,CACHED]"
    table = {}
    for spec, value in _split("--price", shape, "e.g. openai:x=0.5,1.5", pairs, last=True):
        names = ("prompt", "completion", "cached")
        parts = value.split(",")
        if not 2 <= len(parts) <= 3:
            raise ConfigError(f"`--price` must be {shape}, got {spec}={value!r}")
        table[spec] = {
            n: _number("--price", spec, part) for n, part in zip(names, parts, strict=False)
        }
    return table or None


def named(
    option: str, shape: str, example: str, pairs: Iterable[str] | None
) -> Iterator[tuple[str, str]]:
    """An option's `NAME=VALUE`s; the value may hold a `=`."""
    return _split(option, shape, example, pairs, last=False)


def _split(
    option: str, shape: str, example: str, pairs: Iterable[str] | None, last: bool
) -> Iterator[tuple[str, str]]:
    for pair in pairs or ():
        name, equals, value = pair.rpartition("=") if last else pair.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"`{option}` must be {shape}, got {pair!r}; {example}")
        yield name, value


def _number(option: str, name: str, value: str) -> float:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        raise ConfigError(f"`{option}` {name}: {value!r} is no number") from None
