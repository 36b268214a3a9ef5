"""`attune doctor`: what this machine has, and what is missing."""

from typing import Annotated

import typer


def doctor(
    probe: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Ask this model, and find out what it heeds.")
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="OpenAI-compatible server for the probe."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which model backends work here, what is missing, and how to install it.

    With --probe, ask one model and say what it heeds.

    Example: attune doctor --probe openai:my-model --base-url http://127.0.0.1:8000/v1
    """
    from attunement.agents.models.secrets import load_env_file
    from attunement.cli.checkup import checks, print_checks, print_probe, probe_model
    from attunement.core.errors import ConfigError

    if base_url and not probe:
        raise ConfigError("`--base-url` is for a probe; name a model with --probe openai:NAME")
    load_env_file()
    found = checks()
    if not as_json and not probe:
        print_checks(found)
    answered = probe_model(probe, base_url) if probe else None
    if as_json:
        import json

        result: dict[str, object] = {"checks": [check._asdict() for check in found]}
        if answered:
            capabilities = answered.capabilities.model_dump(mode="json")
            result["probe"] = answered._asdict() | {"capabilities": capabilities}
        typer.echo(json.dumps(result, indent=2))
    elif answered:
        print_probe(answered)
    if not all(check.ok for check in found if check.needed):
        raise typer.Exit(1)
