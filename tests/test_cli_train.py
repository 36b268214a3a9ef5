"""`attune train` as a user meets it: exit codes, what is printed, stopping and going on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from attunement.cli.app import app
from attunement.core.errors import UserError
from attunement.trainers.learning.report import Progress, read_report
from tests.learning import make_small, weights, write_corpus

pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")
ROOT = Path(__file__).parent.parent
ENV = {**os.environ, "COLUMNS": "160", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
QUICK = (
    "--max-length",
    160,
    "--no-check",
    "--learning-rate",
    0.01,
    "--threads",
    1,
    "--device",
    "cpu",
)


def attune(*args: object, cwd: Path) -> Result:
    """In this process, which has imported torch already."""
    with contextlib.chdir(cwd):
        return CliRunner(env=ENV).invoke(app, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_small(folder / "model")
    write_corpus(folder / "corpus", train=24, validation=6)
    return folder


def test_dpo_says_what_was_learnt_and_leaves_everything(home):
    done = attune("train", "dpo", "corpus", "--model", "model", "--out", "m1", *QUICK, "--merge",
                  "--rank", 4, "--target", "q_proj,v_proj", "--batch-size", 3,
                  cwd=home)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "24 to train on, 6 to validate" in done.stdout
    assert "validation margin" in done.stdout
    assert "Model: hf:m1/merged" in done.stdout
    assert "training" in done.stderr
    assert "Warning" not in done.stderr
    names = {path.name for path in (home / "m1").iterdir()}
    assert names == {
        "adapter", "merged", "logs", "README.md", "report.json", "history.jsonl", "train.toml",
    }  # fmt: skip
    assert list((home / "m1" / "logs").glob("events.out.tfevents*"))
    report = read_report(home / "m1")
    assert report is not None
    assert report.steps == 4
    card = (home / "m1" / "adapter" / "README.md").read_text()
    header = yaml.safe_load(card.split("---")[1])
    assert header["base_model"] == "model"
    assert header["library_name"] == "peft"
    assert header["datasets"] == ["corpus"]
    figures = {m["type"]: m["value"] for m in header["model-index"][0]["results"][0]["metrics"]}
    assert figures["margin"] == pytest.approx(report.metrics["margin"], abs=1e-5)
    assert report.corpus_hash in card
    assert str(home) not in card


def test_the_card_is_one_that_the_hub_reads(home):
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard.load(home / "m1" / "README.md")
    assert card.data.base_model == "model"
    assert {r.metric_type for r in card.data.eval_results} >= {"loss", "margin", "accuracy"}


def test_errors_are_a_sentence(home):
    for words, said in (
        (("corpus",), "name a model: --model"),
        (("--model", "model"), "name a corpus"),
        (("corpus", "--model", "nowhere"), "there is no folder 'nowhere'"),
        (("nowhere", "--model", "model"), "there is no 'nowhere'"),
        (("corpus", "--model", "model", "--epochs", "-1"), "epochs"),
    ):
        done = attune("train", "sft", *words, "--out", "new", cwd=home)
        assert isinstance(done.exception, UserError)
        assert said in str(done.exception)
        assert not (home / "new").exists()


def test_ctrl_c_saves_exits_with_130_and_says_how_to_go_on(home, monkeypatch):
    from attunement.cli import train_progress

    said = train_progress.line

    def press(progress: Progress) -> str:
        if progress.stage == "training":
            os.kill(os.getpid(), signal.SIGINT)
        return said(progress)

    monkeypatch.setattr(train_progress, "line", press)
    begun = attune("train", "sft", "corpus", "--model", "model", "--out", "m2", *QUICK, "--epochs",
                   5, "--report-to", "none", cwd=home)  # fmt: skip
    assert begun.exit_code == 130
    assert "Stopped at step 2 of 15; nothing is lost." in begun.stderr
    assert "Go on with: attune train sft --out m2 --resume" in begun.stderr
    changed = attune("train", "sft", "--out", "m2", "--resume", "--seed", 5, cwd=home)
    assert "`seed` was 0 when this training began, now it is 5" in str(changed.exception)
    assert read_report(home / "m2") is None
    monkeypatch.undo()
    done = attune("train", "sft", "--out", "m2", "--resume", cwd=home)
    assert done.exit_code == 0, done.output
    assert "training 2 of 15" not in done.stderr
    report = read_report(home / "m2")
    assert report is not None
    assert report.steps == 15


def test_ctrl_c_behind_the_last_step_says_that_it_has_finished(home, monkeypatch):
    from attunement.cli import train_progress

    said = train_progress.line

    def press(progress: Progress) -> str:
        if progress.stage == "writing":
            os.kill(os.getpid(), signal.SIGINT)
        return said(progress)

    monkeypatch.setattr(train_progress, "line", press)
    done = attune("train", "sft", "corpus", "--model", "model", "--out", "late", *QUICK,
                  "--max-steps", 1, "--report-to", "none", "--json", cwd=home)  # fmt: skip
    assert done.exit_code == 130
    assert "the training has finished." in done.stderr
    assert "--resume" not in done.stderr
    assert json.loads(done.stdout)["steps"] == 1


def test_dpo_takes_examples_to_retain_and_a_dropout(home):
    done = attune("train", "dpo", "corpus", "--model", "model", "--out", "kept", *QUICK, "--retain",
                  "corpus/sft_direct", "--dropout", 0.1, "--max-steps", 1, "--report-to", "none",
                  cwd=home)  # fmt: skip
    assert done.exit_code == 0, done.output
    report = read_report(home / "kept")
    assert report is not None
    assert (report.rows, report.retained) == (48, 24)
    assert "dropout = 0.1" in (home / "kept" / "train.toml").read_text()
    card = (home / "kept" / "README.md").read_text()
    assert "48 rows to train on, 24 of them examples to retain, 6 to validate" in card


def test_a_finished_training_is_told_again_as_json(home):
    attune("train", "sft", "corpus", "--model", "model", "--out", "m3", *QUICK, "--max-steps", 1,
           "--report-to", "none", cwd=home)  # fmt: skip
    done = attune("train", "sft", "--out", "m3", "--resume", "--json", cwd=home)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["steps"] == 1
    assert not (home / "m3" / "logs").exists()


def test_shipped_launchers_are_ones_that_accelerate_reads():
    from accelerate.commands.config.config_args import ClusterConfig

    found = sorted((ROOT / "configs" / "accelerate").glob("*.yaml"))
    assert [path.stem for path in found] == ["deepspeed", "fsdp", "two_processors"]
    for path in found:
        config = ClusterConfig.from_yaml_file(str(path))
        assert config.num_processes >= 2


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_two_processes_train_as_one_with_twice_the_batch(home, method):
    gamma = ["--gamma", "0"] if method == "dpo" else []
    usual = ["train", method, "corpus", "--model", "model", *QUICK, "--epochs", 2, *gamma,
             "--accumulation", 1, "--report-to", "none"]  # fmt: skip
    one = attune(*usual, "--out", f"one-{method}", "--batch-size", 8, cwd=home)
    assert one.exit_code == 0, one.output
    launch = [
        Path(sys.executable).with_name("accelerate"), "launch", "--config_file",
        ROOT / "configs" / "accelerate" / "two_processors.yaml", "-m", "attunement.cli.app",
        *usual, "--out", f"two-{method}", "--batch-size", 4,
    ]  # fmt: skip
    two = subprocess.run(
        [*map(str, launch)], cwd=home, env=ENV, capture_output=True, text=True, timeout=300
    )
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("to train on") == 1
    reports = [read_report(home / f"{name}-{method}") for name in ("one", "two")]
    assert reports[1].processes == 2
    assert reports[1].steps == reports[0].steps
    assert reports[1].metrics == pytest.approx(reports[0].metrics, abs=1e-3)
    first, second = (weights(home / f"{name}-{method}" / "adapter") for name in ("one", "two"))
    for name in first:
        assert (first[name] - second[name]).abs().max() < 2e-3
