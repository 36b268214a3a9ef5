"""What the tests of training share: a model that learns in a second, and corpora for it."""

import gc
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from attunement.trainers.learning.settings import TrainConfig, train_config

WORDS = [
    "heavy",
    "long",
    "alone",
    "sad",
    "help",
    "talk",
    "small",
    "step",
    "friend",
    "boss",
    "night",
]
"""Many in the tests' vocabulary are one token."""
KIND = "I hear how heavy this has been for you"
COLD = "Maybe it would be worth trying one small step"

# Every training ends with a collection, which would walk all that torch has imported each time.
gc.freeze()


def make_small(folder: Path, seed: int = 0, layers: int = 2, window: int | None = None) -> Path:
    """A Llama of about 100,000 parameters with the tests' tokenizer; the same every time.

    With a `window` it is a Mistral, whose attention looks back that many tokens.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM
    from transformers.utils import logging

    from tests.tiny_llama import make_tokenizer

    tokenizer = make_tokenizer()
    ids = {
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    kind = LlamaConfig if window is None else MistralConfig
    config = kind(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=512,
        tie_word_embeddings=False, dtype="float32", initializer_range=0.1,
        **ids, **({} if window is None else {"sliding_window": window}),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = (LlamaForCausalLM if window is None else MistralForCausalLM)(config)
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def pairs(rows: int, seed: int = 0, turns: int = 3) -> Iterator[dict[str, Any]]:
    """Pairs whose chosen side always is of one kind, with histories of 1 to `turns` exchanges."""
    draw = random.Random(seed)
    for number in range(rows):
        prompt = history(draw, draw.randint(1, turns))
        yield {
            "prompt": prompt, "chosen": [said(f"{KIND} {sentence(draw, 3)}")],
            "rejected": [said(f"{COLD} {sentence(draw, 3)}")], "persona_id": f"p{seed}-{number}",
        }  # fmt: skip


def examples(rows: int, seed: int = 0, turns: int = 3) -> Iterator[dict[str, Any]]:
    """The chosen sides of `pairs` as examples."""
    for row in pairs(rows, seed, turns):
        yield {
            "prompt": row["prompt"],
            "completion": row["chosen"],
            "persona_id": row["persona_id"],
        }


def history(draw: random.Random, turns: int) -> list[dict[str, str]]:
    """A prompt: the system's message, exchanges, and the seeker's last words."""
    messages = [{"role": "system", "content": "You listen."}]
    for _ in range(turns - 1):
        messages += [{"role": "user", "content": sentence(draw, 6)}, said(sentence(draw, 5))]
    return [*messages, {"role": "user", "content": sentence(draw, 6)}]


def sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words))


def said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def write_corpus(folder: Path, train: int = 24, validation: int = 8, turns: int = 3) -> Path:
    """A corpus of pairs and examples."""
    for name, make in (("response", pairs), ("sft_direct", examples)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for seed, (split, rows) in enumerate((("train", train), ("validation", validation))):
            if rows:
                write_rows(folder / name / f"{split}.jsonl", make(rows, seed, turns))
    return folder


def write_rows(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def quick(method: str, model: Path, corpus: Path, **settings: Any) -> TrainConfig:
    """Settings for a training of a second."""
    usual: dict[str, Any] = {
        "learning_rate": 1e-2, "max_length": 160, "check": False, "report_to": ("none",),
        "threads": 1, "device": "cpu", "patience": 0,
    }  # fmt: skip
    return train_config(method=method, model=str(model), corpus=str(corpus), **usual | settings)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of an adapter or of a whole model."""
    from safetensors.torch import load_file

    name = "adapter_model" if (folder / "adapter_config.json").exists() else "model"
    return load_file(folder / f"{name}.safetensors")


def history_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]


def losses(out: Path) -> list[float]:
    """The training losses of a history."""
    return [row["loss"] for row in history_of(out) if "loss" in row]
