"""What `attune fork` is to change, from its options."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attunement.agents.reading import explain
from attunement.cli.options import named, roles
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Change, Turn
from attunement.simulator.judging import at

_LISTS = ("needs", "avoid")
_FIELDS = ("who", "emotion", "intensity", "situation", *_LISTS)


def change(**parts: Any) -> Change:
    """The change of these parts, checked; replies are given as their words."""
    for name in ("draft", "reply"):
        if parts[name] is not None:
            parts[name] = {"text": parts[name]}
    try:
        return Change.model_validate(parts)
    except ValidationError as error:
        raise ConfigError(f"the change cannot be made: {explain(error)}") from None


def plan(
    strategy: str | None, stage: str | None, reason: str | None, turn: Turn | None
) -> dict[str, Any] | None:
    """Another plan; with a strategy alone, its reason says that a person chose it."""
    if strategy is None and stage is None and reason is None:
        return None
    had = turn.plan if turn else None
    if strategy is None and had is None:
        raise ConfigError("this turn has no plan to keep; name a whole one with --strategy NAME")
    strategy = strategy or (had.strategy if had else None)
    return {"strategy": strategy, "stage": stage, "reason": reason or "Chosen by a person."}


def reflection(parts: Sequence[str] | None, turn: Turn | None) -> dict[str, Any] | None:
    """Another reflection: that of the turn with these fields instead."""
    if not parts:
        return None
    fields: dict[str, Any] = {}
    if turn and turn.reflection:
        fields = turn.reflection.model_dump()
    for name, value in named("--reflect", "NAME=VALUE", "e.g. emotion=anger", parts):
        if name not in _FIELDS:
            raise ConfigError(unknown("part of a reflection", name, _FIELDS))
        several = [one.strip() for one in value.split(";") if one.strip()]
        fields[name] = several if name in _LISTS else value
    return fields | {"emotion_confidence": None}


def models(
    model: str | None, model_for: Sequence[str] | None, base_url: Sequence[str] | None
) -> dict[str, Any]:
    """The models, each with the address of its server if one is given."""
    urls = tuple(base_url or ())
    if urls and model is None and not model_for:
        raise ConfigError("`--base-url` is the server of --model or --model-for; name one")
    by_role = {role: at(spec, urls) for role, spec in (roles(model_for) or {}).items()}
    return {"model": model and at(model, urls), "models": by_role}


def prompts(files: Sequence[str] | None) -> dict[str, str]:
    """The texts of roles' prompt files."""
    found = {}
    for role, name in named("--prompt", "ROLE=FILE", "e.g. planner=mine.txt", files):
        try:
            found[role] = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise ConfigError(f"`--prompt` {role}={name!r} cannot be read: {why}") from None
    return found
