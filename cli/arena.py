"""`attune arena`: people judge blinded pairs on a local page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from attunement.viewer.arena.opening import Link, Options
    from attunement.viewer.arena.report import ArenaReport, Line


def arena(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    against: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN2]", help="Another run; else RUN's own drafts."),
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Pairs, evenly over dialogues.")] = 50,
    seed: Annotated[int, typer.Option(help="Decides which pairs, and which stands first.")] = 0,
    annotator: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Who judges; or several. Else a key is made up."),
    ] = None,
    attention: Annotated[
        int,
        typer.Option(metavar="K", min=0, help="One item in K is an attention check; 0: none."),
    ] = 10,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 0,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the first link in a browser.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Print what people have said, and leave.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """People judge pairs blind, by keyboard: refinements and drafts, or the replies of two runs.

    Prints a link for each annotator and serves until Ctrl-C, then prints the report. Answers are
    kept in RUN's journal as they come; the same command again goes on where each has stopped.

    Example: attune arena runs/001 --n 20 --annotator mira --annotator tom
    """
    if not report:
        _serve(
            run, against, open_page, as_json,
            n=n, seed=seed, annotators=annotator or (), attention=attention, host=host, port=port,
        )  # fmt: skip
    from rich.console import Console

    from attunement.viewer.arena.report import report_on

    found = report_on(run, against)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_report(Console(), found)


def _serve(
    run: Path, against: Path | None, open_page: bool, quiet: bool, **options: object
) -> None:
    from attunement.core.errors import ConfigError

    try:
        from attunement.viewer.arena.opening import Options, serve_arena
    except ImportError as error:
        if not (error.name or "").startswith(("starlette", "uvicorn")):
            raise
        raise ConfigError("`attune arena` needs: pip install 'attunement[view]'") from None
    from pydantic import ValidationError
    from rich.console import Console

    try:
        asked = Options.model_validate(options)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ConfigError(
            f"`--{wrong['loc'][0]}`: {wrong['msg']}, got {wrong['input']!r}"
        ) from None
    console = Console(stderr=quiet)

    def ready(links: "Sequence[Link]") -> None:
        print_links(console, links, asked)
        if open_page:
            typer.launch(links[0].url)

    def on_done(key: str) -> None:
        typer.echo(f"{key} has judged them all.", err=True)

    serve_arena(run, against, asked, ready, on_done)
    console.print()


def print_links(console: "Console", links: "Sequence[Link]", options: "Options") -> None:
    """A link a line, each with how far its annotator is."""
    total = links[0].total
    if total < options.n:
        console.print(f"There are {total} to judge, not {options.n}.", style="yellow")
    console.print("Each annotator opens their own link; Ctrl-C ends it and prints the report.\n")
    for link in links:
        done = f", {link.done} done" if link.done else ""
        # Plainly, so that a terminal can be clicked and a program can read it.
        console.out(f"  {link.key} ({link.total} to judge{done}):\n  {link.url}", highlight=False)
    console.file.flush()


def print_report(console: "Console", report: "ArenaReport") -> None:
    """What people prefer, and who they were."""
    from rich.table import Table
    from rich.text import Text

    title = f"{report.run} against {report.against}: {report.judged:,} of {report.pairs:,} pairs"
    console.print(Text(f"{title} judged by people\n"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "figure", "95 % interval", "chance"):
        table.add_column(name, justify="right" if name else "left")
    for line in report.figures:
        if line.value is not None:
            table.add_row(Text(line.name), *_cells(line))
    console.print(table)
    for line in report.figures:
        if line.value is None:
            console.print(Text(f"{line.name}: n/a, {line.why}", "dim"), soft_wrap=True)
    if report.people:
        console.print()
        console.print(_people(report))
        if not all(person.attentive for person in report.people):
            console.print(Text("* under 80 % of the attention checks passed: apart", "yellow"))


def _cells(line: "Line") -> tuple[str, str, str]:
    known = line.low is not None and line.high is not None
    bounds = f"{line.low:.3f} to {line.high:.3f}" if known else ""
    return f"{line.value:.3f}", bounds, "" if line.chance is None else f"{line.chance:g}"


def _people(report: "ArenaReport") -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("annotator", "answers", "skipped", "win rate", "checks passed"):
        table.add_column(name, justify="left" if name == "annotator" else "right")
    for person in report.people:
        rate = "" if person.win_rate is None else f"{person.win_rate:.3f}"
        checks = f"{person.passed} of {person.checks}" if person.checks else "none met"
        key = Text(person.key + ("" if person.attentive else " *"))
        table.add_row(key, f"{person.answers:,}", f"{person.skipped:,}", rate, checks)
    return table
