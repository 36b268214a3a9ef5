"""Recipe A: plan, draft beside reflection, refine (arXiv 2505.16610, with a planner in front)."""

from attunement.graphs.state import Graph
from attunement.graphs.supporting import (
    Builder,
    frame,
    planner_node,
    refiner_node,
    reflector_node,
    responder_node,
)


# LangGraph's server hands its own settings to a parameter, so that a factory it calls has none.
def build() -> Graph:
    """The graph."""
    builder = frame({"support": "planner"})
    builder.add_node("planner", planner_node)
    builder.add_edge("planner", "responder")
    builder.add_edge("planner", "reflector")
    return _refining(builder)


def build_plain_draft() -> Graph:
    """The published recipe: no planner, so that the draft is the model's answer to the plain task
    prompt."""
    return _refining(frame({"draft": "responder", "reflect": "reflector"}))


def _refining(builder: Builder) -> Graph:
    builder.add_node("responder", responder_node)
    builder.add_node("reflector", reflector_node)
    builder.add_node("refiner", refiner_node)
    builder.add_edge(["responder", "reflector"], "refiner")
    builder.add_edge("refiner", "commit")
    return builder.compile(name="self_refine")
