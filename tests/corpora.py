"""Corpora for tests: clean rows in every format, and tokenizers with real chat templates."""

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attunement.core.strategies import Strategy

Row = dict[str, Any]
SYSTEM = "You are a supporter in a talk with a person. Answer with your reply alone."
STRATEGIES = [strategy.value for strategy in Strategy]
_PEOPLE = ("my sister", "the neighbour", "my manager", "an old friend", "our landlord", "my uncle")
_THINGS = ("the garden", "that exam", "our rent", "the night shift", "a letter", "the old car")
_DEEDS = ("talked about", "forgot", "argued over", "asked for", "wrote down", "gave up on")
_ASKS = ("What changed", "Who else knew", "When did it begin", "How was the evening", "Where next")


def sentence(draw: random.Random) -> str:
    """A sentence of a seeker: plain, and hardly ever the same."""
    who, what = draw.choice(_PEOPLE), draw.choice(_THINGS)
    return f"Day {draw.randrange(10**6)}: {who} {draw.choice(_DEEDS)} {what} once more."


def reply(draw: random.Random) -> str:
    """A sentence of a supporter without a stock phrase."""
    words = [draw.choice(_PEOPLE), draw.choice(_DEEDS), draw.choice(_THINGS)]
    draw.shuffle(words)
    more = " ".join(draw.choice(_THINGS) for _ in range(draw.randrange(1, 4)))
    return f"{draw.choice(_ASKS)}, after {' '.join(words)} and {more}?"


def message(role: str, text: str) -> Row:
    """A message in the OpenAI shape."""
    return {"role": role, "content": text}


def said(text: str) -> list[Row]:
    """A side of one assistant's message."""
    return [message("assistant", text)]


def prompt(draw: random.Random, turns: int = 3) -> list[Row]:
    """A dialogue of so many seeker's turns that ends with one."""
    spoken = [(sentence if i % 2 == 0 else reply)(draw) for i in range(2 * turns - 1)]
    roles = ("user", "assistant")
    return [message("system", SYSTEM), *(message(roles[i % 2], t) for i, t in enumerate(spoken))]


def pairs(count: int, kind: str = "response", seed: int = 0, turns: int = 3) -> list[Row]:
    """Clean preference pairs in TRL's conversational format, ten turns a persona."""
    draw = random.Random(f"{kind}/{seed}")
    rows = []
    for number in range(count):
        chosen, rejected = draw.sample(STRATEGIES, 2)
        sides = {
            side: name if kind == "strategy" else f"[{name}] {reply(draw)}" if kind == "joint"
            else reply(draw)
            for side, name in (("chosen", chosen), ("rejected", rejected))
        }  # fmt: skip
        rows.append({
            "prompt": prompt(draw, turns), "chosen": said(sides["chosen"]),
            "rejected": said(sides["rejected"]), "persona_id": f"p{seed}-{number // 10}",
            "dialogue_id": f"d{seed}-{number // 10}", "turn": number % 10 + 1,
            "strategy": chosen, "rejected_strategy": rejected,
        })  # fmt: skip
    return rows


def _line(row: Row | str | bytes) -> bytes:
    if isinstance(row, bytes):
        return row
    return (row if isinstance(row, str) else json.dumps(row)).encode() + b"\n"


def write_lines(path: Path, rows: Iterable[Row | str | bytes]) -> Path:
    """JSON lines; text is a line as it is, bytes are written without an end of line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(_line, rows)))
    return path


def clean_corpus(folder: Path, count: int = 60) -> Path:
    """A corpus of the three sets of pairs with two splits, in which nothing is wrong."""
    for kind in ("response", "strategy", "joint"):
        write_lines(folder / kind / "train.jsonl", pairs(count, kind, seed=1))
        write_lines(folder / kind / "validation.jsonl", pairs(count // 3, kind, seed=2))
    (folder / "README.md").write_text("# A corpus\n")
    (folder / "corpus.json").write_text("{}")
    return folder


TEMPLATES = {
    "qwen2_5": ("<|im_end|>", ("<|im_start|>", "<|endoftext|>")),
    "qwen3": ("<|im_end|>", ("<|im_start|>", "<|endoftext|>")),
    "llama3": ("<|eot_id|>", ("<|start_header_id|>", "<|end_header_id|>", "<|begin_of_text|>")),
    "phi3": ("<|end|>", ("<|system|>", "<|user|>", "<|assistant|>", "<|endoftext|>")),
    "gemma": ("<end_of_turn>", ("<start_of_turn>", "<bos>")),
}
"""TRL's copies of real chat templates: end token, other special tokens."""


def chat_tokenizer(template: str):
    """A small tokenizer with a real chat template and the special tokens that it needs."""
    import trl

    from tests.tiny_llama import make_tokenizer

    tokenizer = make_tokenizer()
    end, others = TEMPLATES[template]
    begin = next((token for token in others if "begin" in token or "bos" in token), None)
    tokenizer.add_special_tokens({
        "eos_token": end, "additional_special_tokens": list(others),
        **({"bos_token": begin} if begin else {}),
    })  # fmt: skip
    folder = Path(trl.__file__).parent / "chat_templates"
    tokenizer.chat_template = (folder / f"{template}.jinja").read_text("utf-8")
    return tokenizer


def save_tokenizer(folder: Path, template: str | None = "llama3") -> Path:
    """A folder with such a tokenizer; without a template if there is to be none."""
    tokenizer = chat_tokenizer(template or "llama3")
    if template is None:
        tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    return folder
