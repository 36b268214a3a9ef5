"""Where things stand in a drawing: boxes, lines and labels on a grid of characters.

Text and pictures are both drawn from the same placement, so that no layout library is needed and
what a terminal shows is what a picture shows. Layers run from top to bottom.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from attunement.graphs.layers import Edge, Layers

Point = tuple[int, int]
APART = 3
"""Empty columns between boxes, and between a box and a lane."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its lines of text and its frame, in columns and rows; the frame belongs to it."""

    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width - 1

    @property
    def bottom(self) -> int:
        return self.y + self.height - 1

    @property
    def centre(self) -> int:
        return self.x + self.width // 2


@dataclass(frozen=True, slots=True)
class Route:
    """An edge: its corners, from the frame of its source to the frame of its target."""

    points: tuple[Point, ...]
    label: str
    label_at: Point
    """Where the label's first character stands."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A laid-out graph; everything lies within `width` columns and `height` rows."""

    boxes: Mapping[str, Box]
    routes: Mapping[Edge, Route]
    width: int
    height: int


def cells(points: Sequence[Point]) -> Iterator[Point]:
    """Every cell on the way through some corners, ends included."""
    yield points[0]
    for (x, y), end in zip(points, points[1:], strict=False):
        while (x, y) != end:
            x, y = x + (end[0] > x) - (end[0] < x), y + (end[1] > y) - (end[1] < y)
            yield x, y


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
    return _from_zero(boxes, _Router(layers, boxes, labels).routes())


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


# ---- lines --------------------------------------------------------------------------------------


class _Router:
    """Finds the way of each edge, lanes last, so that they nest outside of all else."""

    def __init__(
        self, layers: Layers, boxes: Mapping[str, Box], labels: Mapping[Edge, str]
    ) -> None:
        self.layers, self.boxes, self.labels = layers, boxes, labels
        self.taken: defaultdict[Point, set[Edge | str]] = defaultdict(set)
        """By cell: the boxes, lines and labels that lie there; a box also keeps one column free."""
        for node, box in boxes.items():
            frame = (range(box.x - 1, box.right + 2), range(box.y, box.bottom + 1))
            self._take(node, ((x, y) for x in frame[0] for y in frame[1]))

    def routes(self) -> dict[Edge, Route]:
        points = {e: self._down(e) for e in self.layers.edges if e not in self.layers.lanes}
        for edge, corners in points.items():
            self._take(edge, cells(corners))
        labels = {e: self._label(e, corners) or _crowded(corners) for e, corners in points.items()}
        for edge in sorted(self.layers.lanes, key=self.layers.span):
            points[edge], labels[edge] = self._lane(edge)
        return {
            edge: Route(tuple(points[edge]), self.labels.get(edge, ""), labels[edge])
            for edge in self.layers.edges
        }

    def _take(self, owner: Edge | str, area: Iterator[Point]) -> None:
        for cell in area:
            self.taken[cell].add(owner)

    def _down(self, edge: Edge) -> list[Point]:
        """A line down: straight, along a bus, or from a right side to a node that is aside."""
        source, target = (self.boxes[node] for node in edge)
        start, end = (source.centre, source.bottom), (target.centre, target.y)
        if edge in self.layers.forks:
            turn = self._bus_under(edge[0])
        elif edge in self.layers.joins:
            turn = self._bus_over(edge[1])
        elif edge in self.layers.straight:
            return [start, end]
        else:
            turn = source.y + source.height // 2
            return [(source.right, turn), (end[0], turn), end]
        return _without_repeats([start, (start[0], turn), (end[0], turn), end])

    def _bus_under(self, node: str) -> int:
        return max(self.boxes[n].bottom for n in self.layers.row(node)) + 1

    def _bus_over(self, node: str) -> int:
        return min(self.boxes[n].y for n in self.layers.row(node)) - 2

    def _lane(self, edge: Edge) -> tuple[list[Point], Point]:
        """The innermost lane on the left that is free and has room for the label."""
        x = min(box.x for box in self.boxes.values()) - APART
        while True:
            leave, enter = self._to_lane(edge, x), self._from_lane(edge, x)
            upright = list(cells([leave[-1], enter[0]]))
            near = ((x + dx, y) for _, y in upright for dx in range(1 - APART, APART))
            if not any(self.taken.get(cell) for cell in near):
                at = self._label(edge, upright)
                if at or not self.labels.get(edge):
                    self._take(edge, cells(leave + enter))
                    return leave + enter, at or (0, 0)
            x -= 1

    def _to_lane(self, edge: Edge, x: int) -> list[Point]:
        source = self.boxes[edge[0]]
        if edge in self.layers.forks:
            row = self._bus_under(edge[0])
            return [(source.centre, source.bottom), (source.centre, row), (x, row)]
        row = self._port(edge[0], (edge, True))
        return [(source.x, row), (x, row)]

    def _from_lane(self, edge: Edge, x: int) -> list[Point]:
        target = self.boxes[edge[1]]
        if edge in self.layers.joins:
            row = self._bus_over(edge[1])
            return [(x, row), (target.centre, row), (target.centre, target.y)]
        row = self._port(edge[1], (edge, False))
        return [(x, row), (target.x, row)]

    def _port(self, node: str, port: tuple[Edge, bool]) -> int:
        box, ports = self.boxes[node], self.layers.ports(node)
        return box.y + (box.height - len(ports) + 1) // 2 + ports.index(port)

    def _label(self, edge: Edge, points: Sequence[Point]) -> Point | None:
        """Take room for a label beside an upright part of a line that is this edge's alone.

        Returns where the label begins; None if there is none, or no room for it.
        """
        if not (label := self.labels.get(edge)):
            return None
        way = list(cells(points))
        upright = [
            (x, y) for (x, y), (before, _), (after, _) in zip(way[1:-2], way, way[2:], strict=False)
            if before == x == after and self.taken.get((x, y), {edge}) == {edge}
        ]  # fmt: skip
        middle = (way[0][1] + way[-1][1]) / 2
        upright.sort(key=lambda cell: abs(cell[1] - middle))
        rights = [(x + 2, y) for x, y in upright]
        lefts = [(x - 1 - len(label), y) for x, y in upright]
        for x, y in rights + lefts:
            room = [(x + i, y) for i in range(-1, len(label) + 1)]
            if not any(self.taken.get(cell) for cell in room):
                self._take(label, iter(room))
                return x, y
        return None


def _crowded(points: Sequence[Point]) -> Point:
    """Where a label goes that found no room of its own: over the middle of its line."""
    x, y = list(cells(points))[-3]
    return x + 2, y


def _without_repeats(points: Sequence[Point]) -> list[Point]:
    return [p for i, p in enumerate(points) if not i or p != points[i - 1]]


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
