"""The responder alone: what a trained model is deployed as, and the baseline."""

from attunement.graphs.state import Graph
from attunement.graphs.supporting import frame, responder_node


def build() -> Graph:
    """The graph: reply."""
    builder = frame({"support": "responder"})
    builder.add_node("responder", responder_node)
    builder.add_edge("responder", "commit")
    return builder.compile(name="direct")
