"""Recipe B: a strategy planner and a response generator, two models (arXiv 2505.16995)."""

from attunement.graphs.state import Graph
from attunement.graphs.supporting import frame, planner_node, responder_node


def build() -> Graph:
    """The graph: plan, then reply to the plan."""
    builder = frame({"support": "planner"})
    builder.add_node("planner", planner_node)
    builder.add_node("responder", responder_node)
    builder.add_edge("planner", "responder")
    builder.add_edge("responder", "commit")
    return builder.compile(name="decoupled")
