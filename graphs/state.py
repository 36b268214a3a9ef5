"""What flows through every graph: the state, the runtime context, and the nodes they share."""

import operator
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from attunement.agents.asking import Chat
from attunement.agents.guard import guard, hand_off
from attunement.agents.models.base import UnjournalledChat
from attunement.agents.models.rehearsal import RehearsalChat
from attunement.agents.seeker import seek
from attunement.core.errors import AnswerError, ModelError
from attunement.core.records import (
    Persona,
    Plan,
    Reflection,
    Reply,
    Risky,
    Role,
    SeekerTurn,
    SetAside,
    StopReason,
    Turn,
    Utterance,
)
from attunement.personas.preprocessing import reply_places

Commit = Callable[[Sequence[Turn], StopReason | None], Awaitable[None]]
"""Keeps the last of the turns; with a stop reason, closes the dialogue in the same transaction."""


def _embedded(role: Role, turn: int) -> Chat | None:
    return None if role == "guard" else UnjournalledChat(RehearsalChat(), role, seed=turn)


async def _forget(turns: Sequence[Turn], stop: StopReason | None) -> None:
    """Commit nothing: the caller reads the turns from the graph's state."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a run hands to its nodes. As it stands: the embedded model and no journal."""

    chat: Callable[[Role, int], Chat | None] = _embedded
    """The chat of a role at a turn (counted from 1). None only for a guard without a model."""
    commit: Commit = _forget
    max_turns: int = 8
    """Supporter turns a live dialogue may have; the seeker then speaks once more."""
    named_strategies: bool = False
    """Whether the planner is asked for a strategy's bare name, as recipe B trains it."""


class Feed(TypedDict, total=False):
    """What a dialogue starts from."""

    persona: Persona
    recorded: tuple[Utterance, ...]
    """Replay: the recorded dialogue, one speaker after the other. Absent in live dialogues."""
    turns: Annotated[list[Turn], operator.add]
    """Turns committed so far; a resumed dialogue starts with some."""


class State(Feed, total=False):
    """A dialogue in progress. A key that a node returns replaces the old value; turns append.

    A role that gave no usable answer leaves a `SetAside` in its place.
    """

    said: SeekerTurn
    heard: tuple[Utterance, ...]
    """The public dialogue up to and with the seeker's last line: all that supporters see."""
    risk: Risky | SetAside
    plan: Plan | SetAside | None
    draft: Reply | None
    cut: SetAside | None
    """Why the draft is incomplete."""
    failed: SetAside | None
    """Why there is no draft, and so no turn; raised once what runs beside the draft has ended."""
    reflection: Reflection | SetAside | None
    refined: Reply | SetAside | None
    joint: str | SetAside | None
    hand_off: Reply | None
    stop: StopReason | None


Graph = CompiledStateGraph[State, Context, Feed, Any]


def number(state: State) -> int:
    """The number of the turn in progress, counted from 1."""
    return len(state.get("turns", ())) + 1


def context(runtime: Runtime[Context]) -> Context:
    """The run's context; a caller of the bare graph need not give one."""
    return runtime.context or Context()


def chat_for(runtime: Runtime[Context], role: Role, state: State) -> Chat:
    """The chat of a role that always has one."""
    chat = context(runtime).chat(role, number(state))
    assert chat is not None, role
    return chat


# Each turn starts from this, so that nothing of the turn before is left in the state.
_FRESH: State = {
    "risk": Risky(), "plan": None, "draft": None, "cut": None, "failed": None, "reflection": None,
    "refined": None, "joint": None, "hand_off": None, "stop": None,
}  # fmt: skip


async def seeker_node(state: State, runtime: Runtime[Context]) -> State:
    """The seeker speaks: the persona's agent, or in replay the recording."""
    if (lines := recording(state)) is not None:
        return {**_FRESH, **_from_recording(lines, number(state))}
    past = state.get("turns", [])
    before = _before(state)
    persona = Persona.model_validate(state["persona"])
    chat = chat_for(runtime, "seeker", state)
    said = await seek(chat, persona, before, [turn.seeker for turn in past])
    heard = (*before, Utterance(speaker="seeker", text=said.text))
    if said.wants_to_stop:
        satisfied = said.rating is None or said.rating >= 3
        return {**_FRESH, "said": said, "heard": heard,
                "stop": "satisfied" if satisfied else "gave_up"}  # fmt: skip
    over = len(past) >= context(runtime).max_turns
    return {**_FRESH, "said": said, "heard": heard, "stop": "max_turns" if over else None}


