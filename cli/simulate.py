"""`attune simulate`: run dialogues, live or against recordings."""

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the run summary as JSON.")]


def simulate(
    personas: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Persona set; else the packaged library.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Produce supporter turns for recorded dialogues."),
    ] = None,
    graph: Annotated[
        str | None, typer.Option(help="self_refine (default), decoupled or direct.")
    ] = None,
    plain_draft: Annotated[
        bool | None,
        typer.Option("--plain-draft", help="self_refine without planner: the published recipe."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="SPEC", help="rehearsal (default) or openai:NAME.")
    ] = None,
    model_for: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=SPEC", help="Another model for one role.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="OpenAI-compatible server for openai: models.")
    ] = None,
    dialogues: Annotated[
        int | None, typer.Option(metavar="N", help="How many; else a dozen, or all of FILE.")
    ] = None,
    max_turns: Annotated[
        int | None, typer.Option(metavar="T", help="Supporter turns in a live dialogue (8).")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(metavar="C", help="Dialogues in flight (64).")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="S", help="Decides everything random.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file; flags override it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN", help="New run folder; else runs/NNN.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run dialogues: personas come to talk, the agent graph supports them.

    Without arguments a dozen dialogues run on the embedded model, in a few seconds.

    Example: attune simulate --personas cards.yaml --graph self_refine --out runs/first
    """
    from attunement.cli.running import carry_out
    from attunement.core.errors import RunFolderError
    from attunement.simulator.casting import cast_for
    from attunement.simulator.config import read_config
    from attunement.simulator.run import create_run

    settings = read_config(
        config,
        graph=graph,
        plain_draft=plain_draft,
        model=model,
        models=_roles(model_for),
        base_url=base_url,
        personas=str(personas) if personas else None,
        replay=str(replay) if replay else None,
        dialogues=dialogues,
        max_turns=max_turns,
        concurrency=concurrency,
        seed=seed,
    )
    cast = cast_for(settings)
    folder = out or _next_folder()
    while True:
        try:
            create_run(folder, settings, cast)
            break
        except RunFolderError:
            # Another process may have taken the free number meanwhile: then the next one.
            if out or not folder.is_dir():
                raise
            folder = _next_folder()
    if cast.skipped:
        typer.echo(f"{cast.skipped} recorded dialogues have no turn to produce: skipped", err=True)
    carry_out(folder, as_json=as_json, example=True)


def _roles(pairs: list[str] | None) -> dict[str, str] | None:
    from attunement.core.errors import ConfigError

    models = {}
    for pair in pairs or ():
        role, equals, spec = pair.partition("=")
        if not equals or not role or not spec:
            raise ConfigError(
                f"`--model-for` must be ROLE=SPEC, got {pair!r}; e.g. planner=openai:x"
            )
        models[role] = spec
    return models or None


def _next_folder() -> Path:
    number = 1
    while (folder := Path("runs") / f"{number:03d}").exists():
        number += 1
    return folder
