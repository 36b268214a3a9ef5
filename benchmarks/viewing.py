"""`attune view` on 2,000 dialogues of 50 turns: how long pages wait, and the server's memory.

Forty dialogues of canned answers are run, and each then stands fifty times in the journal, under
another number and with that number in its words: turns, calls and prompts as a large run has them.
"""

import http.client
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import orjson

from attunement.personas.cards import library
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.frame import JOURNAL
from attunement.simulator.tables import CALLS, TURNS
from benchmarks.canned import CannedChat
from benchmarks.measure import ROOT, Line
from benchmarks.runs import carry_out

SECONDS, MEMORY = 0.3, 300
"""What a page may wait, and MB that the server may have."""
_TIMES = 9
"""How often each page is asked for. The slowest counts."""
_SEARCHES = {
    "a rare word": ("n77t", "n41t", "n59t", "n63t", "n78t"),
    "a word that is nowhere": ("zebra", "volcano", "saxophone", "harbour", "quartz"),
    "a word of most turns": ("drive", "father", "message", "nobody", "tired"),
    "two words": ("father monday", "sister bag", "swimming night", "email room", "car drive"),
    "two letters": ("mo", "th", "we", "ag", "q7"),
    "one letter": ("a", "e", "q", "7", "-"),
}  # fmt: skip
"""What is kept of a search would answer the same one at once: so each kind has several."""


def measure(quick: bool) -> list[Line]:
    """Pages while the index is being made, and when it is."""
    dialogues, turns = (80, 10) if quick else (2_000, 50)
    with tempfile.TemporaryDirectory() as home:
        run = Path(home) / "run"
        make_run(run, dialogues, turns)
        size = sum(path.stat().st_size for path in run.iterdir()) / 1e6
        with _viewed(run) as (server, pid):
            lines = [_line("first page, while it is read", [server.first_page()])]
            lines += _searches(server, "  while it is read: ", ["a word of most turns"])
            waited, began = [], time.perf_counter()
            while server.get("api/runs")["runs"][0]["read"] < 1:
                waited.append(server.timed("api/runs/0/dialogues?limit=50"))
                time.sleep(0.2)
            read = time.perf_counter() - began
            note = f"{dialogues * turns:,} turns, {size:,.0f} MB"
            lines.append(_line("  lists while it is read", waited or [0.0]))
            lines.append(Line("the whole run is read after", read, "s", note=note))
            lines += _pages(server, dialogues, turns)
            lines += _searches(server, "search: ", list(_SEARCHES))
            peak = _peak_mb(pid)
    met = None if peak is None else peak < MEMORY
    return [*lines, Line("peak memory of the server", peak, "MB", f"under {MEMORY} MB", met)]


def _pages(server: "_Server", dialogues: int, turns: int) -> list[Line]:
    last = f"api/runs/0/dialogues/{dialogues - 1}"
    pages = {
        "the run in figures": "api/runs/0",
        "a page of dialogues": "api/runs/0/dialogues?limit=50",
        "  filtered and sorted": "api/runs/0/dialogues?emotion=anger&sort=relief&offset=100",
        "the worst replies": "api/runs/0/replies",
        "  a page far behind": "api/runs/0/replies?strategy=Question&offset=5000",
        "a dialogue": last,
        "a turn on its graph": f"{last}/turns/{turns - 1}",
    }
    first = _line("first page", [server.first_page() for _ in range(_TIMES)])
    lines = [_line(name, [server.timed(at) for _ in range(_TIMES)]) for name, at in pages.items()]
    whole = [
        Line(f"{name} of the whole run", server.timed(f"api/runs/0/{name}"), "s")
        for name in ("graph", "strategies")
    ]
    return [first, *lines, *whole]


