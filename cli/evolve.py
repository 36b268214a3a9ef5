"""`attune evolve`: a whole recipe of learning, stage by stage, from one file of settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from attunement.trainers.evolve.stages import Planned
    from attunement.trainers.evolve.work import Display


def evolve(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML file, or a run folder to go on with.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Run folder, new or to go on with; else runs/NNN."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which stages would be done, and why.")
    ] = False,
    redo: Annotated[
        bool, typer.Option("--redo", help="Do stages again whose settings have changed.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the ledger (or the plan) as JSON.")
    ] = False,
) -> None:
    """Run a whole recipe: simulate, make pairs, train, measure on held-out people, decide.

    What was stopped goes on where it stopped, and what is done and unchanged is skipped: name the
    same run folder again. The ledger stands there as ledger.md, with its picture.

    Example: attune evolve configs/evolve-pocket.toml --out runs/pocket
    """
    from attunement.agents.models.secrets import load_env_file
    from attunement.trainers.evolve.config import read_toml

    load_env_file()
    if config.is_dir():
        config, out = config / "config.toml", out or config
    recipe, settings = read_toml(config)
    work = _recipe(recipe, settings, f"config file {str(config)!r}")
    if dry_run:
        _say_plan(work, out, as_json)
    else:
        _carry_out(work, out, redo, as_json)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """A recipe with its settings: what it would do, doing it, and showing what came of it."""

    plan: "Callable[[Path], Sequence[Planned]]"
    run: "Callable[[Path, Display, bool], BaseModel]"
    show: "Callable[[Path, Any], None]"


def _recipe(name: str, settings: dict[str, Any], where: str) -> _Recipe:
    if name == "decoupled":
        from rich.console import Console

        from attunement.cli.decoupled_table import print_report
        from attunement.trainers.decoupled import recipe
        from attunement.trainers.decoupled.config import check_decoupled

        b = check_decoupled(settings, where)
        return _Recipe(
            lambda folder: recipe.plan(b, folder),
            lambda folder, display, redo: recipe.run_decoupled(b, folder, display, redo),
            lambda folder, report: print_report(Console(), folder, report),
        )
    from attunement.cli.evolve_table import print_ledger
    from attunement.trainers.evolve import loop
    from attunement.trainers.evolve.config import check_evolution

    a = check_evolution(settings, where)
    return _Recipe(
        lambda folder: loop.plan(a, folder),
        lambda folder, display, redo: loop.evolve(a, folder, display, redo),
        print_ledger,
    )


def _say_plan(work: _Recipe, out: Path | None, as_json: bool) -> None:
    import orjson

    from attunement.cli.evolve_table import print_plan

    found = work.plan(out or Path("runs") / "new")
    if as_json:
        stages = [stage.model_dump(mode="json") for stage in found]
        typer.echo(orjson.dumps(stages, option=orjson.OPT_INDENT_2).decode())
    else:
        print_plan(found)


def _carry_out(work: _Recipe, out: Path | None, redo: bool, as_json: bool) -> None:
    from attunement.cli.evolve_table import display, heed_sigterm, numbered
    from attunement.core.errors import StoppedError

    folder = out or numbered()
    typer.echo(f"Evolving in {folder}", err=True)
    heed_sigterm()
    try:
        found = work.run(folder, display(), redo)
    except (KeyboardInterrupt, StoppedError):
        typer.echo(f"Stopped; nothing is lost. Go on with: attune evolve {folder}", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        work.show(folder, found)
