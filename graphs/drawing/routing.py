"""Which way the edges of a drawing run, and where their labels stand."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from attunement.graphs.drawing.layers import Edge, Layers
from attunement.graphs.drawing.placement import APART, Box, Point, Route, cells


class Router:
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
        upright = upright or way
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