def _searches(server: "_Server", prefix: str, names: list[str]) -> list[Line]:
    lines = []
    for name in names:
        at = "api/runs/0/dialogues?limit=50&sort=match&q="
        seconds = [server.timed(at + quote(words)) for words in _SEARCHES[name]]
        found = server.get(at + quote(_SEARCHES[name][0]))["total"]
        line = _line(prefix + name, seconds, f"{found:,} found")
        # A letter is a word in some languages; in others it is in every turn, and nobody's search.
        lines.append(replace(line, budget="", met=None) if name == "one letter" else line)
    return lines


def _line(what: str, seconds: list[float], note: str = "") -> Line:
    value, slowest = statistics.median(seconds), max(seconds)
    notes = [note] if note else []
    notes += [f"slowest of {len(seconds)}: {1000 * slowest:,.0f} ms"] if len(seconds) > 1 else []
    budget = f"under {1000 * SECONDS:.0f} ms"
    return Line(what, 1000 * value, "ms", budget, slowest < SECONDS, "; ".join(notes))


# ---- the run ------------------------------------------------------------------------------------


def make_run(folder: Path, dialogues: int, turns: int, different: int = 40) -> None:
    """A run of so many dialogues with so many turns each, of which a few are made in earnest."""
    cards = library()
    cast = Cast(cards, [index % len(cards) for index in range(different)])
    config = RunConfig(model="canned", dialogues=different, max_turns=turns)
    carry_out(folder, config, CannedChat(), cast)
    with closing(sqlite3.connect(folder / JOURNAL)) as db:
        db.execute("PRAGMA synchronous=OFF")
        for start in range(different, dialogues, different):
            _copy(db, start, min(different, dialogues - start))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy(db: sqlite3.Connection, by: int, count: int) -> None:
    """The first `count` dialogues once more, `by` further on."""
    db.execute(
        "INSERT INTO dialogues (idx, id, persona, status, stop_reason, outcome) SELECT idx + ?1, "
        "'n' || (idx + ?1) || '-' || id, persona, status, stop_reason, outcome FROM dialogues "
        "WHERE idx < ?2",
        (by, count),
    )
    words = (
        """replace(record, '"text":"', '"text":"n' || (dialogue + ?1) || 't' || number || ' ')"""
    )
    for table, changed in ((TURNS, {"record": words}), (CALLS, {})):
        changed |= {"dialogue": "dialogue + ?1"}
        names = [column.name for column in table.columns if column.name != "key"]
        values = ", ".join(changed.get(name, name) for name in names)
        into = f"INSERT INTO {table.name} ({', '.join(names)})"
        db.execute(f"{into} SELECT {values} FROM {table.name} WHERE dialogue < ?2", (by, count))


# ---- the server ---------------------------------------------------------------------------------


class _Server:
    """What a page asks the server for."""

    def __init__(self, link: str) -> None:
        self._where, self._path = urlsplit(link).netloc, urlsplit(link).path

    def timed(self, address: str) -> float:
        """Seconds until all of an answer is there."""
        began = time.perf_counter()
        self._ask(address)
        return time.perf_counter() - began

    def first_page(self) -> float:
        """Seconds until everything is there that the first page needs."""
        needed = ("", "app.js", "app.css", "api/runs", "api/runs/0", "api/runs/0/dialogues")
        return sum(self.timed(address) for address in needed)

    def get(self, address: str) -> dict[str, list[dict[str, float]]]:
        """A record."""
        found: dict[str, list[dict[str, float]]] = orjson.loads(self._ask(address))
        return found

    def _ask(self, address: str) -> bytes:
        with closing(http.client.HTTPConnection(self._where, timeout=60)) as connection:
            connection.request("GET", self._path + address)
            response = connection.getresponse()
            body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{address}: status {response.status}, {body[:200]!r}")
        return body


@contextmanager
def _viewed(run: Path) -> Iterator[tuple[_Server, int]]:
    """`attune view` in a process of its own, on two cores where that can be said."""
    pin = ["taskset", "-c", "0,1"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    command = [*pin, sys.executable, "-m", "attunement.cli.app", "view", str(run)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield _Server(process.stdout.readline().strip()), process.pid
        finally:
            process.send_signal(signal.SIGINT)


def _peak_mb(pid: int) -> float | None:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
