"""Stop the process anywhere: resuming finishes the same dialogues, and no call is made twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.run import create_run
from tests.helpers import exported, journal_of

DIALOGUES, CONCURRENCY = 60, 16
DRIVER = Path(__file__).with_name("kill_driver.py")


def lay_out(folder: Path) -> Path:
    config = RunConfig(dialogues=DIALOGUES, seed=11, concurrency=CONCURRENCY)
    create_run(folder, config, cast_for(config))
    return folder


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, DRIVER, folder, folder / "made"])


def made(folder: Path) -> int:
    counter = folder / "made"
    return counter.stat().st_size if counter.exists() else 0


def journalled(folder: Path) -> int:
    journal = journal_of(folder)
    try:
        return sum(row.calls for row in journal.usage())
    finally:
        journal.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[bytes, int]:
    """The uninterrupted run: its exports, and its number of calls."""
    folder = lay_out(tmp_path_factory.mktemp("whole") / "run")
    assert start(folder).wait() == 0
    assert made(folder) == journalled(folder)
    return exported(folder), made(folder)


SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4))]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_five_times_it_ends_as_if_it_had_not_been(tmp_path, whole, seed):
    """Five kills a seed, each after a random number of calls."""
    content, calls = whole
    folder = lay_out(tmp_path / "run")
    kills = 0
    for moment in sorted(random.Random(seed).sample(range(1, calls - CONCURRENCY), 5)):
        process = start(folder)
        while made(folder) < moment and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert start(folder).wait() == 0
    assert exported(folder) == content
    assert journalled(folder) == calls
    repeated = made(folder) - calls
    print(f"killed {kills} times: {made(folder)} calls made, {calls} journalled")
    # Only what was in flight at a kill may repeat: at most two calls a dialogue in flight.
    assert 0 <= repeated <= kills * CONCURRENCY * 2
    assert kills >= 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_signal_loses_and_repeats_nothing(tmp_path, whole, number):
    content, calls = whole
    folder = lay_out(tmp_path / "run")
    process = start(folder)
    while made(folder) < calls // 3 and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    assert process.wait() == 0
    assert journalled(folder) == made(folder)
    assert start(folder).wait() == 0
    assert made(folder) == calls
    assert exported(folder) == content


def test_only_one_process_may_run_a_run(tmp_path):
    from attunement.core.errors import RunFolderError
    from attunement.simulator.run import run

    folder = lay_out(tmp_path / "run")
    process = start(folder)
    try:
        while made(folder) < 1 and process.poll() is None:
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(RunFolderError, match="another process"):
            run(folder)
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()


def test_the_width_of_a_run_does_not_change_its_result(tmp_path):
    results = set()
    for width in (1, 7, 64):
        config = RunConfig(dialogues=20, seed=5, concurrency=width)
        folder = tmp_path / str(width)
        create_run(folder, config, cast_for(config))
        assert start(folder).wait() == 0
        results.add(exported(folder))
    assert len(results) == 1
