"""The strategy-transition network as a picture: a ring of strategies, arrows between them."""

from collections.abc import Iterator, Mapping
from math import copysign, cos, pi, sin, sqrt
from typing import Any

import networkx as nx
from matplotlib.path import Path

from attunement.graphs.drawing.canvas import (
    LINE,
    MUTED,
    Curve,
    PictureKind,
    Sheet,
    Spot,
    head_length,
    towards,
)
from attunement.graphs.drawing.diagram import many
from attunement.graphs.drawing.shades import NO_FIGURE, Scale

_SIZE: Spot = (11.6, 8.1)
_MIDDLE: Spot = (5.8, 3.95)
_RING = 2.45
_BEND = 0.16
"""How far an arrow bends to its left, in lengths; there and back so run apart."""
_NUMBERED = 12
"""Arrows that carry their number at most: the most frequent ones."""


def draw_transitions(graph: nx.DiGraph, title: str, kind: PictureKind) -> bytes:
    """The network of `transitions` as SVG or PNG. The same network gives the same bytes."""
    return sheet_of(graph, title).to_bytes(kind)


def sheet_of(graph: nx.DiGraph, title: str) -> Sheet:
    """A sheet with the network, its title and the key to sizes and shades."""
    sheet = Sheet(*_SIZE, title)
    sheet.text((0.4, 0.38), title, 11, weight="bold")
    ring = _Ring(graph, sheet)
    by_times = sorted(graph.edges, key=lambda edge: graph.edges[edge]["times"])
    for edge in by_times:
        ring.arrow(*edge)
    for node in graph:
        ring.node(node)
    ring.numbers([(a, b) for a, b in by_times[::-1] if a != b][:_NUMBERED])
    ring.key()
    return sheet


