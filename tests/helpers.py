"""What many tests need: a persona, a small run, a scripted cast of answers."""

import json
from collections.abc import Iterable
from pathlib import Path

from attunement.agents.models.base import Ask, ChatBackend
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.records import Dialogue, Persona, Utterance
from attunement.graphs.state import public
from attunement.personas.cards import library
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.simulator.run import create_run, open_run, run

PERSONA = Persona(
    id="mira",
    name="Mira",
    problem="job crisis",
    situation="My boss wants me gone. I work nights and make mistakes.",
    emotion="anxiety",
    intensity=4,
    what_helps=("Being asked before anyone explains.",),
    what_hurts=("Advice before I have finished.",),
)

ANSWERS = {
    "seeker": {"text": "I am at my wits' end.", "emotion": "anxiety", "intensity": 4},
    "planner": {"stage": "Exploration", "strategy": "Question", "reason": "to understand"},
    "responder": "What happened?",
    "joint": "[Question] What happened?",
    "judge": {"errors": []},
    "reflector": {
        "who": "A night nurse.", "emotion": "anxiety", "intensity": 4, "situation": "Work.",
        "needs": ["To be asked"],
    },
    "refiner": {"strategy": "Question", "text": "What about the nights is worst?"},
    "guard": {"crisis": False},
}  # fmt: skip
"""One good answer a role."""


def answering(**changes: object) -> ScriptedChat:
    """A chat that gives every role its good answer, or what `changes` names for it.

    A change is an answer, or a function of the request that returns one or raises.
    """
    answers = ANSWERS | changes

    def answer(ask: Ask) -> str:
        found = answers[ask.role]
        if callable(found):
            found = found(ask)
        return found if isinstance(found, str) else json.dumps(found)

    return ScriptedChat(answer)


class Judge(ScriptedChat):
    """A scripted judge with a name of its own."""

    name: str = "strict"

    @property
    def spec(self) -> str:
        return self.name


def judge(answer: object, name: str = "strict") -> Judge:
    """A judge that gives this answer, or what a function makes of the request."""

    def script(ask: Ask) -> str:
        found = answer(ask) if callable(answer) else answer
        return found if isinstance(found, str) else json.dumps(found)

    chat = Judge(script)
    chat.name = name
    return chat


def small_run(
    folder: Path, *backends: ChatBackend, cast: Cast | None = None, **settings: object
) -> bool:
    """Create and run a run; with `backends`, on those (their spec is the model)."""
    model = backends[0].spec if backends else "rehearsal"
    config = RunConfig.model_validate({"model": model, **settings})
    if cast is None:
        cast = cast_for(config) if not backends else Cast([PERSONA], [0] * (config.dialogues or 1))
    create_run(folder, config, cast, check_models=not backends)
    return run(folder, backends=list(backends) or None)


def journal_of(folder: Path) -> Journal:
    """The journal of a run."""
    return open_run(folder)[1]


def exported(folder: Path, calls: bool = True) -> bytes:
    """Both exports of a run as bytes."""
    from attunement.simulator.export import call_rows, turn_rows, write_rows

    journal = journal_of(folder)
    out = folder / "export.jsonl"
    write_rows(turn_rows(journal), out)
    content = out.read_bytes()
    if calls:
        write_rows(call_rows(journal), out)
        content += out.read_bytes()
    out.unlink()
    journal.close()
    return content


def write_recorded(path: Path, dialogues: Iterable[Dialogue]) -> None:
    """Dialogues of a run as a file of recorded ones, in ESConv's shape."""
    lines = [
        json.dumps({"dialog": [_recorded(line) for turn in d.turns for line in public(turn)]})
        for d in dialogues
    ]
    path.write_text("\n".join(lines), "utf-8")


def _recorded(line: Utterance) -> dict[str, object]:
    named = {"annotation": {"strategy": line.strategy}} if line.strategy else {}
    return {"speaker": line.speaker, "content": line.text} | named


LIBRARY = library()
