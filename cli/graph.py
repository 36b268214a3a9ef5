"""`attune graph`: draw a graph, a run on it, or a run's network of strategies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from networkx import DiGraph

    from attunement.graphs.drawing import Drawing
    from attunement.simulator.config import RunConfig
    from attunement.simulator.journal import Journal

Format = Literal["ascii", "mermaid", "json", "svg", "png"]
_BY_SUFFIX: dict[str, Format] = {
    ".txt": "ascii", ".mmd": "mermaid", ".mermaid": "mermaid", ".json": "json", ".svg": "svg",
    ".png": "png",
}  # fmt: skip


def graph(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="self_refine, decoupled or direct."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="A run folder: draw its graph with counts, latency, errors and re-asks.",
        ),
    ] = None,
    strategies: Annotated[
        bool,
        typer.Option("--strategies", help="The run's network of strategies: which follows which."),
    ] = False,
    format: Annotated[
        Format | None,
        typer.Option(help="Without it, by the suffix of --out, else ascii."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write; else the output.")
    ] = None,
    plain_draft: Annotated[
        bool, typer.Option("--plain-draft", help="self_refine without its planner.")
    ] = False,
) -> None:
    """Draw a graph, offline: on the terminal, as SVG or PNG, as Mermaid text, as JSON.

    Example: attune graph self_refine --out self_refine.svg

    Example: attune graph --run runs/001 --strategies
    """
