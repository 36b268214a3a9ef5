"""The supporter turns that systems are measured on: recorded histories as each part is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attunement.agents.prompting import ChatMessage, packaged_prompts
from attunement.core.corpora import Message
from attunement.core.errors import ConfigError
from attunement.core.strategies import Strategy
from attunement.trainers.corpora.rows import ExampleRow, ExampleSet
from attunement.trainers.decoupled.config import PARTS, Part
from attunement.trainers.decoupled.fitting import Fit
from attunement.trainers.lint.reading import Broken, read_rows

SETS: Mapping[Part, ExampleSet] = {part: f"sft_{part}" for part in PARTS}  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class TestTurn:
    """A supporter's turn of a recorded dialogue, and what each part is asked in it."""

    __test__ = False  # no test of pytest's

    dialogue: str
    number: int
    strategy: Strategy
    """The recorded one."""
    reply: str
    """The recorded one."""
    prompts: Mapping[Part, list[ChatMessage]]
    """The responder's names the recorded strategy."""

    @property
    def key(self) -> str:
        """What tells the turn from all others."""
        return f"{self.dialogue}/{self.number}"

    def responder_prompt(self, strategy: Strategy | None) -> list[ChatMessage]:
        """What a responder is asked under another strategy; the plain task without one."""
        system, *said = self.prompts["responder"]
        section = packaged_prompts()["responder"].section
        plain = system["content"].removesuffix(section("strategy", strategy=self.strategy))
        named = section("strategy", strategy=strategy) if strategy else ""
        return [system | {"content": plain + named}, *said]


def rows_of(corpus: Path, part: Part, split: str) -> Iterator[ExampleRow]:
    """The examples of a part in a split. `ConfigError` for a file that is not whole."""
    path = corpus / SETS[part] / f"{split}.jsonl"
    for line, raw in read_rows(path):
        if isinstance(raw, Broken):
            raise ConfigError(f"{str(path)!r}, line {line} cannot be read; make the corpus again")
        yield ExampleRow.model_validate(raw)


def read_turns(corpus: Path, split: str) -> list[TestTurn]:
    """The turns of a split, in order of their dialogues."""
    by_part = {part: {_key(row): row for row in rows_of(corpus, part, split)} for part in PARTS}
    found = []
    for key, row in by_part["responder"].items():
        assert row.strategy is not None, key  # a set that needs a strategy holds no row without
        prompts = {part: _plain(by_part[part][key].prompt) for part in PARTS}
        found.append(
            TestTurn(row.dialogue_id, row.turn, row.strategy, row.completion[0].content, prompts)
        )
    return found


def _key(row: ExampleRow) -> tuple[str, int]:
    return row.dialogue_id, row.turn


def _plain(messages: Sequence[Message]) -> list[ChatMessage]:
    return [{"role": message.role, "content": message.content} for message in messages]


def strategies_of(corpus: Path, split: str) -> dict[str, list[Strategy]]:
    """The recorded strategies of a split by dialogue, in order."""
    found: dict[str, list[Strategy]] = {}
    for row in rows_of(corpus, "planner", split):
        assert row.strategy is not None
        found.setdefault(row.dialogue_id, []).append(row.strategy)
    return found


# ---- making them fit ----------------------------------------------------------------------------


def fitted(turns: Sequence[TestTurn], fits: Mapping[Part, Fit]) -> list[TestTurn]:
    """The turns with every prompt as short as its part was trained on."""
    return [replace(t, prompts={p: fits[p](t.prompts[p]) for p in PARTS}) for t in turns]
