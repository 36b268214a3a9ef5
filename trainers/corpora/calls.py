"""Examples from the calls of a run: what a role was asked, and what it answered.

They teach another model a role, or remind a model of one. The response sets of a corpus hold
replies; planning, reflecting and refining are calls with prompts of their own.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from pydantic import ValidationError

from attunement.agents.models.schema import json_schema
from attunement.agents.planner import StagedPlan
from attunement.agents.prompting import ChatMessage
from attunement.agents.reading import ReadingError, read_record
from attunement.core.records import Record, Reflection, Reply, Role
from attunement.simulator.run import open_run

RECORDS: Mapping[Role, type[Record] | None] = {
    "responder": None, "planner": StagedPlan, "reflector": Reflection, "refiner": Reply,
}  # fmt: skip
"""The roles whose calls are examples, and the record that each answers with."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One call to learn."""

    role: Role
    dialogue_id: str
    persona_id: str
    turn: int
    prompt: list[ChatMessage]
    text: str


def lessons_of(run: Path, roles: Collection[Role] = tuple(RECORDS)) -> Iterator[Lesson]:
    """The calls of these roles, by dialogue and turn; answers that cannot be read are none.

    A question that was asked again, with what was wrong, is no example.
    """
    _, journal = open_run(run)
    with closing(journal):
        people = {dialogue.id: dialogue.persona.id for dialogue in journal.dialogues()}
        for index, name in journal.indices():
            for call in journal.calls(index):
                role, text = call["role"], call["text"]
                if role not in roles or not text or call["cut"] or call["attempt"] > 1:
                    continue
                if (answer := as_asked(role, text)) is not None:
                    prompt = call["messages"]
                    yield Lesson(role, name, people[name], call["turn"], prompt, answer)


def as_asked(role: Role, text: str) -> str | None:
    """An answer in the form to which a grammar holds a model: every field, in the record's order,
    one blank behind comma and colon. None for one that cannot be read."""
    record = RECORDS[role]
    if record is None:
        return text
    try:
        fields = read_record(text, record).model_dump(mode="json")
    except (ReadingError, ValidationError):
        return None
    asked = json_schema(record)["required"]  # a confidence may be given, but is not asked for
    return json.dumps({name: fields[name] for name in asked}, ensure_ascii=False)


def write_lessons(
    lessons: Collection[Lesson],
    folder: Path,
    name: str,
    split_of: Callable[[Lesson], str] = lambda _: "train",
) -> None:
    """Write them as a corpus of one set of examples; it is whole or not there."""
    with TemporaryDirectory(dir=folder.parent, prefix=".lessons-") as scratch:
        part = Path(scratch) / "corpus"
        (part / name).mkdir(parents=True)
        for split in sorted({split_of(lesson) for lesson in lessons}):
            with (part / name / f"{split}.jsonl").open("wb") as file:
                for lesson in lessons:
                    if split_of(lesson) == split:
                        file.write(_row(lesson))
        part.rename(folder)


def _row(lesson: Lesson) -> bytes:
    row = {
        "prompt": lesson.prompt,
        "completion": [{"role": "assistant", "content": lesson.text}],
        "role": lesson.role, "dialogue_id": lesson.dialogue_id,
        "persona_id": lesson.persona_id, "turn": lesson.turn,
    }  # fmt: skip
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
