"""A self-evolution as a picture: outcome, margin, length, sameness over the models, with bounds."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attunement.core.errors import RunFolderError
from attunement.evaluation.bootstrap import Interval
from attunement.personas.files import write_atomically
from attunement.trainers.evolve.ledger import Entry, Ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "evolution"
KINDS = ("png", "svg")
_TEAL, _ORANGE, _INK, _MUTED, _FAINT = "#1b7f79", "#d98032", "#1f1f1f", "#636363", "#d8d8d8"
Point = tuple[float, Interval | float]
"""t, and a figure with its bounds or without."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over the models."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing of the picture."""

    title: str
    lines: Sequence[Line]
    zero: bool = False
    """Whether the axis begins at zero: for what is never below it."""


def panels(ledger: Ledger) -> list[Panel]:
    """What the picture shows; a figure that was never measured leaves its panel empty."""
    entries = ledger.entries
    trained = [e for e in entries if e.training]
    return [
        Panel(
            "Relief of the seekers, in points",
            [_line("relief", entries, lambda e: e.scores.relief)],
        ),
        Panel(
            "Share of replies that",
            [_line("fit the seeker", entries, lambda e: e.scores.fit),
             _line("hurt", entries, lambda e: e.scores.harm)],
            zero=True,
        ),
        Panel(
            "Validation pairs",
            [_line("reward margin", trained, lambda e: _metric(e, "margin")),
             _line("accuracy", trained, lambda e: _metric(e, "accuracy"))],
        ),
        Panel("Words a reply", [_line("words", entries, lambda e: e.scores.words)], zero=True),
        Panel(
            "Variety, share",
            [_line("Distinct-2", entries, lambda e: e.scores.distinct_2),
             _line("stock phrases", entries, lambda e: e.scores.stock)],
            zero=True,
        ),
        Panel("Share of reflections with the right emotion", [_reflection(entries)], zero=True),
    ]  # fmt: skip


def _line(
    name: str, entries: Sequence[Entry], figure: Callable[[Entry], Interval | float | None]
) -> Line:
    found = ((e.t, figure(e)) for e in entries)
    return Line(name, [(t, value) for t, value in found if value is not None])


def _reflection(entries: Sequence[Entry]) -> Line:
    """Of the model that reflected, which is the one before the entry's."""
    made = [entry.making for entry in entries if entry.making]
    return Line("emotion", [(m.by, m.reflection) for m in made if m.reflection is not None])


def _metric(entry: Entry, name: str) -> float | None:
    return entry.training.metrics.get(name) if entry.training else None


def draw_evolution(ledger: Ledger, folder: Path) -> None:
    """Write the picture as `evolution.png` and `evolution.svg`, each whole or as it was."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.8), dpi=130, layout="constrained", facecolor="white")
    last = max((entry.t for entry in ledger.entries), default=0)
    for axes, panel in zip(figure.subplots(2, 3).flat, panels(ledger), strict=True):
        _draw(axes, panel, last)
    # Text stays text in an SVG, and neither date nor version is in a file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "attunement"}):
        for kind, without in (("png", {"Software": None}), ("svg", {"Date": None})):
            out = io.BytesIO()
            figure.savefig(out, format=kind, metadata={"Title": "Self-evolution", **without})
            write_atomically(folder / f"{NAME}.{kind}", out.getvalue(), RunFolderError)


def _draw(axes: "Axes", panel: Panel, last: int) -> None:
    axes.set_title(panel.title, fontsize=10, loc="left", color=_INK)
    for line, colour, shift in zip(panel.lines, (_TEAL, _ORANGE), _shifts(panel), strict=False):
        if line.points:
            _draw_line(axes, line, colour, shift)
    axes.set_xticks(range(last + 1), [f"$M_{{{t}}}$" for t in range(last + 1)])
    axes.set_xlim(-0.35, last + 0.35)
    axes.tick_params(labelsize=8, colors=_MUTED)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if not any(line.points for line in panel.lines):
        axes.set_yticks([])
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=_MUTED)
        return
    low, high = axes.get_ylim()
    if panel.zero:
        axes.set_ylim(0, high)
    elif low < 0 < high:
        axes.axhline(0, color=_FAINT, linewidth=0.8, zorder=0)
    if len(panel.lines) > 1:
        axes.legend(
            frameon=False,
            fontsize=8,
            loc="lower right",
            bbox_to_anchor=(1, 0.98),
            ncols=2,
            borderpad=0,
            columnspacing=1.2,
        )


def _shifts(panel: Panel) -> Iterator[float]:
    """Two lines stand a little apart, so that neither's bounds hide the other's."""
    return iter((-0.03, 0.03) if len(panel.lines) > 1 else (0.0,))


def _draw_line(axes: "Axes", line: Line, colour: str, shift: float) -> None:
    values = [v.value if isinstance(v, Interval) else v for _, v in line.points]
    where = [t + shift for t, _ in line.points]
    axes.plot(
        where,
        values,
        color=colour,
        linewidth=1.6,
        marker="o",
        markersize=4,
        label=line.name,
        clip_on=False,
    )
    for x, (_, value) in zip(where, line.points, strict=True):
        if isinstance(value, Interval):
            bounds = [[value.value - value.low], [value.high - value.value]]
            axes.errorbar([x], [value.value], yerr=bounds, color=colour, linewidth=1, capsize=3)
