"""The journal's size against the text that it holds, and that it grows with the turns only.

Text is, in UTF-8: every answer, every turn record, and what is new in every prompt (the texts in
the deltas, without the numbers around them). Personas, prompt files, keys, hashes, seeds and
indexes are size, but not text.
"""

import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from attunement.agents.models.base import ChatBackend
from attunement.personas.cards import library
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.export import turn_rows, write_rows
from attunement.simulator.run import open_run
from benchmarks.canned import CannedChat
from benchmarks.measure import Line
from benchmarks.runs import carry_out

BUDGET = 3.0
LINEAR = 1.1
"""What eight times the turns (in --quick four times) may multiply the bytes a turn by."""


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a journal and of what it holds."""

    file: int
    answers: int
    records: int
    new_in_prompts: int
    export: int
    turns: int

    @property
    def text(self) -> int:
        """All text that the journal holds."""
        return self.answers + self.records + self.new_in_prompts


def measure(quick: bool) -> list[Line]:
    """Ratios for canned answers of a large model's length and for the embedded model."""
    dialogues, turns = (20, 100) if quick else (200, 400)
    lengths = (5, 10, 20) if quick else (5, 10, 20, 40)
    lines = _ratios("canned answers", _journal(dialogues, 8, CannedChat()))
    lines += _ratios("embedded model", _journal(dialogues, 8))
    a_turn = [_each_turn(_journal(turns // length, length, CannedChat())) for length in lengths]
    ratio = a_turn[-1] / a_turn[0]
    note = ", ".join(f"{n:,.0f} B at {k}" for n, k in zip(a_turn, lengths, strict=True))
    lines.append(
        Line(
            f"bytes a turn, {lengths[-1]} turns a dialogue against {lengths[0]}", ratio, "x",
            f"linear: at most {LINEAR} x", ratio <= LINEAR, note,
        )
    )  # fmt: skip
    return lines


def _ratios(what: str, size: Size) -> list[Line]:
    shares = ((size.answers, "answers"), (size.records, "turn records"),
              (size.new_in_prompts, "new in prompts"))  # fmt: skip
    note = ", ".join(f"{100 * part / size.text:.0f} % {name}" for part, name in shares)
    return [
        Line(
            f"journal against its text, {what}", size.file / size.text, "x",
            f"at most {BUDGET:.0f} x", size.file / size.text <= BUDGET,
            f"{_each_turn(size):,.0f} B a turn; text: {note}",
        ),
        Line("  against the answers alone", size.file / size.answers, "x"),
        Line("  against the export of turns", size.file / size.export, "x"),
    ]  # fmt: skip


def _each_turn(size: Size) -> float:
    return size.file / size.turns


def _journal(dialogues: int, max_turns: int, backend: ChatBackend | None = None) -> Size:
    """The sizes of a run's journal; its personas are as many as its dialogues, or the library."""
    personas = library()[:dialogues]
    cast = Cast(personas, [i % len(personas) for i in range(dialogues)])
    model = backend.spec if backend else "rehearsal"
    config = RunConfig(model=model, dialogues=dialogues, max_turns=max_turns)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        carried = carry_out(run, config, backend, cast)
        return _size(run, carried.turns)


def _size(run: Path, turns: int) -> Size:
    with closing(sqlite3.connect(run / "journal.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        answers = sum(len(text.encode()) for (text,) in db.execute("SELECT text FROM calls"))
        records = sum(len(text.encode()) for (text,) in db.execute("SELECT record FROM turns"))
        deltas = db.execute("SELECT delta FROM calls")
        new = sum(len(change[3].encode()) for (d,) in deltas for change in json.loads(d)[1:])
    _, journal = open_run(run)
    with closing(journal):
        write_rows(turn_rows(journal), run / "turns.jsonl")
    file, export = (run / "journal.db").stat().st_size, (run / "turns.jsonl").stat().st_size
    return Size(file, answers, records, new, export, turns)
