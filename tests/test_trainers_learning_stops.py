"""What comes between: kills, signals, full disks, and how a training goes on behind them."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from attunement.core.errors import ConfigError, StoppedError, TrainingError
from attunement.trainers.learning.folder import FREE
from attunement.trainers.learning.report import Progress, read_report
from tests.learning import history_of, losses, make_small, quick, weights, write_corpus

pytest.importorskip("trl")
from attunement.trainers.learning.training import train

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_small(tmp_path_factory.mktemp("model") / "start")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "c", train=24, validation=6)


@pytest.fixture(scope="module")
def whole(model, corpus, tmp_path_factory) -> Path:
    """A training that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "out"
    train(quick("dpo", model, corpus, epochs=2, patience=3), out)
    return out


def at_step(step: int, do: Callable[[], None]) -> Callable[[Progress], None]:
    done = []

    def watch(progress: Progress) -> None:
        if progress.stage == "training" and progress.done == step and not done:
            done.append(True)
            do()

    return watch


def assert_same_training(one: Path, two: Path) -> None:
    first, second = weights(one / "adapter"), weights(two / "adapter")
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-6, rtol=1e-5)
    assert losses(one) == pytest.approx(losses(two), abs=1e-5)
    assert not (two / "checkpoints").exists()


_KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from attunement.trainers.learning.settings import train_config
from attunement.trainers.learning.training import train

def watch(progress):
    if progress.stage == "training" and progress.done == 7:
        os.kill(os.getpid(), signal.SIGKILL)

