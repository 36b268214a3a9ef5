"""`attune corpus import`: recorded dialogues as examples for supervised fine-tuning."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make training corpora from recorded dialogues.",
)


@app.callback()
def _corpus() -> None:
    """Make training corpora from recorded dialogues."""


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Recorded dialogues (JSON, JSONL)."),
    ],
    recipe: Annotated[
        str, typer.Option(help="How turns are prepared: self_evolution or decoupled.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must not exist.")],
    tasks: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TASKS",
            help="direct, planner, responder, joint; else direct for self_evolution, and the "
            "three others for decoupled.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT",
            help="Parts by dialogue, e.g. 9:1; published for ESConv's own; files where each file "
            "is one. Else 9:1 for self_evolution, 1040:130:130 for decoupled.",
        ),
    ] = None,
    alpaca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Instructions to add to the direct examples (Alpaca's shape)."
        ),
    ] = None,
    alpaca_n: Annotated[
        int | None, typer.Option(metavar="N", help="How many of them; else 500.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same splits.")] = 0,
    min_history: Annotated[
        int, typer.Option(metavar="N", help="Seeker turns before a reply, at least.")
    ] = 1,
    keep_crisis: Annotated[
        bool, typer.Option("--keep-crisis", help="Keep crisis turns, and what comes after them.")
    ] = False,
    strategy_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STRATEGY",
            help="Read a name as one of the eight strategies; NAME= alone as none.",
        ),
    ] = None,
    format: Annotated[str, typer.Option(help="jsonl or parquet.")] = "jsonl",
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Only the first dialogues of each file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Make examples from recorded dialogues, one a supporter turn, for each task.

    Example: attune corpus import ESConv.json --recipe decoupled --out corpora/esconv
    """
    from rich.console import Console

    from attunement.cli.pairs_table import print_corpus
    from attunement.cli.progress import watched
    from attunement.core.errors import ConfigError
    from attunement.trainers.corpora.recorded import import_recorded
    from attunement.trainers.corpora.recorded_plan import RecordedCorpus, parse_names, parse_tasks

    if alpaca_n is not None and alpaca is None:
        raise ConfigError("`--alpaca-n` says how many instructions; name their file with --alpaca")
    plan = RecordedCorpus.parse(
        recipe=recipe, sets=parse_tasks(tasks), split=split, seed=seed, min_history=min_history,
        keep_crisis=keep_crisis, strategies=parse_names(strategy_map or ()),
        instructions=alpaca_n, limit=limit, format=format,
    )  # fmt: skip
    report = import_recorded(files, out, plan, alpaca, watched)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_corpus(Console(), out, report)
        for paragraph in report.origin.how[1:]:
            typer.echo(paragraph)
