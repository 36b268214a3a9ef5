"""A server that fails a fifth of the time: every turn is complete or set aside, nothing is lost."""

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attunement.agents.models import endpoint, wire
from attunement.core.records import Dialogue, Turn
from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run
from benchmarks.faults import KINDS, TRANSPORT, Faults
from benchmarks.runs import KNOWN
from benchmarks.serving import Server, started
from tests.helpers import exported, journal_of

DRIVER = Path(__file__).with_name("kill_driver.py")
FIFTH = Faults.even(0.2, dead=0.02, seed=7)
DEAD = "this request always fails"
UNREADABLE = re.compile(r"no readable \w+ in 3 attempts|empty answer in 3 attempts|cut off at")
IN_FLIGHT = 32


@pytest.fixture(scope="module")
def faulty() -> Iterator[Server]:
    with started(0.005, retry_after=0.02, faults=FIFTH) as server:
        yield server


@pytest.fixture
def server(faulty: Server) -> Server:
    """The server as if nothing had been sent to it yet."""
    faulty.forget()
    faulty.stats()
    return faulty


def lay_out(folder: Path, server: Server, dialogues: int, max_turns: int, seed: int = 3) -> Path:
    config = RunConfig(
        model="openai:latency", base_url=server.base_url, capabilities=KNOWN, timeout=1.0,
        dialogues=dialogues, max_turns=max_turns, concurrency=IN_FLIGHT, seed=seed,
    )  # fmt: skip
    create_run(folder, config, cast_for(config))
    return folder


def carried_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Tally, list[Dialogue]]:
    """Run a run here, with a client that does not wait for long; its tally and its dialogues."""
    monkeypatch.setattr(wire, "FIRST_WAIT", 0.01)
    tally = Tally()
    assert run(folder, tally=tally)
    journal = journal_of(folder)
    try:
        return tally, list(journal.dialogues())
    finally:
        journal.close()


def is_whole(turn: Turn) -> bool:
    return None not in (turn.plan, turn.draft, turn.reflection, turn.refined)


def check_dialogues(dialogues: list[Dialogue], tally: Tally) -> None:
    """Every turn whole or set aside, every dialogue closed or failed, each with its reason."""
    spoken = [turn for dialogue in dialogues for turn in dialogue.turns if turn.spoken]
    for turn in spoken:
        assert is_whole(turn) != bool(turn.set_aside) or any(
            note.role == "responder" for note in turn.set_aside
        )  # a draft that was cut off is spoken and refined, and no training data all the same
    reasons = [note.reason for turn in spoken for note in turn.set_aside]
    reasons += [dialogue.error for dialogue in dialogues if dialogue.error is not None]
    assert all(DEAD in reason or UNREADABLE.search(reason) for reason in reasons), reasons
    for dialogue in dialogues:
        assert (dialogue.stop_reason is None) == (dialogue.error is not None)
        assert [turn.number for turn in dialogue.turns] == list(range(1, len(dialogue.turns) + 1))
    assert tally.turns == len(spoken)
    assert tally.set_aside == sum(bool(turn.set_aside) for turn in spoken)
    assert tally.done == sum(dialogue.error is None for dialogue in dialogues)
    assert tally.failed == len(dialogues) - tally.done


@pytest.mark.parametrize("turns", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_a_run_at_a_fifth_of_faults_loses_nothing(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, turns: int
):
    monkeypatch.setattr(endpoint, "BREAK", 10**9)  # so that every sending counts as a try
    tally, dialogues = carried_out(lay_out(tmp_path / "run", server, 100, turns), monkeypatch)
    assert len({dialogue.id for dialogue in dialogues}) == len(dialogues) == 100
    check_dialogues(dialogues, tally)
    assert tally.done > 60
    assert tally.set_aside > 0
    assert tally.tries > 0
    stats = server.stats()
    print(f"{turns} turns: {tally}; {stats}")
    assert set(stats["faults"]) == {*KINDS, "dead"}
    assert sum(stats["faults"].values()) > 0.12 * stats["requests"]
    # Nothing answered is asked again, but for what came too late on a busy machine: sendings that
    # failed without a fault of the server's.
    failing = tally.tries + tally.failed_calls
    late = failing - sum(n for kind, n in stats["faults"].items() if kind in (*TRANSPORT, "dead"))
    assert 0 <= stats["doubled"] <= late
    assert tally.calls + tally.tries <= stats["requests"]


def test_answers_that_cannot_be_read_set_aside_or_fail_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    faults = Faults({"enum": 0.4, "empty": 0.25, "cut": 0.25}, seed=5)
    with started(0.0, faults=faults) as server:
        folder = lay_out(tmp_path / "run", server, 40, 2)
        tally, dialogues = carried_out(folder, monkeypatch)
    check_dialogues(dialogues, tally)
    assert tally.failed_calls == tally.tries == 0
    assert tally.failed > 0
    assert tally.set_aside > 0


# ---- killed and resumed -------------------------------------------------------------------------


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, DRIVER, folder, folder / "made"])


def made(folder: Path) -> int:
    counter = folder / "made"
    return counter.stat().st_size if counter.exists() else 0


def killed(folder: Path, moment: int) -> bool:
    """Go on with a run and kill it after so many requests in all; whether it still ran then."""
    process = start(folder)
    while made(folder) < moment and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def whole(folder: Path, server: Server, **size: Any) -> tuple[bytes, int]:
    """An uninterrupted run: its exports, and how many requests it sent."""
    lay_out(folder, server, **size)
    assert start(folder).wait() == 0
    assert server.stats()["doubled"] == 0
    return exported(folder), made(folder)


@pytest.mark.parametrize(
    ("size", "kills", "seeds"),
    [
        ({"dialogues": 20, "max_turns": 2}, 3, 1),
        pytest.param({"dialogues": 100, "max_turns": 4}, 5, 5, marks=pytest.mark.slow),
    ],
    ids=["20 dialogues", "100 dialogues"],
)
def test_killed_under_faults_it_ends_as_if_it_had_not_been(
    tmp_path: Path, server: Server, size: dict[str, int], kills: int, seeds: int
):
    content, requests = whole(tmp_path / "whole", server, **size)
    assert content.count(DEAD.encode()) > 0
    for seed in range(seeds):
        server.forget()  # so that the same requests meet the same faults
        folder = lay_out(tmp_path / str(seed), server, **size)
        moments = sorted(random.Random(seed).sample(range(1, requests - IN_FLIGHT), kills))
        done = sum(killed(folder, moment) for moment in moments)
        assert start(folder).wait() == 0
        assert exported(folder) == content
        stats = server.stats()
        print(f"killed {done} times; {made(folder)} requests instead of {requests}; {stats}")
        assert done >= kills - 1
        # Only what was in flight at a kill may repeat: at most two calls a dialogue in flight.
        assert stats["doubled"] <= done * IN_FLIGHT * 2
