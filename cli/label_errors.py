"""`attune label-errors`: a judge names the psychological errors of a run's replies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attunement.cli.simulate import MaxMinutes, MaxTokens, MaxUsd, Price

if TYPE_CHECKING:
    from rich.console import Console

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
    from attunement.cli.judging import watch_labels
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
            watch=watch_labels(), tally=tally, on_stop=say_stopping, bounds=bounds,
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
