"""How an estimate looks in print."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.simulator.estimate import Estimate, Range


def print_estimate(console: Console, folder: Path, found: Estimate) -> None:
    """What the whole run is expected to take, and how to go on."""
    title = f"Run {folder}: {found.dialogues} dialogues, by {found.probes} of them"
    table = Table(box=None, padding=(0, 2, 0, 0), title=Text(title), title_justify="left")
    table.add_column("", style="dim")
    for name in ("expected", "at the least", "at the most"):
        table.add_column(name, justify="right")
    for name, amount, form in (
        ("calls", found.calls, "{:,.0f}"),
        ("prompt tokens", found.prompt_tokens, "{:,.0f}"),
        ("completion tokens", found.completion_tokens, "{:,.0f}"),
        ("US dollars", found.usd, "{:,.2f}"),
        ("minutes", found.minutes, "{:,.1f}"),
    ):
        table.add_row(name, *_cells(amount, form))
    console.print(table)
    if found.failed:
        console.print(f"{found.failed} more probes failed and do not count.")
    if found.usd is None:
        console.print("Money is unknown: give --price SPEC=PROMPT,COMPLETION.", markup=False)
    console.print("Minutes: at the rate of these few; the least if all in flight go as fast.")
    line = f"Nothing of it is lost. Go on with: attune resume {folder}"
    console.print(Text(line), soft_wrap=True)


def _cells(amount: Range | None, form: str) -> list[str]:
    if amount is None:
        return ["unknown", "", ""]
    return [form.format(n) for n in (amount.expected, amount.least, amount.most)]
