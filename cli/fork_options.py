"""What `attune fork` is to change, from its options."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from attunement.agents.reading import explain
from attunement.cli.options import named, roles
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Change, Plan, Record, Reflection, Reply, Turn
from attunement.core.strategies import Strategy, parse_strategy
from attunement.simulator.heritage import stage_of
from attunement.simulator.judging import at

_LISTS = ("needs", "avoid")
_FIELDS = ("who", "emotion", "intensity", "situation", *_LISTS)
_CHOSEN = "Chosen by a person."
_COMPARED: dict[type[Record], tuple[str, ...]] = {
    Plan: ("strategy", "stage"), Reply: ("text", "strategy"), Reflection: _FIELDS,
}  # fmt: skip
"""What of an answer is more than a remark."""


def changes(
    strategies: Sequence[str], stage: str | None, reason: str | None, seeds: Sequence[int],
    turn: Turn | None, **parts: Any,
) -> list[Change]:  # fmt: skip
    """The changes that are asked for: one for each strategy with each seed."""
    for name in ("draft", "reply"):
        if parts[name] is not None:
            parts[name] = {"text": parts[name]}
    plans = [_plan(one, stage, reason, turn) for one in (*_named(strategies, turn),) or (None,)]
    both = product(plans, dict.fromkeys(seeds) or [None])
    found = [_change(plan=plan, seed=seed, **parts) for plan, seed in both]
    for one in found:
        _check_new(one, turn)
    return found


def _named(strategies: Sequence[str], turn: Turn | None) -> list[Strategy]:
    """Strategies by name, each once; `all` is every one but that of the turn's plan."""
    had = turn.plan.strategy if turn and turn.plan else None
    others = [strategy for strategy in Strategy if strategy != had]
    named = (others if name == "all" else [parse_strategy(name)] for name in strategies)
    return list(dict.fromkeys(strategy for some in named for strategy in some))


def _check_new(change: Change, turn: Turn | None) -> None:
    """`ConfigError` for a change that only says what stands in the turn anyway."""
    parts = dict(_parts_of_a_turn(change, turn))
    rest = change.model_copy(update=dict.fromkeys(parts))
    if parts and rest == Change() and all(_stands(*both, turn) for both in parts.values()):
        raise ConfigError(
            f"nothing is changed: turn {turn.number if turn else ''} has this "
            f"{' and '.join(parts)} already; --seed S shows how else it could have gone"
        )


def _parts_of_a_turn(change: Change, turn: Turn | None) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """What a change puts in place of an answer, each with what the turn has there."""
    for name in ("plan", "draft", "reply", "reflection"):
        new = getattr(change, name)
        if new is not None:
            yield name, (new, getattr(turn, name) if turn else None)


def _stands(new: Record, had: Record | None, turn: Turn | None) -> bool:
    """Whether it says nothing else than what is there; what it leaves open is no difference."""
    if had is None or (isinstance(new, Plan) and new.reason != _CHOSEN):
        return False
    if isinstance(new, Plan) and isinstance(had, Plan) and had.stage:
        return (new.stage or stage_of(turn, new.strategy), new.strategy) == (
            had.stage,
            had.strategy,
        )
    fields = _COMPARED[type(new)]
    return all(getattr(new, name) in (None, getattr(had, name)) for name in fields)


def _change(**parts: Any) -> Change:
    try:
        return Change.model_validate(parts)
    except ValidationError as error:
        raise ConfigError(f"the change cannot be made: {explain(error)}") from None


def _plan(
    strategy: Strategy | None, stage: str | None, reason: str | None, turn: Turn | None
) -> dict[str, Any] | None:
    """Another plan; with a strategy alone, its reason says that a person chose it."""
    if strategy is None and stage is None and reason is None:
        return None
    had = turn.plan if turn else None
    if strategy is None and had is None:
        raise ConfigError("this turn has no plan to keep; name a whole one with --strategy NAME")
    strategy = strategy or (had.strategy if had else None)
    return {"strategy": strategy, "stage": stage, "reason": reason or _CHOSEN}


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
