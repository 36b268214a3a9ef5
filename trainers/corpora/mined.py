"""Pairs from a mined run: what a human said and did against what models sample in their place.

Recipe B (arXiv 2505.16995). Strategy pairs: the recorded strategy's name against the sampled one,
where they differ. Response pairs: both replies under the recorded strategy, kept where judges find
no error in the human's and a fault of a response in the sample. Joint pairs: `[Strategy] reply`
against the sample as it was written.
"""

from collections.abc import Iterable, Mapping, Sequence

from attunement.core.psychology import ERRORS, OF_A_RESPONSE
from attunement.core.records import Dialogue, Mined, Role, Turn, Utterance
from attunement.core.strategies import Strategy, joined, split_joint
from attunement.simulator.history import with_history
from attunement.trainers.corpora.filters import error_reason, pair_reason, turn_reason
from attunement.trainers.corpora.from_run import Harvest
from attunement.trainers.corpora.rows import PairRow, make_pair, remarks
from attunement.trainers.corpora.tasks import task_prompt
from attunement.trainers.corpora.writing import CorpusWriter

_ROLES: dict[Mined, Role] = {"strategy": "planner", "response": "responder", "joint": "joint"}
"""Who wrote the rejected side of a set."""
UNKNOWN = "not known"
"""Stands for the strategy of a recorded reply that names none."""


def mine_rows(
    dialogues: Iterable[Dialogue],
    plan: Harvest,
    split_of: Mapping[str, str],
    corpus: CorpusWriter,
) -> None:
    """Write every pair that a mined run gives into `corpus`, and count what it does not give,
    also by the recorded strategy."""
    sets = [name for name in _ROLES if name in plan.sets]
    for name in sets:
        corpus.expect(name)
    for dialogue in dialogues:
        for turn, heard in with_history(dialogue):
            for name in sets:
                row = _pair(plan, name, dialogue, turn, heard)
                strategy = (turn.recorded and turn.recorded.strategy) or UNKNOWN
                if isinstance(row, str):
                    corpus.drop(name, row)
                    corpus.count_strategy(name, strategy, row)
                else:
                    corpus.add(name, split_of[dialogue.persona.id], row)
                    corpus.count_strategy(name, strategy, "kept")


def _pair(
    plan: Harvest, name: Mined, dialogue: Dialogue, turn: Turn, heard: Sequence[Utterance]
) -> PairRow | str:
    """The pair of one turn in one set, or why there is none."""
    role, human = _ROLES[name], turn.recorded
    # Roles stand beside each other: one without a usable answer spoils its own set alone.
    aside = tuple(item for item in turn.set_aside if item.role in ("guard", role))
    own = turn.model_copy(update={"set_aside": aside})
    if reason := turn_reason(own, heard, plan.filters.min_history or 1):
        return reason
    if human is None or human.strategy is None:
        return "no recorded strategy"
    sides = _sides(name, turn)
    if sides is None:
        return "not sampled"
    chosen, rejected, sampled = sides
    if reason := _reason(name, turn, chosen, rejected, plan):
        return reason
    named = human.strategy if name == "response" else None
    prompt = task_prompt(name, plan.prompts, heard, named)
    return make_pair(
        prompt,
        chosen,
        rejected,
        source="mined",
        run=plan.run,
        dialogue_id=dialogue.id,
        turn=turn.number,
        persona_id=dialogue.persona.id,
        strategy=human.strategy,
        rejected_strategy=sampled,
        chosen_model="human",
        rejected_model=plan.config.spec_for(role) or "",
        chosen_prompt_version="",
        rejected_prompt_version=plan.prompts[role].version,
        iteration=plan.iteration,
        verdicts=tuple(v for v in turn.verdicts if v.about in _JUDGED[name]),
        annotations=remarks(turn),
    )


_JUDGED: dict[Mined, tuple[str, ...]] = {
    "strategy": (), "response": ("draft", "recorded"), "joint": ("recorded",),
}  # fmt: skip
"""The replies of a turn that stand in a pair, so that what judges said of them belongs to it."""


def _sides(name: Mined, turn: Turn) -> tuple[str, str, Strategy | None] | None:
    """Chosen text, rejected text, the strategy of the rejected; None where nothing was sampled."""
    human = turn.recorded
    assert human is not None
    assert human.strategy is not None
    if name == "strategy":
        sampled = turn.plan.strategy if turn.plan else None
        return (human.strategy.value, sampled.value, sampled) if sampled else None
    if name == "response":
        return (human.text, turn.draft.text, turn.draft.strategy) if turn.draft else None
    if turn.joint is None:
        return None
    return joined(human.strategy, human.text), turn.joint, split_joint(turn.joint)[0]


def _reason(name: Mined, turn: Turn, chosen: str, rejected: str, plan: Harvest) -> str | None:
    """Why two sides make no pair of a set."""
    if name == "strategy":
        return "the same strategy" if chosen == rejected else None
    reason = pair_reason(chosen, rejected, plan.filters)
    if reason or name == "joint":
        return reason
    return error_reason(turn, "recorded", "draft", plan.config.judges) or _other_errors(turn)


def _other_errors(turn: Turn) -> str | None:
    """Why a draft's errors do not count: a judge found none that lies in the response."""
    found: dict[str, bool] = {}
    for v in turn.verdicts:
        if v.name == ERRORS and v.about == "draft":
            found[v.judge] = found.get(v.judge, False) or v.label in OF_A_RESPONSE
    return None if all(found.values()) else "the draft reply shows errors of another kind"
