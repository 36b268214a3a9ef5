"""What a laid-out graph is made of: boxes and routes on a grid of characters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from attunement.graphs.drawing.layers import Edge

Point = tuple[int, int]
"""Column and row."""
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
    for (x, y), end in pairwise(points):
        while (x, y) != end:
            x, y = x + (end[0] > x) - (end[0] < x), y + (end[1] > y) - (end[1] < y)
            yield x, y
