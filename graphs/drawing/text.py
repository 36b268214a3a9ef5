"""A placed graph as text: box-drawing characters, or plain ASCII where a terminal has no others."""

from collections import defaultdict
from collections.abc import Collection
from itertools import pairwise

from attunement.graphs.drawing.layers import Edge
from attunement.graphs.drawing.placement import Box, Placement, Point, Route, cells

_UP, _RIGHT, _DOWN, _LEFT = 1, 2, 4, 8
_LINES = {
    _UP: "│", _DOWN: "│", _LEFT: "─", _RIGHT: "─", _UP | _DOWN: "│", _LEFT | _RIGHT: "─",
    _DOWN | _RIGHT: "╭", _DOWN | _LEFT: "╮", _UP | _RIGHT: "╰", _UP | _LEFT: "╯",
    _UP | _DOWN | _RIGHT: "├", _UP | _DOWN | _LEFT: "┤", _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _LEFT | _RIGHT: "┴", _UP | _RIGHT | _DOWN | _LEFT: "┼",
}  # fmt: skip
_DIRECTIONS = {(0, -1): _UP, (1, 0): _RIGHT, (0, 1): _DOWN, (-1, 0): _LEFT}
_OPPOSITE = {_UP: _DOWN, _DOWN: _UP, _LEFT: _RIGHT, _RIGHT: _LEFT}
_DASHED = {"│": "┆", "─": "┄"}
_ARROWS = {(0, 1): "▼", (0, -1): "▲", (1, 0): "▶", (-1, 0): "◀"}
_PLAIN = str.maketrans("│─┆┄▼▲▶◀╭╮╰╯├┤┬┴┼", "|-:.v^><+++++++++")


def draw_text(placement: Placement, dashed: Collection[Edge] = (), plain: bool = False) -> str:
    """The drawing as lines of text without trailing blanks; `plain` uses ASCII lines only."""
    canvas = _Canvas()
    for box in placement.boxes.values():
        canvas.box(box)
    for edge, route in placement.routes.items():
        canvas.route(route, edge in dashed)
    text = canvas.text(placement.width, placement.height)
    return text.translate(_PLAIN) if plain else text


class _Canvas:
    """Cells with the directions in which lines leave them, so that lines join where they meet."""

    def __init__(self) -> None:
        self.lines: defaultdict[Point, int] = defaultdict(int)
        self.solid: set[Point] = set()
        self.letters: dict[Point, str] = {}

    def box(self, box: Box) -> None:
        corners = ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom))
        self._line(list(cells([*corners, corners[0]])), dashed=False)
        free = box.height - 2 - len(box.lines)
        for i, line in enumerate(box.lines):
            left = box.x + (box.width - len(line)) // 2
            self._write((left, box.y + 1 + free // 2 + i), line)

    def route(self, route: Route, dashed: bool) -> None:
        way = list(cells(route.points))
        self._line(way[:-1], dashed)
        (x, y), (to_x, to_y) = way[-2:]
        self.letters[x, y] = _ARROWS[to_x - x, to_y - y]
        self._write(route.label_at, route.label)

    def _line(self, way: list[Point], dashed: bool) -> None:
        for (x, y), (to_x, to_y) in pairwise(way):
            out = _DIRECTIONS[to_x - x, to_y - y]
            self.lines[x, y] |= out
            self.lines[to_x, to_y] |= _OPPOSITE[out]
        self.solid.update(() if dashed else way)

    def _write(self, at: Point, text: str) -> None:
        self.letters.update(((at[0] + i, at[1]), letter) for i, letter in enumerate(text))

    def text(self, width: int, height: int) -> str:
        rows = ("".join(self._cell((x, y)) for x in range(width)) for y in range(height))
        return "\n".join(row.rstrip() for row in rows)

    def _cell(self, cell: Point) -> str:
        if cell in self.letters:
            return self.letters[cell]
        if cell not in self.lines:
            return " "
        line = _LINES[self.lines[cell]]
        return line if cell in self.solid else _DASHED.get(line, line)
