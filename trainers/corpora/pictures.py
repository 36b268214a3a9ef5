"""Pictures for a dataset card: how long the sides are, and which strategies they use."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attunement.core.strategies import Strategy
from attunement.trainers.corpora.report import Figures
from attunement.trainers.corpora.rows import SetName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"chosen": "#1b7f79", "rejected": "#d98032", "completion": "#1b7f79"}
_SPREAD = 0.99
"""Share of the replies that the length axis shows."""


def draw_pictures(sets: Mapping[SetName, Figures], folder: Path) -> dict[str, str]:
    """Draw the corpus' main set: file name below the corpus -> what it shows (its alt text)."""
    import matplotlib

    matplotlib.use("Agg")
    replies = next((name for name in sets if name not in ("strategy", "sft_planner")), None)
    pictures = {}
    folder.mkdir()
    if replies:
        _save(folder / "lengths.png", sets[replies], _lengths, (7, 3))
        pictures["pictures/lengths.png"] = f"Words of the replies in `{replies}`"
    named = next((name for name, figures in sets.items() if figures.strategies), None)
    if named:
        _save(folder / "strategies.png", sets[named], _strategies, (7, 3.6))
        pictures["pictures/strategies.png"] = f"Strategies in `{named}`"
    return pictures


def _save(
    path: Path, figures: Figures, draw: Callable[[Figures, "Axes"], None], size: tuple[float, float]
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    draw(figures, axes)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    figure.savefig(path, dpi=120)


def _lengths(figures: Figures, axes: "Axes") -> None:
    longest = max(_quantile(counts, _SPREAD) for counts in figures.words.values())
    step = max(1, -(-longest // 40))
    for side, counts in figures.words.items():
        edges = list(range(0, longest + 2 * step, step))
        values, weights = list(counts), list(counts.values())
        mean = sum(v * n for v, n in counts.items()) / counts.total()
        axes.hist(
            values, edges, weights=weights, histtype="stepfilled", alpha=0.55,
            color=_COLOURS[side], label=f"{side}, mean {mean:.1f}",
        )  # fmt: skip
        axes.axvline(mean, color=_COLOURS[side], linewidth=1.5)
    axes.set_xlim(0, longest + step)
    rest = sum(n for counts in figures.words.values() for v, n in counts.items() if v > longest)
    axes.set_xlabel("words of a reply" + (f"; {rest:,} longer ones not shown" if rest else ""))
    axes.set_ylabel("rows")


def _quantile(counts: Counter[int], share: float) -> int:
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= share * counts.total():
            break
    return value


def _strategies(figures: Figures, axes: "Axes") -> None:
    names = list(reversed(Strategy))
    height = 0.8 / len(figures.strategies)
    for place, (side, counts) in enumerate(figures.strategies.items()):
        shares = [100 * counts[name] / counts.total() for name in names]
        offset = ((len(figures.strategies) - 1) / 2 - place) * height
        where = [y + offset for y in range(len(names))]
        axes.barh(where, shares, height, color=_COLOURS[side], alpha=0.8, label=side)
    axes.set_yticks(range(len(names)), [str(name) for name in names])
    axes.set_xlabel("% of rows that name a strategy")
