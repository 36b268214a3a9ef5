"""A run's graph and its strategies as data that a page can draw."""

import networkx as nx
from langgraph.graph import END, START

from attunement.evaluation.transitions import network
from attunement.graphs.drawing.diagram import ASIDE, RunStats, to_networkx
from attunement.graphs.drawing.layout import place
from attunement.graphs.drawing.placement import Box, Placement
from attunement.simulator.backends import graph_for
from attunement.simulator.config import RunConfig
from attunement.simulator.exchanges import exchanges_of
from attunement.simulator.journal import Journal
from attunement.simulator.statistics import run_stats
from attunement.viewer.debugger.records import (
    EdgeView,
    GraphPage,
    GraphView,
    NodeView,
    StrategyEdge,
    StrategyNode,
    StrategyPage,
)

_LINE = "x" * 18
"""As long as what may stand under a node's name; it does so twice."""
_COUNT = "100,000"
"""Room for how often an edge was taken."""


def graph_page(journal: Journal, config: RunConfig) -> GraphPage:
    """A run on its graph."""
    stats = run_stats(journal, graph_for(config))
    spent = {
        node: (found.calls or 0) * found.mean_latency_ms
        for node, found in stats.nodes.items()
        if found.mean_latency_ms is not None
    }
    hot = tuple(sorted(spent, key=lambda node: -spent[node]))
    return GraphPage(graph=graph_view(config, stats), hot=hot)


def graph_view(config: RunConfig, stats: RunStats | None = None) -> GraphView:
    """A run's compiled graph, laid out, with figures if there are any; they move nothing."""
    graph = to_networkx(graph_for(config), stats=stats)
    placement = _placed(graph)
    return GraphView(
        name=graph.graph["name"],
        width=placement.width,
        height=placement.height,
        nodes=tuple(_node(graph, node, placement.boxes[node]) for node in in_order(placement)),
        edges=tuple(_edge(graph, a, b, placement) for a, b in graph.edges),
    )


def _placed(graph: nx.DiGraph) -> Placement:
    ends = (START, END)
    lines = {n: [d["label"], *([] if n in ends else [_LINE] * 2)] for n, d in graph.nodes.items()}
    labels = {
        (a, b): f"{label} {_COUNT}" if label else _COUNT
        for a, b, label in graph.edges.data("label")
    }
    return place(graph, lines, labels, ASIDE)


def in_order(placement: Placement) -> list[str]:
    """The nodes as they run: layer by layer, and from left to right."""
    boxes = placement.boxes

    def middle(node: str) -> tuple[int, int]:
        return 2 * boxes[node].y + boxes[node].height, boxes[node].x

    return sorted(boxes, key=middle)


def _node(graph: nx.DiGraph, node: str, box: Box) -> NodeView:
    figures = dict(graph.nodes[node])
    # A frame runs through the middle of its cells, as the lines do that end there.
    place = {"x": box.x, "y": box.y, "width": box.width - 1, "height": box.height - 1}
    return NodeView.model_validate({"id": node, **figures, **place})


def _edge(graph: nx.DiGraph, source: str, target: str, placement: Placement) -> EdgeView:
    figures, route = graph.edges[source, target], placement.routes[source, target]
    return EdgeView(
        source=source,
        target=target,
        label=figures["label"] or "",
        conditional=figures["conditional"],
        taken=figures.get("taken"),
        points=route.points,
        label_at=route.label_at,
    )


def strategy_page(journal: Journal) -> StrategyPage:
    """The strategy-transition network of a run, branches left out."""
    found = network(exchanges_of(journal))
    shown = ("times", "mean_relief", "mean_rating")

    def figures(of: dict[str, int | float | None]) -> dict[str, int | float | None]:
        return {name: of[name] for name in shown}

    return StrategyPage(
        replies=found.graph["replies"],
        without_strategy=found.graph["without_strategy"],
        nodes=tuple(
            StrategyNode.model_validate({"strategy": node, **figures(data)})
            for node, data in found.nodes.items()
        ),
        edges=tuple(
            StrategyEdge.model_validate({"source": a, "target": b, **figures(data)})
            for a, b, data in found.edges.data()
        ),
    )
