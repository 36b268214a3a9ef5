"""The folder of a report: `report.md` to read, `report.json` for programs, the plots.

    write_report(Path("evaluations/001"), comparison)

The same comparison gives the same bytes. The folder is whole or not there.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from attunement.core.errors import UserError
from attunement.core.records import Record
from attunement.evaluation.comparison import Comparison
from attunement.evaluation.stability import Stability

MARKDOWN, JSON, PLOTS = "report.md", "report.json", "plots"
PARENT = "evaluations"


class Report(Record):
    """What `report.json` holds."""

    comparison: Comparison
    stability: Stability | None = None
    notes: tuple[str, ...] = ()


def next_folder() -> Path:
    """The first free name `evaluations/NNN`."""
    number = 1
    while (folder := Path(PARENT) / f"{number:03d}").exists():
        number += 1
    return folder


def refuse_existing(out: Path) -> None:
    """`UserError` where something stands at `out` already."""
    if out.exists():
        kind = "folder" if out.is_dir() else "file"
        raise UserError(f"{kind} {str(out)!r} exists; choose another with --out, or remove it")


def write_report(
    out: Path,
    comparison: Comparison,
    stability: Stability | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """Write page, figures and plots; `UserError` where `out` exists or cannot be written."""
    from attunement.evaluation.report.markdown import as_markdown
    from attunement.evaluation.report.plots import draw

    refuse_existing(out)
    report = Report(comparison=comparison, stability=stability, notes=tuple(notes))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=".evaluation-") as scratch:
            part = Path(scratch) / "part"
            (part / PLOTS).mkdir(parents=True)
            pictures = draw(comparison, part / PLOTS)
            page = as_markdown(comparison, pictures, stability, notes)
            (part / MARKDOWN).write_text(page, "utf-8")
            (part / JSON).write_bytes(as_json(report))
            part.rename(out)
    except OSError as error:
        raise UserError(f"{str(out)!r} cannot be written: {error.strerror}") from None
    return report


def as_json(report: Report) -> bytes:
    """Every number with its bounds, unit and method."""
    values = report.model_dump(mode="json")
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
