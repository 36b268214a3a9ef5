"""`attune simulate`: run dialogues, live or against recordings."""

from pathlib import Path
from typing import Annotated

import typer

MaxUsd = Annotated[
    float | None, typer.Option(metavar="USD", help="Stop before the run has cost more.")
]
MaxTokens = Annotated[
    int | None, typer.Option(metavar="N", help="Stop before the run has used more tokens.")
]
MaxMinutes = Annotated[float | None, typer.Option(metavar="M", help="Stop after this time.")]
Price = Annotated[
    list[str] | None,
    typer.Option(metavar="SPEC=P,C[,CACHED]", help="US dollars a million tokens."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the run summary as JSON.")]


def simulate(
    personas: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Persona set; else the packaged library.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Produce supporter turns for recorded dialogues."),
    ] = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="With --replay: merged (default), self_evolution or decoupled."
        ),
    ] = None,
    graph: Annotated[
        str | None,
        typer.Option(help="self_refine (default), decoupled or direct; ipm mines a replay."),
    ] = None,
    plain_draft: Annotated[
        bool | None,
        typer.Option("--plain-draft", help="self_refine without planner: the published recipe."),
    ] = None,
    named_strategies: Annotated[
        bool | None,
        typer.Option("--named-strategies", help="Ask a planner that was trained on bare names."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="rehearsal (default), openai:NAME, hf:PATH, vllm:PATH."),
    ] = None,
    model_for: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=SPEC", help="Another model for one role.")
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="OpenAI-compatible server; several share the calls."),
    ] = None,
    decoding: Annotated[
        list[str] | None,
        typer.Option(metavar="[ROLE.]NAME=VALUE", help="Sampling, e.g. planner.temperature=0."),
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
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For one answer of a server (120).")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Run eight dialogues and say what all will take.")
    ] = False,
    max_usd: MaxUsd = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    price: Price = None,
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
    from attunement.agents.models.secrets import load_env_file
    from attunement.cli.options import decodings, prices, roles
    from attunement.cli.running import (
        carry_out,
        carry_out_probes,
        check_models,
        create_numbered,
    )
    from attunement.simulator.casting import cast_for
    from attunement.simulator.config import read_config
    from attunement.simulator.run import refuse_existing

    load_env_file()
    settings = read_config(
        config,
        graph=graph,
        plain_draft=plain_draft,
        named_strategies=named_strategies,
        model=model,
        models=roles(model_for),
        base_url=base_url,
        personas=str(personas) if personas else None,
        replay=str(replay) if replay else None,
        preprocessing=preprocessing,
        dialogues=dialogues,
        max_turns=max_turns,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        prices=prices(price),
        budget={"usd": max_usd, "tokens": max_tokens, "minutes": max_minutes},
        **decodings(decoding),
    )
    cast = cast_for(settings)
    if out:
        refuse_existing(out)
    folder = create_numbered(out, check_models(settings), cast)
    if cast.skipped:
        typer.echo(f"{cast.skipped} recorded dialogues have no turn to produce: skipped", err=True)
    if estimate:
        carry_out_probes(folder, as_json=as_json)
    else:
        carry_out(folder, as_json=as_json, example=True)
