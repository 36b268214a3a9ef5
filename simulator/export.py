"""Exports: turns and calls as JSON lines in a stable order, without clock values."""

import contextlib
import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from attunement.core.errors import AttunementError, UserError
from attunement.core.records import Dialogue, Fork, Turn
from attunement.simulator.forking import in_words
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_CLOCK = ("latency_ms", "tries", "cached_tokens", "key", "dialogue")
"""What differs between two runs of the same, and what only the journal needs."""


def turn_rows(journal: Journal, branches: bool = False) -> Iterator[dict[str, Any]]:
    """One row a turn, by dialogue and number. `role` says who speaks last in it.

    With `branches` these come too, each from its fork on, and rows say where a branch was forked
    and what it changes.
    """
    for dialogue in journal.dialogues(branches=branches):
        forked = _forked(dialogue.fork) if branches else {}
        for turn in dialogue.turns:
            if dialogue.fork is None or turn.number >= dialogue.fork.turn:
                yield _turn_row(dialogue, turn) | forked


def _forked(fork: Fork | None) -> dict[str, Any]:
    """The columns that say it of a branch; empty in the row of any other dialogue."""
    changed = in_words(fork.change) if fork else None
    return {"origin": fork and fork.origin, "forked_at": fork and fork.turn, "change": changed}


def _turn_row(dialogue: Dialogue, turn: Turn) -> dict[str, Any]:
    record = turn.model_dump(mode="json")
    last = turn is dialogue.turns[-1]
    return {
        "dialogue_id": dialogue.id,
        "turn": record.pop("number"),
        "role": "supporter" if turn.spoken else "seeker",
        "persona_id": dialogue.persona.id,
        "reply": turn.reply.text if turn.reply else None,
        **record,
        "stop_reason": dialogue.stop_reason if last else None,
        "error": dialogue.error if last else None,
        "dialogue_verdicts": [v.model_dump() for v in dialogue.verdicts] if last else [],
    }


def call_rows(journal: Journal, branches: bool = False) -> Iterator[dict[str, Any]]:
    """One row a model call with its rendered prompt (`messages`) and answer (`text`).

    `branches` as in `turn_rows`; the answers that one took over from its origin are rows as well,
    and one that a person gave has the model `person`.
    """
    forks = _forks(journal) if branches else {}
    for index, name in journal.indices(branches):
        forked = _forked(forks.get(name)) if branches else {}
        for call in journal.calls(index):
            kept = {key: value for key, value in call.items() if key not in _CLOCK}
            yield {"dialogue_id": name, **kept, **forked}


def _forks(journal: Journal) -> dict[str, Fork]:
    """Where the branches come from, by their ids."""
    found = journal.dialogues(DIALOGUES.c.origin.is_not(None), branches=True)
    return {dialogue.id: dialogue.fork for dialogue in found if dialogue.fork}


def write_rows(rows: Iterable[dict[str, Any]], out: Path) -> int:
    """Write rows as JSON lines and return how many; `-` is the standard output."""
    return write_whole(out, lambda file: _write(rows, file))


def write_whole(out: Path, write: Callable[[BinaryIO], int]) -> int:
    """Have a file written and return what `write` does; `-` is the standard output.

    A file is complete or not there: it is written beside itself and then renamed. `UserError`
    where it cannot be written, `AttunementError` where the disk is full.
    """
    if str(out) == "-":
        return write(sys.stdout.buffer)
    special, target = True, out
    try:
        special = out.exists() and not out.is_file()
        target = out if special else out.with_name(f".{out.name}.part")
        with target.open("wb") as file:
            written = write(file)
        if not special:
            target.replace(out)
        return written
    except OSError as error:
        with contextlib.suppress(OSError):
            if not special:
                target.unlink()
        failed = AttunementError if error.errno in _FULL else UserError
        raise failed(f"{str(out)!r} cannot be written: {error.strerror}") from None


def _write(rows: Iterable[dict[str, Any]], file: BinaryIO) -> int:
    written = 0
    for row in rows:
        file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        written += 1
    file.flush()
    return written
