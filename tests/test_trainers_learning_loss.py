"""The loss that is trained: equal to a hand-computed one, whichever way it is reached."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import logsigmoid

from attunement.core.errors import ConfigError
from tests.learning import (
    examples,
    losses,
    make_small,
    quick,
    weights,
    write_corpus,
    write_rows,
)

pytest.importorskip("trl")
from attunement.trainers.learning.training import train

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")
ROWS = 6


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> tuple[Path, Path]:
    """A model, and another one for its reference."""
    folder = tmp_path_factory.mktemp("models")
    return make_small(folder / "start", 0), make_small(folder / "reference", 1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "c", train=ROWS, validation=0)


def sides(folder: Path, corpus: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums of log-probabilities [rows, 2] and tokens [rows, 2], from logits, row by row."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (
        kind.from_pretrained(folder) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    found, counts = [], []
    for line in (corpus / "response" / "train.jsonl").read_text().splitlines():
        row = json.loads(line)
        for name in ("chosen", "rejected"):
            ask, whole = (
                tokenizer.apply_chat_template(messages, add_generation_prompt=asks)["input_ids"]
                for messages, asks in ((row["prompt"], True), (row["prompt"] + row[name], False))
            )
            with torch.no_grad():
                logps = model(torch.tensor([whole])).logits[0].log_softmax(-1)
            reply = range(len(ask), len(whole))
            found.append(sum(logps[i - 1, whole[i]].item() for i in reply))
            counts.append(len(reply))
    return torch.tensor(found).view(-1, 2), torch.tensor(counts).view(-1, 2)


@pytest.mark.parametrize(("gamma", "share"), [(1.0, True), (0.5, False), (0.0, True)])
def test_the_first_loss_is_the_one_computed_by_hand(models, corpus, tmp_path, gamma, share):
    start, reference = models
    config = quick(
        "dpo", start, corpus, reference=str(reference), gamma=gamma, beta=0.3, batch_size=ROWS,
        accumulation=1, max_steps=1, share_prompts=share,
    )  # fmt: skip
    report = train(config, tmp_path / "out")
    own, tokens = sides(start, corpus)
    theirs, _ = sides(reference, corpus)
    ratios = own - theirs
    by_hand = -logsigmoid(0.3 * (ratios[:, 0] - ratios[:, 1])).mean()
    by_hand -= gamma * own[:, 0].sum() / tokens[:, 0].sum()
    assert losses(tmp_path / "out") == pytest.approx([by_hand.item()], abs=1e-5)
    assert report.shared_prompts is share


def test_what_is_retained_is_learnt_by_its_likelihood_alone(models, corpus, tmp_path):
    start, reference = models
    kept = [
        {"prompt": row["prompt"], "chosen": row["completion"], "rejected": row["completion"]}
        for row in examples(3, seed=7)
    ]
    write_rows(tmp_path / "kept" / "calls" / "train.jsonl", examples(3, seed=7))
    write_rows(tmp_path / "as_pairs" / "response" / "train.jsonl", kept)
    config = quick(
        "dpo", start, corpus, reference=str(reference), retain=str(tmp_path / "kept"), beta=0.3,
        batch_size=ROWS + 3, accumulation=1, max_steps=1,
    )  # fmt: skip
    report = train(config, tmp_path / "out")
    own, tokens = sides(start, corpus)
    theirs, _ = sides(reference, corpus)
    same, counted = sides(start, tmp_path / "as_pairs")
    ratios = own - theirs
    preference = -logsigmoid(0.3 * (ratios[:, 0] - ratios[:, 1])).sum() + 3 * math.log(2)
    likelihood = -(own[:, 0].sum() + same[:, 0].sum()) / (tokens[:, 0].sum() + counted[:, 0].sum())
    by_hand = preference / (ROWS + 3) + likelihood
    assert losses(tmp_path / "out") == pytest.approx([by_hand.item()], abs=1e-5)
    assert (report.rows, report.retained) == (ROWS + 3, 3)


def test_without_the_likelihood_term_it_is_the_stock_trainers_dpo(models, corpus, tmp_path):
    import datasets
    import trl
    from transformers import AutoModelForCausalLM, AutoTokenizer

    start, reference = models
    config = quick(
        "dpo", start, corpus, reference=str(reference), gamma=0.0, batch_size=ROWS,
        accumulation=1, max_steps=1, full=True,
    )  # fmt: skip
    train(config, tmp_path / "ours")
    args = trl.DPOConfig(
        str(tmp_path / "theirs"), use_cpu=True, bf16=False, activation_checkpointing=False,
        per_device_train_batch_size=ROWS, max_steps=1, logging_steps=1, report_to="none",
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    rows = datasets.load_dataset("json", data_files=str(corpus / "response" / "train.jsonl"))
    stock = trl.DPOTrainer(
        AutoModelForCausalLM.from_pretrained(start), args=args, train_dataset=rows["train"],
        ref_model=AutoModelForCausalLM.from_pretrained(reference),
        processing_class=AutoTokenizer.from_pretrained(start),
    )  # fmt: skip
    stock.train()
    theirs = [row["loss"] for row in stock.state.log_history if "loss" in row]
    assert losses(tmp_path / "ours") == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("window", [16, 160])
def test_a_window_of_attention_below_the_length_of_rows_shares_no_prompts(corpus, tmp_path, window):
    start = make_small(tmp_path / "start", 0, window=window)
    reference = make_small(tmp_path / "reference", 1, window=window)
    config = quick(
        "dpo", start, corpus, reference=str(reference), beta=0.3, batch_size=ROWS, accumulation=1,
        max_steps=1, max_length=160,
    )  # fmt: skip
    report = train(config, tmp_path / "out")
    own, tokens = sides(start, corpus)
    theirs, _ = sides(reference, corpus)
    ratios = own - theirs
    by_hand = -logsigmoid(0.3 * (ratios[:, 0] - ratios[:, 1])).mean()
    by_hand -= own[:, 0].sum() / tokens[:, 0].sum()
    assert losses(tmp_path / "out") == pytest.approx([by_hand.item()], abs=1e-5)
    assert report.shared_prompts is (window == 160)


def test_the_window_of_a_model_is_what_its_config_says():
    from transformers import Gemma3TextConfig, LlamaConfig, MistralConfig, Qwen2Config

    from attunement.trainers.learning.heads import window_of

    full = ["full_attention"] * 2
    for config, window in (
        (LlamaConfig(), None),
        (MistralConfig(sliding_window=16), 16),
        (MistralConfig(sliding_window=None), None),
        (Qwen2Config(sliding_window=16), None),
        (Qwen2Config(sliding_window=16, use_sliding_window=True, max_window_layers=2), 16),
        (Gemma3TextConfig(sliding_window=16), 16),
        (Gemma3TextConfig(sliding_window=16, num_hidden_layers=2, layer_types=full), None),
    ):
        assert window_of(SimpleNamespace(config=config)) == window


def test_sharing_is_tried_on_the_longest_rows_too(tmp_path, monkeypatch):
    """As of an architecture whose config says nothing of the window that it has."""
    from attunement.trainers.learning import starting

    start = make_small(tmp_path / "start", window=96)
    corpus = write_corpus(tmp_path / "c", train=8, validation=0, turns=6)
    monkeypatch.setattr(starting, "window_of", lambda _: None)
    config = quick("dpo", start, corpus, max_steps=1)
    assert not train(config, tmp_path / "out").shared_prompts
    monkeypatch.undo()  # and what the config says is not outvoted by a trial
    monkeypatch.setattr(starting, "can_share", lambda *_: True)
    assert not train(config, tmp_path / "told").shared_prompts
    asked = config.model_copy(update={"share_prompts": True})
    with pytest.raises(ConfigError, match=r"`share_prompts`: .* gives other figures"):
        train(asked, tmp_path / "asked")


WAYS = [
    {"precompute": False},
    {"share_prompts": False},
    pytest.param({"gradient_checkpointing": True}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("change", WAYS)
def test_other_ways_to_the_same_loss_give_the_same_training(models, corpus, tmp_path, change):
    start, _ = models
    usual = quick("dpo", start, corpus, epochs=2, batch_size=3, accumulation=1)
    train(usual, tmp_path / "one")
    report = train(usual.model_copy(update=change), tmp_path / "two")
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-4)
    one, two = (weights(tmp_path / name / "adapter") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=2e-3, rtol=1e-3)
    assert report.shared_prompts is not (change.get("share_prompts") is False)


def test_sft_learns_the_mean_over_the_completions_tokens(models, corpus, tmp_path):
    start, _ = models
    config = quick("sft", start, corpus, batch_size=ROWS, accumulation=1, max_steps=1)
    train(config, tmp_path / "out")
    logps, tokens = sides(start, corpus)  # the examples are the pairs' chosen sides
    by_hand = -(logps[:, 0].sum() / tokens[:, 0].sum()).item()
    assert losses(tmp_path / "out") == pytest.approx([by_hand], abs=1e-5)


def test_figures_on_validation_are_those_of_the_written_weights(models, tmp_path):
    start, reference = models
    corpus = write_corpus(tmp_path / "c", train=4, validation=ROWS)
    config = quick("dpo", start, corpus, full=True, epochs=3, reference=str(reference))
    report = train(config, tmp_path / "out")
    (corpus / "response" / "validation.jsonl").replace(corpus / "response" / "train.jsonl")
    own, tokens = sides(tmp_path / "out" / "merged", corpus)
    theirs, _ = sides(reference, corpus)
    ratios = own - theirs
    margins = 0.1 * (ratios[:, 0] - ratios[:, 1])
    nll = -(own[:, 0].sum() / tokens[:, 0].sum()).item()
    expected = {
        "loss": -logsigmoid(margins).mean().item() + nll, "nll": nll,
        "margin": margins.mean().item(), "accuracy": (margins > 0).float().mean().item(),
        "chosen": own[:, 0].mean().item(), "rejected": own[:, 1].mean().item(),
    }  # fmt: skip
    assert report.metrics == pytest.approx(expected, abs=1e-3)
