"""`attune lint`: what would spoil preference training, found before a GPU is booked."""

from pathlib import Path
from typing import Annotated

import typer


def lint(
    corpus: Annotated[
        Path | None, typer.Argument(metavar="CORPUS", help="A corpus folder, or one file of rows.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="The model's folder: checks tokens under its template."),
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(metavar="N", help="The trainer's `max_length`, in tokens.")
    ] = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Write rows that fit --max-length to --out, and look at those."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --fit: folder, must not exist.")
    ] = None,
    set_name: Annotated[
        str | None, typer.Option("--set", metavar="NAME", help="Only this set of the corpus.")
    ] = None,
    persona_column: Annotated[
        str, typer.Option(metavar="NAME", help="The column that says who the seeker is.")
    ] = "persona_id",
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Another threshold; `list` names them all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check a corpus of preference pairs or examples, ours or anybody's, before training.

    Reads TRL's and LLaMA-Factory's formats as JSON lines, JSON or Parquet. Exit code 0: nothing
    above a threshold; 1: something is; 2: it could not be checked.

    Example: attune lint corpora/001 --tokenizer models/qwen --max-length 1024
    """
    from rich.console import Console

    from attunement.cli.lint_table import print_lint, print_thresholds
    from attunement.core.errors import ConfigError
    from attunement.trainers.lint.fitting import fit as write_fitted
    from attunement.trainers.lint.linting import Options
    from attunement.trainers.lint.linting import lint as look_over
    from attunement.trainers.lint.registry import parse_thresholds
    from attunement.trainers.lint.tokens import load_tokenizer

    if threshold == ["list"]:
        print_thresholds(Console())
        return
    if corpus is None:
        raise ConfigError("name a corpus, a folder or a file: attune lint corpora/001")
    if fit != (out is not None):
        raise ConfigError("`--fit` and `--out DIR` go together: what to write, and where to")
    options = Options(
        thresholds=parse_thresholds(threshold or ()),
        tokenizer=load_tokenizer(tokenizer) if tokenizer else None,
        max_length=max_length, persona_column=persona_column,
    )  # fmt: skip
    fitted = write_fitted(corpus, out, options, set_name) if out else None
    report = look_over(out or corpus, options, set_name)
    report = report.model_copy(update={"fit": fitted})
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_lint(Console(), report)
    raise typer.Exit(0 if report.clean else 1)
