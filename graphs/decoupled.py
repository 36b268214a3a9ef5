"""Recipe B: a strategy planner and a response generator, two models (arXiv 2505.16995)."""

from langgraph.runtime import Runtime

from attunement.graphs.state import Context, Graph, State
from attunement.graphs.supporting import frame, planner_node, responder_node


async def trained_responder_node(state: State, runtime: Runtime[Context]) -> State:
    """Draft a reply to the plan, asked as the recipe trains it: strategy in the system prompt."""
    return await responder_node(state, runtime, place="system")


def build() -> Graph:
    """The graph: plan, then reply to the plan."""
    builder = frame({"support": "planner"})
    builder.add_node("planner", planner_node)
    builder.add_node("responder", trained_responder_node)
    builder.add_edge("planner", "responder")
    builder.add_edge("responder", "commit")
    return builder.compile(name="decoupled")
