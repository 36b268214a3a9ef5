"""A placed graph as a picture: boxes shaded by latency, lines as wide as they were often taken."""

import networkx as nx

from attunement.graphs.drawing.canvas import (
    FAINT,
    INK,
    LINE,
    MUTED,
    PictureKind,
    Sheet,
    Spot,
    through,
)
from attunement.graphs.drawing.layers import Edge
from attunement.graphs.drawing.placement import Box, Placement, Point, Route
from attunement.graphs.drawing.shades import NO_FIGURE, ink, latency_scale, milliseconds

COLUMN, ROW = 0.082, 0.165
"""Inches of a character cell; a column is wider than the mean letter, so that text fits its box."""
_SIDE, _HEAD, _FOOT = 0.4, 0.7, 0.72
_TINTS = {"seeker": "#dcebf7", "guard": "#fbe8c8", "hand_off": "#fbe8c8", "commit": "#e9e9e9"}
_TINT = "#e2f1e6"
"""Fills of a drawing without figures: the seeker, the safety path, the journal, the supporter."""


def draw_picture(graph: nx.DiGraph, placement: Placement, title: str, kind: PictureKind) -> bytes:
    """The graph as SVG or PNG. Nodes and edges carry the attributes of `drawing.to_networkx`."""
    return sheet_of(graph, placement, title).to_bytes(kind)


def sheet_of(graph: nx.DiGraph, placement: Placement, title: str) -> Sheet:
    """A sheet with the graph, its title and the key to shades and lines."""
    foot = _FOOT + (0.26 if latency_scale(graph) else 0)
    inner = max(placement.width * COLUMN, len(title) * 0.1, 4.2)
    sheet = Sheet(inner + 2 * _SIDE, placement.height * ROW + _HEAD + foot, title)
    left = (sheet.width - placement.width * COLUMN) / 2
    picture = _Picture(graph, sheet, left)
    sheet.text((_SIDE, 0.38), title, 11, weight="bold")
    for edge, route in sorted(placement.routes.items(), key=lambda e: picture.width(e[0])):
        picture.route(edge, route)
    for node, box in placement.boxes.items():
        picture.box(node, box)
    picture.key()
    return sheet


class _Picture:
    """Draws the parts of one graph onto a sheet."""

    def __init__(self, graph: nx.DiGraph, sheet: Sheet, left: float) -> None:
        self.graph, self.sheet, self.left = graph, sheet, left
        self.scale = latency_scale(graph)
        counts = [n for _, _, n in graph.edges.data("taken") if n is not None]
        self.most = max(counts, default=0)

    def box(self, node: str, box: Box) -> None:
        """A node: its frame, its name, its figures."""
        (x, y), (right, bottom) = self._spot((box.x, box.y)), self._spot((box.right, box.bottom))
        fill = self._fill(node)
        height = bottom - y
        radius = 0.1 if self._is_step(node) else height / 2
        self.sheet.box((x, y), (right - x, height), radius, fill, LINE, 1.0)
        middle = (y + bottom) / 2
        for i, line in enumerate(box.lines):
            spot = ((x + right) / 2, middle + (i - (len(box.lines) - 1) / 2) * ROW)
            self.sheet.text(spot, line, 8 if i else 9.5, ha="center", color=ink(fill),
                            weight="normal" if i else "bold")  # fmt: skip

    def _is_step(self, node: str) -> bool:
        """Whether a node is neither the start nor the end."""
        return bool(self.graph.in_degree(node) and self.graph.out_degree(node))

    def _fill(self, node: str) -> str:
        if not self._is_step(node):
            return NO_FIGURE
        if "turns" not in self.graph.nodes[node]:
            return _TINTS.get(node, _TINT)
        latency = self.graph.nodes[node]["mean_latency_ms"]
        return NO_FIGURE if latency is None or not self.scale else self.scale.shade(latency)

    def route(self, edge: Edge, route: Route) -> None:
        """An edge: its line, with its label beside it."""
        never = self.graph.edges[edge].get("taken") == 0
        dashed = self.graph.edges[edge]["conditional"]
        path = through([self._spot(point) for point in route.points])
        self.sheet.arrow(path, self.width(edge), FAINT if never else LINE, dashed)
        x, y = self._spot(route.label_at)
        self.sheet.text((x - COLUMN / 2, y), route.label, color=MUTED if never else INK)

    def width(self, edge: Edge) -> float:
        """Points of an edge's line: as often as it was taken, else all the same."""
        taken = self.graph.edges[edge].get("taken")
        return 1.1 if not taken else 1.0 + 3.0 * taken / self.most

    def key(self) -> None:
        """What lines and shades mean, under the drawing."""
        y = self.sheet.height - 0.32 - (0.26 if self.scale else 0)
        self.sheet.arrow(through([(_SIDE, y), (_SIDE + 0.45, y)]), 1.1, MUTED, dashed=True)
        words = "taken on a condition" + ("; width: by how many turns" if self.most else "")
        self.sheet.text((_SIDE + 0.55, y), words, 8, color=MUTED)
        if self.scale:
            self.sheet.key((_SIDE, y + 0.26), "mean latency", "0", milliseconds(self.scale.high))

    def _spot(self, cell: Point) -> Spot:
        return self.left + (cell[0] + 0.5) * COLUMN, _HEAD + (cell[1] + 0.5) * ROW
