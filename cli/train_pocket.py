"""`attune train pocket`: a small model from scratch, to try the whole loop on a laptop."""

from pathlib import Path
from typing import Annotated

import typer


def pocket(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must not exist.")],
    dialogues: Annotated[
        int | None, typer.Option(metavar="N", help="Simulated dialogues to learn from; else 2000.")
    ] = None,
    hidden: Annotated[int | None, typer.Option(help="Width, a multiple of 32; else 128.")] = None,
    layers: Annotated[int | None, typer.Option(metavar="N", help="Else 3.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Else 4.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Else 0.003.")] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Of the processor.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another model of the same kind.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train a pocket model from scratch on simulated dialogues, in minutes on two cores.

    It plans, drafts, reflects and refines in the embedded simulator's small language; asked
    directly it answers as to anybody. It says nothing about people.

    Example: attune train pocket --out models/pocket
    """
    import orjson
    from rich.console import Console

    from attunement.cli.following import print_following
    from attunement.cli.train_progress import watching
    from attunement.core.errors import StoppedError
    from attunement.trainers.pocket.config import pocket_config

    given = {
        "dialogues": dialogues, "hidden": hidden, "layers": layers, "epochs": epochs,
        "learning_rate": learning_rate, "threads": threads, "seed": seed,
    }  # fmt: skip
    config = pocket_config(**given)
    from attunement.trainers.pocket.building import build_into

    try:
        with watching() as watch:
            facts = build_into(config, out, lambda said: typer.echo(said, err=True), watch)
    except (StoppedError, KeyboardInterrupt):
        typer.echo("Stopped. The same command goes on with it.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
        return
    console = Console()
    console.print(
        f"{facts['parameters']:,} parameters, {facts['vocabulary']:,} tokens, in {out}",
        soft_wrap=True,
    )
    print_following(
        console,
        [
            (f"simulate --model hf:{out} --model-for seeker=rehearsal", "it as the supporter"),
            ("evolve configs/evolve-pocket.toml", "the whole loop from such a model"),
        ],
    )
