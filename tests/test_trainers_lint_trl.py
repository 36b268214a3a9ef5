"""What the lint says becomes of long rows, held against what TRL's trainers really do with them."""

import pytest

from attunement.trainers.lint.linting import BATCH, Options, lint
from attunement.trainers.lint.shapes import Sample, parse
from attunement.trainers.lint.tokens import ChatTokenizer
from tests.corpora import chat_tokenizer, message, pairs, said, write_lines

datasets = pytest.importorskip("datasets")
trl = pytest.importorskip("trl")

# trl asks transformers for a name that is to go
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")

TEMPLATES = ("llama3", "qwen2_5")


@pytest.fixture(scope="module", autouse=True)
def quiet():
    import torch

    datasets.disable_progress_bars()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=TEMPLATES)
def model(request, tmp_path_factory):
    """A model's folder, whose tokenizer has a real template."""
    from transformers import AutoModelForCausalLM

    from tests.tiny_llama import make_model

    folder = make_model(tmp_path_factory.mktemp("models") / request.param)
    tokenizer = chat_tokenizer(request.param)
    tiny = AutoModelForCausalLM.from_pretrained(folder)
    tiny.resize_token_embeddings(len(tokenizer))
    tiny.save_pretrained(folder)  # the reference model is read from there
    tokenizer.save_pretrained(folder)
    return folder, tokenizer


def rows():
    """Pairs of growing length, with long and short sides."""
    made = [pairs(1, seed=n, turns=1 + n % 7)[0] | {"turn": n} for n in range(28)]
    for n in (3, 10, 17):
        made[n]["chosen"] = said("What then, " + "after all of that, " * (10 * n))
    for n in (4, 11):
        made[n]["rejected"] = said("And " * 300)
    return made