def _before(state: State) -> tuple[Utterance, ...]:
    """The public dialogue up to the last reply; rebuilt from the turns in a resumed dialogue."""
    turns = state.get("turns", [])
    if turns and (heard := state.get("heard")):
        return (*heard, *public(turns[-1])[1:])
    return tuple(line for turn in turns for line in public(turn))


def public(turn: Turn) -> list[Utterance]:
    """What both sides hear of a turn."""
    lines = [Utterance(speaker="seeker", text=turn.seeker.text)]
    if reply := turn.reply:
        lines.append(Utterance(speaker="supporter", text=reply.text, strategy=reply.strategy))
    return lines


def recording(state: State) -> tuple[Utterance, ...] | None:
    """In replay, the recorded lines; who feeds the bare graph may give them as plain values."""
    lines = state.get("recorded")
    return None if lines is None else tuple(map(Utterance.model_validate, lines))


def supporter_turns(recorded: Sequence[Utterance]) -> list[int]:
    """Where in a recorded dialogue the turns stand that a replay produces."""
    return reply_places(recorded)


def _from_recording(recorded: tuple[Utterance, ...], turn: int) -> State:
    position = supporter_turns(recorded)[turn - 1]
    heard = recorded[:position]
    # Recipe B parts a supporter's utterances by blank seeker turns: those say nothing.
    said = (u.text for u in reversed(heard) if u.speaker == "seeker")
    words = next(text for text in said if text.strip())
    return {"said": SeekerTurn(text=words), "heard": heard}


async def guard_node(state: State, runtime: Runtime[Context]) -> State:
    """Screen the seeker's words. In replay, a crisis stays one for the rest of the recording."""
    past = state.get("turns", [])
    if "recorded" in state and past and past[-1].guard.crisis:
        return {"risk": past[-1].guard}
    try:
        risk = await guard(context(runtime).chat("guard", number(state)), state["heard"])
    except (AnswerError, ModelError) as error:
        return {"risk": SetAside(role="guard", reason=str(error))}
    return {"risk": risk}


async def hand_off_node(state: State) -> State:
    """Lead to people who can help; a live dialogue ends here."""
    risk = state["risk"]
    assert isinstance(risk, Risky)
    return {"hand_off": hand_off(risk), "stop": None if "recorded" in state else "crisis"}


async def commit_node(state: State, runtime: Runtime[Context]) -> State:
    """Make the turn's record and keep it; only then may the dialogue go on."""
    if failed := state.get("failed"):
        raise AnswerError(failed.reason)
    turn = _turn(state)
    stop = state.get("stop")
    lines = recording(state)
    if lines is not None and turn.number == len(supporter_turns(lines)):
        stop = "recording_ended"
    await context(runtime).commit([*state.get("turns", []), turn], stop)
    return {"turns": [turn], "stop": stop}


def _turn(state: State) -> Turn:
    keys = ("plan", "draft", "cut", "reflection", "refined", "joint", "hand_off")
    results = {"guard": state["risk"], **{key: state.get(key) for key in keys}}
    aside = tuple(value for value in results.values() if isinstance(value, SetAside))
    kept = {k: v for k, v in results.items() if v is not None and not isinstance(v, SetAside)}
    spoken = next((key for key in ("hand_off", "refined", "draft") if key in kept), None)
    return Turn.model_validate(
        {
            "number": number(state),
            "seeker": state["said"],
            "spoken": spoken,
            "set_aside": aside,
            "recorded": recorded_reply(state) if "recorded" in state else None,
            **kept,
        }
    )


def recorded_reply(state: State) -> Reply:
    """In replay, what the human said where the next reply is due."""
    line = Utterance.model_validate(state["recorded"][len(state["heard"])])
    return Reply(text=line.text, strategy=line.strategy)