class _Ring:
    """Draws the parts of one network onto a sheet."""

    def __init__(self, graph: nx.DiGraph, sheet: Sheet) -> None:
        self.graph, self.sheet = graph, sheet
        self.most_used = max((n for _, n in graph.nodes.data("times")), default=0) or 1
        self.most_taken = max((n for *_, n in graph.edges.data("times")), default=0) or 1
        self.scale = Scale.of(mean for _, mean in graph.nodes.data("mean_relief"))
        # Clockwise and between the axes, so that each has room for its words at its side.
        angles = ((2 * i + 1) / len(graph) - 0.5 for i in range(len(graph)))
        self.direction = {n: (cos(pi * a), sin(pi * a)) for n, a in zip(graph, angles, strict=True)}

    def node(self, node: str) -> None:
        """A strategy: a disc as large as it was often used, and its figures in words."""
        figures = self.graph.nodes[node]
        shade = self._shade(figures["mean_relief"])
        self.sheet.disc(self._at(node), self._radius(node), shade, LINE, 1.0)
        (x, y), (dx, dy) = self._beyond(node, 0.5), self.direction[node]
        side = "left" if dx > 0 else "right"
        x += copysign(0.25 * abs(dy), dx)  # past the loop, which is broad above and below
        self.sheet.text((x, y - 0.17), node, 9.5, weight="bold", ha=side)
        self.sheet.text((x, y + 0.01), in_words(figures), 8, color=MUTED, ha=side)
        if again := self.graph.get_edge_data(node, node):
            self.sheet.text((x, y + 0.18), f"again {in_words(again)}", 8, color=MUTED, ha=side)

    def arrow(self, source: str, target: str) -> None:
        """A transition, as wide as it was often taken."""
        share = self.graph.edges[source, target]["times"] / self.most_taken
        width = 0.6 + 4.0 * share
        path = self._loop(source, width) if source == target else self._bow(source, target, width)
        self.sheet.arrow(path, width, _grey(share))

    def numbers(self, edges: list[tuple[str, str]]) -> None:
        """How often the given arrows were taken, each where its line has room."""
        placed: list[Spot] = []
        for source, target in edges:
            spots = [at for at in self._spots(source, target) if self._beside_discs(at)]
            free = (at for at in spots if all(_apart(at, other) for other in placed))
            at = next(free, None)
            if at is None:  # no room: better no number than one on top of another
                continue
            placed.append(at)
            figures = self.graph.edges[source, target]
            relief = figures["mean_relief"]
            words = f"{figures['times']:,}" + ("" if relief is None else f"  {signed(relief)}")
            back = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"}
            self.sheet.text(at, words, 7.5, ha="center", va="center", bbox=back)

    def key(self) -> None:
        """What sizes and shades mean, under the drawing."""
        y = self.sheet.height - 0.6
        words = (
            "arrow: the next reply's strategy; size and width: how often; "
            "on the commonest: how often, and mean relief after it"
        )
        if without := self.graph.graph["without_strategy"]:
            words += f"; {many(without, 'reply without a strategy', 'replies without a strategy')}"
        self.sheet.text((0.4, y), words, 8, color=MUTED)
        if self.scale:
            low, high = signed(self.scale.low), signed(self.scale.high)
            what = "mean relief (drop of the seeker's intensity, in points) after the reply"
            self.sheet.key((0.4, y + 0.26), what, low, high)

    def _spots(self, source: str, target: str) -> Iterator[Spot]:
        """Where a number may stand on an arrow, the best first."""
        start, end = self._at(source), self._at(target)
        bend = _bend(start, end)
        for share in (0.36, 0.3, 0.42, 0.26, 0.48, 0.54, 0.6, 0.66):
            a, b, c = (1 - share) ** 2, 2 * share * (1 - share), share**2
            x, y = (a * s + b * m + c * e for s, m, e in zip(start, bend, end, strict=True))
            yield x, y

    def _beside_discs(self, at: Spot) -> bool:
        """Whether a number at a spot touches no disc."""
        near = ((self._at(node), self._radius(node)) for node in self.graph)
        return all(abs(at[0] - x) > r + 0.36 or abs(at[1] - y) > r + 0.1 for (x, y), r in near)

    def _bow(self, source: str, target: str, width: float) -> Curve:
        """From disc to disc in a curve, straight under the head."""
        start, end = self._at(source), self._at(target)
        bend = _bend(start, end)
        tip = towards(end, bend, self._radius(target) + 0.03)
        neck = towards(tip, bend, head_length(width))
        way = [towards(start, bend, self._radius(source)), bend, neck, tip]
        return Curve(way, (Path.MOVETO, Path.CURVE3, Path.CURVE3, Path.LINETO))

    def _loop(self, node: str, width: float) -> Curve:
        """From a disc back to itself, outside of the ring."""
        (x, y), (dx, dy), radius = self._at(node), self.direction[node], self._radius(node)

        def around(along: float, across: float) -> Spot:
            return x + dx * along - dy * across, y + dy * along + dx * across

        half = min(0.11, radius * 0.6)
        rim = sqrt(radius**2 - half**2)
        corner = around(radius + 0.5, half + 0.26)
        tip = around(rim + 0.02, half)
        neck = towards(tip, corner, head_length(width))
        way = [around(rim, -half), around(radius + 0.5, -half - 0.26), corner, neck, tip]
        return Curve(way, (Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO))

    def _at(self, node: str) -> Spot:
        dx, dy = self.direction[node]
        return _MIDDLE[0] + dx * _RING, _MIDDLE[1] + dy * _RING

    def _beyond(self, node: str, inches: float) -> Spot:
        """A spot outside of a node's disc."""
        (x, y), (dx, dy), out = self._at(node), self.direction[node], self._radius(node) + inches
        return x + dx * out, y + dy * out

    def _radius(self, node: str) -> float:
        return 0.08 + 0.27 * sqrt(self.graph.nodes[node]["times"] / self.most_used)

    def _shade(self, relief: float | None) -> str:
        return NO_FIGURE if relief is None or not self.scale else self.scale.shade(relief)


def in_words(figures: Mapping[str, Any]) -> str:
    """A strategy's figures in a few words."""
    relief, rating = figures["mean_relief"], figures["mean_rating"]
    words = [many(figures["times"], "time")]
    words += [] if relief is None else [f"relief {signed(relief)}"]
    words += [] if rating is None else [f"rating {rating:.1f}"]
    return ", ".join(words)


def signed(value: float) -> str:
    """A mean with its sign; a minus as wide as a plus."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _bend(start: Spot, end: Spot) -> Spot:
    """The corner that a curve between two spots leans to."""
    (x, y), (to_x, to_y) = start, end
    return (x + to_x) / 2 + (to_y - y) * _BEND, (y + to_y) / 2 - (to_x - x) * _BEND


def _apart(a: Spot, b: Spot) -> bool:
    """Whether the words at two spots do not touch."""
    return abs(a[0] - b[0]) > 0.72 or abs(a[1] - b[1]) > 0.19


def _grey(share: float) -> str:
    """The grey of an arrow: the more often it was taken, the darker."""
    return f"#{round(200 - 130 * share**0.6):02x}" + 2 * f"{round(200 - 130 * share**0.6):02x}"
