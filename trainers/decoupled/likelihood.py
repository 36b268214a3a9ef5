"""Strategies by likelihood: which of the eight names a model holds for the likeliest answer.

A name's score is the sum of its tokens' log-probabilities, the end of the answer included: that is
the probability that the model answers with this name and nothing else, and a name is not preferred
for being the beginning of another. Its tokens are those that a training on the answer would have:
what the chat template makes of the whole, behind what it makes of the prompt. The score is
deliberately not divided by the number of tokens: eight closed answers have probabilities, and
dividing would favour names whose later tokens follow from their first ones, such as `Restatement or
Paraphrasing`. A joint model is scored on its tag, whose closing bracket is its end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor

from attunement.agents.prompting import ChatMessage
from attunement.core.errors import AttunementError
from attunement.core.strategies import Strategy
from attunement.trainers.decoupled.config import Part
from attunement.trainers.learning.adapters import put_in
from attunement.trainers.learning.heads import autocast
from attunement.trainers.learning.models import Precision, load_model, load_tokenizer
from attunement.trainers.lint.encoding import Encoder, Ids

SCORES = "likelihood.jsonl"
NAMES = tuple(Strategy)
Told = Callable[[int, int], None]
Scores = Mapping[Strategy, float]
"""Strategy -> the log-probability of the answer that names it."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A prompt in tokens, and what stands behind it in each of the eight answers."""

    prompt: Ids
    answers: tuple[Ids, ...]


class Weigher:
    """A model with its adapter, ready to weigh the eight answers."""

    def __init__(self, base: str, adapter: Path | None, precision: Precision) -> None:
        """`ConfigError` for what cannot be loaded or does not fit together."""
        self._tokenizer = load_tokenizer(base)
        self._encode = Encoder(self._tokenizer)
        model = load_model(base, precision, self._tokenizer)
        self._model = (put_in(model, str(adapter), base) if adapter else model).eval()
        self._precision = precision

    def weigh(
        self,
        part: Part,
        prompts: Sequence[list[ChatMessage]],
        batch: int = 16,
        told: Told = lambda done, total: None,
    ) -> list[Scores]:
        """The scores of the eight for every prompt, in order. `part` says how they are answered."""
        rows = [self._row(part, messages) for messages in prompts]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i].prompt))
        found: dict[int, Scores] = {}
        for start in range(0, len(order), batch):
            places = order[start : start + batch]
            told(start, len(order))
            weighed = self._batch([rows[i] for i in places]).tolist()
            for place, scores in zip(places, weighed, strict=True):
                found[place] = dict(zip(NAMES, scores, strict=True))
        return [found[i] for i in range(len(rows))]

    def _row(self, part: Part, messages: list[ChatMessage]) -> _Row:
        """Answers begin where the prompt and the wholes part, as completions do in training."""
        texts = [self._render(messages, True), *(self._whole(part, messages, n) for n in NAMES)]
        ids = self._encode(texts)
        places = enumerate(zip(*ids, strict=False))
        begin = next((i for i, tokens in places if len(set(tokens)) > 1), min(map(len, ids)))
        return _Row(ids[0][:begin], tuple(whole[begin:] for whole in ids[1:]))

    def _whole(self, part: Part, messages: list[ChatMessage], name: Strategy) -> str:
        """Prompt and answer: with its end for a planner, up to the tag for a joint model."""
        answer = f"[{name}]" if part == "joint" else name.value
        whole = self._render([*messages, {"role": "assistant", "content": answer}], False)
        return whole if part != "joint" else whole[: whole.rindex(answer) + len(answer)]

    def _render(self, messages: list[ChatMessage], asking: bool) -> str:
        rendered: str = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=asking
        )
        return rendered

    def _batch(self, rows: Sequence[_Row]) -> Tensor:
        """Log-probabilities [rows, answers]: prompts are read once, answers behind their cache."""
        device = self._precision.device
        ids, seen = _padded([row.prompt for row in rows], left=True)
        tails, kept = _padded([answer for row in rows for answer in row.answers], left=False)
        place = (seen.cumsum(1) - 1).clamp(min=0)
        with torch.inference_mode(), autocast(self._precision):
            read = self._model(
                input_ids=ids.to(device), attention_mask=seen.to(device),
                position_ids=place.to(device), use_cache=True, logits_to_keep=1,
            )  # fmt: skip
            cache = read.past_key_values
            cache.batch_repeat_interleave(len(NAMES))
            first = read.logits[:, -1].repeat_interleave(len(NAMES), 0)
            mask = torch.cat([seen.repeat_interleave(len(NAMES), 0), kept], 1)
            behind = seen.sum(1).repeat_interleave(len(NAMES))[:, None]
            after = self._model(
                input_ids=tails.to(device), attention_mask=mask.to(device),
                position_ids=(behind + torch.arange(tails.shape[1])).to(device),
                past_key_values=cache, use_cache=True,
            ).logits  # fmt: skip
        logits = torch.cat([first[:, None], after[:, :-1]], 1).float().cpu()
        logps = logits.log_softmax(-1).gather(2, tails[..., None])[..., 0]
        return (logps.double() * kept).sum(1).view(len(rows), len(NAMES))


def _padded(rows: Sequence[list[int]], left: bool) -> tuple[Tensor, Tensor]:
    """Ids and mask, both [rows, width]."""
    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    seen = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        span = slice(width - len(row), width) if left else slice(0, len(row))
        ids[i, span], seen[i, span] = torch.tensor(row), 1
    return ids, seen


def likeliest(scores: Scores) -> Strategy:
    """The strategy with the highest score; of equal ones the first of the eight."""
    return max(NAMES, key=scores.__getitem__)


# ---- keeping them -------------------------------------------------------------------------------


def write_scores(folder: Path, keys: Sequence[str], scores: Sequence[Scores]) -> None:
    """Keep the scores of some turns by their keys."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = [
        {"turn": key, "scores": {str(name): round(value, 6) for name, value in one.items()}}
        for key, one in zip(keys, scores, strict=True)
    ]
    part = folder / f".{SCORES}"
    part.write_bytes(b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in rows))
    part.replace(folder / SCORES)


def read_scores(folder: Path, keys: Sequence[str]) -> list[Scores]:
    """The scores of some turns, in their order. `AttunementError` where one is missing."""
    rows = map(orjson.loads, (folder / SCORES).read_bytes().splitlines())
    found = {row["turn"]: {Strategy(n): v for n, v in row["scores"].items()} for row in rows}
    if missing := next((key for key in keys if key not in found), None):
        raise AttunementError(f"{str(folder)!r} has no likelihood of turn {missing!r}")
    return [found[key] for key in keys]
