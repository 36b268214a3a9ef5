"""A figure along something as a picture: lines over turns, dots by strategy."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from attunement.evaluation.comparison import Comparison, Curve, Shown
from attunement.evaluation.report.ink import (
    FAINT,
    MUTED,
    colour,
    cut,
    dash,
    known,
    mark,
    reach,
    value_of,
)
from attunement.evaluation.report.words import head

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_curve(comparison: Comparison, curve: Curve) -> Figure:
    """Lines where points are numbers, dots beside names where none is."""
    names = [facts.name for facts in comparison.systems]
    along = any(point.isdecimal() for point in curve.points)
    height = 3.6 if along else 0.9 + len(curve.points) * (0.2 + 0.15 * len(names))
    figure = Figure(figsize=(7.5, height), layout="constrained", facecolor="white")
    axes = figure.subplots()
    having = [name for name in names if name in curve.systems and _points(curve, name)]
    for name in having:
        spot = having.index(name) - (len(having) - 1) / 2
        (_line if along else _dots)(axes, curve, name, names.index(name), spot)
    _levels(axes, curve, having, _overall(comparison, curve), along)
    axes.set_title(head(curve.measure), fontsize=10, loc="left")
    axes.legend(
        frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0
    )
    return figure


def _overall(comparison: Comparison, curve: Curve) -> dict[str, float]:
    """The levels of the figure of this name over all turns: of the first system that has some."""
    same = (row for row in comparison.figures if row.measure.name == curve.measure.name
            and row.measure.family == curve.measure.family)  # fmt: skip
    levels = (shown.levels for row in same for shown in row.systems.values() if shown.levels)
    return dict(next(levels, {}))


def _points(curve: Curve, name: str) -> list[tuple[int, Shown]]:
    by_point = curve.systems[name]
    return [(x, by_point[p]) for x, p in enumerate(curve.points) if known(by_point.get(p))]


def _line(axes: "Axes", curve: Curve, name: str, place: int, _: float) -> None:
    """A line over the numbers; what has a name instead, as `after`, stands alone to their right."""
    line, hue = f"-{mark(place)}", colour(place)
    axes.plot([], [], line, color=hue, markersize=5, label=cut(name))
    turns = [(x, s) for x, s in _points(curve, name) if curve.points[x].isdecimal()]
    where, values = [x for x, _ in turns], [value_of(s) for _, s in turns]
    low = [value_of(s) if s.low is None else s.low for _, s in turns]
    high = [value_of(s) if s.high is None else s.high for _, s in turns]
    axes.plot(where, values, line, color=hue, markersize=5)
    axes.fill_between(where, low, high, color=hue, alpha=0.15, linewidth=0)
    for x, shown in _points(curve, name):
        if not curve.points[x].isdecimal():
            axes.errorbar(
                x, value_of(shown), yerr=reach(shown), fmt=mark(place), color=hue, capsize=2.5
            )
    axes.set_xticks(range(len(curve.points)), curve.points)
    axes.set_xlabel("turn")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)


def _dots(axes: "Axes", curve: Curve, name: str, place: int, spot: float) -> None:
    axes.plot([], [], mark(place), color=colour(place), markersize=5, label=cut(name))
    shift = 0.62 / max(1, len(curve.systems))
    for x, shown in _points(curve, name):
        y = x + spot * shift
        axes.errorbar(
            value_of(shown), y, xerr=reach(shown), fmt=mark(place), color=colour(place),
            markersize=5, capsize=2.5, linewidth=1.2,
        )  # fmt: skip
    axes.set_yticks(range(len(curve.points)), curve.points)
    axes.set_ylim(len(curve.points) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)


def _levels(
    axes: "Axes",
    curve: Curve,
    names: Sequence[str],
    overall: Mapping[str, float],
    along: bool,
) -> None:
    """What the points have to be read against: of the first system whose points have levels of
    their own, else those of the figure over all turns."""
    sides = (_points(curve, name) for name in names)
    points = next((p for p in sides if any(shown.levels for _, shown in p)), [])
    own = dict.fromkeys(level for _, shown in points for level in shown.levels)
    for place, level in enumerate(own or overall):
        at = [(x, s.levels[level]) for x, s in points if level in s.levels]
        values = {value for _, value in at} if own else {overall[level]}
        style: dict[str, Any] = {"color": MUTED, "linewidth": 1.2, "label": level}
        style["linestyle"] = dash(place)
        if len(values) == 1:
            (axes.axhline if along else axes.axvline)(values.pop(), **style)
        elif along:
            axes.plot([x for x, _ in at], [value for _, value in at], **style)
        else:
            axes.plot([value for _, value in at], [x for x, _ in at], marker="|", **style)
