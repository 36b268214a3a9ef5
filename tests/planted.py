"""Supporters with a known worth: generic, personalised, harmful. What measures have to order.

Each is a script behind the responder of the graph `direct`; the seekers are the embedded
simulator's. The personalised one listens as the embedded reflector does, and gives what the seeker
hints at; the harmful one listens too, and gives what they ask to be spared.
"""

import json
from hashlib import blake2b
from pathlib import Path

from attunement.agents.models.base import Ask
from attunement.agents.models.rehearsal import RehearsalChat
from attunement.agents.models.rehearsal_hearing import hear_seeker
from attunement.agents.models.rehearsal_words import (
    FEELING_WORDS,
    FITTED,
    GENERIC,
    STOCK_PHRASES,
    TOPICS,
    pick,
)
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.strategies import Strategy
from attunement.personas.drawn import drawn_personas
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.run import create_run, run

PEOPLE = 60
_OWN_CHOICE = (Strategy.AFFIRMATION, Strategy.SUGGESTIONS, Strategy.QUESTION, Strategy.OTHERS)


class Supporter(ScriptedChat):
    """A supporter of one kind."""

    kind: str = "generic"

    @property
    def spec(self) -> str:
        return self.kind


def supporter(kind: str) -> Supporter:
    """The supporter of a kind: `generic`, `personalised`, `harmful`; anything behind a dash is
    another one of the same kind, who chooses other words."""
    chat = Supporter(lambda ask: _SPEAK[kind.partition("-")[0]](ask, kind))
    chat.kind = kind
    return chat


def _seed(ask: Ask, kind: str) -> int:
    said = json.dumps(ask.messages) + kind
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest())


def _generic(ask: Ask, kind: str) -> str:
    seed = _seed(ask, kind)
    strategy = Strategy(pick(seed, 1, _OWN_CHOICE))
    return f"{pick(seed, 2, STOCK_PHRASES)} {pick(seed, 3, GENERIC[strategy])}"


def _heard(ask: Ask) -> list:
    return [hear_seeker(m["content"]) for m in ask.messages if m["role"] == "user"]


def _about(ask: Ask) -> dict[str, str]:
    heard = _heard(ask)
    feelings = [feeling for line in heard for feeling in line.feelings]
    topics = [topic for line in heard for topic in line.topics]
    return {
        "feeling": FEELING_WORDS[feelings[-1]][0] if feelings else "low",
        "topic": TOPICS[topics[0]][0] if topics else "all this",
    }


def _personalised(ask: Ask, kind: str) -> str:
    seed, about = _seed(ask, kind), _about(ask)
    helps = sorted({kind for line in _heard(ask) for kind in line.helps})
    strategy = Strategy(pick(seed, 1, tuple(helps))) if helps else Strategy.REFLECTION
    naming = "" if strategy is Strategy.REFLECTION else f"So {about['feeling']}, you say. "
    return naming + pick(seed, 2, FITTED[strategy]).format(**about)


def _harmful(ask: Ask, kind: str) -> str:
    seed = _seed(ask, kind)
    heard = _heard(ask)
    helps = {kind for line in heard for kind in line.helps}
    hurts = sorted({kind for line in heard for kind in line.hurts} - helps)
    strategy = Strategy(pick(seed, 1, tuple(hurts))) if hurts else Strategy.SUGGESTIONS
    return f"{pick(seed, 3, _HARSH)} {pick(seed, 2, GENERIC[strategy])}"


_HARSH = (
    "You could simply pull yourself together.",
    "Other people have it much worse.",
    "You are overreacting a little.",
    "It is your own fault in part.",
    "I would not make so much of it.",
)

_SPEAK = {"generic": _generic, "personalised": _personalised, "harmful": _harmful}


def planted_run(folder: Path, kind: str, people: int = PEOPLE, seed: int = 7) -> Path:
    """A finished run of one supporter with the same people as every other's."""
    config = RunConfig(
        graph="direct", model=kind, models={"seeker": "rehearsal"}, dialogues=people, max_turns=6,
    )  # fmt: skip
    cast = Cast(drawn_personas(people, seed, "planted"), list(range(people)))
    create_run(folder, config, cast, check_models=False)
    assert run(folder, backends=[supporter(kind), RehearsalChat()])
    return folder
