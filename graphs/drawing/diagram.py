"""A compiled graph as a drawing: JSON, Mermaid text, text for a terminal, a picture.

attune graph self_refine --format mermaid
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import networkx as nx
import orjson
from langchain_core.runnables.graph import Edge as DrawnEdge
from langchain_core.runnables.graph import Graph as DrawnGraph
from langchain_core.runnables.graph import Node as DrawnNode
from langgraph.graph import END, START
from pydantic import Field

from attunement.core.records import Record
from attunement.graphs.drawing.layers import Edge
from attunement.graphs.drawing.layout import place
from attunement.graphs.drawing.placement import Placement
from attunement.graphs.drawing.shades import ink, latencies, latency_scale, milliseconds
from attunement.graphs.drawing.text import draw_text
from attunement.graphs.state import Graph

ASIDE = ("hand_off",)
"""Nodes that are drawn beside the way that most turns take."""
_NAMES = {START: "start", END: "end"}


class NodeStats(Record):
    """What a run did in one node."""

    turns: int = Field(ge=0)
    """Committed turns that passed through it."""
    calls: int | None = None
    """Model calls with re-asks and failed ones; None for a node without a model."""
    mean_latency_ms: float | None = None
    """Mean over these calls, from the request to the answer or the failure."""
    errors: int = 0
    """Calls that failed for good."""
    re_asks: int = 0
    """Calls that repeat one whose answer could not be read."""


@dataclass(frozen=True, slots=True)
class RunStats:
    """What a run did on its graph."""

    nodes: Mapping[str, NodeStats]
    taken: Mapping[Edge, int] = field(default_factory=dict)
    """How many committed turns took an edge."""


def to_networkx(compiled: Graph, title: str = "", stats: RunStats | None = None) -> nx.DiGraph:
    """The nodes and edges of a compiled graph, with a run's figures as attributes.

    The graph has its `name` and a `title`, which says what is special here. Nodes have a `label`,
    edges a `label` (None without one) and `conditional`; with a run, nodes have the fields of
    `NodeStats` and edges have `taken`.
    """
    drawn = compiled.get_graph()
    graph = nx.DiGraph(name=compiled.name, title=title)
    for node in drawn.nodes:
        found = stats.nodes.get(node) if stats else None
        figures = found.model_dump() if found else {}
        graph.add_node(node, label=_NAMES.get(node, node), **figures)
    for source, target, data, conditional in drawn.edges:
        label = None if data is None else str(data)
        graph.add_edge(source, target, label=label, conditional=conditional)
        if stats and (source, target) in stats.taken:
            graph.edges[source, target]["taken"] = stats.taken[source, target]
    return graph


def to_json(graph: nx.DiGraph) -> str:
    """The graph as `networkx.node_link_graph` reads it."""
    data = nx.node_link_data(graph, edges="edges")
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()


def to_mermaid(graph: nx.DiGraph) -> str:
    """The graph as LangGraph writes it in Mermaid, with the figures of a run where it has them."""
    nodes = {
        node: DrawnNode(node, node if node in _NAMES else "<br/>".join(lines), None, None)
        for node, lines in node_lines(graph).items()
    }
    labels = edge_labels(graph)
    edges = [
        DrawnEdge(a, b, labels.get((a, b)), conditional)
        for a, b, conditional in graph.edges.data("conditional")
    ]
    title = {"title": heading(graph)} if graph.graph["title"] else None
    text = DrawnGraph(nodes, edges).draw_mermaid(frontmatter_config=title)
    scale = latency_scale(graph)
    shades = {n: scale.shade(ms) for n, ms in latencies(graph).items()} if scale else {}
    return text + "".join(f"\tstyle {n} fill:{s},color:{ink(s)}\n" for n, s in shades.items())


def to_text(graph: nx.DiGraph, plain: bool = False) -> str:
    """The graph drawn in characters; `plain` for a terminal that has ASCII only."""
    dashed = [(a, b) for a, b, conditional in graph.edges.data("conditional") if conditional]
    drawn = draw_text(placement_of(graph), dashed, plain)
    return f"{heading(graph)}\n\n{drawn}\n\ndashed: taken on a condition"


def to_picture(graph: nx.DiGraph, kind: Literal["svg", "png"]) -> bytes:
    """The graph as a picture. The same graph gives the same bytes."""
    from attunement.graphs.drawing.picture import (
        draw_picture,  # matplotlib takes a second to import
    )

    return draw_picture(graph, placement_of(graph), heading(graph), kind)


def placement_of(graph: nx.DiGraph) -> Placement:
    """Where the parts of a drawing of the graph stand."""
    return place(graph, node_lines(graph), edge_labels(graph), ASIDE)


def heading(graph: nx.DiGraph) -> str:
    """The graph's name, and its title if there is one."""
    return ": ".join(part for part in (graph.graph["name"], graph.graph["title"]) if part)


def node_lines(graph: nx.DiGraph) -> dict[str, list[str]]:
    """What stands in each node's box: its name, then its figures."""
    return {node: [figures["label"], *_in_words(figures)] for node, figures in graph.nodes.items()}


def edge_labels(graph: nx.DiGraph) -> dict[Edge, str]:
    """What stands beside the edges that have a label or a count."""
    labels = {}
    for source, target, figures in graph.edges.data():
        taken = figures.get("taken")
        words = [figures["label"] or "", "" if taken is None else f"{taken:,}"]
        labels[source, target] = " ".join(filter(None, words))
    return {edge: label for edge, label in labels.items() if label}


def _in_words(figures: Mapping[str, Any]) -> list[str]:
    if "turns" not in figures:
        return []
    if figures["calls"] is None:
        return [many(figures["turns"], "turn")]
    latency = figures["mean_latency_ms"]
    words = many(figures["calls"], "call")
    lines = [words if latency is None else f"{words}, {milliseconds(latency)}"]
    trouble = {"re-ask": figures["re_asks"], "error": figures["errors"]}
    if any(trouble.values()):
        lines.append(", ".join(many(n, thing) for thing, n in trouble.items() if n))
    return lines


def many(count: int, one: str, more: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"
