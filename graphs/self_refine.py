"""Recipe A: plan, draft beside reflection, refine (arXiv 2505.16610, with a planner in front)."""

from attunement.graphs.state import Graph
from attunement.graphs.supporting import (
    frame,
    planner_node,
    refiner_node,
    reflector_node,
    responder_node,
)


def build(plain_draft: bool = False) -> Graph:
    """The graph. With `plain_draft` it is the published recipe: no planner, so that the draft is
    the model's answer to the plain task prompt."""
    if plain_draft:
        builder = frame({"draft": "responder", "reflect": "reflector"})
    else:
        builder = frame({"support": "planner"})
        builder.add_node("planner", planner_node)
        builder.add_edge("planner", "responder")
        builder.add_edge("planner", "reflector")
    builder.add_node("responder", responder_node)
    builder.add_node("reflector", reflector_node)
    builder.add_node("refiner", refiner_node)
    builder.add_edge(["responder", "reflector"], "refiner")
    builder.add_edge("refiner", "commit")
    return builder.compile(name="self_refine")
