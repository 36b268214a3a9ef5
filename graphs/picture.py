"""A placed graph as a picture: boxes shaded by latency, lines as wide as they were often taken."""

import networkx as nx

from attunement.graphs.canvas import FAINT, INK, MUTED, PictureKind, Sheet, Spot, through
from attunement.graphs.layers import Edge
from attunement.graphs.layout import Box, Placement, Point, Route
from attunement.graphs.shades import NO_FIGURE, Scale, ink, latency_scale, milliseconds

COLUMN, ROW = 0.082, 0.165
"""Inches of a character cell; a column is wider than the mean letter, so that text fits its box."""
_MARGIN, _HEAD, _FOOT = 0.35, 0.5, 0.42
_TEXT = 8.5
_TINTS = {"seeker": "#e3effa", "guard": "#fdf0d5", "hand_off": "#fdf0d5", "commit": "#ededed"}
_TINT = "#e6f4ea"
"""Fills of a drawing without figures: the seeker, the safety path, the journal, the supporter."""


def draw_picture(graph: nx.DiGraph, placement: Placement, title: str, kind: PictureKind) -> bytes:
    """The graph as SVG or PNG. Nodes and edges carry the attributes of `drawing.to_networkx`."""
    return sheet_of(graph, placement, title).to_bytes(kind)


def sheet_of(graph: nx.DiGraph, placement: Placement, title: str) -> Sheet:
    """The sheet with the graph drawn on it."""
    scale = latency_scale(graph)
    width = max(placement.width * COLUMN, len(title) * 0.105, 4.6 if scale else 0) + 2 * _MARGIN
    sheet = Sheet(width, placement.height * ROW + _HEAD + _FOOT + _MARGIN, title)
    sheet.text((_MARGIN, _MARGIN), title, 11, weight="bold")
    ...
