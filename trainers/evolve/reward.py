"""A learned reward: from what seekers were told and how they rated it, how a reply would be rated.

Recipe A refines by written principles alone; whether a reward learned from ratings chooses better
among several refinements is a question that its paper leaves open (arXiv 2505.16610).

Kernel ridge regression on hashed n-grams. The kernel of two cases is r + c + r c, where r and c are
the cosines of their replies and of their contexts: the product lets the same reply be worth more to
one seeker than to another, which a sum could not say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np

from attunement.core.errors import UserError
from attunement.core.records import Dialogue, Record
from attunement.core.seeds import derive_seed
from attunement.evaluation.bootstrap import Interval, Rows, statistic_interval
from attunement.evaluation.diversity import ngrams, plain_tokens
from attunement.simulator.history import with_history

_SIZE = 1 << 12
"""Cells that n-grams are hashed into."""
MOST = 3000
"""Cases that are learned from: time and memory grow with their square."""
_HELD_BACK = 5
"""One person in so many is held back to see how well ratings are foretold."""
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Case:
    """A reply in its public context, and how its seeker rated it."""

    persona_id: str
    context: str
    """All that the seeker had said."""
    reply: str
    rating: float
    """1 to 5."""


class RewardReport(Record):
    """How well ratings are foretold."""

    cases: int
    """That the reward was learned from."""
    held_back: int
    """Cases, of people held back, that the correlation is over."""
    correlation: Interval | None
    """Pearson's, of foretold and given ratings, over people; None where one of them does not
    vary."""
    ranked: int = 0
    """Turns whose refinements were ranked."""
    gain: float | None = None
    """Mean foretold rating of the best refinement less that of the first."""


class Reward:
    """A reward that has been learned."""

    def __init__(self, cases: Sequence[Case], ridge: float) -> None:
        """Learn from at least one case; `ridge` is added to the kernel's diagonal."""
        ratings = np.array([case.rating for case in cases])
        self._mean = float(ratings.mean())
        self._replies = _vectors([case.reply for case in cases])
        self._contexts = _vectors([case.context for case in cases])
        kernel = self._kernel(self._contexts, self._replies)
        self._weights = np.linalg.solve(kernel + ridge * np.eye(len(cases)), ratings - self._mean)

    def __call__(self, context: str, replies: Sequence[str]) -> Array:
        """The foretold ratings of replies to one context: an array as long as they are."""
        return self._rated(_vectors([context]), _vectors(replies))

    def foretell(self, contexts: Sequence[str], replies: Sequence[str]) -> Array:
        """The foretold ratings of replies, each to its own context."""
        return self._rated(_vectors(contexts), _vectors(replies))

    def _rated(self, contexts: Array, replies: Array) -> Array:
        ratings: Array = self._mean + self._kernel(contexts, replies) @ self._weights
        return ratings

    def _kernel(self, contexts: Array, replies: Array) -> Array:
        """Similarity to the known cases: (replies, known). One context may do for all replies."""
        r, c = replies @ self._replies.T, contexts @ self._contexts.T
        similar: Array = r + c + r * c
        return similar


def _vectors(texts: Sequence[str]) -> Array:
    """Words and pairs of words, hashed and counted: rows of length 1, (texts, cells)."""
    found = np.zeros((len(texts), _SIZE), dtype=np.float32)
    for row, text in zip(found, texts, strict=True):
        tokens = plain_tokens(text)
        for gram in (*ngrams(tokens, 1), *ngrams(tokens, 2)):
            row[crc32(" ".join(gram).encode()) % _SIZE] += 1
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    unit: Array = found / np.maximum(lengths, 1e-9)
    return unit


def cases_of(dialogues: Iterable[Dialogue]) -> Iterator[Case]:
    """Every reply of live dialogues that its seeker rated in the turn after it."""
    for dialogue in dialogues:
        turns = list(with_history(dialogue))
        for (turn, heard), (after, _) in pairwise(turns):
            if turn.reply is not None and after.seeker.rating is not None:
                context = said_by_seeker(line.text for line in heard if line.speaker == "seeker")
                yield Case(dialogue.persona.id, context, turn.reply.text, after.seeker.rating)


def said_by_seeker(lines: Iterable[str]) -> str:
    """A context: the seeker's lines together."""
    return "\n".join(lines)


def learn(cases: Sequence[Case], ridge: float, seed: int) -> tuple[Reward, RewardReport]:
    """A reward from all cases (a seeded choice of them where there are many), and how well it does
    on people that it has not seen. `UserError` where nobody rated anything."""
    if not cases:
        raise UserError("no reply was rated, so that no reward can be learned; leave out [reward]")
    order = sorted(range(len(cases)), key=lambda i: derive_seed(seed, "case", i))[:MOST]
    chosen = [cases[i] for i in sorted(order)]
    held = {c.persona_id for c in chosen
            if derive_seed(seed, "held back", c.persona_id) % _HELD_BACK == 0}  # fmt: skip
    seen = [case for case in chosen if case.persona_id not in held]
    unseen = [case for case in chosen if case.persona_id in held]
    report = RewardReport(
        cases=len(chosen), held_back=len(unseen), correlation=_correlation(seen, unseen, ridge)
    )
    return Reward(chosen, ridge), report


def _correlation(seen: Sequence[Case], unseen: Sequence[Case], ridge: float) -> Interval | None:
    if not seen or len(unseen) < 2:
        return None
    foretold = Reward(seen, ridge).foretell([c.context for c in unseen], [c.reply for c in unseen])
    given = np.array([case.rating for case in unseen])

    def pearson(rows: Rows) -> float:
        x, y = foretold[rows], given[rows]
        if x.std() < 1e-9 or y.std() < 1e-9:
            return float("nan")
        return float(np.corrcoef(x, y)[0, 1])

    people = [case.persona_id for case in unseen]
    return statistic_interval(len(unseen), pearson, draws=500, groups=people)
