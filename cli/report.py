"""`attune report`: a run as one HTML file to read and send."""

from pathlib import Path
from typing import Annotated

import typer


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
        typer.Option("--max-mb", min=0.1, metavar="MB", help="What its records may take."),
    ] = 10.0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is in it as JSON.")] = False,
) -> None:
    """Write a run as one HTML file: figures, plots, graph, and dialogues to browse.

    It opens from disk in any browser, and asks no server for anything. Among the sampled dialogues
    are some that failed, hold a crisis, or a turn that was set aside, if there are any.

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
        facts = {
            "file": str(file), "bytes": size, "dialogues": carried.dialogues,
            "of": carried.page.card.dialogues, "branches": len(carried.cards) - carried.dialogues,
            "turns": carried.turns, "turns_on_graph": carried.on_graph,
        }  # fmt: skip
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(f"{file}: {carried.sampled()}, {size / 1e6:.1f} MB")
    if left := carried.turns - carried.on_graph:
        typer.echo(
            f"To stay small it lacks the graphs of {left:,} of {carried.turns:,} turns; "
            "--max-mb makes room for more."
        )
