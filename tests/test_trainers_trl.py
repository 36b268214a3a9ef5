"""Exported corpora in the installed trainers' own hands: datasets loads them, TRL prepares them."""

import importlib.resources
import re
import warnings
from pathlib import Path

import pytest

from attunement.trainers.corpora.making import corpus_config, make_corpus
from attunement.trainers.corpora.rows import ExampleRow, PairRow, columns
from tests.helpers import small_run

datasets = pytest.importorskip("datasets")
trl = pytest.importorskip("trl")

# trl asks transformers for a name that is to go
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")

END = {"llama3": ("<|eot_id|>", ""), "qwen2_5": ("<|im_end|>", "\n")}
"""Real chat templates: the end mark, and what the template emits behind it."""
ALL_SETS = ("response", "strategy", "joint",
            "sft_direct", "sft_planner", "sft_responder", "sft_joint")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quiet():
    datasets.disable_progress_bars()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    small_run(folder, dialogues=40)
    return folder


@pytest.fixture(scope="module", params=["jsonl", "parquet"])
def corpus(request, run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("corpora") / request.param
    make_corpus([run], out, corpus_config(sets=ALL_SETS, split="4:1", format=request.param))
    return out


@pytest.fixture(scope="module", params=sorted(END))
def model(request, tmp_path_factory):
    """(template's name, model, tokenizer)."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tests.tiny_llama import make_model

    folder = make_model(tmp_path_factory.mktemp("models") / request.param)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    template = importlib.resources.files("trl") / "chat_templates" / f"{request.param}.jinja"
    tokenizer.chat_template = template.read_text("utf-8")
    end, _ = END[request.param]
    marks = ["<|im_start|>", "<|start_header_id|>", "<|end_header_id|>", end]
    tokenizer.add_special_tokens({"additional_special_tokens": marks, "eos_token": end})
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(folder)  # the reference model is read from there
    return request.param, model, tokenizer


def quiet_cpu(folder: Path) -> dict:
    return {
        "output_dir": str(folder), "use_cpu": True, "bf16": False, "report_to": "none",
        "activation_checkpointing": False, "max_length": 2048, "disable_tqdm": True,
        "per_device_train_batch_size": 4, "seed": 0, "save_strategy": "no", "max_steps": 1,
        "logging_strategy": "no",
    }  # fmt: skip


@pytest.mark.parametrize("name", ALL_SETS)
def test_every_set_loads_with_its_declared_types_and_splits(corpus, name):
    loaded = datasets.load_dataset(str(corpus), name)
    assert set(loaded) == {"train", "validation"}
    kind = PairRow if "chosen" in loaded["train"].column_names else ExampleRow
    assert loaded["train"].column_names == list(columns(kind))
    for split in loaded.values():
        row = split[0]
        assert row["prompt"][-1]["role"] == "user"
        assert isinstance(row["turn"], int)
    assert loaded["train"].features == loaded["validation"].features
    shared = set(loaded["train"]["persona_id"]) & set(loaded["validation"]["persona_id"])
    assert not shared


@pytest.mark.parametrize("name", ["response", "strategy", "joint"])
def test_dpo_trains_exactly_the_reply_and_its_end_mark(run, model, name, tmp_path):
    template, tiny, tokenizer = model
    make_corpus([run], tmp_path / "c", corpus_config(sets=[name]))
    pairs = datasets.load_dataset(str(tmp_path / "c"), name, split="train")
    trainer = trl.DPOTrainer(
        tiny, args=trl.DPOConfig(**quiet_cpu(tmp_path)), train_dataset=pairs,
        processing_class=tokenizer,
    )  # fmt: skip
    prepared = trainer.train_dataset
    assert len(prepared) == len(pairs)
    end, behind = END[template]
    for row, ids in zip(pairs, prepared, strict=True):
        prompt = tokenizer.apply_chat_template(
            row["prompt"], add_generation_prompt=True, return_dict=True
        )["input_ids"]
        assert ids["prompt_ids"] == prompt
        for side in ("chosen", "rejected"):
            both = row["prompt"] + row[side]
            whole = tokenizer.apply_chat_template(both, return_dict=True)["input_ids"]
            assert ids["prompt_ids"] + ids[f"{side}_ids"] == whole
            text = tokenizer.decode(ids[f"{side}_ids"])
            assert text == row[side][0]["content"] + end + behind
            assert ids[f"{side}_ids"].count(tokenizer.convert_tokens_to_ids(end)) == 1
    batch = next(iter(trainer.get_train_dataloader()))
    trained = batch["input_ids"][0][batch["completion_mask"][0].bool()].tolist()
    assert trained in prepared["chosen_ids"]


def test_dpo_takes_a_step_on_an_exported_corpus(run, model, tmp_path):
    import torch

    _, tiny, tokenizer = model
    make_corpus([run], tmp_path / "c", corpus_config(sets=["response"]))
    pairs = datasets.load_dataset(str(tmp_path / "c"), "response")
    before = tiny.lm_head.weight.detach().clone()
    args = trl.DPOConfig(
        **quiet_cpu(tmp_path), loss_type=["sigmoid", "sft"], loss_weights=[1.0, 1.0], beta=0.1,
        learning_rate=1e-3,
    )  # fmt: skip
    torch.manual_seed(0)
    trainer = trl.DPOTrainer(
        tiny, args=args, train_dataset=pairs["train"], eval_dataset=pairs["validation"],
        processing_class=tokenizer,
    )  # fmt: skip
    trainer.train()
    assert not torch.equal(before, tiny.lm_head.weight)


@pytest.mark.parametrize("name", ["sft_direct", "sft_planner", "sft_responder", "sft_joint"])
def test_sft_trains_exactly_the_completion_and_its_end_mark(run, model, name, tmp_path):
    template, tiny, tokenizer = model
    make_corpus([run], tmp_path / "c", corpus_config(sets=[name]))
    examples = datasets.load_dataset(str(tmp_path / "c"), name, split="train")
    trainer = trl.SFTTrainer(
        tiny, args=trl.SFTConfig(**quiet_cpu(tmp_path)), train_dataset=examples,
        processing_class=tokenizer,
    )  # fmt: skip
    end, behind = END[template]
    assert len(trainer.train_dataset) == len(examples)
    for row, ids in zip(examples, trainer.train_dataset, strict=True):
        trained = [token for token in ids["labels"] if token != -100]
        assert tokenizer.decode(trained) == row["completion"][0]["content"] + end + behind


def test_llama_factory_layout_loads_and_names_its_files(run, tmp_path):
    import json

    out = tmp_path / "c"
    sets = ["response", "sft_responder"]
    make_corpus([run], out, corpus_config(sets=sets, layout="llama-factory"))
    info = json.loads((out / "dataset_info.json").read_text())
    assert set(info) == {f"{s}_{split}" for s in sets for split in ("train", "validation")}
    for name, entry in info.items():
        assert entry.get("ranking", False) is name.startswith("response")
        rows = datasets.load_dataset("json", data_files=str(out / entry["file_name"]))["train"]
        for column in entry["columns"].values():
            assert column in rows.column_names
        for row in rows:
            speakers = [turn["from"] for turn in row["conversations"]]
            # Its loader wants strict alternation: an odd number that a pair answers, an even one
            # that holds its own answer.
            assert speakers == ["human", "gpt"] * (len(speakers) // 2) + (
                ["human"] if entry.get("ranking") else []
            )
            if entry.get("ranking"):
                assert row["chosen"]["from"] == row["rejected"]["from"] == "gpt"


def test_the_card_is_one_that_the_hub_reads(corpus):
    hub = pytest.importorskip("huggingface_hub")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card = hub.DatasetCard.load(corpus / "README.md")
    assert card.data.license == "apache-2.0"
    assert card.data.size_categories == ["1K<n<10K"]
    assert [c["config_name"] for c in card.data.to_dict()["configs"]] == list(ALL_SETS)
    shown = re.findall(r"!\[.*?\]\((.*?)\)", card.text)
    assert len(shown) == 2
    for picture in shown:
        assert (corpus / picture).is_file()
