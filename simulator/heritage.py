"""What a branch has from its origin: answers to equal requests, and those given by hand.

A branch asks with its root's seeds. So a request that the change does not touch is the origin's to
the letter, and its answer stands; whatever hangs on the change is asked anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from attunement.agents.prompting import PromptFile
from attunement.core.records import Change, Dialogue, Reply, Role, Turn
from attunement.core.strategies import STRATEGIES, Stage
from attunement.simulator.backends import roles_in, with_servers
from attunement.simulator.branches import Lineage, lineage_of
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Task
from attunement.simulator.recorder import Desk, Heritage, call_key

SUPPORTERS: tuple[Role, ...] = ("planner", "responder", "joint", "reflector", "refiner")
"""The roles that a change of `model` is about; the seeker and the guard stay as they are."""


@dataclass(frozen=True, slots=True)
class BranchDesk:
    """What a branch runs with."""

    desk: Desk
    heritage: Heritage


def desk_of_branch(desk: Desk, task: Task) -> BranchDesk:
    """The run's desk with what the forks up to this branch have changed, and its heritage."""
    lineage = lineage_of(desk.journal.engine, task.index)
    config = config_of(desk.config, lineage)
    prompts = prompts_of(desk.prompts, lineage)
    own = lineage.forks[-1]
    origin = desk.journal.named(own.origin)
    assert origin is not None, own.origin
    calls = (c for c in desk.journal.calls(lineage.origin) if c["turn"] >= own.turn)
    heritage = Heritage(
        root=lineage.root,
        turn=own.turn,
        given=_all_given(lineage, turn_at(origin, own.turn), config),
        calls={call_key(call): call for call in calls if not call["error"]},
    )
    return BranchDesk(replace(desk, config=config, prompts=prompts), heritage)


def config_of(config: RunConfig, lineage: Lineage) -> RunConfig:
    """The run's configuration with what the forks of a lineage have changed in it."""
    for fork in lineage.forks:
        config = changed(config, fork.change)
    return config


def prompts_of(prompts: Mapping[Role, PromptFile], lineage: Lineage) -> dict[Role, PromptFile]:
    """The run's prompt files with those that the forks of a lineage have put in their place."""
    found = dict(prompts)
    for fork in lineage.forks:
        found |= {role: PromptFile(text) for role, text in fork.change.prompts.items()}
    return found


def changed(config: RunConfig, change: Change) -> RunConfig:
    """The configuration with a change's models and seed."""
    roles = roles_in(config)
    models = {role: change.model for role in SUPPORTERS if change.model and role in roles}
    seed = config.seed if change.seed is None else change.seed
    update = {"models": config.models | models | change.models, "seed": seed}
    return with_servers(config.model_copy(update=update))


def turn_at(dialogue: Dialogue, number: int) -> Turn | None:
    """A dialogue's turn; None for the one in which it failed."""
    return dialogue.turns[number - 1] if number <= len(dialogue.turns) else None


def given(change: Change, turn: Turn | None, config: RunConfig) -> dict[Role, str]:
    """The answers that a change puts in place of a turn's, by role, as it would write them."""
    found: dict[Role, str] = {}
    if plan := change.plan:
        stage = plan.stage or stage_of(turn, plan.strategy)
        staged = plan.model_copy(update={"stage": stage}).model_dump_json()
        found["planner"] = plan.strategy if config.named_strategies or config.mines else staged
    if change.draft:
        found["responder"] = change.draft.text
    if change.reflection:
        found["reflector"] = change.reflection.model_dump_json(exclude={"emotion_confidence"})
    if reply := change.reply:
        if "refiner" in roles_in(config):
            found["refiner"] = _with_strategy(reply, turn).model_dump_json()
        if turn is None or turn.spoken == "draft":
            found["responder"] = reply.text
    return found


def _all_given(lineage: Lineage, turn: Turn | None, config: RunConfig) -> dict[Role, str]:
    """What the forks of a lineage at its last one's turn have given there, later ones for earlier
    ones."""
    last, found = lineage.forks[-1].turn, dict[Role, str]()
    for fork in lineage.forks:
        if fork.turn == last:
            found |= given(fork.change, turn, config)
    return found


def stage_of(turn: Turn | None, strategy: object) -> Stage:
    """A strategy's own stage; of one that belongs to all, the stage that the turn had."""
    named = (stage for stage, strategies in STRATEGIES.items() if strategy in strategies)
    had = turn.plan.stage if turn and turn.plan else None
    return next(named, None) or had or Stage.EXPLORATION


def _with_strategy(reply: Reply, turn: Turn | None) -> Reply:
    had = turn.reply.strategy if turn and turn.reply else None
    return reply.model_copy(update={"strategy": reply.strategy or had})
