"""What moves and what does not: adapters, merged models, seeds, kills and resumptions."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from attunement.core.errors import StoppedError
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
def trained(model, corpus, tmp_path_factory) -> Path:
    """An adapter for the query projections alone, merged as well."""
    out = tmp_path_factory.mktemp("trained") / "out"
    lora = {"r": 4, "alpha": 8, "target": ("q_proj",)}
    train(quick("dpo", model, corpus, epochs=2, lora=lora, merge=True, patience=3), out)
    return out


@pytest.fixture(scope="module")
def whole(model, corpus, tmp_path_factory) -> Path:
    """A training that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "out"
    train(quick("dpo", model, corpus, epochs=2, patience=3), out)
    return out


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.arange(6, 90)[None]).logits


def load(folder: Path, adapter: Path | None = None):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    return PeftModel.from_pretrained(model, str(adapter)).eval() if adapter else model


def test_what_has_no_adapter_does_not_move(model, trained):
    before, after = weights(model), weights(trained / "merged")
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if "q_proj" in name}
    assert {name.split(".")[-3] for name in weights(trained / "adapter")} == {"q_proj"}


def test_full_training_moves_everything(model, corpus, tmp_path):
    report = train(quick("sft", model, corpus, full=True, max_steps=2), tmp_path / "out")
    before, after = weights(model), weights(tmp_path / "out" / "merged")
    assert not [name for name in before if torch.equal(before[name], after[name])]
    assert report.trainable == report.parameters == sum(t.numel() for t in before.values())
    assert not (tmp_path / "out" / "adapter").exists()


def test_adapter_and_merged_weights_say_the_same(model, trained):
    adapted = logits(load(model, trained / "adapter"))
    torch.testing.assert_close(adapted, logits(load(trained / "merged")), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(adapted, logits(load(model)), atol=1e-2)


def test_our_backend_speaks_with_either(model, trained):
    import asyncio

    from attunement.agents.models.base import Ask, Decoding
    from attunement.agents.models.hf import HFChat

    ask = Ask(
        [{"role": "user", "content": "I am sad"}], decoding=Decoding(temperature=0, max_tokens=12)
    )

    async def answer(*names: str) -> str:
        chat = HFChat(*names)
        try:
            return (await chat.answer(ask)).text
        finally:
            await chat.aclose()

    merged = asyncio.run(answer(str(trained / "merged")))
    assert merged == asyncio.run(answer(str(model), str(trained / "adapter")))
    assert merged


def test_an_adapter_on_an_adapter_is_one_for_the_base(model, corpus, trained, tmp_path):
    config = quick(
        "dpo", model, corpus, adapter=str(trained / "adapter"), merge=True, max_steps=3,
        lora={"r": 2, "target": ("q_proj", "up_proj")},
    )  # fmt: skip
    train(config, tmp_path / "out")
    made = json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())
    assert made["r"] == 6
    adapted = logits(load(model, tmp_path / "out" / "adapter"))
    torch.testing.assert_close(
        adapted, logits(load(tmp_path / "out" / "merged")), atol=1e-4, rtol=1e-4
    )
    assert not torch.allclose(adapted, logits(load(trained / "merged")), atol=1e-3)


def test_the_reference_is_the_model_with_its_first_adapter(model, corpus, trained, tmp_path):
    config = quick("dpo", model, corpus, adapter=str(trained / "adapter"), max_steps=1, gamma=0)
    train(config, tmp_path / "out")
    assert losses(tmp_path / "out") == pytest.approx([0.693147], abs=1e-4)


def test_one_seed_gives_the_same_weights_twice(model, corpus, tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        train(quick("dpo", model, corpus, max_steps=2, seed=seed), tmp_path / name)
    one, two, other = (
        (tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes()
        for name in ("one", "two", "other")
    )
    assert one == two
    assert one != other


def test_what_was_learnt_shows_on_rows_it_has_not_seen(model, corpus, tmp_path):
    before = train(quick("dpo", model, corpus, max_steps=1, learning_rate=1e-9), tmp_path / "no")
    after = train(quick("dpo", model, corpus, epochs=4), tmp_path / "yes")
    assert after.metrics["nll"] < before.metrics["nll"] - 1
    assert after.metrics["margin"] > 0.5
    assert after.metrics["accuracy"] == 1.0
    assert abs(before.metrics["margin"]) < 1e-3


# ---- stops --------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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


def test_training_ends_early_with_its_best_weights(model, corpus, tmp_path):
    config = quick(
        "sft", model, corpus, epochs=40, learning_rate=0.3, evaluate_every=1, patience=2,
    )  # fmt: skip
    report = train(config, tmp_path / "out")
    assert report.stopped_early
    rows = [row for row in history_of(tmp_path / "out") if "eval_loss" in row]
    seen = {row["step"]: row["eval_loss"] for row in rows}
    assert report.best_step == min(seen, key=seen.__getitem__) == report.steps - 2
    assert report.metrics["loss"] == pytest.approx(seen[report.best_step], rel=0.02)
