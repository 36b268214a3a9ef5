"""`attune label-errors`: a judge names the psychological errors of a run's replies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attunement.cli.simulate import MaxMinutes, MaxTokens, MaxUsd, Price

if TYPE_CHECKING:
    from rich.console import Console

    from attunement.simulator.frame import Watch
    from attunement.simulator.judging import Instrument
    from attunement.simulator.labels import LabelReport


def label_errors(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="The judge; else the last one, else the run's model."),
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="The judge's OpenAI-compatible server; or several."),
    ] = None,
    sides: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Of draft, refined, recorded; else all there are."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask anew where no label could be read.")
    ] = False,
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    price: Price = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Label every reply with the errors that it shows: six kinds, or none.

    What is labelled is not asked again; several judges may label one run, and pairs can then be
    filtered by all of them. The bounds are those of the whole run, its own calls included.

    Example: attune label-errors runs/001 --model openai:judge --base-url http://127.0.0.1:8000/v1
    """
    from contextlib import closing

    from rich.console import Console

    from attunement.agents.models.secrets import load_env_file
    from attunement.cli.options import prices
    from attunement.cli.running import end_stopped, say_stopping
    from attunement.simulator.frame import open_run
    from attunement.simulator.labelling import Labelling, label, parse_sides
    from attunement.simulator.labels import label_report
    from attunement.simulator.recorder import Tally

    load_env_file()
    wanted, tally = parse_sides(sides), Tally()
    bounds = {"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes}
    try:
        whole = label(
            run, model, base_url or (), wanted, again, prices=prices(price) or {},
            watch=watch_labels, tally=tally, on_stop=say_stopping, bounds=bounds,
        )  # fmt: skip
    except KeyboardInterrupt:  # before the work could watch for it, or for the second time
        whole = False
    config, journal = open_run(run)
    with closing(journal):
        judge = config.models.get("judge", config.model)
        report = label_report(journal, Labelling(judge, wanted, mined=config.mines))
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_labels(Console(), run, report)
    if not whole:
        options = (f" --sides {sides}" if sides else "") + (" --again" if again else "")
        end_stopped(tally, f"attune label-errors {run}{options}")


def watch_labels(plan: "Instrument") -> "Watch":
    """Shows the progress of a judge on stderr: a bar on a terminal, plain lines elsewhere."""
    from collections.abc import Iterator
    from contextlib import contextmanager
    from threading import Event, Thread

    from rich.console import Console
    from rich.progress import Progress

    from attunement.cli.progress import PLAIN_EVERY
    from attunement.simulator.journal import Journal
    from attunement.simulator.judging import left
    from attunement.simulator.recorder import Tally

    @contextmanager
    def watch(tally: Tally, journal: Journal) -> Iterator[None]:
        total, over, console = left(journal, plan), Event(), Console(stderr=True)
        if not total:
            typer.echo(f"Every reply is labelled by {plan.judge}.", err=True)
        bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        task = bar.add_task("replies", total=total)

        def show() -> None:
            while not over.wait(0.25 if console.is_terminal else PLAIN_EVERY):
                bar.update(task, completed=tally.labelled, description=tally.trouble() or "replies")
                if not console.is_terminal:
                    typer.echo(_line(tally, total), err=True)

        thread = Thread(target=show, daemon=True)
        with bar:
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()

    return watch


def _line(tally: object, total: int) -> str:
    from attunement.simulator.recorder import Tally

    assert isinstance(tally, Tally)
    parts = [f"{tally.labelled:,} of {total:,} replies", f"{tally.calls:,} calls"]
    parts += [f"{tally.usd:.2f} USD"] if tally.usd else []
    return ", ".join([*parts, trouble] if (trouble := tally.trouble()) else parts)


def print_labels(console: "Console", run: Path, report: "LabelReport") -> None:
    """What the judge found, side by side, and what comes next."""
    from rich.table import Table
    from rich.text import Text

    from attunement.cli.following import print_following

    title = Text(f"Psychological errors in {run}, by {report.judge}")
    console.print(title, soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", style="dim")
    for side in report.sides:
        table.add_column(side, justify="right")
    sides = report.sides.values()
    table.add_row("replies labelled", *(f"{s.replies:,}" for s in sides))
    table.add_row("with errors", *(_part(s.with_errors, s.replies) for s in sides))
    for error in dict.fromkeys(name for s in sides for name in s.errors):
        cells = (_part(s.errors.get(error, 0), s.replies) for s in sides)
        table.add_row(Text(f"  {error}"), *cells)
    table.add_row("unreadable", *(f"{s.unreadable:,}" for s in sides))
    console.print(table)
    if not any(s.replies for s in sides):
        console.print("This run has no such replies that could be labelled.")
        return
    filtered = f"pairs {run} --filter-errors --out corpora/{run.resolve().name}-filtered"
    following = [
        (f"show {run} 0", "read a dialogue"),
        (filtered, "pairs that the labels speak for"),
    ]
    if any(s.unreadable for s in sides):
        following.insert(0, (f"label-errors {run} --again", "ask anew where none could be read"))
    print_following(console, following)


def _part(count: int, of: int) -> str:
    return f"{count:,} ({count / of:.0%})" if of else f"{count:,}"
