"""How an evolution looks in print: its stages while it works, its plan, its ledger."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.cli.following import print_following
from attunement.cli.running import next_folder, run_watched
from attunement.cli.train_progress import Lines
from attunement.simulator.recorder import Tally
from attunement.trainers.evolve.ledger import TABLE, Ledger, figures
from attunement.trainers.evolve.plots import NAME
from attunement.trainers.evolve.stages import Planned
from attunement.trainers.evolve.work import Display


def numbered() -> Path:
    """The first free folder `runs/NNN`, made."""
    while True:
        folder = next_folder()
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:  # another process has taken it meanwhile
            continue


def display() -> Display:
    """A line for each stage, and the progress of what takes long, on stderr."""
    started = time.monotonic()

    def say(line: str) -> None:
        minutes, seconds = divmod(round(time.monotonic() - started), 60)
        typer.echo(f"[{minutes}:{seconds:02d}] {line}", err=True)

    return Display(say=say, run=lambda folder: run_watched(folder, Tally()), training=Lines().tell)


def heed_sigterm() -> None:
    """Let SIGTERM end the work as Ctrl-C does, between runs and trainings too."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def print_plan(plan: Sequence[Planned]) -> None:
    """Every stage with what would become of it."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("stage", "what"):
        table.add_column(name, overflow="fold")
    for stage in plan:
        what = "skipped: done, and nothing has changed" if stage.skipped else stage.why
        table.add_row(stage.name, Text(what, style="dim" if stage.skipped else ""))
    Console().print(table)


def print_ledger(folder: Path, ledger: Ledger) -> None:
    """The ledger as a table, how it ended, and the verbs that go on from here."""
    table = Table(title=Text(f"Evolution {folder}"), title_justify="left", box=None,
                  padding=(0, 2, 0, 0))  # fmt: skip
    console = Console()
    by_model = {f"M_{entry.t}": figures(entry) for entry in ledger.entries}
    table.add_column(style="dim")
    for name in by_model:
        table.add_column(name, overflow="fold")
    for name in next(iter(by_model.values()), {}):
        table.add_row(name, *(Text(row[name]) for row in by_model.values()))
    console.print()
    console.print(table)
    console.print()
    console.print(Text(ledger.outcome))
    console.print(Text(f"Ledger: {folder / TABLE}; picture: {folder / NAME}.png"), soft_wrap=True)
    if best := ledger.best:
        spec = f"hf:{best.model}"
        print_following(console, [
            (f"simulate --graph direct --model {spec}", f"dialogues with M_{best.t}"),
            (f"show {folder}/m{best.t}/evaluate 0", "read one of its dialogues"),
            (f"evaluate --evolution {folder} --by persona", "every model in all figures"),
        ])  # fmt: skip
