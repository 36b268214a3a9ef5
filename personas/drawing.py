"""What a source does not say, drawn by a seeded hash: the same card from the same seed, always."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar, get_args

from attunement.core.needs import kinds_of_help
from attunement.core.records import TRAITS, Emotion, Level, Manner, Pace, Problem
from attunement.core.strategies import Strategy
from attunement.personas.phrases import HELPS, HURTS, SITUATIONS

_T = TypeVar("_T")
_COMMON = (Emotion.ANXIETY, Emotion.DEPRESSION, Emotion.SADNESS)
"""Three in four of ESConv's; they suit a situation that was read, where a rarer one might not."""
_INTENSITIES = (2, 3, 4, 5)
"""1 is left out: a person for whom it is very weak would not come."""
_AGES: dict[Problem, tuple[int, int]] = {
    Problem.JOB_CRISIS: (16, 66),
    Problem.ACADEMIC_PRESSURE: (10, 40),
    Problem.ALCOHOL: (16, 110),
    Problem.CHILDREN: (20, 110),
    Problem.CONFLICT_WITH_PARENTS: (10, 60),
    Problem.PARENTS: (10, 60),
    Problem.BULLYING: (10, 19),
}
"""Ages, first and last, at which a problem is drawn; a problem that is read stays as it is."""
_NOT_FOR_RETIRED = (Problem.JOB_CRISIS, Problem.ACADEMIC_PRESSURE)


def ranked(seed: int, key: str, field: str) -> int:
    """A number that depends on these three and on nothing else, evenly spread over 64 bits."""
    digest = blake2b(f"{seed}\0{key}\0{field}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)


class Draw:
    """Picks for one card. Each field has its own hash, so a field more changes no other.

    Ids that count (`esconv-0001`, `esconv-0002`, …) are drawn in shuffled blocks, one block an
    option long: each option comes equally often, to within one, and the order is still by hash.
    """

    def __init__(self, seed: int, card_id: str) -> None:
        self._seed, self._id = seed, card_id
        self._stem = card_id.rstrip("0123456789")
        self._number = int(card_id[len(self._stem) :] or 0)

    def pick(self, field: str, options: Sequence[_T]) -> _T:
        """One option; over many cards each is equally likely."""
        if self._stem == self._id:
            return options[ranked(self._seed, self._id, field) % len(options)]
        block, place = divmod(self._number, len(options))
        key = f"{self._stem}\0{block}"
        order = sorted(range(len(options)), key=lambda i: ranked(self._seed, key, f"{field}/{i}"))
        return options[order[place]]

    def shuffled(self, field: str, options: Sequence[_T]) -> list[_T]:
        """All options in an order of their own, with a `pick` first."""
        first = self.pick(field, options)
        rest = (option for option in options if option != first)
        return [first, *sorted(rest, key=lambda o: ranked(self._seed, self._id, f"{field}/{o}"))]


class Completed(NamedTuple):
    """A card's fields, and which of them its source did not say."""

    card: dict[str, Any]
    drawn: tuple[str, ...]
    assumed: tuple[str, ...]
    """Fields set to their neutral value, because a draw would contradict what was read."""


def complete(card: dict[str, Any], draw: Draw) -> Completed:
    """Fill what a card needs and does not have: from its problem type to its way of talking.

    A card with a situation but no problem type gets `other`, and one with a free-text profile but
    no Big Five stays at `medium`: a draw would contradict the text. `card` holds what was read.
    """
    assumed = _assumed(card)
    known = card | assumed
    drawn = {key: value for key, value in _drawn(known, draw).items() if key not in known}
    traits = _missing_traits(card, assumed, draw)
    full = known | drawn
    if traits:
        full["big_five"] = card.get("big_five", {}) | traits
    named = [*drawn, *(["big_five"] if len(traits) == len(TRAITS) else traits)]
    return Completed(full, tuple(sorted(named)), tuple(assumed))


def _assumed(card: dict[str, Any]) -> dict[str, Any]:
    assumed: dict[str, Any] = {}
    if "problem" not in card and "situation" in card:
        assumed["problem"] = Problem.OTHER
    if "big_five" not in card and card.get("profile"):
        assumed["big_five"] = {}
    return assumed


def _missing_traits(card: dict[str, Any], assumed: dict[str, Any], draw: Draw) -> dict[str, Level]:
    if "big_five" in assumed:
        return {}
    read = card.get("big_five", {})
    return {t: draw.pick(t, get_args(Level)) for t in TRAITS if t not in read}


def _drawn(card: dict[str, Any], draw: Draw) -> dict[str, Any]:
    problem = card.get("problem") or draw.pick("problem", _fitting(card))
    helps, hurts = _needs(card, draw)
    return {
        "problem": problem,
        "situation": draw.pick("situation", SITUATIONS[problem]),
        "emotion": draw.pick("emotion", _COMMON if "situation" in card else tuple(Emotion)),
        "intensity": draw.pick("intensity", _INTENSITIES),
        "what_helps": helps,
        "what_hurts": hurts,
        "opens_up": draw.pick("opens_up", get_args(Pace)),
        "manner": draw.pick("manner", get_args(Manner)),
    }


def _fitting(card: dict[str, Any]) -> list[Problem]:
    """The problems that can be drawn for someone of this age and occupation."""
    about = card.get("demographics", {})
    retired = "retired" in str(about.get("occupation") or "").lower()
    barred = {Problem.OTHER, *(_NOT_FOR_RETIRED if retired else ())}
    return [p for p in Problem if p not in barred and _in_age(p, about.get("age"))]


def _in_age(problem: Problem, age: int | None) -> bool:
    first, last = _AGES.get(problem, (0, 110))
    return age is None or first <= age <= last


def _needs(card: dict[str, Any], draw: Draw) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two kinds of help that help, and two other kinds that hurt."""
    read = kinds_of_help((*card.get("what_helps", ()), *card.get("what_hurts", ())))
    kinds = draw.shuffled("needs", [kind for kind in Strategy if kind not in read])
    helps = tuple(draw.pick(f"helps/{kind}", HELPS[kind]) for kind in kinds[:2])
    hurts = tuple(draw.pick(f"hurts/{kind}", HURTS[kind]) for kind in kinds[2:4])
    return helps, hurts
