"""`attune`: the verbs, and what an error looks like from outside.

Exit codes: 0 done, 1 failed, 2 the user's mistake, 3 stopped by a bound of the budget, 130 stopped
by Ctrl-C.
"""

import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from attunement.cli.arena import arena
from attunement.cli.corpus import app as corpus
from attunement.cli.doctor import doctor
from attunement.cli.evaluate import evaluate
from attunement.cli.evolve import evolve
from attunement.cli.export import export
from attunement.cli.fork import fork
from attunement.cli.graph import graph
from attunement.cli.label_errors import label_errors
from attunement.cli.lint import lint
from attunement.cli.pairs import pairs
from attunement.cli.personas import app as personas
from attunement.cli.report import report
from attunement.cli.resume import resume
from attunement.cli.show import show
from attunement.cli.simulate import simulate
from attunement.cli.train import app as train
from attunement.cli.view import view
from attunement.core.errors import AttunementError, UserError, unknown


class _Verbs(TyperGroup):
    """A group that names the known verbs where one is unknown."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown("verb", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="attune",
    cls=_Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Simulate, inspect and learn emotional-support dialogue. Begin with: attune simulate",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"attunement {version('attunement')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("simulate")(simulate)
app.command("resume")(resume)
app.command("fork")(fork)
app.command("show")(show)
app.command("export")(export)
app.command("report")(report)
app.command("graph")(graph)
app.command("label-errors")(label_errors)
app.command("pairs")(pairs)
app.command("lint")(lint)
app.command("view")(view)
app.command("arena")(arena)
app.command("evaluate")(evaluate)
app.command("evolve")(evolve)
app.add_typer(corpus, name="corpus")
app.add_typer(personas, name="personas")
app.add_typer(train, name="train")
app.command("doctor")(doctor)


def main() -> None:
    """Run the verb; an expected error is one sentence on stderr, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows fewer characters than we
            stream.reconfigure(errors="replace")
    try:
        app()
    except UserError as error:
        _complain(error)
        sys.exit(2)
    except AttunementError as error:
        _complain(error)
        sys.exit(1)
    except OSError as error:
        # Whatever a room did not foresee of the file system: a folder that may not be read, say.
        name = f"{error.filename!r}: " if error.filename else ""
        typer.echo(f"attune: {name}{error.strerror or error}", err=True)
        sys.exit(2)


def _complain(error: AttunementError) -> None:
    typer.echo(f"attune: {error}", err=True)


if __name__ == "__main__":  # as launchers of several processes start it
    main()
