"""One dialogue as a page shows it: what was said, thought and judged, turn by turn."""

from collections.abc import Iterator

from attunement.core.needs import kind_of_help, kinds_of_help
from attunement.core.psychology import ERRORS
from attunement.core.records import TRAITS, Change, Dialogue, Outcome, Persona, Reflection, Turn
from attunement.evaluation.reflection import true_emotion, true_intensity
from attunement.graphs.state import supporter_turns
from attunement.simulator.annotating import ANNOTATION, annotations
from attunement.simulator.config import RunConfig
from attunement.simulator.forking import in_words, why_not
from attunement.simulator.journal import Journal
from attunement.viewer.debugger.finding import branches_of, dialogue_at, index_of
from attunement.viewer.debugger.records import (
    FLAGS,
    Branch,
    DialogueCard,
    DialoguePage,
    Effect,
    Flag,
    Inference,
    Status,
    TurnView,
)
from attunement.viewer.diff import word_diff


def dialogue_page(journal: Journal, config: RunConfig, index: int) -> DialoguePage:
    """A dialogue with all that was said and thought. `NotFound` if there is none."""
    dialogue = dialogue_at(journal, index)
    fork = dialogue.fork
    return DialoguePage(
        card=card_of(journal, dialogue, index),
        persona=dialogue.persona,
        error=dialogue.error,
        turns=tuple(turn_view(dialogue, turn) for turn in dialogue.turns),
        recorded=dialogue.recorded,
        verdicts=dialogue.verdicts,
        fork=fork,
        changed=in_words(fork.change, fork.turn) if fork else "",
        branches=tuple(_branches(journal, index)),
    )


def _branches(journal: Journal, index: int) -> Iterator[Branch]:
    for row in branches_of(journal, index):
        change = Change.model_validate_json(row.change)
        yield Branch(
            index=row.idx,
            id=row.id,
            turn=row.forked_at,
            change=in_words(change),
            status=row.status,
            stop_reason=row.stop_reason,
            outcome=Outcome.model_validate_json(row.outcome) if row.outcome else Outcome(),
        )


# ---- in a list ----------------------------------------------------------------------------------


def card_of(journal: Journal, dialogue: Dialogue, index: int) -> DialogueCard:
    """A dialogue in a list."""
    persona, fork = dialogue.persona, dialogue.fork
    return DialogueCard(
        index=index,
        id=dialogue.id,
        persona_id=persona.id,
        name=persona.name or persona.id,
        problem=persona.problem,
        emotion=persona.emotion,
        status=status_of(dialogue),
        stop_reason=dialogue.stop_reason,
        turns=sum(bool(turn.spoken or turn.recorded) for turn in dialogue.turns),
        set_aside=sum(bool(turn.set_aside) for turn in dialogue.turns),
        outcome=dialogue.outcome or Outcome(),
        flags=flags_of(dialogue),
        origin=index_of(journal, fork.origin) if fork else None,
        forked_at=fork.turn if fork else None,
    )


def status_of(dialogue: Dialogue) -> Status:
    """How far a dialogue has come."""
    if dialogue.error is not None:
        return "failed"
    return "done" if dialogue.stop_reason else "open"


def flags_of(dialogue: Dialogue) -> tuple[Flag, ...]:
    """What a dialogue holds, in the sequence of `FLAGS`."""
    said = [note for turn in dialogue.turns for note in annotations(turn).values()]
    found: dict[Flag, bool] = {
        "set aside": any(turn.set_aside for turn in dialogue.turns),
        "crisis": any(turn.guard.crisis for turn in dialogue.turns),
        "failed": dialogue.error is not None,
        "annotated": bool(said),
        "bad": any(note.faulty for note in said),
        "faulty": any(map(_faulty, dialogue.turns)),
        "branch": dialogue.fork is not None,
    }
    return tuple(flag for flag in FLAGS if found[flag])


def _faulty(turn: Turn) -> bool:
    return any(verdict.name == ERRORS and verdict.value == 1 for verdict in turn.verdicts)


# ---- a turn -------------------------------------------------------------------------------------


def turn_view(dialogue: Dialogue, turn: Turn) -> TurnView:
    """A turn of a dialogue and what follows from it."""
    draft, refined = turn.draft, turn.refined
    return TurnView(
        turn=turn,
        effect=effect_of(dialogue, turn),
        judged=tuple(v for v in turn.verdicts if v.name != ANNOTATION),
        annotations=annotations(turn),
        diff=word_diff(draft.text, refined.text) if draft and refined else (),
        inference=inference_of(dialogue.persona, turn, turn.reflection),
        heard=_heard(dialogue, turn),
        can_fork=why_not(dialogue, turn.number),
    )


def effect_of(dialogue: Dialogue, turn: Turn) -> Effect | None:
    """What a reply did; None where nothing tells. A recorded seeker answers another reply."""
    then = next((t.seeker for t in dialogue.turns if t.number == turn.number + 1), None)
    if turn.reply is None or then is None or dialogue.recorded is not None:
        return None
    return Effect(rating=then.rating, before=turn.seeker.intensity, after=then.intensity)


def _heard(dialogue: Dialogue, turn: Turn) -> int:
    """Public lines up to and with the seeker's words; in a replay they are the recording's."""
    if dialogue.recorded is not None:
        return supporter_turns(dialogue.recorded)[turn.number - 1]
    before = (t for t in dialogue.turns if t.number < turn.number)
    return 1 + sum(1 + (t.spoken is not None) for t in before)


def inference_of(persona: Persona, turn: Turn, seen: Reflection | None) -> Inference | None:
    """What was inferred beside what is true; None where nothing was inferred.

    Truths are those of `evaluation/inference.py`: of a recorded seeker nobody knows what the card
    only had drawn, nor what helps and hurts them.
    """
    if seen is None:
        return None
    emotion, intensity = true_emotion(persona, turn), true_intensity(persona, turn)
    live = turn.recorded is None
    return Inference(
        emotion=None if emotion is None else seen.emotion == emotion,
        intensity=None if intensity is None else seen.intensity - intensity,
        personality=_personality(persona, seen, live),
        helps=_met(persona.what_helps, seen.needs) if live else (),
        hurts=_met(persona.what_hurts, seen.avoid) if live else (),
    )


def _personality(persona: Persona, seen: Reflection, live: bool) -> dict[str, bool]:
    """By trait; a live seeker acts the card, drawn or not."""
    unknown = set() if live else {*persona.drawn}
    if "big_five" in unknown:
        return {}
    named = {trait: getattr(seen.personality, trait) for trait in TRAITS if trait not in unknown}
    return {t: level == getattr(persona.big_five, t) for t, level in named.items() if level}


def _met(hidden: tuple[str, ...], named: tuple[str, ...]) -> tuple[bool, ...]:
    """For each hidden sentence, whether its kind of help is among those that were named."""
    kinds = kinds_of_help(named)
    return tuple(kind_of_help(sentence) in kinds for sentence in hidden)
