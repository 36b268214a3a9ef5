"""A sheet for pictures, measured in inches from its top left, written as SVG or PNG.

Matplotlib's objects are used without pyplot, so that no window system is touched.
"""

import io
from collections.abc import Sequence
from math import hypot
from typing import Any, Literal

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from attunement.graphs.shades import shade_at

PictureKind = Literal["svg", "png"]
Spot = tuple[float, float]
"""A place on a sheet: inches from the left and from the top."""
INK, LINE, MUTED, FAINT = "#1f1f1f", "#4a4a4a", "#636363", "#b4b4b4"
_FONT = ["DejaVu Sans", "sans-serif"]
"""Ships with matplotlib, so that a PNG looks the same everywhere."""


class Sheet:
    """A white sheet with a title."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(0, width), ylim=(height, 0))

    def text(self, at: Spot, words: str, size: float = 8.5, **style: Any) -> None:
        """Write words; unless the style says otherwise, the spot is the middle of their left end."""
        placed = {"ha": "left", "va": "center_baseline", "color": INK, "family": _FONT} | style
        self.axes.text(*at, words, fontsize=size, **placed)

    def box(self, at: Spot, size: Spot, radius: float, fill: str, edge: str, width: float) -> None:
        """A frame with round corners; `at` is its top left."""
        shape = f"round,pad=0,rounding_size={radius}"
        self.axes.add_patch(FancyBboxPatch(at, *size, shape, fc=fill, ec=edge, lw=width))

    def disc(self, at: Spot, radius: float, fill: str, edge: str, width: float) -> None:
        """A disc about a spot."""
        self.axes.add_patch(Ellipse(at, 2 * radius, 2 * radius, fc=fill, ec=edge, lw=width))

    def arrow(self, path: Path, width: float, colour: str, dashed: bool = False) -> None:
        """An arrow along a path whose last part is straight, with its head at the path's end."""
        (x, y), (to_x, to_y) = path.vertices[-2:]
        length, head = hypot(to_x - x, to_y - y), head_length(width)
        dx, dy = (to_x - x) / length * head, (to_y - y) / length * head
        neck = Path([*path.vertices[:-1], (to_x - dx / 2, to_y - dy / 2)], path.codes)
        # Dashes are in widths of the line; a wide line gets shorter ones, so that it stays a line.
        dash = (0, (3.4 / width**0.5, 1.8 / width**0.5)) if dashed else "solid"
        self.axes.add_patch(
            PathPatch(neck, fc="none", ec=colour, lw=width, ls=dash, capstyle="butt")
        )
        wings = [(to_x - dx + s * dy, to_y - dy - s * dx) for s in (-0.45, 0.45)]
        self.axes.add_patch(Polygon([(to_x, to_y), *wings], fc=colour, ec="none"))

    def key(self, at: Spot, words: str, low: str, high: str) -> None:
        """What the shades mean: a ramp from left to right, the words for its ends, and of what."""
        (x, y), step, steps = at, 0.15, 7
        for i in range(steps):
            shade = shade_at(i / (steps - 1))
            spot = (x + i * step, y - 0.06)
            self.axes.add_patch(Rectangle(spot, step, 0.12, fc=shade, ec=FAINT, lw=0.4))
        self.text((x + steps * step + 0.1, y), f"{words}: {low} to {high}", 8, color=MUTED)

    def to_bytes(self, kind: PictureKind) -> bytes:
        """The file's bytes: the same for the same drawing, as neither date nor version is in it."""
        out = io.BytesIO()
        without = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        # Text stays text in an SVG: it can be searched and read aloud.
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "attunement"}):
            self.figure.savefig(out, format=kind, metadata={"Title": self.title, **without})
        return out.getvalue()


def head_length(width: float) -> float:
    """Inches of an arrow's head on a line of some points."""
    return 0.085 + 0.022 * width


def through(corners: Sequence[Spot], radius: float = 0.13) -> Path:
    """A path through corners, each rounded; the last part stays straight."""
    spots, codes = [corners[0]], [Path.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        r = min(radius, *(hypot(corner[0] - o[0], corner[1] - o[1]) / 2 for o in (before, after)))
        spots += [_towards(corner, before, r), corner, _towards(corner, after, r)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*spots, corners[-1]], [*codes, Path.LINETO])


def _towards(start: Spot, end: Spot, distance: float) -> Spot:
    share = distance / hypot(end[0] - start[0], end[1] - start[1])
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
