"""Canned answers: of a large model's usual length, never the same twice, a seeker who never stops.

An answer that repeated itself would let the journal's deltas shrink, as no model's answers do.
"""

import random
from typing import Any

import orjson

from attunement.agents.models.base import Answer, Ask, ChatBackend
from attunement.core.psychology import PsychologicalError
from attunement.core.records import Emotion, Role
from attunement.core.strategies import Stage, Strategy

_TELLING = (
    "I have been going round in circles about this since {day}, and it does not get any lighter.",
    "My sister says that I should just let it be, but she was not in the room when it happened.",
    "At work I smile and nod, and then I sit in the car for {number} minutes before I drive home.",
    "I keep reading the message of {day} again, as if there were a line that I had missed.",
    "It is strange, I am tired all the time and still wide awake at {number} minutes past three.",
    "What gets me most is that nobody asked how it was for me, not one time in {number} weeks.",
    "I used to go swimming on a {day}, and now I cannot even find the bag with my things.",
    "Maybe I make too much of it, my father always said that I did, and part of me agrees.",
    "When you say that, I notice that I have told nobody about the {number} letters before.",
    "There is a part that I have left out so far, because I am a little ashamed of it.",
)
_ANSWERING = (
    "You have carried this since {day} without anybody asking how it was for you.",
    "I hear how much it takes out of you to smile through {number} hours and then drive home.",
    "What was the moment on {day} when it became too much to hold alone?",
    "It makes sense that you read that message again and again when so much hung on it.",
    "Part of you agrees with your father, and another part of you is hurt by what he said.",
    "You do not have to sort out all {number} things tonight; one of them is enough.",
    "Would it help to say first what you need from me, before we look at what could be done?",
    "That you found words for it here says something about how long it has been waiting.",
    "If you like, tell me about the part that you have left out, as slowly as you want.",
    "Some people find it easier to begin with a small thing, such as the bag for {day}.",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _sentences(rng: random.Random, pool: tuple[str, ...], count: int) -> str:
    return " ".join(
        sentence.format(day=rng.choice(_DAYS), number=rng.randrange(2, 60))
        for sentence in rng.sample(pool, count)
    )


def _several(rng: random.Random, pool: tuple[str, ...], count: int) -> list[str]:
    return [_sentences(rng, pool, 1) for _ in range(count)]


def canned(role: Role, number: int) -> str:
    """The answer of `role` with that number: always the same for the same number."""
    rng = random.Random(f"{role}/{number}")
    feeling = {"emotion": rng.choice(list(Emotion)), "intensity": rng.randint(2, 5)}
    strategy = rng.choice(list(Strategy))
    answer: dict[str, Any]
    if role in ("responder", "joint"):
        return (f"[{strategy}] " if role == "joint" else "") + _sentences(rng, _ANSWERING, 3)
    elif role == "seeker":
        answer = {"text": _sentences(rng, _TELLING, 3), **feeling,
                  "disclosed": [f"the {rng.choice(_DAYS)} when it happened"],
                  "rating": rng.randint(1, 5), "wants_to_stop": False}  # fmt: skip
    elif role == "planner":
        answer = {"stage": rng.choice(list(Stage)), "strategy": strategy,
                  "reason": _sentences(rng, _ANSWERING, 1)}  # fmt: skip
    elif role == "refiner":
        answer = {"strategy": strategy, "text": _sentences(rng, _ANSWERING, 3)}
    elif role == "reflector":
        answer = {"who": _sentences(rng, _TELLING, 2),
                  "personality": {"openness": None, "conscientiousness": "high",
                                  "extraversion": "low", "agreeableness": "high",
                                  "neuroticism": rng.choice(["medium", "high"])},
                  **feeling, "situation": _sentences(rng, _TELLING, 1),
                  "needs": _several(rng, _ANSWERING, 3),
                  "avoid": _several(rng, _ANSWERING, 2)}  # fmt: skip
    elif role == "guard":
        answer = {"crisis": False, "kind": None, "evidence": ""}
    elif role == "judge":
        error = {"error": rng.choice(list(PsychologicalError)),
                 "explanation": _sentences(rng, _ANSWERING, 1)}  # fmt: skip
        answer = {"errors": rng.choice([[], [error]])}
    else:
        raise ValueError(f"no canned answer of a {role!r}")
    return orjson.dumps(answer).decode()


class CannedChat(ChatBackend):
    """The canned answers as a chat backend without any latency."""

    @property
    def spec(self) -> str:
        return "canned"

    async def answer(self, ask: Ask) -> Answer:
        text = canned(ask.role, ask.seed)
        return Answer(text, sum(len(m["content"]) for m in ask.messages) // 4, len(text) // 4)
