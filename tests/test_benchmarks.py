"""The benchmarks run and measure what they say; no figure is checked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run
from benchmarks.adaptive import settled
from benchmarks.canned import canned
from benchmarks.sampler import Sampler
from benchmarks.serving import started

ROOT = Path(__file__).parent.parent


def _benchmarks(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_server_answers_every_role_so_that_it_reads_at_once(tmp_path: Path):
    model = "openai:latency"
    with started(0.001) as server:
        config = RunConfig(
            model=model, models={"guard": model}, base_url=server.base_url, dialogues=3, max_turns=4
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


@pytest.mark.slow
def test_quick_evaluating_measurement_runs(tmp_path: Path):
    done = _benchmarks("evaluating", "--quick", "--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "figures.json").read_text())
    assert all(line["value"] > 0 for line in report["lines"])


def test_unknown_measurement_is_the_users_mistake():
    done = _benchmarks("speed")
    assert done.returncode == 2
    assert "startup" in done.stderr


def test_a_limit_settles_where_it_no_longer_strays():
    assert settled([40, 42, 38], 40) == 0
    assert settled([256, 40, 100, 43, 38], 40) == 3
    assert settled([40, 40, 100], 40) is None


def test_a_sampler_tells_whose_code_took_the_time():
    def work() -> bool:
        return any(canned("planner", number) == "" for number in range(2_000))

    sampler = Sampler({"/attunement/benchmarks/": "canned answers"})
    assert not sampler.around(work)
    (most, share), *_ = sampler.shares()
    assert (most, share > 0.5) == ("canned answers", True)
