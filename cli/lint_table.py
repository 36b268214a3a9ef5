"""A lint report on the terminal: each finding with its rows and what to do about it."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from attunement.core.strategies import Strategy
from attunement.trainers.lint.registry import bounds
from attunement.trainers.lint.report import Finding, FitReport, LintReport, SetReport


def print_lint(console: Console, report: LintReport) -> None:
    """Print a report: set by set, then what it comes to."""
    if report.fit:
        console.print(Text(_fitted(report.corpus, report.fit)), soft_wrap=True)
    for one in report.sets:
        _print_set(console, one)
    console.print()
    for note in report.notes:
        console.print(Text(f"Note: {note}", style="dim"))
    over = sum(finding.over for one in report.sets for finding in one.findings)
    rows = sum(one.rows for one in report.sets)
    if over:
        findings = "1 finding above its" if over == 1 else f"{over} findings above their"
        end = Text(f"{findings} threshold in {rows:,} rows.", style="bold red")
    else:
        end = Text(f"Nothing above a threshold in {rows:,} rows.", style="bold green")
    console.print(end)


def _fitted(out: str, fit: FitReport) -> str:
    left = ", ".join(f"{n:,} {reason}" for reason, n in fit.left_out.items())
    return (
        f"Written to {out}: {fit.whole:,} rows as they were, {fit.shortened:,} shortened by "
        f"{fit.messages_removed:,} messages, left out: {left or 'none'}. {_gone(fit)}Its findings:"
    )


def _gone(fit: FitReport) -> str:
    """The files that the corpus lost, and that its card no longer names."""
    if not fit.files_left_out:
        return ""
    return f"Without a row, and so not written: {', '.join(fit.files_left_out)}. "


def _print_set(console: Console, one: SetReport) -> None:
    splits = ", ".join(f"{split} {n:,}" for split, n in one.splits.items())
    formats = ", ".join(one.formats) or "no known format"
    console.print()
    console.print(
        Text.assemble((one.name or "corpus", "bold"), f"  {one.rows:,} rows ({splits}), {formats}")
    )
    for finding in one.findings:
        _print_finding(console, finding)
    if not one.findings:
        console.print(Text("  no findings", style="green"))
    shares, figures = _split(one.statistics)
    if figures:
        shown = "; ".join(f"{name} {_figure(name, value)}" for name, value in figures.items())
        console.print(Padding(Text(shown, style="dim"), (0, 0, 0, 2)))
    if shares:
        console.print(Padding(_strategies(shares), (0, 0, 0, 2)))
    for note in one.notes:
        console.print(Padding(Text(f"Note: {note}", style="dim"), (0, 0, 0, 2)))


def _print_finding(console: Console, finding: Finding) -> None:
    mark, style = ("✗", "bold red") if finding.over else ("·", "yellow")
    head = Text.assemble((f"{mark} {finding.check}", style), f"  {finding.what}: {_count(finding)}")
    console.print(Padding(head, (0, 0, 0, 2)))
    lines = []
    if finding.rows:
        more = ", …" if finding.count > len(finding.rows) else ""
        lines.append(("where", _places(finding.rows) + more))
    if finding.example:
        lines.append(("e.g." if finding.rows else "seen", finding.example))
    lines.append(("do", finding.remedy))
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(name, Text(text))
    console.print(Padding(table, (0, 0, 0, 6)))


def _places(rows: Iterable[str]) -> str:
    """`a.jsonl:1, :2, b.jsonl:7`: a file's name stands once."""
    shown, last = [], ""
    for row in rows:
        file, _, line = row.rpartition(":")
        shown.append(f":{line}" if file == last else row)
        last = file
    return ", ".join(shown)


def _count(finding: Finding) -> str:
    """How many rows, and what they are held against."""
    rows = f"{finding.count:,} rows ({_share(finding.share)})" if finding.count else ""
    if finding.value == finding.share:
        tolerated = f", tolerated {_share(finding.threshold)}" if finding.threshold else ""
        return rows + tolerated
    held = f"{finding.value:.2f}, at most {finding.threshold:g}"
    return f"{held}; {rows}" if rows else held


def _share(share: float) -> str:
    """A percentage that is 0 or 100 only where it is."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(max(share, 0.0001), 0.9999):.2%}"


def _split(statistics: Mapping[str, float]) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """The strategies' shares by strategy and side, and the other figures."""
    shares: dict[str, dict[str, float]] = {}
    figures = {}
    for name, value in statistics.items():
        strategy, _, side = name.partition(", ")
        if strategy in tuple(Strategy):
            shares.setdefault(strategy, {})[side] = value
        else:
            figures[name] = value
    return shares, figures


def _figure(name: str, value: float) -> str:
    if "Cohen" in name:
        return f"{value:+.2f}"
    if name.startswith("tokens"):
        return f"{value:,.0f}"
    return f"{value:.1f}" if name.startswith("mean") else f"{value:.0%}"


def _strategies(shares: Mapping[str, Mapping[str, float]]) -> Table:
    sides = list(dict.fromkeys(side for by_side in shares.values() for side in by_side))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", style="dim")
    table.add_column("strategy")
    for side in sides:
        table.add_column(side, justify="right")
    for strategy, by_side in shares.items():
        table.add_row(strategy, *(f"{by_side[side]:.1%}" for side in sides))
    return table


def print_thresholds(console: Console) -> None:
    """Every threshold with its default and what it bounds."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("threshold")
    table.add_column("default", justify="right")
    table.add_column("of")
    for name, bound in bounds().items():
        table.add_row(name, f"{bound.default:g}", bound.meaning)
    console.print(table)
