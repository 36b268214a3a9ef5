"""A million pairs: seconds and peak memory of exporting and of linting them.

The journal is that of a real run on the embedded model, copied with other personas and with a
number behind every seeker's words, so that no prompt stands twice. What a plain loop takes that
only parses and writes the same lines with the standard library stands beside it.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from attunement.simulator.config import RunConfig
from benchmarks.measure import Cost, Line, as_child, child
from benchmarks.memory import peak_mb
from benchmarks.runs import carry_out

BUDGET = 500
"""MB."""
BASE = 500
"""Dialogues of the run that is copied."""


def measure(quick: bool) -> list[Line]:
    """Export, lint and a plain copy, each in a process of its own, and the peaks at a tenth."""
    wanted = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        small = _corpus(Path(folder) / "small", wanted // 10)
        large = _corpus(Path(folder) / "large", wanted)
    lines = [
        Line("pairs", large["pairs"], note=f"{large['bytes'] / 1e9:.2f} GB of JSON lines"),
        Line("plain copy with json", large["copy"]["seconds"], "s"),
    ]
    for verb in ("export", "lint"):
        found, at_a_tenth = large[verb], small[verb]
        ratio = found["seconds"] / large["copy"]["seconds"]
        lines += [
            Line(verb, found["seconds"], "s",
                 note=f"{ratio:.1f} x the plain copy; {found['cpu']:.0f} s of processor time"),
            Line(f"  peak memory of the {verb}", found["peak_mb"], "MB", f"under {BUDGET} MB",
                 found["peak_mb"] < BUDGET, f"{at_a_tenth['peak_mb']:.0f} MB at a tenth"),
        ]  # fmt: skip
    return lines


def _corpus(folder: Path, pairs: int) -> dict[str, Any]:
    run, out = folder / "run", folder / "corpus"
    _lay_out(run, pairs)
    figures = {"export": child("benchmarks.corpora", work="export", run=str(run), out=str(out))}
    figures["lint"] = child("benchmarks.corpora", work="lint", run=str(run), out=str(out))
    figures["copy"] = child("benchmarks.corpora", work="copy", run=str(run), out=str(out))
    files = sorted((out / "response").iterdir())
    rows = sum(json.loads((out / "corpus.json").read_text())["sets"]["response"]["splits"].values())
    return figures | {"pairs": rows, "bytes": sum(file.stat().st_size for file in files)}


def _lay_out(run: Path, pairs: int) -> None:
    """A run folder whose journal gives at least that many pairs."""
    carry_out(run, RunConfig(dialogues=BASE, max_turns=8))
    with closing(sqlite3.connect(run / "journal.db")) as db, db:
        turns = db.execute(
            "SELECT count(*) FROM turns WHERE json_extract(record, '$.spoken') = 'refined'"
        ).fetchone()[0]
        people = db.execute("SELECT count(*) FROM personas").fetchone()[0]
        db.execute("DELETE FROM calls")
        # About an eighth of the refinements are too long to be kept.
        for copy in range(1, -(-pairs * 10 // (8 * turns))):
            _copy(db, copy, people)


def _copy(db: sqlite3.Connection, copy: int, people: int) -> None:
    numbers = {"copy": copy, "dialogues": copy * BASE, "people": copy * people}
    db.execute(
        "INSERT INTO personas SELECT position + :people, "
        "json_set(card, '$.id', json_extract(card, '$.id') || '-' || :copy) "
        f"FROM personas WHERE position < {people}", numbers,
    )  # fmt: skip
    db.execute(
        "INSERT INTO dialogues (idx, id, persona, status, stop_reason, outcome) "
        "SELECT idx + :dialogues, id || '-' || :copy, persona + :people, status, stop_reason, "
        f"outcome FROM dialogues WHERE idx < {BASE}", numbers,
    )  # fmt: skip
    db.execute(
        "INSERT INTO turns (dialogue, number, record) SELECT dialogue + :dialogues, number, "
        "json_set(record, '$.seeker.text', json_extract(record, '$.seeker.text') || ' ' || :copy) "
        f"FROM turns WHERE dialogue < {BASE}", numbers,
    )  # fmt: skip


# ---- in a process of its own --------------------------------------------------------------------


def _work(work: str, run: str, out: str) -> dict[str, Any]:
    with Cost() as cost, redirect_stdout(StringIO()):
        _WORKS[work](run, out)
    return {"seconds": cost.wall, "cpu": cost.cpu, "peak_mb": peak_mb()}


def _export(run: str, out: str) -> None:
    _attune("pairs", run, "--out", out, "--sets", "response", "--min-history", "1")


def _lint(_: str, out: str) -> None:
    _attune("lint", out)


def _attune(*words: str) -> None:
    """A verb as people run it; a lint that finds something is measured too."""
    from attunement.cli.app import app

    try:
        app(list(words), standalone_mode=False)
    except SystemExit as end:
        if end.code not in (0, 1):
            raise


def _copy_plainly(_: str, out: str) -> None:
    for source in sorted((Path(out) / "response").glob("*.jsonl")):
        target = source.with_suffix(".copy")
        with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as copied:
            for line in lines:
                copied.write(json.dumps(json.loads(line)) + "\n")
        target.unlink()


_WORKS: dict[str, Callable[[str, str], None]] = {
    "export": _export,
    "lint": _lint,
    "copy": _copy_plainly,
}


if __name__ == "__main__":
    as_child(_work)
