"""Forking: from a turn of a dialogue on, go on with one thing changed.

A branch is a dialogue of the same run: `fork` lays it down, `run` runs it and `attune resume`
finishes it like any other. Figures and corpora leave branches out.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from attunement.agents.models.base import ChatBackend
from attunement.agents.prompting import PromptFile
from attunement.agents.reading import plain_text
from attunement.core.errors import ConfigError, UserError
from attunement.core.records import Change, Dialogue, Role, Turn
from attunement.simulator.backends import (
    backends_for,
    prices_for,
    roles_in,
    specs_of,
    with_capabilities,
)
from attunement.simulator.branches import lay_branch, lineage_of, open_branches
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.cost import check_priced
from attunement.simulator.frame import CONFIG, change_config, locked, open_run
from attunement.simulator.heritage import changed, config_of, given, turn_at
from attunement.simulator.journal import Journal

_NOTHING = (
    "nothing is changed; name another plan, draft, reply, reflection, model or prompt, or a seed "
    "to see how else it could have gone"
)


@dataclass(frozen=True, slots=True)
class Laid:
    """A branch that was laid down."""

    index: int
    id: str


def fork(
    folder: Path,
    dialogue: str,
    turn: int,
    change: Change,
    check_models: bool = True,
    held: bool = False,
) -> Laid:
    """Lay down a branch of a dialogue (id or number) from `turn` on; `run` then runs it.

    `UserError` and its children for a turn that cannot be forked and for a change that does not
    fit the run; nothing is laid down then. `check_models` as in `create_run`; `held` where the
    caller's own process is running the folder.
    """
    return fork_all(folder, dialogue, turn, [change], check_models, held)[0]


def fork_all(
    folder: Path,
    dialogue: str,
    turn: int,
    changes: Sequence[Change],
    check_models: bool = True,
    held: bool = False,
) -> list[Laid]:
    """Lay down a branch for each of several changes, as `fork` does one; none where one is
    refused."""
    _, journal = open_run(folder)
    with nullcontext() if held else locked(folder), closing(journal):
        config = read_config(folder / CONFIG)
        found = journal.find(dialogue)
        if why := why_not(found, turn):
            raise UserError(why)
        index = next(index for index, id in journal.indices(branches=True) if id == found.id)
        own = config_of(config, lineage_of(journal.engine, index)) if found.fork else config
        for change in changes:
            _check(found, turn, change, own, journal)
        configs = [changed(own, change) for change in changes]
        asked = list({frozenset(specs_of(one)): one for one in configs}.values())
        if check_models:
            asked = [_reached(one) for one in asked]
        change_config(folder, lambda config: reduce(_noted, asked, config))
        return [Laid(*lay_branch(journal.engine, index, turn, change)) for change in changes]


def _reached(config: RunConfig) -> RunConfig:
    """The configuration with what its models can do, asked now: a branch whose model does not
    answer is none."""
    check_priced(config.budget, prices_for(config))

    async def ask() -> RunConfig:
        backends = backends_for(config)
        try:
            return await with_capabilities(config, backends)
        finally:
            for backend in backends.values():
                await backend.aclose()

    return asyncio.run(ask())


def why_not(dialogue: Dialogue, turn: int) -> str:
    """Why a turn cannot be forked; empty where it can, as the turn in which a dialogue failed."""
    turns = dialogue.turns
    if dialogue.error and turn == len(turns) + 1:
        return ""
    if not 1 <= turn <= len(turns):
        there = f"it has turns 1 to {len(turns)}" if turns else "it has none yet"
        return f"dialogue {dialogue.id!r} has no turn {turn}: {there}"
    found = turns[turn - 1]
    if found.guard.crisis:
        return f"turn {turn} is handed off after a crisis, in fixed words; fork an earlier turn"
    if found.spoken is None and found.recorded is None:
        return f"turn {turn} holds the seeker's last words, and no reply; fork an earlier turn"
    return ""


def in_words(change: Change, turn: int | None = None) -> str:
    """What a change is, in a line; with a turn, from where on."""
    said = "; ".join(_parts(change))
    return said if turn is None else f"from turn {turn} on: {said}"


def _parts(change: Change) -> Iterator[str]:
    if plan := change.plan:
        yield f"plan {plan.strategy}" + (f" ({plan.stage})" if plan.stage else "")
    for name, reply in (("draft", change.draft), ("reply", change.reply)):
        if reply:
            yield f"{name} {_short(reply.text)!r}"
    if change.reflection:
        seen = change.reflection
        helps = f", needs {_short('; '.join(seen.needs))!r}" if seen.needs else ""
        yield f"reflection {seen.emotion} {seen.intensity}, {_short(seen.who)!r}{helps}"
    if change.model:
        yield f"model {change.model}"
    yield from (f"model of the {role} {spec}" for role, spec in change.models.items())
    yield from (f"prompt of the {role}" for role in change.prompts)
    if change.seed is not None:
        yield f"seed {change.seed}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


# ---- what a change must fit ---------------------------------------------------------------------


def _check(
    dialogue: Dialogue, number: int, change: Change, config: RunConfig, journal: Journal
) -> None:
    """`UserError` for a change that means nothing in this run."""
    if change == Change():
        raise UserError(_NOTHING)
    turn = turn_at(dialogue, number)
    put = given(change, turn, config)
    if change.draft and change.reply and "refiner" not in roles_in(config):
        raise UserError("the draft is what this turn speaks; change `draft` or `reply`, not both")
    for role in (*put, *change.models, *change.prompts):
        if role != "guard" or role not in change.models:
            check_role(config, role)
    if "seeker" in change.models and config.replay is not None:
        raise UserError("a replay has no seeker model; leave out the change of the seeker's")
    _check_words(change, put, turn)
    for role, text in change.prompts.items():
        _check_prompt(role, text, journal.prompts()[role])


def check_role(config: RunConfig, role: Role) -> None:
    """`UserError` where a run asks no such role."""
    roles = [one for one in roles_in(config) if one != "guard" or config.spec_for("guard")]
    if role not in roles:
        raise UserError(
            f"graph {config.graph!r} has no {role} to change; it asks: {', '.join(roles)}"
        )


def _check_words(change: Change, put: Mapping[Role, str], turn: Turn | None) -> None:
    """`UserError` for a strategy or words that would not be taken as they are given."""
    had = turn.draft.strategy if turn and turn.draft else None
    for name, reply in (("draft", change.draft), ("reply", change.reply)):
        own = name == "reply" and "refiner" in put
        if reply and not own and reply.strategy not in (None, had):
            raise UserError(f"the strategy of a {name} is that of its plan; change `plan` instead")
    words = put.get("responder")
    if words is not None and plain_text(words) != words:
        raise UserError(
            "the words would not be spoken as they are: models' answers are cleaned of code "
            f"fences and of what they think aloud; what is left is {plain_text(words)!r}"
        )


def _check_prompt(role: Role, text: str, before: PromptFile) -> None:
    """A prompt file must have the sections of the one that it replaces, and no placeholder more."""
    new = PromptFile(text)
    missing = sorted(set(before.placeholders) - set(new.placeholders))
    if missing:
        raise ConfigError(
            f"the {role}'s prompt lacks section {missing[0]!r}; a section begins with a line "
            f"'=== {missing[0]} ===', and attune export RUN --calls shows prompts as they are sent"
        )
    for section, known in before.placeholders.items():
        if foreign := sorted(new.placeholders[section] - known):
            raise ConfigError(
                f"placeholder {foreign[0]!r} in section {section!r} of the {role}'s prompt has no "
                f"value; this section knows: {', '.join(sorted(known)) or 'none'}"
            )


# ---- the models of branches ---------------------------------------------------------------------


def _noted(config: RunConfig, own: RunConfig) -> RunConfig:
    """The run's configuration with the branch's models among those that it has asked."""
    known = dict.fromkeys((*config.branch_models, *sorted(specs_of(own) - specs_of(config))))
    update = {"branch_models": tuple(known), "keys": config.keys | own.keys}
    return config.model_copy(update=update).learning(own.capabilities)


def backends_of_open(
    config: RunConfig, journal: Journal, only: Sequence[int] | None = None
) -> dict[str, ChatBackend]:
    """The backends that the open dialogues ask, of `only` these: the run's, those of branches."""
    branches = open_branches(journal.engine, only)
    configs = [config_of(config, lineage_of(journal.engine, index)) for index in branches]
    if only is None or len(branches) < len(only):
        configs.insert(0, config)
    found: dict[str, ChatBackend] = {}
    for one in configs:
        if not specs_of(one) <= set(found):
            found = backends_for(one) | found
    return found
