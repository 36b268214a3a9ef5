"""`attune doctor`: what this machine has, and what is missing."""

from typing import Annotated

import typer


def doctor(
    probe: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Send one short question to this model.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="OpenAI-compatible server for the probe.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which model backends work here, what is missing, and how to install it.

    Example: attune doctor --probe openai:my-model --base-url http://127.0.0.1:8000/v1
    """
    from attunement.cli.checkup import checks, print_checks, probe_model

    found = checks()
    if as_json:
        import json

        typer.echo(json.dumps([check._asdict() for check in found], indent=2))
    else:
        print_checks(found)
    if probe:
        typer.echo(probe_model(probe, base_url), err=as_json)
    if not all(check.ok for check in found if check.needed):
        raise typer.Exit(1)
