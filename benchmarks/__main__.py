"""`python -m benchmarks`: run the measurements and print the table."""

import argparse
import json
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Line, machine

NAMES = (
    "startup", "journal", "embedded", "memory", "corpora", "adaptive", "client", "evaluating",
    "training", "viewing",
)  # fmt: skip
"""The measurements, the quick ones first."""


def main() -> int:
    """Exit code 0 where everything was measured, met or not; 1 where something could not run."""
    options = _options()
    width = None if sys.stdout.isatty() else 160
    console = Console(width=width, markup=False, highlight=False)
    lines: dict[str, list[Line]] = {}
    failed = False
    for name in options.names or NAMES:
        try:
            lines[name] = import_module(f"benchmarks.{name}").measure(options.quick)
        except Exception as error:
            failed = True
            lines[name] = [Line(name, None, note=f"failed: {type(error).__name__}: {error}")]
        console.print(_table(name, lines[name]))
    console.print(", ".join(f"{key}: {value}" for key, value in machine().items()))
    if options.quick:
        console.print("--quick: the runs are too small to judge the budgets by")
    if options.json:
        rows = [{"name": name, **asdict(line)} for name in lines for line in lines[name]]
        report = {"machine": machine(), "quick": options.quick, "lines": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(NAMES)}; else all"
    )
    parser.add_argument("--quick", action="store_true", help="small runs, for trying it out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines as JSON too")
    options = parser.parse_args()
    if wrong := [name for name in options.names if name not in NAMES]:
        parser.error(f"no measurement {wrong[0]!r}; known: {', '.join(NAMES)}")
    return options


def _table(name: str, lines: list[Line]) -> Table:
    table = Table("what", title=name, title_justify="left", box=None, pad_edge=False)
    table.add_column("measured", justify="right", no_wrap=True)
    for heading in ("budget", "met", "note"):
        table.add_column(heading)
    for line in lines:
        met = {None: "", True: "met", False: "MISSED"}[line.met]
        table.add_row(line.what, line.measured, line.budget, met, line.note)
    return table


if __name__ == "__main__":
    sys.exit(main())
