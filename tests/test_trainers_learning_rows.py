"""Rows in tokens: TRL's own tokens, whole messages trimmed, everything counted."""

import json
from pathlib import Path

import numpy as np
import pytest

from attunement.core.errors import UserError
from attunement.trainers.learning.rows import Row, load_rows
from attunement.trainers.learning.sampling import Buckets
from tests.learning import examples, make_small, pairs, quick, said, write_corpus, write_rows

pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_small(tmp_path_factory.mktemp("model") / "m", layers=1)


@pytest.fixture(scope="module")
def tokenizer(model):
    from attunement.trainers.learning.models import load_tokenizer

    return load_tokenizer(str(model))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "c", train=12, validation=4, turns=6)


def stock(method: str, model: Path, corpus: Path, folder: Path) -> list[Row]:
    """The same rows as TRL's trainer prepares them."""
    import datasets
    import trl
    from transformers import AutoModelForCausalLM, AutoTokenizer

    name = {"dpo": "response", "sft": "sft_direct"}[method]
    rows = datasets.load_dataset("json", data_files=str(corpus / name / "train.jsonl"))["train"]
    config, trainer = {
        "dpo": (trl.DPOConfig, trl.DPOTrainer), "sft": (trl.SFTConfig, trl.SFTTrainer)
    }[method]  # fmt: skip
    args = config(
        str(folder), use_cpu=True, bf16=False, activation_checkpointing=False, report_to="none",
        max_length=None,
    )  # fmt: skip
    ready = trainer(
        AutoModelForCausalLM.from_pretrained(model), args=args, train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(model),
    ).train_dataset  # fmt: skip
    if method == "dpo":
        return [Row(r["prompt_ids"], (r["chosen_ids"], r["rejected_ids"])) for r in ready]
    found = []
    for row in ready:
        learnt = [token for token in row["labels"] if token != -100]
        found.append(Row(row["input_ids"][: -len(learnt)], (learnt,)))
    return found


@pytest.mark.parametrize("method", ["dpo", "sft"])
def test_the_tokens_are_those_of_the_stock_trainer(method, model, tokenizer, corpus, tmp_path):
    ours = load_rows(quick(method, model, corpus, max_length=4096), tokenizer)
    assert ours.train == stock(method, model, corpus, tmp_path)
    assert (len(ours.train), len(ours.validation), ours.trimmed) == (12, 4, 0)
    assert not ours.left_out


@pytest.mark.parametrize("method", ["dpo", "sft"])
def test_only_the_reply_and_its_end_are_learnt(method, model, tokenizer, corpus):
    from attunement.trainers.learning.trainers import example_columns, pair_columns

    rows = load_rows(quick(method, model, corpus, max_length=4096), tokenizer).train
    made = (example_columns if method == "sft" else lambda r: pair_columns(r, None))(rows)
    raw = pairs(12, 0, 6) if method == "dpo" else examples(12, 0, 6)
    for columns, row in zip(made, raw, strict=True):
        if method == "sft":
            learnt = {"completion": [t for t in columns["labels"] if t != -100]}
        else:
            learnt = {name: columns[f"{name}_ids"] for name in ("chosen", "rejected")}
        for name, ids in learnt.items():
            assert tokenizer.decode(ids) == row[name][0]["content"] + "<|end|>"


@pytest.mark.parametrize("max_length", [48, 64, 90])
def test_trimming_takes_whole_old_messages_and_never_a_completion(
    model, tokenizer, corpus, max_length
):
    whole = load_rows(quick("dpo", model, corpus, max_length=4096), tokenizer)
    rows = load_rows(quick("dpo", model, corpus, max_length=max_length), tokenizer)
    assert rows.trimmed > 0
    assert all(row.length <= max_length for row in rows.train)
    completions = {str(row.sides): row for row in whole.train}
    for row in rows.train:
        before = tokenizer.decode(completions[str(row.sides)].prompt)
        after = tokenizer.decode(row.prompt)
        head = "<|begin|><|system|>You listen.<|end|>"
        assert after.startswith(f"{head}<|user|>")
        assert after.endswith("<|end|><|assistant|>")
        assert before.endswith(after.removeprefix(head))
    total = len(rows.train) + len(rows.validation) + sum(rows.left_out.values())
    assert total == 16


def test_as_much_history_as_fits_is_kept(model, tokenizer, corpus):
    """One message more would not have fitted."""
    whole = load_rows(quick("sft", model, corpus, max_length=4096), tokenizer)
    rows = load_rows(quick("sft", model, corpus, max_length=90), tokenizer)
    before = {str(row.sides): row for row in whole.train}
    checked = 0
    for row in rows.train:
        texts = tokenizer.decode(before[str(row.sides)].prompt).split("<|user|>")
        kept = tokenizer.decode(row.prompt).count("<|user|>")
        if kept < len(texts) - 1:
            more = texts[0] + "<|user|>" + "<|user|>".join(texts[-kept - 1 :])
            ids = tokenizer(more, add_special_tokens=False)["input_ids"]
            assert len(ids) + len(row.sides[0]) > 90
            checked += 1
    assert checked > 2


