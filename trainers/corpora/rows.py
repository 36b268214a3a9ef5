"""The rows of a corpus: a pair or an example, and where it comes from.

A corpus holds sets; each has its own columns and splits:

- pairs: `response` (which reply), `strategy` (which strategy's name), `joint` (`[Strategy] reply`)
- examples: `sft_direct`, `sft_planner`, `sft_responder`, `sft_joint`, by the model they train
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

from attunement.agents.prompting import ChatMessage, Prompt
from attunement.core.corpora import Example, Message, PreferencePair
from attunement.core.records import Turn, Verdict
from attunement.core.strategies import Strategy
from attunement.simulator.annotating import Annotation, annotations

PairSet = Literal["response", "strategy", "joint"]
ExampleSet = Literal["sft_direct", "sft_planner", "sft_responder", "sft_joint"]
SetName = PairSet | ExampleSet
PAIR_SETS: tuple[PairSet, ...] = ("response", "strategy", "joint")
EXAMPLE_SETS: tuple[ExampleSet, ...] = ("sft_direct", "sft_planner", "sft_responder", "sft_joint")

Source = Literal["refined", "recorded", "mined", "spoken", "instruction"]
"""Where a chosen side comes from: a refinement, a recorded human reply against a draft, inferential
preference mining; for examples: the reply spoken in a run, or a general instruction."""


class Remark(Annotation):
    """What one person said of a row's turn."""

    by: str
    """Their key."""


class PairRow(PreferencePair):
    """A preference pair with its provenance."""

    source: Source
    run: str
    """Name of the run folder, or of the file of recorded dialogues."""
    dialogue_id: str
    turn: int
    """Counts from 1 within its dialogue."""
    persona_id: str
    """Splits never share a persona."""
    strategy: Strategy | None
    """Of the chosen side."""
    rejected_strategy: Strategy | None
    chosen_model: str
    """Spec of the model that wrote the chosen side; `human` for a recorded reply."""
    rejected_model: str
    prompt_version: str
    """Content hash of the prompt file behind `prompt`."""
    chosen_prompt_version: str
    """Content hash of the prompt file that the chosen side answered; empty for a human."""
    rejected_prompt_version: str
    iteration: int
    """t of the model M_t that wrote the drafts."""
    edit_distance: float
    """Levenshtein distance of the two sides in words, by the longer one: 0 equal to 1."""
    chosen_words: int
    """`str.split()` words."""
    rejected_words: int
    verdicts: tuple[Verdict, ...]
    annotations: tuple[Remark, ...] = ()
    """What people said of the turn as they read the run."""


class ExampleRow(Example):
    """An example for supervised fine-tuning with its provenance."""

    source: Source
    run: str
    """Name of the run folder, or of the file of recorded dialogues or instructions."""
    dialogue_id: str
    turn: int
    """Counts from 1 within its dialogue."""
    persona_id: str
    """Splits never share a persona."""
    strategy: Strategy | None
    model: str
    """Spec of the model that wrote the completion; `human` for a recorded reply."""
    prompt_version: str
    """Content hash of the prompt file behind `prompt`; empty where it has none."""
    words: int
    """`str.split()` words of the completion."""
    annotations: tuple[Remark, ...] = ()
    """What people said of the turn as they read the run."""


Row = PairRow | ExampleRow
MESSAGES = ("prompt", "chosen", "rejected", "completion")
"""The columns that hold lists of messages."""


def as_messages(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """A rendered prompt as records."""
    return tuple(Message.model_validate(message) for message in messages)


def said(text: str) -> tuple[Message, ...]:
    """A completion of one assistant's message."""
    return (Message(role="assistant", content=text),)


def remarks(turn: Turn) -> tuple[Remark, ...]:
    """What people said of a turn, by who they are."""
    found = sorted(annotations(turn).items())
    return tuple(Remark(by=who, **annotation.model_dump()) for who, annotation in found)


def make_pair(prompt: Prompt, chosen: str, rejected: str, **provenance: Any) -> PairRow:
    """A pair of two texts, measured; `provenance` are the other fields."""
    return PairRow(
        prompt=as_messages(prompt.messages),
        chosen=said(chosen),
        rejected=said(rejected),
        prompt_version=prompt.version,
        edit_distance=round(edit_distance(chosen, rejected), 4),
        chosen_words=words(chosen),
        rejected_words=words(rejected),
        **provenance,
    )


def make_example(prompt: Prompt, completion: str, **provenance: Any) -> ExampleRow:
    """An example of one text, measured; `provenance` are the other fields."""
    return ExampleRow(
        prompt=as_messages(prompt.messages),
        completion=said(completion),
        prompt_version=prompt.version,
        words=words(completion),
        **provenance,
    )


def words(text: str) -> int:
    """How many words a text has, by `str.split()`: the unit of the length filter."""
    return len(text.split())


def edit_distance(chosen: str, rejected: str) -> float:
    """Word-level Levenshtein distance, by the longer text: 0 for equal words to 1 for none."""
    return float(Levenshtein.normalized_distance(chosen.lower().split(), rejected.lower().split()))


@lru_cache
def columns(row: type[Row]) -> dict[str, Any]:
    """The columns of a kind of row: name -> type, as the dataset card and Parquet need them.

    A type is `string`, `int64`, `float64`, a list of one such type for a list of values, or for a
    list of records a dict of types.
    """
    message = {"role": "string", "content": "string"}
    verdict = {name: "float64" if name == "value" else "string" for name in Verdict.model_fields}
    remark = {"by": "string", "label": "string", "errors": ["string"], "note": "string"}
    records = dict.fromkeys(MESSAGES, message) | {"verdicts": verdict, "annotations": remark}
    kinds: dict[Any, str] = {int: "int64", float: "float64"}
    return {
        name: records.get(name) or kinds.get(field.annotation, "string")
        for name, field in row.model_fields.items()
    }
