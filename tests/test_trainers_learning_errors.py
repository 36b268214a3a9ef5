"""What bad input gets: a sentence that says what to do, before or while it trains."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from attunement.core.errors import ConfigError, TrainingError, UserError
from attunement.trainers.learning.report import read_report
from attunement.trainers.learning.settings import TrainConfig, train_config
from tests.learning import examples, make_small, pairs, quick, write_corpus, write_rows

pytest.importorskip("trl")
from attunement.trainers.learning.training import train

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_small(tmp_path_factory.mktemp("model") / "start", layers=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "c", train=8, validation=0)


@pytest.fixture(scope="module")
def trained(model, corpus, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "out"
    train(quick("sft", model, corpus, max_steps=1), out)
    return out


@pytest.fixture
def copy(model, tmp_path) -> Path:
    """The model, to spoil."""
    return Path(shutil.copytree(model, tmp_path / "copy"))


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def refused(config: TrainConfig, out: Path, match: str, error: type = ConfigError) -> None:
    with pytest.raises(error, match=match):
        train(config, out)
    assert read_report(out) is None


# ---- models -------------------------------------------------------------------------------------


def test_a_model_without_a_chat_template_is_refused(copy, corpus, tmp_path):
    (copy / "chat_template.jinja").unlink()
    refused(quick("sft", copy, corpus), tmp_path / "out", "has no chat template")


def test_a_model_that_is_not_there_is_refused(corpus, tmp_path):
    for name in ("nowhere", "/no/where", "./x/y/z"):
        refused(quick("sft", Path(name), corpus), tmp_path / "out", "there is no folder")


def test_a_tokenizer_larger_than_the_weights_is_refused(copy, corpus, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(copy)
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(copy)
    refused(quick("sft", copy, corpus), tmp_path / "out", "854 tokens, its weights 853; resize")


def test_without_a_padding_token_the_end_is_learnt_all_the_same(copy, corpus, tmp_path):
    from tests.learning import losses

    train(quick("sft", copy, corpus, max_steps=1), tmp_path / "one")
    change(copy / "tokenizer_config.json", pad_token=None)
    train(quick("sft", copy, corpus, max_steps=1), tmp_path / "two")
    assert losses(tmp_path / "one") == losses(tmp_path / "two")


def test_rows_longer_than_the_models_context_are_refused(model, corpus, tmp_path):
    config = quick("sft", model, corpus, max_length=600)
    refused(config, tmp_path / "out", r"600 is more than the 512 tokens .* pass --max-length 512")


def test_an_adapter_of_another_shape_is_refused(model, trained, corpus, tmp_path):
    adapter = Path(shutil.copytree(trained / "adapter", tmp_path / "adapter"))
    (adapter / "base.json").unlink()
    from safetensors.torch import load_file, save_file

    file = adapter / "adapter_model.safetensors"
    spoilt = {name: torch.cat([w, w], -1) for name, w in load_file(file).items()}
    save_file(spoilt, file)
    refused(
        quick("sft", model, corpus, adapter=str(adapter)), tmp_path / "out", "does not fit .*start"
    )


def test_an_adapter_of_another_base_is_refused(trained, corpus, tmp_path):
    other = make_small(tmp_path / "other", seed=5, layers=1)
    config = quick("sft", other, corpus, adapter=str(trained / "adapter"))
    refused(config, tmp_path / "out", "was made for another base than .*other")
    deeper = make_small(tmp_path / "deeper", layers=2)
    (trained / "adapter" / "base.json").rename(tmp_path / "base.json")
    config = quick("sft", deeper, corpus, adapter=str(trained / "adapter"))
    refused(config, tmp_path / "out2", "does not fit .*deeper")
    (tmp_path / "base.json").rename(trained / "adapter" / "base.json")


def test_unknown_modules_are_named_with_the_known_ones(model, corpus, tmp_path):
    config = quick("sft", model, corpus, lora={"target": ("q_proj", "query")})
    refused(config, tmp_path / "out", r"unknown module 'query'; known: .*q_proj.*all-linear")
    config = quick("sft", model, corpus, lora={"target": "lm_head"})
    refused(config, tmp_path / "out2", "unknown module 'lm_head'")


# ---- settings and folders -----------------------------------------------------------------------


def test_settings_that_make_no_sense_are_refused(model, corpus, tmp_path):
    with pytest.raises(ConfigError, match="`reference` is for DPO"):
        quick("sft", model, corpus, reference="x")
    with pytest.raises(ConfigError, match="learning_rat"):
        quick("sft", model, corpus, learning_rat=1)
    with pytest.raises(ConfigError, match=r"`retain` is learnt by .* set `gamma` above 0"):
        quick("dpo", model, corpus, retain="x", gamma=0)
    refused(quick("sft", model, corpus, precision="fp16"), tmp_path / "o", "'fp16' needs a GPU")
    (tmp_path / "c.toml").write_text(quick("sft", model, corpus).dump())
    with pytest.raises(ConfigError, match="`method` is 'sft'; run: attune train sft"):
        train_config(tmp_path / "c.toml", method="dpo")


def test_settings_come_back_from_their_file(model, corpus, tmp_path):
    for config in (
        quick("dpo", model, corpus, patience=None, gamma=0, lora={"target": ("q_proj",)}),
        TrainConfig(method="sft", model="m", corpus="c"),
    ):
        (tmp_path / "c.toml").write_text(config.dump())
        assert train_config(tmp_path / "c.toml") == config
    changed = train_config(tmp_path / "c.toml", lora={"r": 2}, seed=4)
    assert (changed.lora.r, changed.lora.alpha, changed.seed) == (2, 16, 4)


def test_a_folder_that_exists_is_refused_without_resume(model, corpus, trained, tmp_path):
    with pytest.raises(ConfigError, match=r"exists; choose another, or remove it .it is finished"):
        train(quick("sft", model, corpus), trained)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        train(quick("sft", model, corpus), tmp_path / "file", resume=True)


def test_what_changed_since_it_began_is_named(model, corpus, trained, tmp_path):
    with pytest.raises(
        ConfigError, match="`max_steps` was 1 when this training began, now it is 2"
    ):
        train(quick("sft", model, corpus, max_steps=2), trained, resume=True)
    with pytest.raises(ConfigError, match=r"`lora` was .*'r': 8"):
        train(quick("sft", model, corpus, max_steps=1, lora={"r": 2}), trained, resume=True)
    again = quick("sft", model, corpus, max_steps=1, report_to=("tensorboard",), check=True)
    assert train(again, trained, resume=True) == read_report(trained)


def test_a_corpus_that_changed_is_not_gone_on_with(model, tmp_path, monkeypatch):
    from attunement.trainers.learning import sitting

    corpus = write_corpus(tmp_path / "c", train=4, validation=0)
    config = quick("sft", model, corpus, max_steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(sitting, "write_model", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(config, tmp_path / "out")
    write_rows(corpus / "sft_direct" / "train.jsonl", examples(4, seed=8))
    with pytest.raises(ConfigError, match=r"what `corpus` .*holds was .* bring back what it"):
        train(config, tmp_path / "out", resume=True)


# ---- corpora ------------------------------------------------------------------------------------


def test_a_corpus_without_a_row_to_train_on_is_refused(model, tmp_path):
    write_rows(tmp_path / "c" / "response" / "train.jsonl", [])
    refused(quick("dpo", model, tmp_path / "c"), tmp_path / "o", "no row to train on", UserError)
    row = next(pairs(1)) | {"prompt": [{"role": "user", "content": "sad " * 90}]}
    write_rows(tmp_path / "c" / "response" / "train.jsonl", [row])
    config = quick("dpo", model, tmp_path / "c", max_length=40)
    refused(config, tmp_path / "o", "left out: 1 too long without its history", UserError)


def test_nothing_to_retain_is_refused(model, corpus, tmp_path):
    write_rows(tmp_path / "kept" / "calls" / "train.jsonl", pairs(2))
    config = quick("dpo", model, corpus, retain=str(tmp_path / "kept"))
    said = r"`retain` .* has no example to retain \(left out: 2 not one of examples\)"
    refused(config, tmp_path / "out", said, UserError)
    config = quick("dpo", model, corpus, retain=str(tmp_path / "nowhere"))
    refused(config, tmp_path / "out2", "there is no .*nowhere", UserError)


def test_a_corpus_that_the_lint_refuses_is_refused_with_the_way_round(model, tmp_path):
    rows = list(examples(8))
    rows[3]["completion"][0]["content"] = " "
    write_rows(tmp_path / "c" / "sft_direct" / "train.jsonl", rows)
    config = quick("sft", model, tmp_path / "c", check=True, max_steps=1)
    refused(config, tmp_path / "o", r"the lint refuses set 'sft_direct'.*--no-check", UserError)
    assert not (tmp_path / "o").exists()


def test_lengths_that_trimming_mends_are_no_reason_to_refuse(model, tmp_path):
    from attunement.trainers.corpora.making import corpus_config, make_corpus
    from attunement.trainers.learning.gate import check_corpus
    from attunement.trainers.learning.models import load_tokenizer
    from attunement.trainers.lint.linting import Options, lint
    from attunement.trainers.lint.tokens import ChatTokenizer
    from tests.helpers import small_run

    small_run(tmp_path / "run", dialogues=12)
    make_corpus([tmp_path / "run"], tmp_path / "c", corpus_config(sets=["sft_direct"]))
    tokenizer = load_tokenizer(str(model))
    options = Options(tokenizer=ChatTokenizer(tokenizer), max_length=300)
    (found,) = lint(tmp_path / "c", options).sets
    assert {f.check for f in found.findings if f.over} == {"cut", "dropped"}
    check_corpus(quick("sft", model, tmp_path / "c", max_length=300), "sft_direct", tokenizer)


# ---- while it trains ----------------------------------------------------------------------------


def test_a_loss_that_is_no_number_ends_the_training(copy, corpus, tmp_path):
    from safetensors.torch import load_file, save_file

    file = copy / "model.safetensors"
    weights = load_file(file)
    weights["lm_head.weight"][7] = float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    config = quick("sft", copy, corpus)
    refused(config, tmp_path / "out", "the loss is nan in step 1; take a lower", TrainingError)


def test_without_memory_it_says_what_would_need_less(model, corpus, tmp_path, monkeypatch):
    from attunement.trainers.learning import trainers

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(trainers.SFTTrainer, "compute_loss", full)
    refused(
        quick("sft", model, corpus), tmp_path / "out",
        "--batch-size 2 --accumulation 4 .*--gradient-checkpointing", TrainingError,
    )  # fmt: skip
