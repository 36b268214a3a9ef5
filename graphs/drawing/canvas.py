"""A sheet for pictures, measured in inches from its top left, written as SVG or PNG.

Matplotlib's objects are used without pyplot, so that no window system is touched.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from attunement.graphs.drawing.shades import shade_at

PictureKind = Literal["svg", "png"]
Spot = tuple[float, float]
"""A place on a sheet: inches from the left and from the top."""
INK, LINE, MUTED, FAINT = "#1f1f1f", "#4a4a4a", "#636363", "#b4b4b4"
_FONT = ["DejaVu Sans", "sans-serif"]
"""Ships with matplotlib, so that a PNG looks the same everywhere."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line on a sheet: spots, and what each is to it (matplotlib's path codes)."""

    spots: Sequence[Spot]
    codes: Sequence[np.uint8]


class Sheet:
    """A white sheet with a title."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(0, width), ylim=(height, 0))

    def text(self, at: Spot, words: str, size: float = 8.5, **style: Any) -> None:
        """Write words; the spot is the middle of their left end, unless the style says more."""
        placed = {"ha": "left", "va": "center_baseline", "color": INK, "family": _FONT} | style
        self.axes.text(*at, words, fontsize=size, **placed)

    def box(self, at: Spot, size: Spot, radius: float, fill: str, edge: str, width: float) -> None:
        """A frame with round corners; `at` is its top left."""
        shape = f"round,pad=0,rounding_size={radius}"
        self.axes.add_patch(FancyBboxPatch(at, *size, shape, fc=fill, ec=edge, lw=width))

    def disc(self, at: Spot, radius: float, fill: str, edge: str, width: float) -> None:
        """A disc about a spot."""
        self.axes.add_patch(Ellipse(at, 2 * radius, 2 * radius, fc=fill, ec=edge, lw=width))

    def arrow(self, curve: Curve, width: float, colour: str, dashed: bool = False) -> None:
        """An arrow along a curve whose last part is straight, with its head at the end."""
        (x, y), tip = curve.spots[-2:]
        dx, dy = _along((x, y), tip, head_length(width))
        end = (tip[0] - dx / 2, tip[1] - dy / 2)
        # Dashes are in widths of the line; a wide line gets shorter ones, so that it stays a line.
        dash = (0, (3.4 / width**0.5, 1.8 / width**0.5)) if dashed else "solid"
        self.axes.add_patch(
            PathPatch(Path([*curve.spots[:-1], end], curve.codes), fc="none", ec=colour, lw=width,
                      ls=dash, capstyle="butt")
        )  # fmt: skip
        wings = [(tip[0] - dx + s * dy, tip[1] - dy - s * dx) for s in (-0.45, 0.45)]
        self.axes.add_patch(Polygon(np.array([tip, *wings]), fc=colour, ec="none"))

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


def through(corners: Sequence[Spot], radius: float = 0.13) -> Curve:
    """A curve through corners, each rounded; the last part stays straight."""
    spots, codes = [corners[0]], [Path.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        r = min(radius, distance(corner, before) / 2, distance(corner, after) / 2)
        spots += [towards(corner, before, r), corner, towards(corner, after, r)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Curve((*spots, corners[-1]), (*codes, Path.LINETO))


def distance(a: Spot, b: Spot) -> float:
    """Inches between two spots."""
    return hypot(a[0] - b[0], a[1] - b[1])


def towards(start: Spot, end: Spot, inches: float) -> Spot:
    """The spot some inches from one spot on the way to another."""
    dx, dy = _along(start, end, inches)
    return start[0] + dx, start[1] + dy


def _along(start: Spot, end: Spot, inches: float) -> Spot:
    share = inches / distance(start, end)
    return (end[0] - start[0]) * share, (end[1] - start[1]) * share
