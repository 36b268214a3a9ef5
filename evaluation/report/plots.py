"""The pictures of a report: bars with intervals, curves over turns, dots by strategy, heat maps.

The same comparison gives the same bytes. Matplotlib is used without pyplot: no window system.
"""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from attunement.core.errors import UserError
from attunement.evaluation.comparison import Comparison, Matrix, Row
from attunement.evaluation.report.curves import draw_curve
from attunement.evaluation.report.ink import INK, MUTED, STYLE, colour, cut, dash, known, reach
from attunement.evaluation.report.words import TITLES, decimals, head, number
from attunement.evaluation.systems import FAMILIES
from attunement.personas.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 10.0
"""Inches; with 100 dots an inch about what a README shows."""
_COLUMNS = 3


def draw(comparison: Comparison, folder: Path) -> dict[str, str]:
    """Draw everything into a folder: file name -> what it shows (its alt text)."""
    pictures: dict[str, tuple[str, Figure]] = {}
    names = [facts.name for facts in comparison.systems]
    with matplotlib.rc_context(STYLE):
        for family in FAMILIES:
            rows = [row for row in comparison.figures if row.measure.family == family]
            if rows := [row for row in rows if _is_drawn(row)]:
                title = f"{TITLES[family]}: every figure with its 95 % interval"
                pictures[f"{family}.png"] = title, bars(rows, comparison.names_in(rows), names)
        for curve in comparison.series:
            if any(known(s) for points in curve.systems.values() for s in points.values()):
                title = f"{head(curve.measure)}, with 95 % intervals"
                file = f"{curve.measure.family}-{_slug(curve.measure.name)}.png"
                pictures[file] = title, draw_curve(comparison, curve)
        for matrix in comparison.tables:
            if any(np.sum(counts) for counts in matrix.systems.values()):
                title = f"{matrix.name}: {matrix.rows} against {matrix.columns}"
                pictures[f"{matrix.family}-{_slug(matrix.name)}.png"] = title, heat(matrix)
        for file, (title, figure) in pictures.items():
            _save(figure, folder / file, title)
    return {file: title for file, (title, _) in pictures.items()}


def _is_drawn(row: Row) -> bool:
    """Whether there is something of a system: how far judges are to be trusted is in the tables."""
    return not row.measure.diagnostic and any(known(shown) for shown in row.systems.values())


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _save(figure: Figure, path: Path, title: str) -> None:
    out = io.BytesIO()
    # Neither date nor version stands in the file.
    figure.savefig(out, format="png", dpi=130, metadata={"Title": title, "Software": None})
    write_atomically(path, out.getvalue(), UserError)


# ---- bars ---------------------------------------------------------------------------------------


def bars(rows: Sequence[Row], names: Sequence[str], all_names: Sequence[str]) -> Figure:
    """A panel for each figure, a bar for each system."""
    colours = {name: colour(place) for place, name in enumerate(all_names)}
    columns = min(_COLUMNS, len(rows))
    lines = -(-len(rows) // columns)
    most = max(_title(row).count("\n") for row in rows)
    height = lines * (0.62 + 0.16 * most + 0.24 * len(names)) + 0.25
    figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="white")
    panels = figure.subplots(lines, columns, squeeze=False)
    levels = list(dict.fromkeys(n for r in rows for s in r.systems.values() for n in s.levels))
    for place, axes in enumerate(panels.flat):
        if place >= len(rows):
            axes.set_axis_off()
            continue
        _panel(axes, rows[place], {name: colours[name] for name in names}, levels)
        if place % columns:
            axes.set_yticklabels([])
    if levels:
        _key(figure, levels)
    return figure


def _panel(axes: "Axes", row: Row, names: Mapping[str, str], levels: Sequence[str]) -> None:
    """A bar for each system, in its colour."""
    digits = decimals(row)
    for y, name in enumerate(names):
        shown = row.systems[name]
        text = number(shown.value, digits)
        across = axes.get_yaxis_transform()
        axes.text(1.02, y, text, transform=across, va="center", fontsize=8, color=INK)
        if shown.value is None:
            continue
        axes.barh(y, shown.value, 0.66, color=names[name], alpha=0.85)
        if (bounds := reach(shown)) is not None:
            axes.errorbar(shown.value, y, xerr=bounds, color=INK, linewidth=1, capsize=2.5)
        for level, value in shown.levels.items():
            axes.plot(
                [value] * 2,
                [y - 0.46, y + 0.46],
                dash(levels.index(level)),
                color=INK,
                linewidth=1.1,
            )
    if not any(shown.value for shown in row.systems.values()):
        axes.set_xlim(0, 1)  # nothing but zeros
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), [cut(name) for name in names], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.locator_params(axis="x", nbins=4)
    axes.set_title(_title(row), fontsize=9, loc="left")
    axes.axvline(0, color=MUTED, linewidth=0.8)


def _title(row: Row) -> str:
    """The figure's name in lines that fit above a panel, and which way is good."""
    arrow = {"higher": "  ↑", "lower": "  ↓", "": ""}[row.measure.better]
    return _lines(head(row.measure), 36) + arrow


def _lines(text: str, width: int) -> str:
    return "\n".join(wrap(text, width))


def _key(figure: Figure, levels: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=INK, linewidth=1.1, linestyle=dash(i), label=level)
        for i, level in enumerate(levels)
    ]
    figure.legend(handles=lines, loc="outside lower left", ncols=6, frameon=False, fontsize=8)


# ---- tables -------------------------------------------------------------------------------------


def heat(matrix: Matrix) -> Figure:
    """A map for each system: of what is so (a column), how much was said to be what (a row)."""
    size = len(matrix.labels)
    columns = min(len(matrix.systems), 1 if size > 9 else 2)
    lines = -(-len(matrix.systems) // columns)
    side = 1.9 + 0.4 * size
    shape = (columns * side + 0.5, lines * (0.85 * side) + 0.3)
    figure = Figure(figsize=shape, layout="constrained", facecolor="white")
    panels = figure.subplots(lines, columns, squeeze=False)
    for axes in panels.flat[len(matrix.systems) :]:
        axes.set_axis_off()
    for axes, (name, counts) in zip(panels.flat, matrix.systems.items(), strict=False):
        _map(axes, matrix, name, np.array(counts))
    return figure


def _map(axes: "Axes", matrix: Matrix, name: str, counts: np.ndarray) -> None:
    below = counts.sum(0, keepdims=True)
    share = np.divide(counts, below, out=np.zeros_like(counts), where=below > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (y, x), value in np.ndenumerate(share):
        if counts[y, x]:
            ink = "white" if value > 0.55 else INK
            text = f"{100 * value:.0f}" if value >= 0.005 else "<1"
            axes.text(x, y, text, ha="center", va="center", fontsize=7.5, color=ink)
    rest = len(counts) - len(matrix.labels)
    labels = [*matrix.labels, *["unreadable"] * rest]
    axes.set_yticks(range(len(labels)), [cut(label, 32) for label in labels], fontsize=8)
    axes.set_xticks(
        range(len(matrix.labels)),
        [f"{cut(label, 32)} ({n:,.0f})" for label, n in zip(matrix.labels, below[0], strict=True)],
        fontsize=8, rotation=40, ha="right", rotation_mode="anchor",
    )  # fmt: skip
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel(matrix.rows)
    axes.set_xlabel(f"{matrix.columns} (how often); % of each column")
    title = _lines(f"{matrix.name}, {name}", 16 + 5 * len(matrix.labels))
    axes.set_title(title, fontsize=10, loc="left")
