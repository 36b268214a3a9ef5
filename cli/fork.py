"""`attune fork`: branch a dialogue at a turn, change something, and go on from there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attunement.cli.plain import plain
from attunement.cli.simulate import MaxMinutes, MaxTokens, MaxUsd

if TYPE_CHECKING:
    from rich.console import Console

    from attunement.core.records import Change, Dialogue


def fork(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    dialogue: Annotated[str, typer.Argument(help="Its number (from 0) or its id.")],
    turn: Annotated[int, typer.Option(help="The first turn that is to differ, counted from 1.")],
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="Plan this strategy instead.")
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
        int | None, typer.Option(metavar="S", help="Other chance from there on.")
    ] = None,
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the branch as JSON.")] = False,
) -> None:
    """Branch a dialogue at a turn: the same up to there, then with what is changed.

    What the change does not touch is not asked again. The branch is kept in the run beside its
    origin; figures and corpora leave it out.

    Example: attune fork runs/001 3 --turn 2 --strategy "Reflection of feelings"
    """
    from contextlib import closing

    from rich.console import Console

    from attunement.agents.models.secrets import load_env_file
    from attunement.cli import fork_options as options
    from attunement.cli.running import end_stopped, run_watched
    from attunement.core.errors import UserError
    from attunement.simulator.forking import fork as lay_down
    from attunement.simulator.forking import why_not
    from attunement.simulator.heritage import turn_at
    from attunement.simulator.recorder import Tally
    from attunement.simulator.run import open_run

    load_env_file()
    _, journal = open_run(run)
    with closing(journal):
        origin = journal.find(dialogue)
    if why := why_not(origin, turn):
        raise UserError(why)
    at = turn_at(origin, turn)
    change = options.change(
        plan=options.plan(strategy, stage, reason, at),
        draft=draft,
        reply=reply,
        reflection=options.reflection(reflect, at),
        **options.models(model, model_for, base_url),
        prompts=options.prompts(prompt),
        seed=seed,
    )
    laid, tally = lay_down(run, origin.id, turn, change), Tally()
    bounds = {"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes}
    if not run_watched(run, tally, bounds=bounds, only=[laid.index]):
        end_stopped(tally, f"attune resume {run}")
    with closing(open_run(run)[1]) as journal:
        branch = journal.find(laid.id)
    if as_json:
        typer.echo(branch.model_dump_json(indent=2))
    else:
        _print(Console(), run, origin, branch, turn, change)
    if branch.error:
        raise typer.Exit(1)


def _print(
    console: "Console", run: Path, origin: "Dialogue", branch: "Dialogue", turn: int,
    change: "Change",
) -> None:  # fmt: skip
    """The branch from the fork on, how both ended, and what to do next."""
    from rich.text import Text

    from attunement.cli.dialogue import print_dialogue
    from attunement.cli.following import print_following
    from attunement.simulator.forking import in_words

    changed = branch.model_copy(
        update={"turns": tuple(t for t in branch.turns if t.number >= turn)}
    )
    print_dialogue(console, changed)
    console.print()
    for name, one in (("origin", origin), ("branch", branch)):
        console.print(Text.assemble((f"{name}  ", "bold"), f"{one.id}: {_ending(one)}"))
    console.print(Text(f"changed {in_words(change, turn)}", "dim"))
    print_following(
        console,
        [
            (f"show {run} {branch.id}", "the whole branch"),
            (f"view {run}", "both beside each other, in a browser"),
        ],
    )


def _ending(dialogue: "Dialogue") -> str:
    replies = sum(turn.spoken is not None for turn in dialogue.turns)
    failed = plain(f"failed: {dialogue.error}") if dialogue.error else ""
    ended = failed or dialogue.stop_reason or "open"
    said = f"{ended} after {replies} {'reply' if replies == 1 else 'replies'}"
    found = dialogue.outcome
    if found and found.first_intensity is not None and found.last_intensity is not None:
        said += f", intensity {found.first_intensity} to {found.last_intensity}"
    if found and found.mean_rating is not None:
        said += f", mean rating {found.mean_rating:.1f}"
    return said
