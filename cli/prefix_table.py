"""How `attune show RUN --prefix` prints: what a server's prefix cache can serve, by role."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.evaluation.prefix import PrefixReport, PrefixShare


def print_prefix(console: Console, report: PrefixReport) -> None:
    """The report as a table, and what its columns mean."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    columns = ("role", "calls", f"prompt {report.unit}", "cacheable", "own calls", "served")
    for number, name in enumerate((*columns, "new blocks")):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for role, share in report.roles.items():
        table.add_row(*_row(role, share))
    if report.roles:
        table.add_section()
    table.add_row(*_row("all", report.total))
    console.print(table)
    console.print()
    for line in _notes(report):
        console.print(Text(line, style="dim"))


def _row(role: str, share: PrefixShare) -> tuple[str, ...]:
    shares = (share.cacheable, share.own, share.served)
    known = ("-" if value is None else f"{value:.1%}" for value in shares)
    return (role, f"{share.calls:,}", f"{share.size:,}", *known, f"{share.blocks:,}")


def _notes(report: PrefixReport) -> tuple[str, ...]:
    """What the columns mean; a line each."""
    said = "what the server says it served"
    if report.total.served is None:
        said = "what the server says; this run's models do not report it"
    length = f"{report.block} {report.unit}"
    most = f"at most {report.dialogue_blocks:,} by a dialogue"
    return (
        f"cacheable: what a cache without a limit serves, in blocks of {length}",
        "own calls: the part that the role's own earlier calls have left there",
        f"served: {said}",
        f"new blocks: distinct ones brought first; {most}",
    )
