"""A base from scratch: a small Llama and its tokenizer, from the train split's dialogues alone.

What it is trained on are the dialogues in the shapes in which it will meet them: as a chat, and
flattened into lines of `seeker: …` and `supporter: …`, every token of them once an epoch. Beside
them stand a few examples of how each task is put, with strategies drawn by lot.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from attunement.agents.prompting import ChatMessage, as_chat, flatten, packaged_prompts
from attunement.core.records import Reply, Utterance
from attunement.core.seeds import derive_seed
from attunement.core.strategies import Strategy
from attunement.personas.preprocessing import prepare, reply_places
from attunement.personas.recorded import read_recordings
from attunement.trainers.corpora.rows import SetName
from attunement.trainers.corpora.tasks import spoken_as, task_prompt
from attunement.trainers.decoupled.config import FromScratch
from attunement.trainers.learning.report import MERGED, Watch, silent
from attunement.trainers.learning.settings import TrainConfig

START, CORPUS, TRAINING, SET = "start", "corpus", "training", "dialogues"
"""Folders of the stage: untrained weights, rows, the training; and the rows' set."""
_TASKS: tuple[SetName, ...] = ("sft_planner", "sft_responder", "sft_joint")
_ASKED = "Write a talk between a seeker of emotional support and a supporter."
_SPARE = 8
"""Tokens that a row's template may add."""


def build_base(
    settings: FromScratch, train: Path, folder: Path, seed: int, watch: Watch = silent
) -> Path:
    """Make the base in `folder`, or go on with what is there of it; returns the model's folder."""
    from attunement.trainers.learning.training import train as learn

    start, corpus, out = folder / START, folder / CORPUS, folder / TRAINING
    if not start.is_dir():
        _put_in_place(start, lambda part: make_start(settings, train, part, seed))
    own = {
        "max_length": min(512, settings.context), "learning_rate": 3e-3, "epochs": 6,
        "weight_decay": 0.01, "accumulation": 1, "seed": seed % 2**32,
    }  # fmt: skip
    config = TrainConfig.model_validate({
        **own, **settings.train, "method": "sft", "model": str(start), "corpus": str(corpus),
        "set": SET, "full": True, "check": False,
    })  # fmt: skip
    if not corpus.is_dir():
        _put_in_place(corpus, lambda part: write_rows(train, start, part, config.max_length))
    learn(config, out, watch, resume=out.exists())
    return out / MERGED


def _put_in_place(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder that is whole or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".part-") as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        make(part)
        part.rename(folder)


# ---- tokenizer and weights ----------------------------------------------------------------------


