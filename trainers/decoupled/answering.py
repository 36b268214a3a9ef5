"""One sample of a model for every test turn, kept line by line, so that a stop loses nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson

from attunement.agents.models.base import Ask, ChatBackend, Decoding
from attunement.agents.prompting import ChatMessage
from attunement.agents.reading import plain_text
from attunement.core.errors import AttunementError, UserError
from attunement.core.records import Record
from attunement.core.seeds import derive_seed
from attunement.core.strategies import Strategy, parse_strategy, split_joint
from attunement.trainers.decoupled.config import Part

ANSWERS = "answers.jsonl"
_BLOCK = 256
"""Turns that are asked together: what a stop may lose."""
Told = Callable[[int, int], None]
"""Is told how many turns are answered, and of how many."""


class Answered(Record):
    """What a model said in a turn."""

    turn: str
    """The turn's key."""
    text: str
    cut: bool
    """Whether it ran into `max_tokens`."""

    @property
    def strategy(self) -> Strategy | None:
        """A planner's strategy; None where what it said is none of the eight."""
        try:
            return parse_strategy(self.text.strip(" \n\"'`*.[]"))
        except UserError:
            return None

    @property
    def joint(self) -> tuple[Strategy | None, str]:
        """A joint model's strategy and reply; without a tag the whole text is the reply."""
        return split_joint(self.text)


def answer(
    folder: Path,
    backend: ChatBackend,
    part: Part,
    prompts: Mapping[str, list[ChatMessage]],
    decoding: Decoding,
    seed: int,
    told: Told = lambda done, total: None,
) -> None:
    """Ask for every prompt that `folder` has no answer to, and keep the answers by turn.

    A turn's seed follows from `seed`, part and turn alone, so that two models of one part are
    sampled alike. Raises what the model raises; what was answered is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ANSWERS
    known = {one.turn for one in _read(path)} if path.exists() else set()
    missing = [key for key in prompts if key not in known]
    asks = [
        Ask(prompts[key], part, derive_seed(seed, "test", part, key), decoding) for key in missing
    ]

    async def work(file: Callable[[bytes], int]) -> None:
        try:
            for start in range(0, len(asks), _BLOCK):
                told(len(known) + start, len(prompts))
                said = await asyncio.gather(*map(backend.answer, asks[start : start + _BLOCK]))
                for key, one in zip(missing[start : start + _BLOCK], said, strict=True):
                    line = Answered(turn=key, text=plain_text(one.text), cut=one.cut)
                    file(line.model_dump_json().encode() + b"\n")
        finally:
            await backend.aclose()

    with path.open("ab", buffering=0) as file:
        asyncio.run(work(file.write))
    told(len(prompts), len(prompts))


def _read(path: Path) -> list[Answered]:
    """The whole lines of a file; a last one that was torn by a stop is cut off."""
    content = path.read_bytes()
    whole, _, torn = content.rpartition(b"\n")
    if torn:
        path.write_bytes(whole + b"\n" if whole else b"")
    return [Answered.model_validate(orjson.loads(line)) for line in whole.splitlines()]


def read_answers(folder: Path, keys: Sequence[str]) -> list[Answered]:
    """The answers to some turns, in their order. `AttunementError` where one is missing."""
    found = {one.turn: one for one in _read(folder / ANSWERS)}
    if missing := next((key for key in keys if key not in found), None):
        raise AttunementError(f"{str(folder)!r} has no answer to turn {missing!r}")
    return [found[key] for key in keys]
