"""The examples of one recorded dialogue: a supporter turn for each set, or why there is none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from attunement.agents.crisis import screen
from attunement.core.records import Reply, Utterance
from attunement.personas.preprocessing import merge_turns, prepare
from attunement.personas.recorded import Recording
from attunement.trainers.corpora.recorded_plan import RecordedCorpus, Seen
from attunement.trainers.corpora.rows import ExampleRow, ExampleSet, make_example
from attunement.trainers.corpora.tasks import WITH_STRATEGY, Prompts, spoken_as, task_prompt

GREETING = "a greeting at the beginning"
UNASKED = "no seeker turn before it"
CRISIS = "crisis, or behind one"
NO_STRATEGY = "no strategy of the eight"
TOO_LONG = "too long for a reply"


@dataclass(frozen=True, slots=True)
class _Place:
    """A supporter's turn in its dialogue."""

    number: int
    """Counts from 1 those that have an earlier seeker turn; 0 for the others."""
    heard: tuple[Utterance, ...]
    reply: Utterance
    reason: str | None
    """Why it is no example for any task."""


def recorded_rows(
    plan: RecordedCorpus, recording: Recording, prompts: Prompts, seen: Seen
) -> Iterator[tuple[ExampleSet, ExampleRow | str]]:
    """For each supporter's turn and each set the row, or why there is none."""
    turns = prepare(recording.utterances, plan.recipe)
    for turn in _greetings(plan, recording.utterances, turns):
        seen.greetings += 1
        if turn.speaker == "supporter":
            yield from ((name, GREETING) for name in plan.sets)
    reason = None
    for there in _places(turns, plan):
        reason = there.reason
        for name in plan.sets:
            yield name, there.reason or _example(name, recording, there, prompts)
    seen.crises += reason == CRISIS


def _greetings(
    plan: RecordedCorpus, spoken: Sequence[Utterance], turns: Sequence[Utterance]
) -> Sequence[Utterance]:
    if plan.recipe != "self_evolution":
        return ()
    merged = merge_turns(spoken)
    return merged[: len(merged) - len(turns)]


def _places(turns: tuple[Utterance, ...], plan: RecordedCorpus) -> Iterator[_Place]:
    spoken = number = 0
    crisis = False
    for i, turn in enumerate(turns):
        if turn.speaker == "seeker":
            spoken += bool(turn.text.strip())
            crisis = crisis or (not plan.keep_crisis and screen(turn.text).crisis)
            continue
        number += spoken > 0
        reason = None
        if crisis:
            reason = CRISIS
        elif not spoken:
            reason = UNASKED
        elif spoken < plan.min_history:
            reason = f"fewer than {plan.min_history} seeker turns before it"
        yield _Place(number, turns[:i], turn, reason)


def _example(
    name: ExampleSet, recording: Recording, there: _Place, prompts: Prompts
) -> ExampleRow | str:
    if name in WITH_STRATEGY and there.reply.strategy is None:
        return NO_STRATEGY
    try:
        reply = Reply(text=there.reply.text, strategy=there.reply.strategy)
    except ValidationError:  # never empty: blank utterances are left out before
        return TOO_LONG
    strategy = reply.strategy if name == "sft_responder" else None
    prompt = task_prompt(name, prompts, there.heard, strategy)
    return make_example(
        prompt,
        spoken_as(name, reply),
        source="recorded",
        run=recording.file,
        dialogue_id=recording.id,
        turn=there.number,
        persona_id=recording.id,
        strategy=reply.strategy,
        model="human",
    )
