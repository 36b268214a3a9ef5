"""General instructions beside the dialogues, so that a fine-tuned model keeps its other abilities.

Recipe A adds 500 of Alpaca's to its first fine-tuning (arXiv 2505.16610).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from pathlib import Path
from typing import Any

from attunement.core.corpora import Message
from attunement.core.errors import RecordingError
from attunement.core.seeds import derive_seed
from attunement.personas.checking import shown
from attunement.personas.files import clean, json_values, slug
from attunement.trainers.corpora.rows import ExampleRow, said, words

UNKNOWN = "unknown"
"""Who wrote the answers, as far as the file says."""


@dataclass(slots=True)
class Instructions:
    """A seeded sample of a file's instructions."""

    rows: list[ExampleRow] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> rows of the file that can be no example."""


def sample_instructions(path: Path, n: int, seed: int) -> Instructions:
    """`n` rows of a file in Alpaca's shape, or all where there are fewer, in the file's order.

    A larger sample with the same seed holds the smaller one. Raises `RecordingError` with file
    and row for what is no instruction.
    """
    drawn = Instructions()
    usable = _usable(path, drawn.dropped)
    chosen = nsmallest(n, usable, key=lambda row: derive_seed(seed, "instruction", row[0]))
    drawn.rows = [_row(path, *numbered) for numbered in sorted(chosen, key=lambda row: row[0])]
    return drawn


def _usable(path: Path, dropped: Counter[str]) -> Iterator[tuple[int, str, str]]:
    number = 0
    for number, value in enumerate(json_values(path, RecordingError), 1):
        try:
            asked, answer = _instruction(value)
        except ValueError as error:
            raise RecordingError(f"`{path.name}`, row {number}: {error}") from None
        if asked and answer:
            yield number, asked, answer
        else:
            dropped["an instruction without an answer" if asked else "no instruction"] += 1
    if not number:
        raise RecordingError(f"`{path.name}` holds no instructions; give a file with at least one")


def _instruction(value: Any) -> tuple[str, str]:
    if not isinstance(value, dict) or "instruction" not in value or "output" not in value:
        raise ValueError(f"must be an object with `instruction` and `output`, got {shown(value)}")
    if value.get("history"):
        raise ValueError("`history` makes it a dialogue; import it as one")
    for name in ("instruction", "input", "output"):
        if not isinstance(value.get(name) or "", str):
            raise ValueError(f"`{name}` must be text, got {shown(value[name])}")
    texts = (clean(value.get(name) or "").strip() for name in ("instruction", "input", "output"))
    asked, more, answer = texts
    return (f"{asked}\n\n{more}" if more else asked), answer


def _row(path: Path, number: int, asked: str, answer: str) -> ExampleRow:
    name = f"{slug(path.stem.lower())}-instruction-{number:05d}"
    return ExampleRow(
        prompt=(Message(role="user", content=asked),),
        completion=said(answer),
        source="instruction",
        run=path.name,
        dialogue_id=name,
        turn=1,
        persona_id=name,
        strategy=None,
        model=UNKNOWN,
        prompt_version="",
        words=words(answer),
    )
