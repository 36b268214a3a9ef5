"""`attune view`: read runs on local pages, and try what else could have been said."""

from pathlib import Path
from typing import Annotated

import typer

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def view(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN ...]", help="Run folders; else all below runs/."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 0,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the link in a browser.")
    ] = False,
    annotator: Annotated[
        str, typer.Option(metavar="KEY", help="Under whose name annotations are kept.")
    ] = "me",
) -> None:
    """Read runs in a browser: dialogues, graphs, prompts, and branches from any turn.

    Prints a link and serves until Ctrl-C. Nothing leaves this machine, unless a fork asks a model
    elsewhere. A run that is still being made appears as it grows. Only annotations and branches are
    written into a run.

    Example: attune view runs/001 --open
    """
    from attunement.agents.models.secrets import load_env_file
    from attunement.core.errors import ConfigError

    load_env_file()  # forks may ask models
    try:
        from attunement.viewer.debugger.opening import Options, serve_view
    except ImportError as error:
        if not (error.name or "").startswith(("starlette", "uvicorn")):
            raise
        raise ConfigError("`attune view` needs: pip install 'attunement[view]'") from None

    def ready(link: str) -> None:
        if host not in _LOOPBACK:
            typer.echo(
                "Whoever has this link and reaches this machine can read these runs, annotate, and "
                "fork with any model and server that this machine reaches.", err=True,
            )  # fmt: skip
        typer.echo("Ctrl-C ends it.", err=True)
        typer.echo(link)
        if open_page:
            typer.launch(link)

    serve_view(runs or (), Options(host=host, port=port, annotator=annotator), ready)
