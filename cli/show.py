"""`attune show`: read a run in the terminal."""

from pathlib import Path
from typing import Annotated

import typer


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    dialogue: Annotated[
        str | None, typer.Argument(help="Its number (from 0) or its id; else the run's summary.")
    ] = None,
    turn: Annotated[int | None, typer.Option(help="Only this turn, counted from 1.")] = None,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="What a prefix cache could serve, by role.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a run: its summary and dialogues, or one dialogue with all that was thought in it.

    Example: attune show runs/001 0
    """
    from contextlib import closing

    from rich.console import Console

    from attunement.cli.dialogue import print_dialogue, print_dialogues
    from attunement.cli.prefix_table import print_prefix
    from attunement.cli.summary import print_summary
    from attunement.core.errors import UserError
    from attunement.evaluation.prefix import prefix_report
    from attunement.evaluation.summary import summarise
    from attunement.simulator.backends import prices_for
    from attunement.simulator.run import open_run

    config, journal = open_run(run)
    console = Console()
    with closing(journal):
        if prefix:
            if dialogue is not None:
                raise UserError("`--prefix` is about the whole run; leave the dialogue out")
            report = prefix_report(journal)
            if as_json:
                typer.echo(report.model_dump_json(indent=2))
            else:
                print_prefix(console, report)
            return
        if dialogue is None:
            if turn is not None:
                raise UserError("`--turn` needs a dialogue; e.g. attune show RUN 0 --turn 2")
            summary = summarise(journal, prices_for(config))
            if as_json:
                typer.echo(summary.model_dump_json(indent=2))
                return
            print_dialogues(console, journal)
            print_summary(console, run, summary, mines=config.mines)
            return
        found = journal.find(dialogue)
        if turn is not None:
            turns = tuple(t for t in found.turns if t.number == turn)
            if not turns:
                raise UserError(f"`--turn` must be from 1 to {len(found.turns)}, got {turn}")
            found = found.model_copy(update={"turns": turns})
        if as_json:
            typer.echo(found.model_dump_json(indent=2))
        else:
            print_dialogue(console, found, whole=turn is None)