def lengths(tokenizer, made):
    """Longest lengths around which verdicts turn: a row's prompt, one more, its whole, one less."""
    row = made[5]
    prompt = tokenizer.apply_chat_template(
        row["prompt"], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    whole = tokenizer.apply_chat_template(row["prompt"] + row["chosen"], return_dict=True)
    return len(prompt), len(prompt) + 1, len(whole["input_ids"]), len(whole["input_ids"]) - 1


def arguments(folder, longest):
    return {
        "output_dir": str(folder), "use_cpu": True, "bf16": False, "report_to": "none",
        "activation_checkpointing": False, "max_length": longest, "disable_tqdm": True,
        "per_device_train_batch_size": 4, "seed": 0, "save_strategy": "no", "max_steps": 1,
        "logging_strategy": "no",
    }  # fmt: skip


def verdicts(tmp_path, tokenizer, made, longest):
    """What the lint says of each row's turn: dropped, cut (end token lost), cut (kept)."""
    path = write_lines(tmp_path / "train.jsonl", made)
    options = Options(tokenizer=ChatTokenizer(tokenizer), max_length=longest)
    assert len(made) <= BATCH
    found = {}
    for n, row in enumerate(made):
        one = write_lines(tmp_path / "one.jsonl", [row])
        (report,) = lint(one, options).sets
        checks = {f.check: f.example for f in report.findings if f.check in ("cut", "dropped")}
        assert len(checks) < 2
        (said_of_it,) = checks.values() or ("",)
        found[n] = said_of_it.rpartition(": ")[2]
    (report,) = lint(path, options).sets
    counts = {f.check: f.count for f in report.findings}
    assert counts.get("dropped", 0) == sum(v == "row dropped" for v in found.values())
    assert counts.get("cut", 0) == sum(v.startswith("cut") for v in found.values())
    return found


def end_of(tokenizer, ids):
    """Whether the tokens hold the end token behind the last assistant's text."""
    return tokenizer.eos_token_id in ids


@pytest.mark.parametrize("place", range(4), ids=["prompt", "prompt+1", "whole", "whole-1"])
def test_verdicts_on_pairs_are_what_dpo_does(model, tmp_path, place):
    folder, tokenizer = model
    made = rows()
    longest = lengths(tokenizer, made)[place]
    said_of = verdicts(tmp_path, tokenizer, made, longest)
    trainer = trl.DPOTrainer(
        str(folder), args=trl.DPOConfig(**arguments(tmp_path, longest)),
        train_dataset=datasets.Dataset.from_list(made), processing_class=tokenizer,
    )  # fmt: skip
    prepared = {row["turn"]: row for row in trainer.train_dataset}
    assert set(prepared) == {n for n, verdict in said_of.items() if verdict != "row dropped"}
    for n, row in prepared.items():
        batch = trainer.data_collator([row])
        whole = [len(row["prompt_ids"] + row[f"{side}_ids"]) for side in ("chosen", "rejected")]
        cut = max(whole) > longest
        assert said_of[n].startswith("cut") == cut, n
        completions = [
            ids[mask.bool()].tolist()
            for ids, mask in zip(batch["input_ids"], batch["completion_mask"], strict=True)
        ]
        assert all(completions), "a row that is kept has something to learn on both sides"
        if cut:
            assert said_of[n].endswith("kept") == all(end_of(tokenizer, c) for c in completions), n
        else:
            assert all(end_of(tokenizer, ids) for ids in completions)


@pytest.mark.parametrize("place", range(4), ids=["prompt", "prompt+1", "whole", "whole-1"])
@pytest.mark.parametrize("format", ["prompt-completion", "messages"])
def test_verdicts_on_examples_are_what_sft_does(model, tmp_path, format, place):
    folder, tokenizer = model
    made = []
    for row in rows():
        asked, answer = row["prompt"], row["chosen"]
        shape = {"messages": asked + answer} if format == "messages" else {
            "prompt": asked, "completion": answer}  # fmt: skip
        made.append(shape | {"turn": row["turn"]})
    longest = lengths(tokenizer, rows())[place]
    said_of = verdicts(tmp_path, tokenizer, made, longest)
    trainer = trl.SFTTrainer(
        str(folder), args=trl.SFTConfig(**arguments(tmp_path, longest)),
        train_dataset=datasets.Dataset.from_list(made), processing_class=tokenizer,
    )  # fmt: skip
    prepared = {row["turn"]: row for row in trainer.train_dataset}
    assert set(prepared) == {n for n, verdict in said_of.items() if verdict != "row dropped"}
    for n, row in prepared.items():
        messages = made[n].get("messages") or made[n]["prompt"] + made[n]["completion"]
        whole = tokenizer.apply_chat_template(messages, return_dict=True)["input_ids"]
        assert row["input_ids"] == whole[:longest]
        assert said_of[n].startswith("cut") == (len(whole) > longest), n
        if format == "messages":
            ends = whole[:longest].count(tokenizer.eos_token_id) == whole.count(
                tokenizer.eos_token_id
            )
        else:
            ends = end_of(tokenizer, [label for label in row["labels"] if label != -100])
        if len(whole) > longest:
            assert said_of[n].endswith("kept") == ends, n


def test_verdicts_cover_every_case(model, tmp_path):
    """Else the tests above would hold nothing against anything."""
    _, tokenizer = model
    made = rows()
    seen = set()
    for place, longest in enumerate(lengths(tokenizer, made)):
        (tmp_path / str(place)).mkdir()
        seen |= set(verdicts(tmp_path / str(place), tokenizer, made, longest).values())
    assert {"", "row dropped", "cut at the end, end token lost"} <= {v.strip() for v in seen}


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [
        ("Human: hi\n\nAssistant: good", "Human: hi\n\nAssistant: bad"),
        ("Human: hi\n\nAssistant:good", "Human: hi\n\nAssistant:bad"),
        ("Human: hi\n\nAssistant: good", "Human: hi\n\nAssistant: good"),
        ("Human: hi\n\nAssistant: good", "Human: hi\n\nAssistant: good day"),
        ("Human: hi. ", "Human: hi. Bad"),
    ],
)
def test_texts_without_a_prompt_are_parted_as_trl_does(chosen, rejected):
    row = {"chosen": chosen, "rejected": rejected}
    _, prompt, sides = parse(row)
    ours = {name: turns[0][1] for name, turns in (("prompt", prompt), *sides.items())}
    assert ours == trl.extract_prompt(row)


@pytest.mark.parametrize("format", ["conversational", "plain"])
def test_tokens_are_those_that_dpo_prepares(model, tmp_path, format):
    folder, tokenizer = model
    made = rows()
    if format == "plain":
        made = [
            {"prompt": f"{row['prompt'][-1]['content']} ", "turn": row["turn"],
             "chosen": row["chosen"][0]["content"], "rejected": row["rejected"][0]["content"]}
            for row in made
        ]  # fmt: skip
    else:
        made[2]["prompt"][-1] = message("user", "A smile \U0001f642, and a tab\tand é.  ")
    samples = [
        Sample(n, "train.jsonl", n + 1, "train", row, *parse(row)) for n, row in enumerate(made)
    ]
    ChatTokenizer(tokenizer).encode(samples)
    trainer = trl.DPOTrainer(
        str(folder), args=trl.DPOConfig(**arguments(tmp_path, None)),
        train_dataset=datasets.Dataset.from_list(made), processing_class=tokenizer,
    )  # fmt: skip
    for sample, row in zip(samples, trainer.train_dataset, strict=True):
        assert sample.tokens.kept == len(row["prompt_ids"])
        for side in ("chosen", "rejected"):
            assert sample.tokens.sides[side].length == len(row["prompt_ids"] + row[f"{side}_ids"])
