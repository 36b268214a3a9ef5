"""`attune pairs`: preference corpora from runs, or mined from recorded dialogues."""

import shlex
from pathlib import Path
from typing import Annotated

import typer


def pairs(
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders; with --mine, recorded dialogues."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must not exist.")],
    sets: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="response, strategy, joint; sft_direct, sft_planner, sft_responder, sft_joint; "
            "else every set of pairs.",
        ),
    ] = None,
    chosen: Annotated[
        str, typer.Option(help="refined, or in a replay recorded: the human's own reply.")
    ] = "refined",
    split: Annotated[
        str | None,
        typer.Option(metavar="PARTS", help="train:validation[:test], by persona; else 9:1."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same splits.")] = 0,
    max_length_ratio: Annotated[
        float | None,
        typer.Option(
            metavar="R", help="Chosen words over rejected, at most; else 2, mined pairs any (0)."
        ),
    ] = None,
    min_history: Annotated[
        int | None, typer.Option(metavar="N", help="Seeker turns heard; else 3 for refinements.")
    ] = None,
    max_similarity: Annotated[
        float, typer.Option(metavar="S", help="Leave out pairs whose words are as equal as this.")
    ] = 0.95,
    filter_errors: Annotated[
        bool,
        typer.Option("--filter-errors", help="Only pairs that label-errors speaks for."),
    ] = False,
    realistic: Annotated[
        bool,
        typer.Option("--realistic", help="Leave out dialogues whose seeker is not believable."),
    ] = False,
    iteration: Annotated[int, typer.Option(metavar="T", help="t of the model M_t.")] = 0,
    format: Annotated[str, typer.Option(help="jsonl or parquet.")] = "jsonl",
    layout: Annotated[str, typer.Option(help="trl or llama-factory.")] = "trl",
    push: Annotated[
        str | None, typer.Option(metavar="REPO", help="Upload to this dataset on the hub, private.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="With --push: for everybody.")] = False,
    mine: Annotated[
        str | None,
        typer.Option(metavar="METHOD", help="Mine recorded dialogues first: ipm."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Mining's new run folder; else runs/NNN.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Mining's settings, as for simulate.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Mining's model; else rehearsal.")
    ] = None,
    model_for: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=SPEC", help="Another one: planner, responder, joint, or the judge."
        ),
    ] = None,
    base_url: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Its OpenAI-compatible server.")
    ] = None,
    dialogues: Annotated[
        int | None, typer.Option(metavar="N", help="Mine only the first dialogues.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Make a preference corpus: refined turns over drafts, with provenance and a dataset card.

    With --mine ipm the source is a file of recorded dialogues: every supporter turn is sampled,
    judged, and set against the human's (or a run that was begun so, to go on with it).

    Example: attune pairs runs/001 --out corpora/001
    """
    from rich.console import Console

    from attunement.agents.models.secrets import load_env_file
    from attunement.cli.mining import mine as start_mining
    from attunement.cli.options import roles
    from attunement.cli.pairs_table import print_corpus
    from attunement.cli.progress import watched
    from attunement.core.errors import ConfigError
    from attunement.trainers.corpora.making import check_for_mining, corpus_config, make_corpus
    from attunement.trainers.corpora.push import check_token
    from attunement.trainers.corpora.push import push as upload
    from attunement.trainers.corpora.writing import refuse_existing_corpus

    if public and not push:
        raise ConfigError("`--public` says how to push; name a repository with --push")
    if push:
        check_token()
    wanted = corpus_config(
        sets=[name.strip() for name in sets.split(",")] if sets else None, chosen=chosen,
        split=split, seed=seed, iteration=iteration, format=format, layout=layout,
        filters={
            "max_length_ratio": max_length_ratio, "min_history": min_history,
            "max_similarity": max_similarity, "errors": filter_errors, "realistic": realistic,
        },
    )  # fmt: skip
    settings = {
        "model": model, "models": roles(model_for), "base_url": base_url, "dialogues": dialogues,
    }  # fmt: skip
    if mine:
        refuse_existing_corpus(out)
        check_for_mining(wanted)
        load_env_file()
        if len(sources) > 1:
            raise ConfigError(f"`--mine` takes one source, got {len(sources)}")
        sources = [start_mining(mine, sources[0], run, config, settings, _go_on(context))]
    elif run or config or any(value is not None for value in settings.values()):
        raise ConfigError("`--run`, `--config`, `--model` and `--dialogues` are for --mine ipm")
    report = make_corpus(sources, out, wanted, watched)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_corpus(Console(), out, report)
    if push:
        typer.echo(f"Uploaded to {upload(out, push, public)}", err=True)


_KNOWN = ("sources", "run", "config", "model", "model_for", "base_url", "dialogues")
"""What a run that was begun has in its configuration, and the source itself."""


def _go_on(context: typer.Context) -> str:
    """This command again, for a run that was begun: `{}` stands for its folder."""
    words = []
    for option in context.command.params:
        value = context.params.get(str(option.name))
        if option.name in _KNOWN or value in (None, False) or value == option.default:
            continue
        words += [option.opts[0]] if value is True else [option.opts[0], str(value)]
    options = shlex.join(words).replace("{", "{{").replace("}", "}}")
    return f"attune pairs {{}} {options}"
