"""Which faults a request meets: the request itself decides, so that a resumed run meets the same.

A request's body and a seed draw its fate: at most three faults of transport, one for each time
that it is sent, and then one answer for good, whole or spoilt. A small share is dead: an error
each time.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Self

import orjson

from attunement.core.records import Role

TRANSPORT = ("429", "500", "503", "reset", "hang", "utf8", "malformed")
"""Instead of an answer: three statuses, a connection reset in the middle of a body, silence, a body
that is no UTF-8, a body that is no chat completion. The same request is worth another try."""
CONTENT = ("truncated", "fenced", "empty", "enum", "cut")
"""In an answer: JSON that breaks off, JSON in a code fence, no text, a value that is in no list, a
text cut off at its longest (`finish_reason` says so). The same request gets the same again."""
KINDS = (*TRANSPORT, *CONTENT)
LONGEST = 3
"""Faults of transport that a request may meet: a client with five tries gets through."""
VARIANTS = 64
"""Different good answers a role."""
_FREE_TEXT = ("empty", "cut")
"""What can be wrong with an answer that is no JSON."""
_ENUM = {"seeker": "emotion", "planner": "strategy", "reflector": "emotion",
         "refiner": "strategy", "guard": "kind"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each fault comes. `ValueError` for a name or a share that is none."""

    each: Mapping[str, float] = field(default_factory=dict)
    """By kind: of transport a share of sendings, of content a share of answers (of the roles that
    it fits)."""
    dead: float = 0.0
    """Share of requests that are answered with an error for ever."""
    seed: int = 0

    def __post_init__(self) -> None:
        for kind, share in (*self.each.items(), ("dead", self.dead)):
            if kind not in (*KINDS, "dead"):
                raise ValueError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
            if not 0 <= share <= 1:
                raise ValueError(f"the share of {kind!r} must be from 0 to 1, got {share!r}")
        for kinds in (TRANSPORT, CONTENT):
            if (total := sum(self.each.get(kind, 0.0) for kind in kinds)) > 1:
                raise ValueError(f"{', '.join(kinds)} come to more than 1 together: {total!r}")

    @classmethod
    def even(cls, rate: float, dead: float = 0.0, seed: int = 0) -> Self:
        """Every kind equally often, `rate` in all."""
        return cls(dict.fromkeys(KINDS, rate / len(KINDS)), dead, seed)

    def fate(self, body: bytes, role: Role) -> "Fate":
        """What a request meets; always the same for the same body and seed."""
        rng = random.Random(blake2b(body, key=str(self.seed).encode(), digest_size=16).digest())
        dead, number = rng.random() < self.dead, rng.randrange(VARIANTS)
        content = self._drawn(rng, _FREE_TEXT if role == "responder" else CONTENT)
        chain: list[str] = []
        while len(chain) < LONGEST and (kind := self._drawn(rng, TRANSPORT)):
            chain.append(kind)
        return Fate(role, tuple(chain), content or "good", number, dead)

    def _drawn(self, rng: random.Random, kinds: Iterable[str]) -> str | None:
        left = rng.random()
        for kind in kinds:
            left -= self.each.get(kind, 0.0)
            if left < 0:
                return kind
        return None


@dataclass(slots=True)
class Fate:
    """What one request meets, and how far it has come."""

    role: Role
    transport: tuple[str, ...]
    content: str
    """A fault of content, or `good`."""
    number: int
    """Of the good answer."""
    dead: bool
    sent: int = 0
    """Times that the request came in."""
    answered: bool = False
    """Whether its answer for good went out."""
    doubled: bool = False
    """Whether it was sent once more after that."""

    def next_kind(self) -> str:
        """The request comes in: what it meets this time."""
        self.sent += 1
        if self.dead:
            return "dead"
        met = self.sent - 1
        return self.transport[met] if met < len(self.transport) else self.content


def spoilt(kind: str, role: Role, text: str) -> tuple[str, str]:
    """(text, finish reason) of a good answer `text` after a fault of content."""
    if kind == "truncated":
        return text[: len(text) // 2], "stop"
    if kind == "cut":
        return text[: len(text) // 3], "length"
    if kind == "fenced":
        return f"```json\n{text}\n```", "stop"
    if kind == "enum":
        answer: dict[str, Any] = orjson.loads(text)
        return orjson.dumps(answer | {_ENUM[role]: "no such value"}).decode(), "stop"
    assert kind == "empty", kind
    return "", "stop"