def make_start(settings: FromScratch, train: Path, folder: Path, seed: int) -> None:
    """Write tokenizer, chat template and untrained weights; one seed gives the same every time."""
    import torch
    import transformers

    hf: Any = transformers  # typed by halves
    tokenizer = make_tokenizer(settings, train)
    special = {
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    config = hf.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=settings.hidden,
        intermediate_size=settings.hidden * 8 // 3, num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads, num_key_value_heads=settings.heads,
        max_position_embeddings=settings.context, tie_word_embeddings=True, dtype="float32",
        **special,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        model = hf.LlamaForCausalLM(config)
    model.generation_config = hf.GenerationConfig(do_sample=True, **special)
    with _without_bars(hf):
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def _without_bars(hf: Any) -> Iterator[None]:
    shown = hf.logging.is_progress_bar_enabled()
    hf.logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            hf.logging.enable_progress_bar()


def make_tokenizer(settings: FromScratch, train: Path) -> Any:
    """A byte-level BPE tokenizer of the train split's words; the prompts' instructions, which never
    change, are one token each, as the pocket model has them, and so are the strategies' names."""
    from tokenizers import AddedToken

    from attunement.trainers.pocket.tokenizer import make_tokenizer as make

    texts = (flatten(turns) for _, turns in _dialogues(train))
    tokenizer = make(texts, settings.vocabulary, 0, settings.context)
    names = [AddedToken(str(name), normalized=False, special=False) for name in Strategy]
    tokenizer.add_tokens(names)
    return tokenizer


def _dialogues(train: Path) -> Iterator[tuple[str, tuple[Utterance, ...]]]:
    for recording in read_recordings(train):
        yield recording.id, prepare(recording.utterances, "decoupled")


# ---- rows ---------------------------------------------------------------------------------------


def write_rows(train: Path, model: Path, folder: Path, longest: int) -> None:
    """Write the rows of the training: pieces of dialogues that fit, in both shapes."""
    from attunement.trainers.learning.models import load_tokenizer

    tokenizer = load_tokenizer(str(model))
    path = folder / SET / "train.jsonl"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for name, turns in _dialogues(train):
            for row in _rows(name, turns, tokenizer, longest):
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _rows(
    name: str, turns: Sequence[Utterance], tokenizer: Any, longest: int
) -> Iterator[dict[str, Any]]:
    """The rows of a dialogue, in pieces that fit: as a chat, flattened, and as each task is put."""
    yield from _as_chat(turns, tokenizer, longest)
    asked = {"role": "user", "content": _ASKED}
    # What is longest around a flattened dialogue are the planner's instructions.
    around = max(_size(tokenizer, texts) for texts in ([_ASKED, ""], [_planner_text(), "-" * 40]))
    lines = _pieces(turns, lambda u: _size(tokenizer, [f"{u.speaker}: {u.text}"]), longest - around)
    for number, part in enumerate(lines):
        yield _row([asked], [{"role": "assistant", "content": flatten(part)}])
        yield from _as_tasks(f"{name}/{number}", part)


def _as_chat(turns: Sequence[Utterance], tokenizer: Any, longest: int) -> Iterator[dict[str, Any]]:
    system = {"role": "system", "content": packaged_prompts()["responder"].section("system")}
    messages = as_chat(turns)
    room = longest - _size(tokenizer, [system["content"]]) - _SPARE
    if messages and messages[0]["role"] == "assistant":
        messages.insert(0, {"role": "user", "content": " "})
    # A seeker's message and its answer stay together: a piece begins with a seeker.
    pairs = [messages[i : i + 2] for i in range(0, len(messages), 2)]
    for piece in _pieces(pairs, lambda pair: _size(tokenizer, [m["content"] for m in pair]), room):
        spoken = [message for pair in piece for message in pair]
        if len(spoken) > 1:
            yield _row([system, spoken[0]], spoken[1:])


def _as_tasks(place: str, turns: Sequence[Utterance]) -> Iterator[dict[str, Any]]:
    """One reply of a piece as each part is asked for it, its strategy drawn by lot.

    So the base knows what each task looks like, as a big model does from its prompt, and nothing of
    which strategy fits where: that is for the adapters to learn.
    """
    places = reply_places(turns)
    if not places:
        return
    at = places[derive_seed(place, "reply") % len(places)]
    strategy = tuple(Strategy)[derive_seed(place, "strategy") % len(Strategy)]
    reply = Reply(text=turns[at].text, strategy=strategy)
    for task in _TASKS:
        prompt = task_prompt(task, packaged_prompts(), turns[:at], strategy)
        said = {"role": "assistant", "content": spoken_as(task, reply)}
        yield _row(prompt.messages, [said])


def _planner_text() -> str:
    return task_prompt("sft_planner", packaged_prompts(), ()).messages[0]["content"]


def _row(prompt: list[ChatMessage], completion: list[ChatMessage]) -> dict[str, Any]:
    return {"prompt": prompt, "completion": completion}


def _size(tokenizer: Any, texts: Sequence[str]) -> int:
    """Tokens of some messages, with the two that a template puts around each."""
    ids = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return sum(len(one) + 2 for one in ids)


def _pieces(items: Sequence[Any], size: Callable[[Any], int], room: int) -> Iterator[list[Any]]:
    """The items in order, as many together as have room; one that has none alone is left out."""
    piece: list[Any] = []
    used = 0
    for item in items:
        needed = size(item)
        if piece and used + needed > room:
            yield piece
            piece, used = [], 0
        if needed <= room:
            piece.append(item)
            used += needed
    if piece:
        yield piece
