"""A finished training as a table, and what to do with its model."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.trainers.learning.report import ADAPTER, MERGED, TrainReport


def print_report(console: Console, report: TrainReport, out: Path) -> None:
    """What was learnt from what, the figures on validation, the model's name for other verbs."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, value in _lines(report).items():
        table.add_row(name, Text(value))
    console.print(table)
    console.print(Text(f"Model: {spec(report, out)}  (card: {out / 'README.md'})"), soft_wrap=True)


def spec(report: TrainReport, out: Path) -> str:
    """How other verbs call the model."""
    if (out / MERGED).is_dir():
        return f"hf:{out / MERGED}"
    return f"hf:{report.model}+{out / ADAPTER}"


def _lines(report: TrainReport) -> dict[str, str]:
    left = ", ".join(f"{n:,} {reason}" for reason, n in report.left_out.items())
    early = ", stopped early" if report.stopped_early else ""
    best = f", weights of step {report.best_step:,}" if report.best_step else ""
    lines = {
        "rows": f"{report.rows:,} to train on, {report.validation_rows:,} to validate",
        "shortened": f"{report.trimmed:,} rows lost old messages; left out: {left or 'none'}",
        "steps": f"{report.steps:,} ({report.epochs:.2f} epochs{early}{best})",
        "trained": f"{report.trainable:,} parameters, of a model of {report.parameters:,}",
        "time": f"{report.seconds:,.0f} s on {report.device}, {report.precision}",
        "train loss": f"{report.train_loss:.4f}",
    }
    return lines | {f"validation {name}": f"{v:.4f}" for name, v in report.metrics.items()}
