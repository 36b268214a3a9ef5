"""`attune fork`: branch a dialogue at a turn, change something, and go on from there."""

from pathlib import Path
from typing import Annotated

import typer

from attunement.cli.simulate import MaxMinutes, MaxTokens, MaxUsd


def fork(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    dialogue: Annotated[str, typer.Argument(help="Its number (from 0) or its id.")],
    turn: Annotated[int, typer.Option(help="The first turn that is to differ, counted from 1.")],
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Plan this strategy instead; several, or all for every other: a branch each.",
        ),
    ] = None,
    stage: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --strategy: the plan's stage.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With --strategy: the plan's reason.")
    ] = None,
    draft: Annotated[str | None, typer.Option(metavar="TEXT", help="Another draft.")] = None,
    reply: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the supporter says instead.")
    ] = None,
    reflect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Part of another reflection: emotion, intensity, who, situation; needs and avoid "
            "with ; between them.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="The supporter's model from there on."),
    ] = None,
    model_for: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=SPEC", help="One role's model from there on."),
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="The server of these models, if they are openai:NAME."),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=FILE", help="One role's prompt file from there on."),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(metavar="S", help="Other chance from there on; several: a branch each."),
    ] = None,
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the branch as JSON; several: an array.")
    ] = False,
) -> None:
    """Branch a dialogue at a turn: the same up to there, then with what is changed.

    What the change does not touch is not asked again. The branch is kept in the run beside its
    origin; figures and corpora leave it out. Several strategies or seeds make a branch each.

    Example: attune fork runs/001 3 --turn 2 --strategy "Reflection of feelings"
    """
    import json
    from contextlib import closing

    from rich.console import Console

    from attunement.agents.models.secrets import load_env_file
    from attunement.cli import fork_options as options
    from attunement.cli.fork_print import print_branches
    from attunement.cli.running import end_stopped, run_watched
    from attunement.core.errors import UserError
    from attunement.simulator.forking import check_role, fork_all, why_not
    from attunement.simulator.heritage import turn_at
    from attunement.simulator.recorder import Tally
    from attunement.simulator.run import open_run

    load_env_file()
    config, journal = open_run(run)
    with closing(journal):
        origin = journal.find(dialogue)
    if why := why_not(origin, turn):
        raise UserError(why)
    if reflect:
        check_role(config, "reflector")
    at = turn_at(origin, turn)
    changes = options.changes(
        strategy or (),
        stage,
        reason,
        seed or (),
        at,
        draft=draft,
        reply=reply,
        reflection=options.reflection(reflect, at),
        **options.models(model, model_for, base_url),
        prompts=options.prompts(prompt),
    )
    laid, tally = fork_all(run, origin.id, turn, changes), Tally()
    bounds = {"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes}
    if not run_watched(run, tally, bounds=bounds, only=[one.index for one in laid]):
        end_stopped(tally, f"attune resume {run}")
    with closing(open_run(run)[1]) as journal:
        branches = [(one.index, journal.find(one.id)) for one in laid]
    if as_json:
        found = [branch.model_dump(mode="json") for _, branch in branches]
        typer.echo(json.dumps(found if len(found) > 1 else found[0], indent=2, ensure_ascii=False))
    else:
        print_branches(Console(), run, origin, branches)
    if any(branch.error for _, branch in branches):
        raise typer.Exit(1)
