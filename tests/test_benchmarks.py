"""The benchmarks run and measure what they say; no figure is checked."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run

ROOT = Path(__file__).parent.parent


def _benchmarks(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def latency_server() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.latency_server", "0.001"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.stdin.close()


def test_latency_server_answers_every_role_so_that_it_reads_at_once(
    latency_server: str, tmp_path: Path
):
    model = "openai:latency"
    config = RunConfig(
        model=model, models={"guard": model}, base_url=latency_server, dialogues=3, max_turns=4
    )
    create_run(tmp_path / "run", config, cast_for(config))
    tally = Tally()
    assert run(tmp_path / "run", tally=tally)
    assert (tally.done, tally.failed, tally.set_aside) == (3, 0, 0)
    # Five roles a turn and the guard; at the end the seeker's closing words and the guard.
    assert tally.turns == 3 * 4
    assert tally.calls == 3 * (4 * 6 + 2)


def test_quick_journal_measurement_runs(tmp_path: Path):
    done = _benchmarks("journal", "--quick", "--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "journal against its text" in done.stdout
    report = json.loads((tmp_path / "figures.json").read_text())
    assert report["machine"]["cores"]
    assert all(line["value"] > 0 for line in report["lines"])
    assert [line["met"] for line in report["lines"] if line["budget"]].count(None) == 0


def test_unknown_measurement_is_the_users_mistake():
    done = _benchmarks("speed")
    assert done.returncode == 2
    assert "startup" in done.stderr