def test_what_does_not_fit_is_left_out_and_counted(model, tokenizer, tmp_path):
    rows = [*pairs(3), {"prompt": "Hello", "chosen": "a", "rejected": "b"}, {"nothing": 1}]
    long = {"prompt": [{"role": "user", "content": "sad " * 90}]}
    rows += [{**next(pairs(1)), **long}, next(examples(1))]
    write_rows(tmp_path / "response" / "train.jsonl", rows)
    with (tmp_path / "response" / "train.jsonl").open("a") as file:
        file.write('{"prompt": \n')
    found = load_rows(quick("dpo", model, tmp_path, max_length=60), tokenizer)
    assert len(found.train) == 3
    assert dict(found.left_out) == {
        "plain text, no messages": 1, "of no known format": 1, "not one of pairs": 1,
        "too long without its history": 1, "unreadable": 1,
    }  # fmt: skip


def test_a_flattened_dialogue_loses_its_oldest_lines(model, tokenizer, tmp_path):
    lines = "\n".join(
        f"{who}: night work {n}" for n in range(20) for who in ("seeker", "supporter")
    )
    prompt = [{"role": "user", "content": f"<dialogue>\n{lines}\n</dialogue>\nWhich one?"}]
    write_rows(tmp_path / "sft_planner" / "train.jsonl", [
        {"prompt": prompt, "completion": [said("Question")]}
    ])  # fmt: skip
    found = load_rows(quick("sft", model, tmp_path, max_length=100), tokenizer)
    text = tokenizer.decode(found.train[0].prompt)
    assert text.startswith("<|begin|><|user|><dialogue>\nseeker: ")
    assert "supporter: night work 19\n</dialogue>\nWhich one?" in text
    assert found.trimmed == 1


def test_the_set_is_found_or_asked_for(model, tokenizer, corpus, tmp_path):
    assert load_rows(quick("dpo", model, corpus), tokenizer).set == "response"
    with pytest.raises(UserError, match=r"unknown set 'reply'; known: response, sft_direct"):
        load_rows(quick("dpo", model, corpus, set="reply"), tokenizer)
    with pytest.raises(UserError, match=r"'sft_direct' holds examples.*attune train sft"):
        load_rows(quick("dpo", model, corpus, set="sft_direct"), tokenizer)
    write_rows(tmp_path / "mine" / "train.jsonl", pairs(2))
    assert load_rows(quick("dpo", model, tmp_path), tokenizer).set == "mine"
    with pytest.raises(UserError, match=r"has no set 'sft_direct', and not just one of examples"):
        load_rows(quick("sft", model, tmp_path), tokenizer)


def test_the_test_split_is_not_read(model, tokenizer, tmp_path):
    for seed, split in enumerate(("train", "validation", "test")):
        write_rows(tmp_path / "response" / f"{split}.jsonl", pairs(2 + seed, seed))
    rows = load_rows(quick("dpo", model, tmp_path), tokenizer)
    assert (len(rows.train), len(rows.validation)) == (2, 3)
    write_rows(tmp_path / "response" / "test.jsonl", pairs(9, 9))
    assert load_rows(quick("dpo", model, tmp_path), tokenizer).corpus_hash == rows.corpus_hash
    write_rows(tmp_path / "response" / "train.jsonl", pairs(2, 9))
    assert load_rows(quick("dpo", model, tmp_path), tokenizer).corpus_hash != rows.corpus_hash


def test_a_corpus_of_the_simulator_is_learnt_from(model, tokenizer, tmp_path):
    from attunement.trainers.corpora.making import corpus_config, make_corpus
    from tests.helpers import small_run

    small_run(tmp_path / "run", dialogues=12)
    make_corpus([tmp_path / "run"], tmp_path / "c", corpus_config(sets=["response", "sft_planner"]))
    kept = json.loads((tmp_path / "c" / "corpus.json").read_text())["sets"]["response"]["splits"]
    rows = load_rows(quick("dpo", model, tmp_path / "c", max_length=4096), tokenizer)
    assert {"train": len(rows.train), "validation": len(rows.validation)} == kept


# ---- the order ----------------------------------------------------------------------------------


def test_batches_are_of_equal_lengths_and_hold_every_row_once():
    lengths = np.random.default_rng(0).integers(10, 500, 1001).tolist()
    buckets = Buckets(lengths, unit=8, seed=3)
    order = list(buckets)
    assert sorted(order) == list(range(1001))
    spread = [np.ptp([lengths[i] for i in order[s : s + 8]]) for s in range(0, 1000, 8)]
    assert np.mean(spread) < 30
    assert list(buckets) == order
    buckets.epoch = 1
    assert list(buckets) != order
