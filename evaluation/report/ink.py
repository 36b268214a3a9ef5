"""What all pictures of a report share: colours, marks, dashes, and how names and bounds are drawn.

Okabe and Ito's colours, which the colour-blind tell apart.
"""

from typing import Any, Literal

import numpy as np

from attunement.evaluation.comparison import Shown

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5F5F5F")
MARKS = "osD^vPX"
INK, MUTED, FAINT = "#1f1f1f", "#636363", "#d8d8d8"
_DASHES: tuple[Literal["--", ":", "-.", "-"], ...] = ("--", ":", "-.", "-")
STYLE: Any = {
    "font.family": ["DejaVu Sans"], "font.size": 9, "axes.edgecolor": MUTED,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
"""Matplotlib's settings while a picture is drawn and written."""


def colour(place: int) -> str:
    """Of the system at this place."""
    return COLOURS[place % len(COLOURS)]


def mark(place: int) -> str:
    """The mark of the system at this place."""
    return MARKS[place % len(MARKS)]


def dash(place: int) -> Literal["--", ":", "-.", "-"]:
    """The dashes of the level at this place."""
    return _DASHES[place % len(_DASHES)]


def cut(name: str, most: int = 22) -> str:
    """A name that is not too long."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def known(shown: Shown | None) -> bool:
    """Whether there is something to draw."""
    return shown is not None and shown.value is not None


def value_of(shown: Shown) -> float:
    """The figure; NaN, which is not drawn, where there is none."""
    return float("nan") if shown.value is None else shown.value


def reach(shown: Shown) -> np.ndarray | None:
    """From a figure to its bounds, as error bars want it; a redrawn one may lie to one side."""
    if shown.value is None or shown.low is None or shown.high is None:
        return None
    return np.clip([[shown.value - shown.low], [shown.high - shown.value]], 0, None)
