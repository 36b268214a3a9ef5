"""`attune report`: a run as one HTML file to read and send."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from attunement.viewer.report.embedding import Carried


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write; else NAME.html here.")
    ] = None,
    dialogues: Annotated[
        int, typer.Option(min=1, metavar="N", help="Dialogues that it holds, evenly sampled.")
    ] = 30,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Every call's whole prompt; much larger.")
    ] = False,
    max_mb: Annotated[
        float,
        typer.Option(
            "--max-mb", min=0.1, metavar="MB", help="What its records may take, besides the pages."
        ),
    ] = 10.0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is in it as JSON.")] = False,
) -> None:
    """Write a run as one HTML file: figures, plots, graph, and dialogues to browse.

    It opens from disk in any browser, and asks no server for anything. Among the sampled dialogues
    are some that failed, hold a crisis, a turn that was set aside or annotated, or have branches,
    if there are any; where room is short, annotated ones and those with branches come first.

    Example: attune report runs/001 --out run.html
    """
    import json

    from attunement.cli.progress import watched
    from attunement.core.errors import UserError
    from attunement.simulator.export import write_whole
    from attunement.viewer.report.embedding import carry
    from attunement.viewer.report.page import report_html

    file = out or Path(f"{run.resolve().name}.html")
    if file.is_dir():
        raise UserError(f"`--out` {str(file)!r} is a folder; name a file, such as run.html")
    if file.exists() and not force:
        raise UserError(f"{str(file)!r} exists; replace it with --force, or choose another --out")
    carried = carry(run, dialogues, prompts, round(max_mb * 1e6), watched)
    html = report_html(carried).encode()
    size = write_whole(file, lambda target: target.write(html))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "bytes": size} | _facts(carried), indent=2))
        return
    typer.echo(f"{file}: {carried.sampled()}, {size / 1e6:.1f} MB")
    for line in _remarks(carried, max_mb):
        typer.echo(line)


def _facts(carried: "Carried") -> dict[str, int]:
    run = carried.page.card
    wanted = sum(card.origin is None for card in carried.wanted)
    here = sum(card.origin is None and card.status == "open" for card in carried.cards)
    return {
        "dialogues": carried.dialogues, "wanted": wanted, "of": run.dialogues, "open": run.open,
        "open_in_it": here, "branches": carried.branches,
        "wanted_branches": len(carried.wanted) - wanted, "compared": carried.compared,
        "turns": carried.turns, "turns_on_graph": carried.on_graph,
    }  # fmt: skip


def _remarks(carried: "Carried", max_mb: float) -> Iterator[str]:
    """What a reader may miss in it, and why."""
    facts = _facts(carried)
    if facts["open"]:
        why = f"; {carried.waiting:,} without a reply yet are left out" if carried.waiting else ""
        share = f"{facts['open']:,} of the run's {facts['of']:,} dialogues are open"
        yield f"{share}, {facts['open_in_it']:,} of them in it{why}."
    if len(carried.cards) < len(carried.wanted):
        yield f"{_held(facts)}: --max-mb {max_mb:g} leaves no room for more."
    if lacks := " and ".join(_lacks(facts)):
        yield f"To stay small it lacks {lacks}; --max-mb makes room for more."


def _held(facts: Mapping[str, int]) -> str:
    """How many of the dialogues and branches that were to be in it are."""
    branches = facts["wanted_branches"]
    more = f" and {facts['branches']:,} of {branches:,} branches" if branches else ""
    return f"{facts['dialogues']:,} of the {facts['wanted']:,} dialogues asked for{more}"


def _lacks(facts: Mapping[str, int]) -> Iterator[str]:
    if left := facts["branches"] - facts["compared"]:
        yield f"the comparisons of {left:,} of {facts['branches']:,} branches with their origins"
    if left := facts["turns"] - facts["turns_on_graph"]:
        yield f"the graphs of {left:,} of {facts['turns']:,} turns"
