"""Shades for figures: one hue from light to dark, so that they read without colour as well."""

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

_STOPS = ("#f3f7fc", "#cfe0f1", "#8fbade", "#3f86c2", "#0b4a8c")
NO_FIGURE = "#ffffff"
"""The shade where there is no figure."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale from light (`low`) to dark (`high`)."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None], low: float | None = None) -> "Scale | None":
        """A scale over some values, from `low` or the least of them; None if there are none."""
        known = [value for value in values if value is not None]
        return cls(min(known) if low is None else low, max(known)) if known else None

    def share(self, value: float) -> float:
        """Where a value lies on the scale, 0 to 1; one beyond an end lies at the end."""
        reach = self.high - self.low
        return min(max((value - self.low) / reach, 0.0), 1.0) if reach else 0.5

    def shade(self, value: float) -> str:
        """The shade of a value as #rrggbb."""
        return shade_at(self.share(value))


def shade_at(share: float) -> str:
    """The shade at a share of the scale, 0 light to 1 dark."""
    place = share * (len(_STOPS) - 1)
    i = min(int(place), len(_STOPS) - 2)
    pairs = zip(_channels(_STOPS[i]), _channels(_STOPS[i + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - i)):02x}" for a, b in pairs)


def ink(shade: str) -> str:
    """Black or white, whichever reads better on a shade (WCAG contrast, always above 4.5)."""
    luminance = luminance_of(shade)
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"


def luminance_of(shade: str) -> float:
    """Relative luminance, 0 black to 1 white (WCAG 2)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(shade))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(shade: str) -> tuple[int, int, int]:
    return int(shade[1:3], 16), int(shade[3:5], 16), int(shade[5:7], 16)


# ---- latency ------------------------------------------------------------------------------------


def latencies(graph: nx.DiGraph) -> dict[str, float]:
    """The mean latency in ms of the nodes that have one."""
    known = graph.nodes.data("mean_latency_ms")
    return {node: ms for node, ms in known if ms is not None}


def latency_scale(graph: nx.DiGraph) -> Scale | None:
    """A scale from 0 to the longest mean latency; None for a graph without a run's figures."""
    return Scale.of(latencies(graph).values(), low=0.0)


def milliseconds(value: float) -> str:
    """A latency in words."""
    return f"{value:.2f} ms" if value < 10 else f"{value:,.0f} ms"
