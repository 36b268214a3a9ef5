"""`attune graph`: draw a graph, a run on its graph, or a run's network of strategies."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from networkx import DiGraph

    from attunement.simulator.config import RunConfig
    from attunement.simulator.journal import Journal

Format = Literal["ascii", "mermaid", "json", "svg", "png"]
SUFFIXES: dict[str, Format] = {
    ".txt": "ascii", ".mmd": "mermaid", ".mermaid": "mermaid", ".json": "json", ".svg": "svg",
    ".png": "png",
}  # fmt: skip

PLAIN_DRAFT = "plain draft"


def graph(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="self_refine, decoupled, direct or ipm.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="A run folder: its graph with counts, latency, errors and re-asks.",
        ),
    ] = None,
    strategies: Annotated[
        bool,
        typer.Option("--strategies", help="The run's strategies: which follows which, and relief."),
    ] = False,
    format: Annotated[
        Format | None, typer.Option(help="Without it, by the suffix of --out, else ascii.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write.")] = None,
    plain_draft: Annotated[
        bool, typer.Option("--plain-draft", help="self_refine without its planner.")
    ] = False,
) -> None:
    """Draw a graph, or what a run did on it: text, Mermaid, JSON, SVG or PNG, all offline.

    Example: attune graph self_refine --out self_refine.svg
    """
    from attunement.core.errors import UserError

    kind = format or _by_suffix(out)
    if kind == "png" and out is None:
        raise UserError("a PNG needs a file; pass --out graph.png")
    plain = out is None and not _has_lines()
    if run is not None:
        drawn = _draw_run(run, name, plain_draft, strategies, kind, plain)
    elif strategies:
        raise UserError("`--strategies` needs a run; pass --run RUN")
    else:
        drawn = _draw_graph(name, plain_draft, kind, plain)
    _deliver(drawn, kind, out)


def _by_suffix(out: Path | None) -> Format:
    from attunement.core.errors import UserError

    if out is None:
        return "ascii"
    if out.suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise UserError(f"`--out` must end in one of {known}, got {str(out)!r}; or pass --format")
    return SUFFIXES[out.suffix]


def _has_lines() -> bool:
    """Whether the output can show box-drawing characters."""
    try:
        "╭┆▼".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _draw_graph(name: str | None, plain_draft: bool, kind: Format, plain: bool) -> str | bytes:
    from attunement.core.errors import UserError
    from attunement.graphs.drawing.diagram import to_networkx
    from attunement.graphs.registry import GRAPHS, build_graph

    if name is None:
        raise UserError(f"name a graph ({', '.join(GRAPHS)}) or a run: attune graph --run RUN")
    title = PLAIN_DRAFT if plain_draft else ""
    return _as(kind, to_networkx(build_graph(name, plain_draft), title), plain)


def _draw_run(
    run: Path, name: str | None, plain_draft: bool, strategies: bool, kind: Format, plain: bool
) -> str | bytes:
    from contextlib import closing

    from attunement.graphs.drawing.diagram import many, to_networkx
    from attunement.simulator.backends import graph_for
    from attunement.simulator.run import open_run
    from attunement.simulator.statistics import run_stats

    config, journal = open_run(run)
    with closing(journal):
        _check_agrees(run, config, name, plain_draft)
        title = f"run {run.resolve().name}, {many(sum(journal.counts().values()), 'dialogue')}"
        if strategies:
            return _draw_strategies(journal, f"strategies: {title}", kind, plain)
        if config.plain_draft:
            title = f"{PLAIN_DRAFT}, {title}"
        compiled = graph_for(config)
        return _as(kind, to_networkx(compiled, title, run_stats(journal, compiled)), plain)


def _check_agrees(run: Path, config: "RunConfig", name: str | None, plain_draft: bool) -> None:
    """A run was made with one graph; the name may be left out, but not be another."""
    from attunement.core.errors import UserError

    if name in (None, config.graph) and plain_draft <= config.plain_draft:
        return
    option = " --plain-draft"
    asked = f"{name or config.graph}{option * plain_draft}"
    made = f"{config.graph}{option * config.plain_draft}"
    raise UserError(
        f"run {str(run)!r} was made with graph {made!r}, not {asked!r}; attune graph --run {run} "
        "draws it"
    )


def _as(kind: Format, drawn: "DiGraph", plain: bool) -> str | bytes:
    from attunement.graphs.drawing import diagram

    if kind == "svg" or kind == "png":
        return diagram.to_picture(drawn, kind)
    if kind == "ascii":
        return diagram.to_text(drawn, plain)
    return diagram.to_json(drawn) if kind == "json" else diagram.to_mermaid(drawn)


def _draw_strategies(journal: "Journal", title: str, kind: Format, plain: bool) -> str | bytes:
    from attunement.cli.transition_tables import transition_text
    from attunement.core.errors import UserError
    from attunement.evaluation.transition_picture import draw_transitions
    from attunement.evaluation.transitions import network
    from attunement.graphs.drawing.diagram import to_json
    from attunement.simulator.exchanges import exchanges_of

    if kind == "mermaid":
        raise UserError("`--strategies` has no mermaid form; pass --format ascii, json, svg or png")
    found = network(exchanges_of(journal))
    replies, without = found.graph["replies"], found.graph["without_strategy"]
    if replies == without:
        raise UserError(
            f"no reply of this run has a strategy ({replies} without one); "
            "strategies come from a planner, as in graphs self_refine and decoupled"
        )
    if kind == "svg" or kind == "png":
        return draw_transitions(found, title, kind)
    return to_json(found) if kind == "json" else transition_text(found, title, plain)


def _deliver(drawn: str | bytes, kind: Format, out: Path | None) -> None:
    from attunement.core.errors import UserError

    data = drawn if isinstance(drawn, bytes) else f"{drawn.rstrip()}\n".encode()
    if out is None:
        typer.echo(data.decode(), nl=False)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise UserError(f"`--out` {str(out)!r} cannot be written: {error.strerror}") from None
    typer.echo(f"{kind} written to {out}")
