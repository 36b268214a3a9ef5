"""Pairs and examples from a run: what was said after refinement against what was drafted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Dialogue, Reply, Role, Turn, Utterance
from attunement.graphs.registry import roles_of
from attunement.simulator.config import RunConfig
from attunement.simulator.history import with_history
from attunement.trainers.corpora.filters import (
    Filters,
    error_reason,
    pair_reason,
    seeker_reason,
    turn_reason,
)
from attunement.trainers.corpora.rows import (
    EXAMPLE_SETS,
    PAIR_SETS,
    ExampleRow,
    PairRow,
    SetName,
    make_example,
    make_pair,
    remarks,
)
from attunement.trainers.corpora.tasks import WITH_STRATEGY, Prompts, spoken_as, task_prompt
from attunement.trainers.corpora.writing import CorpusWriter

Chosen = Literal["refined", "recorded"]
"""What is set against the draft: its refinement, or in a replay the human's reply."""


HISTORY = 3
"""Seeker turns that a preferred refinement must have heard."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What to take from a run, and what to know about it."""

    run: str
    """Its name, as rows give it."""
    config: RunConfig
    prompts: Prompts
    sets: tuple[SetName, ...]
    chosen: Chosen
    filters: Filters
    iteration: int = 0

    def history(self, name: SetName) -> int:
        """Seeker turns that a row of a set must have heard."""
        refined = self.chosen == "refined" and name in PAIR_SETS
        return self.filters.min_history or (HISTORY if refined else 1)


def sets_of(config: RunConfig, chosen: Chosen) -> tuple[SetName, ...]:
    """The sets that a run's graph can give. Strategies are known where a planner named one."""
    if config.mines:
        return tuple(name for name in PAIR_SETS if name in config.mining)
    planned = "planner" in roles_of(config.graph, config.plain_draft)
    refined = chosen == "recorded" or "refiner" in roles_of(config.graph, config.plain_draft)
    pairs = PAIR_SETS if planned else PAIR_SETS[:1]
    return (*(pairs if refined else ()), *(EXAMPLE_SETS if planned else EXAMPLE_SETS[:1]))


def choose_sets(
    config: RunConfig, chosen: Chosen, wanted: Sequence[str] | None
) -> tuple[SetName, ...]:
    """The sets to make: those wanted, or every set of pairs that the run can give.

    Raises `ConfigError` for an unknown set, or one that this run cannot give.
    """
    possible = sets_of(config, chosen)
    if chosen == "recorded" and config.replay is None:
        raise ConfigError("`--chosen recorded` needs a replay; this run's dialogues are simulated")
    for name in wanted or ():
        if name not in (*PAIR_SETS, *EXAMPLE_SETS):
            raise ConfigError(unknown("set", name, (*PAIR_SETS, *EXAMPLE_SETS)))
        if name not in possible:
            graph = config.graph + (" --plain-draft" if config.plain_draft else "")
            raise ConfigError(
                f"graph {graph!r} gives no {name!r}; of this run: {', '.join(possible) or 'none'}"
            )
    found = tuple(name for name in possible if name in (wanted or PAIR_SETS))
    if not found:
        raise ConfigError(
            f"graph {config.graph!r} refines nothing, so that there is nothing to prefer; "
            "use graph 'self_refine', or name examples with --sets sft_direct"
        )
    return found


def harvest(
    dialogues: Iterable[Dialogue],
    plan: Harvest,
    split_of: Mapping[str, str],
    corpus: CorpusWriter,
) -> None:
    """Write every row that a run gives into `corpus`, and count what it does not give."""
    for name in plan.sets:
        corpus.expect(name)
    for dialogue in dialogues:
        unfit = seeker_reason(dialogue, plan.filters)
        for turn, heard in with_history(dialogue):
            if turn.spoken is None and turn.draft is None:
                continue  # the seeker's closing words
            for name, row in _rows(plan, dialogue, turn, heard, unfit):
                if isinstance(row, str):
                    corpus.drop(name, row)
                else:
                    corpus.add(name, split_of[dialogue.persona.id], row)


def _rows(
    plan: Harvest, dialogue: Dialogue, turn: Turn, heard: Sequence[Utterance], unfit: str | None
) -> Iterator[tuple[SetName, PairRow | ExampleRow | str]]:
    """For each set the turn's row, or why there is none; `unfit` speaks against all of them."""
    for name in plan.sets:
        if reason := turn_reason(turn, heard, plan.history(name)) or unfit:
            yield name, reason
        elif name in PAIR_SETS:
            yield name, _pair(plan, name, dialogue, turn, heard)
        else:
            yield name, _example(plan, name, dialogue, turn, heard)


# ---- pairs --------------------------------------------------------------------------------------


def _pair(
    plan: Harvest, name: SetName, dialogue: Dialogue, turn: Turn, heard: Sequence[Utterance]
) -> PairRow | str:
    better: Reply | None = getattr(turn, plan.chosen)
    if turn.draft is None or better is None:
        return f"no {plan.chosen if turn.draft else 'draft'} reply"
    if name in WITH_STRATEGY and not (better.strategy and turn.draft.strategy):
        return "no strategy"
    chosen, rejected = spoken_as(name, better), spoken_as(name, turn.draft)
    if name == "strategy":
        reason = "the same strategy" if chosen == rejected else None
    else:
        reason = pair_reason(chosen, rejected, plan.filters)
    if not reason and plan.filters.errors:
        reason = error_reason(turn, plan.chosen, "draft", plan.config.judges)
    if reason:
        return reason
    prompt = task_prompt(name, plan.prompts, heard)
    writer: Role = "planner" if name == "strategy" else "responder"
    human = plan.chosen == "recorded"
    return make_pair(
        prompt,
        chosen,
        rejected,
        source=plan.chosen,
        run=plan.run,
        dialogue_id=dialogue.id,
        turn=turn.number,
        persona_id=dialogue.persona.id,
        strategy=better.strategy,
        rejected_strategy=turn.draft.strategy,
        chosen_model="human" if human else plan.config.spec_for("refiner") or "",
        rejected_model=plan.config.spec_for(writer) or "",
        chosen_prompt_version="" if human else plan.prompts["refiner"].version,
        rejected_prompt_version=plan.prompts[writer].version,
        iteration=plan.iteration,
        verdicts=tuple(v for v in turn.verdicts if v.about in (plan.chosen, "draft")),
        annotations=remarks(turn),
    )


# ---- examples -----------------------------------------------------------------------------------


def _example(
    plan: Harvest, name: SetName, dialogue: Dialogue, turn: Turn, heard: Sequence[Utterance]
) -> ExampleRow | str:
    human = plan.chosen == "recorded"
    reply = turn.recorded if human else turn.reply
    if reply is None:
        return "no reply"
    if name in WITH_STRATEGY and reply.strategy is None:
        return "no strategy"
    strategy = reply.strategy if name == "sft_responder" else None
    prompt = task_prompt(name, plan.prompts, heard, strategy)
    drafted: Role = "planner" if name == "sft_planner" else "responder"
    role: Role = "refiner" if turn.spoken == "refined" else drafted
    return make_example(
        prompt,
        spoken_as(name, reply),
        source="recorded" if human else "spoken",
        run=plan.run,
        dialogue_id=dialogue.id,
        turn=turn.number,
        persona_id=dialogue.persona.id,
        strategy=reply.strategy,
        model="human" if human else plan.config.spec_for(role) or "",
        annotations=remarks(turn),
    )
