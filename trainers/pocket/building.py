"""Building the pocket model: simulate, make a tokenizer, train from scratch, keep it by its inputs.

attune train pocket --out models/pocket
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import torch
import transformers
from filelock import FileLock

from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import ConfigError
from attunement.trainers.corpora.calls import Lesson, write_lessons
from attunement.trainers.learning.report import Watch, silent
from attunement.trainers.learning.settings import TrainConfig
from attunement.trainers.learning.training import quiet, train
from attunement.trainers.pocket.config import HEAD, PocketConfig
from attunement.trainers.pocket.tokenizer import make_tokenizer
from attunement.trainers.pocket.world import simulate_lessons

_hf: Any = transformers  # typed by halves

VERSION = 1
"""Goes up when the same settings would give another model."""
SET = "lessons"
_HELD_BACK = 50
"""One dialogue in so many is for validation."""

Say = Callable[[str], None]


def build_pocket(
    config: PocketConfig, cache: Path, say: Say = lambda _: None, watch: Watch = silent
) -> Path:
    """The folder of the pocket model that these settings and this package's prompts give.

    It is made once: `cache` keeps it under the hash of what it is made from. Of several processes
    one makes it, and the others wait.
    """
    name = f"pocket-{inputs_hash(config)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{name}.lock"):
        folder = cache / name
        if not (folder / "model").is_dir():
            _build(config, folder, say, watch)
    return folder / "model"


def build_into(
    config: PocketConfig, out: Path, say: Say = lambda _: None, watch: Watch = silent
) -> dict[str, int]:
    """Build the pocket model, or take it from the user's cache, and copy it to `out`.

    Returns its `parameters`, `vocabulary` and `context`. `ConfigError` where `out` exists.
    """
    if out.exists():
        raise ConfigError(f"`out` {str(out)!r} exists; choose another folder with --out")
    built = build_pocket(config, cache_folder(), say, watch)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=".model-") as scratch:
        part = Path(scratch) / "part"
        shutil.copytree(built, part)
        part.rename(out)
    with quiet():
        model = _hf.LlamaForCausalLM.from_pretrained(out)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "parameters": parameters, "vocabulary": model.config.vocab_size,
        "context": config.context,
    }  # fmt: skip


def cache_folder() -> Path:
    """Where models are kept that were built once: `ATTUNEMENT_CACHE`, or the user's cache."""
    if own := os.environ.get("ATTUNEMENT_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "attunement"


def inputs_hash(config: PocketConfig) -> str:
    """What decides the model: settings, prompts, and how it is made."""
    versions = {role: prompt.version for role, prompt in packaged_prompts().items()}
    settings = config.model_dump(exclude={"threads"})
    text = orjson.dumps([VERSION, settings, versions], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:12]


def _build(config: PocketConfig, folder: Path, say: Say, watch: Watch) -> None:
    """Leave the model in `folder/model`; a training that was stopped is gone on with."""
    folder.mkdir(exist_ok=True)
    start, corpus = folder / "start", folder / "corpus"
    if not corpus.is_dir():
        say(f"simulating {config.dialogues:,} dialogues to learn from")
        lessons = simulate_lessons(config)
        tokenizer = make_tokenizer(
            (text for lesson in lessons for text in (lesson.prompt[-1]["content"], lesson.text)),
            config.words, config.phrases, config.context,
        )  # fmt: skip
        with quiet():
            save_start(config, tokenizer, start)
        write_lessons(lessons, corpus, SET, _split_of(lessons))
    say("training the pocket model from scratch")
    train(_training(config, start, corpus), folder / "training", watch, resume=True)
    (folder / "training" / "merged").rename(folder / "model")
    for done in (start, corpus):
        shutil.rmtree(done)


def _split_of(lessons: Sequence[Lesson]) -> Callable[[Lesson], str]:
    dialogues = sorted({lesson.dialogue_id for lesson in lessons})
    held_back = set(dialogues[::_HELD_BACK])
    return lambda lesson: "validation" if lesson.dialogue_id in held_back else "train"


def _training(config: PocketConfig, start: Path, corpus: Path) -> TrainConfig:
    return TrainConfig(
        method="sft", model=str(start), corpus=str(corpus), set=SET, full=True, check=False,
        learning_rate=config.learning_rate, epochs=config.epochs, batch_size=config.batch_size,
        accumulation=1, max_length=config.max_length, weight_decay=0.01, patience=None,
        threads=config.threads, seed=config.seed, report_to=("none",),
    )  # fmt: skip


def save_start(config: PocketConfig, tokenizer: Any, folder: Path) -> None:
    """A Llama of this size with random weights, and its tokenizer."""
    special = {
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    heads = config.hidden // HEAD
    shape = _hf.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=config.hidden, intermediate_size=3 * config.hidden,
        num_hidden_layers=config.layers, num_attention_heads=heads, num_key_value_heads=heads,
        max_position_embeddings=config.context, tie_word_embeddings=True, dtype="float32",
        **special,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = _hf.LlamaForCausalLM(shape)
    model.generation_config = _hf.GenerationConfig(do_sample=True, **special)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
