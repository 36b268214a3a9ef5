"""What moves and what does not: adapters, merged models, seeds, dropout."""

import json
from pathlib import Path

import pytest
import torch

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


def test_a_dropout_of_the_adapter_tells_in_dpo(model, corpus, tmp_path):
    for rate in (0.0, 0.5):
        config = quick("dpo", model, corpus, max_steps=2, accumulation=1, lora={"dropout": rate})
        train(config, tmp_path / f"{rate}")
    without, with_it = (losses(tmp_path / f"{rate}") for rate in (0.0, 0.5))
    assert without[0] == pytest.approx(with_it[0], abs=1e-6)  # the adapter begins with nothing
    assert abs(without[1] - with_it[1]) > 1e-3


def test_what_was_learnt_shows_on_rows_it_has_not_seen(model, corpus, tmp_path):
    before = train(quick("dpo", model, corpus, max_steps=1, learning_rate=1e-9), tmp_path / "no")
    after = train(quick("dpo", model, corpus, epochs=4), tmp_path / "yes")
    assert after.metrics["nll"] < before.metrics["nll"] - 1
    assert after.metrics["margin"] > 0.5
    assert after.metrics["accuracy"] == 1.0
    assert abs(before.metrics["margin"]) < 1e-3


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
