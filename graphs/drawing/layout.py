"""Where the nodes of a drawing stand, on a grid of characters.

Text and pictures are both drawn from the same placement, so that no layout library is needed and
what a terminal shows is what a picture shows. Layers run from top to bottom.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import networkx as nx

from attunement.graphs.drawing.layers import Edge, Layers
from attunement.graphs.drawing.placement import APART, Box, Placement, Route
from attunement.graphs.drawing.routing import Router


def place(
    graph: nx.DiGraph,
    lines: Mapping[str, Sequence[str]],
    labels: Mapping[Edge, str],
    aside: Sequence[str] = (),
) -> Placement:
    """Lay out a graph: `lines` of text for each node, `labels` for edges that have one.

    Nodes named in `aside` stand to the right of the others. The same input gives the same layout.
    """
    layers = Layers(graph, aside)
    boxes = _place_boxes(layers, lines, labels)
    return _from_zero(boxes, Router(layers, boxes, labels).routes())


# ---- boxes --------------------------------------------------------------------------------------


def _place_boxes(
    layers: Layers, lines: Mapping[str, Sequence[str]], labels: Mapping[Edge, str]
) -> dict[str, Box]:
    columns = _columns(layers, lines, labels)
    boxes: dict[str, Box] = {}
    y = 0
    for number, row in enumerate(layers.rows):
        y += _gap_above(layers, number)
        heights = {n: max(len(lines[n]), len(layers.ports(n)), 1) + 2 for n in row}
        tallest = max(heights.values())
        for node in row:
            x, width = columns[node]
            top = y + (tallest - heights[node]) // 2
            boxes[node] = Box(tuple(lines[node]), x, top, width, heights[node])
        y += tallest
    return boxes


def _gap_above(layers: Layers, number: int) -> int:
    """Rows above a layer: a bus for what forks, a row of labels, a bus for what joins, arrows."""
    fork = any(layers.layer[source] == number - 1 for source, _ in layers.forks)
    join = any(layers.layer[target] == number for _, target in layers.joins)
    return fork + join + (2 if number else join)


def _columns(
    layers: Layers, lines: Mapping[str, Sequence[str]], labels: Mapping[Edge, str]
) -> dict[str, tuple[int, int]]:
    """Left column and (odd) width of each box: layers about column 0, then those aside."""
    width = {node: max(map(len, lines[node])) // 2 * 2 + 5 for node in layers.graph}
    ends = {n for n in layers.graph if not layers.graph.in_degree(n)}
    ends |= {n for n in layers.graph if not layers.graph.out_degree(n)}
    steps = [n for n in layers.graph if n not in ends and n not in layers.aside]
    width |= dict.fromkeys(steps, max((width[n] for n in steps), default=0))
    longest_label = max(map(len, labels.values()), default=0)
    pitch = (max(max(width.values(), default=0), longest_label + 1) + APART) // 2 * 2
    columns: dict[str, tuple[int, int]] = {}
    for node in layers.graph:
        if node not in layers.aside:
            left = round(layers.off_centre(node) * pitch) - width[node] // 2
            columns[node] = (left, width[node])
    right = max((x + w for x, w in columns.values()), default=0)
    for node in layers.aside:
        beside = max((sum(columns[n]) for n in layers.row(node) if n in columns), default=0)
        left = max(right + APART - width[node] // 2, beside + APART)
        columns[node] = (left, width[node])
        right = left + width[node] + width[node] // 2
    return columns


# ---- the whole ----------------------------------------------------------------------------------


def _from_zero(boxes: Mapping[str, Box], routes: Mapping[Edge, Route]) -> Placement:
    """The drawing moved so that it begins in column 0 and row 0."""
    spots = [(b.x, b.y) for b in boxes.values()] + [(b.right, b.bottom) for b in boxes.values()]
    for route in routes.values():
        (x, y), length = route.label_at, len(route.label)
        spots += [*route.points, *([(x, y), (x + length - 1, y)] if length else [])]
    xs, ys = [x for x, _ in spots], [y for _, y in spots]
    dx, dy = -min(xs, default=0), -min(ys, default=0)
    return Placement(
        {node: replace(box, x=box.x + dx, y=box.y + dy) for node, box in boxes.items()},
        {edge: _moved(route, dx, dy) for edge, route in routes.items()},
        width=max(xs, default=-1) + dx + 1,
        height=max(ys, default=-1) + dy + 1,
    )


def _moved(route: Route, dx: int, dy: int) -> Route:
    points = tuple((x + dx, y + dy) for x, y in route.points)
    return Route(points, route.label, (route.label_at[0] + dx, route.label_at[1] + dy))
