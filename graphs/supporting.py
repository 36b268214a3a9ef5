"""The supporter's nodes, one a role, and the frame that every graph shares."""

from collections.abc import Hashable
from typing import Any, Protocol

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from attunement.agents.planner import name_strategy, plan
from attunement.agents.refiner import refine
from attunement.agents.reflector import reflect
from attunement.agents.responder import StrategyPlace, respond
from attunement.core.errors import AnswerError, CutError, ModelError
from attunement.core.records import Plan, Reflection, Reply, Risky, SetAside
from attunement.graphs.state import (
    Context,
    Feed,
    State,
    chat_for,
    commit_node,
    context,
    guard_node,
    hand_off_node,
    seeker_node,
)

Builder = StateGraph[State, Context, Feed, Any]


class Node(Protocol):
    """A node of a graph: from the state and the run's context an update of the state."""

    async def __call__(self, state: State, runtime: Runtime[Context]) -> State: ...


async def planner_node(state: State, runtime: Runtime[Context]) -> State:
    """Plan the reply; a planner that was trained on bare names is asked for one."""
    chat = chat_for(runtime, "planner", state)
    try:
        if context(runtime).named_strategies:
            return {"plan": Plan(strategy=await name_strategy(chat, state["heard"]))}
        return {"plan": await plan(chat, state["heard"])}
    except (AnswerError, ModelError) as error:
        return {"plan": SetAside(role="planner", reason=str(error))}


async def responder_node(
    state: State, runtime: Runtime[Context], place: StrategyPlace = "last"
) -> State:
    """Draft a reply, to plan if there is one.

    A draft that is cut off is spoken, but the turn is no training data. Without a draft there is no
    turn, which `commit` says: an error here would cancel the reflection in the middle of its calls.
    """
    planned = state.get("plan")
    chat = chat_for(runtime, "responder", state)
    usable = planned if isinstance(planned, Plan) else None
    try:
        return {"draft": await respond(chat, state["heard"], usable, place)}
    except CutError as error:
        draft = Reply(text=error.text, strategy=usable.strategy if usable else None)
        return {"draft": draft, "cut": SetAside(role="responder", reason=str(error))}
    except (AnswerError, ModelError) as error:
        return {"draft": None, "failed": SetAside(role="responder", reason=str(error))}


async def reflector_node(state: State, runtime: Runtime[Context]) -> State:
    try:
        return {"reflection": await reflect(chat_for(runtime, "reflector", state), state["heard"])}
    except (AnswerError, ModelError) as error:
        return {"reflection": SetAside(role="reflector", reason=str(error))}


async def refiner_node(state: State, runtime: Runtime[Context]) -> State:
    """Refine the draft; without a reflection to refine by, the draft stands."""
    reflection, draft = state["reflection"], state["draft"]
    if not isinstance(reflection, Reflection) or draft is None:
        return {"refined": None}
    chat = chat_for(runtime, "refiner", state)
    try:
        return {"refined": await refine(chat, state["heard"], reflection, draft)}
    except (AnswerError, ModelError) as error:
        return {"refined": SetAside(role="refiner", reason=str(error))}


def frame(support: dict[str, str], seeker: Node = seeker_node) -> Builder:
    """The part that all graphs share: seeker, guard, hand-off, commit, and the way round.

    A graph adds its supporter between the nodes of `support` (by the label of the edge that leads
    there; several run side by side) and `commit`.
    """
    builder: Builder = StateGraph(State, context_schema=Context, input_schema=Feed)
    builder.add_node("seeker", seeker)
    builder.add_node("guard", guard_node)
    builder.add_node("hand_off", hand_off_node)
    builder.add_node("commit", commit_node)
    builder.add_edge(START, "seeker")
    builder.add_edge("seeker", "guard")

    # Routers are async, because LangGraph would send a plain function through a thread pool.
    async def after_guard(state: State) -> str | list[str]:
        risk = state["risk"]
        if isinstance(risk, Risky) and risk.crisis:
            return "crisis"
        return "closing" if state.get("stop") else list(support)

    ways: dict[Hashable, str] = {"crisis": "hand_off", "closing": "commit"}
    ways.update(support)
    builder.add_conditional_edges("guard", after_guard, ways)
    builder.add_edge("hand_off", "commit")
    builder.add_conditional_edges("commit", after_commit, {"next turn": "seeker", "end": END})
    return builder


async def after_commit(state: State) -> str:
    """`next turn` or `end`."""
    return "end" if state.get("stop") else "next turn"


def recursion_limit(turns: int) -> int:
    """Steps that a dialogue of `turns` supporter turns may take: seven a turn, and its closing."""
    return 7 * (turns + 2)