train(train_config(Path(sys.argv[1])), Path(sys.argv[2]), watch)
"""


def test_a_killed_training_goes_on_as_if_nothing_had_been(model, corpus, tmp_path):
    """With dropout, so that the state of the random numbers counts too."""
    config = quick(
        "sft", model, corpus, epochs=3, save_every=2, lora={"dropout": 0.2}, patience=3
    )  # fmt: skip
    train(config, tmp_path / "whole")
    settings = tmp_path / "settings.toml"
    settings.write_text(config.dump())
    done = subprocess.run([sys.executable, "-c", _KILLED, settings, tmp_path / "killed"])
    assert done.returncode == -signal.SIGKILL
    assert read_report(tmp_path / "killed") is None
    # What a kill in the middle of writing leaves: it is not taken for a checkpoint.
    broken = tmp_path / "killed" / "checkpoints" / "checkpoint-9"
    broken.mkdir()
    (broken / "trainer_state.json").write_text('{"global_step": 9')
    began = []
    train(config, tmp_path / "killed", lambda p: began.append(p.done), resume=True)
    assert next(done for done in began if done) == 7
    assert_same_training(tmp_path / "whole", tmp_path / "killed")


SIGNALS = [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stopped_training_saves_its_state_and_goes_on(model, corpus, whole, tmp_path, number):
    config = quick("dpo", model, corpus, epochs=2, patience=3)
    before = signal.getsignal(number)
    stop = at_step(4, lambda: os.kill(os.getpid(), number))
    with pytest.raises(StoppedError, match="stopped at step 5 of 6"):
        train(config, tmp_path / "out", stop)
    assert signal.getsignal(number) is before
    assert read_report(tmp_path / "out") is None
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    report = train(config, moved, resume=True)
    assert report.steps == 6
    assert_same_training(whole, moved)
    assert train(config, moved, resume=True) == report


def test_how_it_is_carried_out_and_where_it_reads_may_change_between_sittings(
    model, corpus, whole, tmp_path
):
    config = quick("dpo", model, corpus, epochs=2, patience=3, log_every=3)
    with pytest.raises(StoppedError):
        train(config, tmp_path / "out", at_step(2, lambda: os.kill(os.getpid(), signal.SIGINT)))
    model, corpus = (
        shutil.copytree(folder, tmp_path / f"moved-{folder.name}") for folder in (model, corpus)
    )
    other = make_small(tmp_path / "other", seed=9)
    with pytest.raises(ConfigError, match="what `model` holds was"):
        train(config.model_copy(update={"model": str(other)}), tmp_path / "out", resume=True)
    here = {"model": str(model), "corpus": str(corpus)}
    changed = {
        "threads": None, "device": "auto" if not torch.cuda.is_available() else "cpu",
        "report_to": ("tensorboard",), "check": True, "save_every": 2, "keep_checkpoints": True,
        "log_every": 1, "gradient_checkpointing": True, "share_prompts": False, "precompute": False,
    }  # fmt: skip
    assert set(changed) == set(FREE)
    report = train(config.model_copy(update=changed | here), tmp_path / "out", resume=True)
    assert (report.steps, report.shared_prompts) == (6, False)
    assert [row["step"] for row in history_of(tmp_path / "out") if "loss" in row] == [3, 4, 5, 6]
    one, two = weights(whole / "adapter"), weights(tmp_path / "out" / "adapter")
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=2e-3, rtol=1e-3)
    # A finished one is found by what it read, too.
    assert train(config, tmp_path / "out", resume=True) == report
    write_corpus(corpus, train=9, validation=6)
    assert train(config.model_copy(update=here), tmp_path / "out", resume=True) == report
    for name, path in (("model", other), ("corpus", write_corpus(tmp_path / "c", train=9))):
        with pytest.raises(ConfigError, match=f"what `{name}` .*holds? was"):
            train(config.model_copy(update={name: str(path)}), tmp_path / "out", resume=True)


def test_a_signal_behind_the_last_step_is_handed_on_when_all_is_written(model, corpus, tmp_path):
    config = quick("sft", model, corpus, max_steps=1)

    def press(progress: Progress) -> None:
        if progress.stage == "writing":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StoppedError, match="the training has finished"):
        train(config, tmp_path / "out", press)
    report = read_report(tmp_path / "out")
    assert report is not None
    assert weights(tmp_path / "out" / "adapter")
    assert train(config, tmp_path / "out", resume=True) == report


def test_the_best_weights_are_found_where_the_folder_was_moved(tmp_path):
    from attunement.trainers.learning.folder import mend, newest_checkpoint, state_of

    for step in (3, 6):
        folder = tmp_path / "moved" / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        state = {"global_step": step, "best_model_checkpoint": "/old/checkpoints/checkpoint-3"}
        (folder / "trainer_state.json").write_text(json.dumps(state))
    newest = newest_checkpoint(tmp_path / "moved")
    assert newest == folder
    mend(newest)
    assert state_of(newest) == state | {
        "best_model_checkpoint": str(folder.parent / "checkpoint-3")
    }


def test_a_stop_between_the_last_step_and_the_report_repeats_no_step(
    model, corpus, whole, tmp_path, monkeypatch
):
    from attunement.trainers.learning import sitting

    config = quick("dpo", model, corpus, epochs=2, patience=3)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sitting, "write_model", broken)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "out")
    began = []
    train(config, tmp_path / "out", lambda p: began.append(p.stage), resume=True)
    assert "training" not in began
    assert_same_training(whole, tmp_path / "out")


# ---- full disks --------------------------------------------------------------------------------


def test_a_full_disk_is_said_and_what_was_saved_is_gone_on_with(
    model, corpus, tmp_path, monkeypatch
):
    from attunement.trainers.learning import trainers

    config = quick("sft", model, corpus, max_steps=3, batch_size=1, save_every=2, accumulation=1)
    save = torch.save
    saved = []

    def fill(value: object, path: object, *given: object, **named: object) -> None:
        if str(path).endswith("optimizer.pt"):
            saved.append(path)
            if len(saved) == 2:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(value, path, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(trainers.torch, "save", fill)
        with pytest.raises(TrainingError, match="No space left on device; make room, then go on"):
            train(config, tmp_path / "out")
    done = []
    train(config, tmp_path / "out", lambda p: done.append(p.done), resume=True)
    assert min(d for d in done if d) == 3


FILES = [
    "train.toml",
    *(pytest.param(f, marks=pytest.mark.slow) for f in ("facts.json", "history.jsonl")),
]


@pytest.mark.parametrize("full", FILES)
def test_without_room_for_a_small_file_what_it_held_is_kept(
    model, corpus, tmp_path, monkeypatch, full
):
    from attunement.trainers.learning import sitting

    config = quick("sft", model, corpus, max_steps=2, accumulation=1, save_every=1)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(sitting, "write_model", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(config, out)
    shutil.rmtree(out / "checkpoints" / "checkpoint-2")
    (path,) = out.rglob(full)
    if full == "facts.json":  # nothing else makes it another one
        path.write_text(json.dumps(json.loads(path.read_text()) | {"more": 1}))
    before, write = path.read_bytes(), Path.write_bytes

    def fill(self: Path, content: bytes) -> int:
        if full not in self.name:
            return write(self, content)
        write(self, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        with pytest.raises(TrainingError, match="No space left on device; make room, then go on"):
            train(config.model_copy(update={"log_every": 2}), out, resume=True)
    assert path.read_bytes() == before
    assert not list(out.rglob("*.part"))
    assert train(config, out, resume=True).steps == 2
