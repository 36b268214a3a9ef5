"""Recipe B's preference mining: what models say where a human's words are known (replay only).

Inferential preference mining (arXiv 2505.16995): at every supporter turn of a recorded dialogue a
planner names a strategy, a responder replies under the *recorded* strategy, and a joint model
writes both at once; one sample each. What the human said and did is beside it in the turn, and
corpora set the one against the other. A role without a usable sample sets the turn aside by its
name, and the others go on.
"""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from attunement.agents.joint import speak_jointly
from attunement.agents.planner import name_strategy
from attunement.agents.responder import respond
from attunement.core.errors import AnswerError, ConfigError, CutError, ModelError
from attunement.core.records import MINED, Mined, Plan, Reply, SetAside
from attunement.graphs.state import (
    Context,
    Graph,
    State,
    chat_for,
    recorded_reply,
    seeker_node,
)
from attunement.graphs.supporting import frame


async def recorded_seeker_node(state: State, runtime: Runtime[Context]) -> State:
    """The recording's next line; `ConfigError` for a dialogue that has none."""
    if "recorded" not in state:
        raise ConfigError("graph 'ipm' mines recorded dialogues: give it `recorded`")
    return await seeker_node(state, runtime)


async def sampled_planner_node(state: State, runtime: Runtime[Context]) -> State:
    """Sample a strategy once: asking again would bend the planner's preferences."""
    try:
        strategy = await name_strategy(chat_for(runtime, "planner", state), state["heard"])
    except (AnswerError, ModelError) as error:
        return {"plan": SetAside(role="planner", reason=str(error))}
    return {"plan": Plan(strategy=strategy)}


async def sampled_responder_node(state: State, runtime: Runtime[Context]) -> State:
    """Reply under the strategy that the human chose; where it is not known there is no draft."""
    strategy = recorded_reply(state).strategy
    if strategy is None:
        return {"draft": None}
    chat = chat_for(runtime, "responder", state)
    try:
        return {"draft": await respond(chat, state["heard"], Plan(strategy=strategy), "system")}
    except CutError as error:
        cut = SetAside(role="responder", reason=str(error))
        return {"draft": Reply(text=error.text, strategy=strategy), "cut": cut}
    except (AnswerError, ModelError) as error:
        return {"draft": None, "cut": SetAside(role="responder", reason=str(error))}


async def joint_node(state: State, runtime: Runtime[Context]) -> State:
    """Sample `[Strategy] reply`, kept as it is written."""
    try:
        return {"joint": await speak_jointly(chat_for(runtime, "joint", state), state["heard"])}
    except (AnswerError, ModelError) as error:
        return {"joint": SetAside(role="joint", reason=str(error))}


_NODES = {
    "strategy": ("planner", sampled_planner_node),
    "response": ("responder", sampled_responder_node),
    "joint": ("joint", joint_node),
}


def build() -> Graph:
    """The graph that mines everything."""
    return build_mining(MINED)


def build_mining(mining: Sequence[Mined]) -> Graph:
    """The graph: what is mined, side by side."""
    nodes = {name: _NODES[name] for name in MINED if name in mining}
    builder = frame({label: role for label, (role, _) in nodes.items()}, recorded_seeker_node)
    for role, node in nodes.values():
        builder.add_node(role, node)
    builder.add_edge([role for role, _ in nodes.values()], "commit")
    return builder.compile(name="ipm")
