"""A new corpus on the terminal: what was kept, what was left out and why, and what to do next."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.cli.following import print_following
from attunement.trainers.corpora.report import CorpusReport, SetReport
from attunement.trainers.corpora.rows import SetName


def print_corpus(console: Console, out: Path, report: CorpusReport) -> None:
    """Print a corpus' figures."""
    console.print(_sets(report))
    dropped = {name: s.dropped for name, s in report.sets.items() if s.dropped}
    if dropped:
        console.print(_dropped(dropped))
    if any(s.by_strategy for s in report.sets.values()):
        console.print(_by_strategy(report))
    for name, s in report.sets.items():
        if s.longer is not None and name != "strategy":
            console.print(Text(_length(name, s), style="dim"))
        missing = [split for split in report.splits if s.kept and split not in s.splits]
        if missing:
            console.print(Text(f"{name} has no {missing[0]} rows: too few personas", "yellow"))
    console.print(f"\nWritten to {out}, with its card {out / 'README.md'}.", soft_wrap=True)
    if len(report.splits) == 1:
        console.print(
            Text("No validation split: too few personas, or none was asked for", "yellow")
        )
    for limit in report.origin.limits[:1]:
        if limit.startswith("Of "):
            console.print(Text(limit, "yellow"))
    print_following(console, [(f"lint {out}", "what would spoil training")])


def _sets(report: CorpusReport) -> Table:
    splits = report.splits
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("set")
    for head in ("turns read", "kept", *splits, "mean words"):
        table.add_column(head, justify="right")
    for name, s in report.sets.items():
        counts = (f"{s.splits.get(split, 0):,}" for split in splits)
        table.add_row(name, f"{s.read:,}", f"{s.kept:,}", *counts, _words(s))
    return table


def _words(s: SetReport) -> str:
    return " | ".join(f"{side} {w.mean:.1f}" for side, w in s.words.items())


def _dropped(dropped: Mapping[SetName, dict[str, int]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("\nleft out")
    for name in dropped:
        table.add_column(name, justify="right", vertical="bottom")
    for reason in dict.fromkeys(reason for reasons in dropped.values() for reason in reasons):
        cells = (
            f"{reasons[reason]:,}" if reason in reasons else "" for reasons in dropped.values()
        )
        table.add_row(reason, *cells)
    return table


def _by_strategy(report: CorpusReport) -> Table:
    """Of each recorded strategy what was kept of what was read; the card has the reasons."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("\nkept, by recorded strategy")
    for name in report.sets:
        table.add_column(name, justify="right", vertical="bottom")
    found = (s.by_strategy for s in report.sets.values())
    for strategy in sorted({strategy for counts in found for strategy in counts}):
        cells = (s.by_strategy.get(strategy, {}) for s in report.sets.values())
        table.add_row(strategy, *(f"{c.get('kept', 0):,} of {sum(c.values()):,}" for c in cells))
    return table


def _length(name: str, s: SetReport) -> str:
    effect = "" if s.length_effect is None else f", Cohen's d {s.length_effect:+.2f}"
    return f"{name}: chosen is longer in {s.longer:.0%} of the pairs{effect}"
