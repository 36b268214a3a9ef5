"""`attune evolve` as a user meets it."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.inside import attune
from tests.test_cli import ATTUNE

SMOKE = Path(__file__).parent.parent / "configs/smoke.toml"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder in which configs/smoke.toml was begun, stopped in M_0's dialogues, and finished."""
    folder = tmp_path_factory.mktemp("home")
    env = {**os.environ, "COLUMNS": "200", "ATTUNEMENT_CACHE": str(folder / "cache")}
    words = [ATTUNE, "evolve", SMOKE]
    with (folder / "first.txt").open("w") as err:
        begun = subprocess.Popen(words, cwd=folder, env=env, stdout=err, stderr=err)
    try:
        while "m1/simulate" not in (folder / "first.txt").read_text():
            assert begun.poll() is None, (folder / "first.txt").read_text()
            time.sleep(0.05)
        begun.send_signal(signal.SIGTERM)
        (folder / "code.txt").write_text(str(begun.wait(60)))
    finally:
        begun.kill()
    done = attune("evolve", "runs/001", cwd=folder, ATTUNEMENT_CACHE=str(folder / "cache"))
    assert done.returncode == 0, done.stderr
    (folder / "out.txt").write_text(done.stdout)
    (folder / "err.txt").write_text(done.stderr)
    return folder


def test_a_signal_ends_it_with_130_and_says_how_to_go_on(home):
    assert (home / "code.txt").read_text() == "130"
    said = (home / "first.txt").read_text()
    assert "Stopped; nothing is lost. Go on with: attune evolve runs/001" in said
    after = (home / "err.txt").read_text()
    assert "] m0/evaluate: done before, skipped" in after
    # The signal may reach the stage before its first dialogue, in its middle or after its last.
    assert re.search(r"\] m1/simulate: (to do|goes on|done before, skipped)\n", after)
    assert "] m1/pairs: to do" in after


def test_the_smoke_recipe_runs_from_nothing(home):
    said = (home / "out.txt").read_text()
    for words in ("M_0", "M_1", "M_2", "promoted", "relief", "emotion read", "failed", "Done: M_2",
                  "runs/001/ledger.md", "runs/001/evolution.png"):  # fmt: skip
        assert words in said
    ledger = json.loads((home / "runs/001/ledger.json").read_text())
    assert [entry["t"] for entry in ledger["entries"]] == [0, 1, 2]
    assert ledger["entries"][0]["seeds"] == {"evaluate": 1, "train": 0}
    assert ledger["entries"][2]["reference"] == "runs/001/m1/train/merged"
    hashes = {entry["model_hash"] for entry in ledger["entries"]}
    assert len(hashes) == 3


def test_progress_is_a_line_for_each_stage(home):
    said = (home / "first.txt").read_text() + (home / "err.txt").read_text()
    for stage in ("personas", "m0/model", "m0/evaluate", "m1/simulate", "m1/pairs", "m1/train",
                  "m1/evaluate", "m2/evaluate"):  # fmt: skip
        assert f"] {stage}: to do" in said
    assert "training the pocket model from scratch" in said


def test_a_run_folder_is_gone_on_with_by_its_name(home):
    done = attune("evolve", "runs/001", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((home / "runs/001/ledger.json").read_text())
    assert done.stderr.count("done before, skipped") == 11
    assert not (home / "runs/002").exists()


def test_a_dry_run_lists_the_stages(home):
    done = attune("evolve", "runs/001", "--dry-run", cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("skipped: done, and nothing has changed") == 11
    config = (home / "runs/001/config.toml").read_text()
    (home / "longer.toml").write_text(config.replace("max_steps = 4", "max_steps = 5"))
    done = attune("evolve", "longer.toml", "--out", "runs/001", "--dry-run", "--json", cwd=home)
    due = {stage["name"]: stage["why"] for stage in json.loads(done.stdout) if stage["why"]}
    assert due["m1/train"] == "again, since `train.max_steps` has changed"
    assert list(due) == ["m1/train", "m1/evaluate", "m2/simulate", "m2/pairs", "m2/train",
                         "m2/evaluate"]  # fmt: skip
    refused = attune("evolve", "longer.toml", "--out", "runs/001", cwd=home)
    assert refused.returncode == 2
    assert "`train.max_steps` was 4 when stage 'm1/train' was done, and is 5 now" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.toml"], "no config file 'nowhere.toml'"),
        (["bad.toml"], "`bla`: there is no such name"),
        (["no-model.toml", "--out", "x"], "'nowhere/at/all' is not there"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path, words, said):
    (tmp_path / "bad.toml").write_text("bla = 1\n[first]\nmodel = 'm'\n")
    (tmp_path / "no-model.toml").write_text("[first]\nmodel = 'nowhere/at/all'\n")
    done = attune("evolve", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
