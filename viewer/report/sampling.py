"""Which dialogues of a run a report holds: evenly spread, without chance."""

from collections.abc import Collection, Sequence
from itertools import chain
from typing import TypeVar

from attunement.viewer.debugger.records import DialogueCard, Flag

ALWAYS: tuple[Flag, ...] = ("failed", "crisis", "set aside", "annotated")
"""What a sample must not miss, as far as there is room."""
_Item = TypeVar("_Item")


def sample(cards: Sequence[DialogueCard], wanted: int) -> list[int]:
    """The indices of `wanted` dialogues, branches left out, in sequence.

    Those that wait for their first reply come only where there are no others. Up to half of them
    are such as failed, hold a crisis, a turn that was set aside or annotated, or were forked.
    """
    every = [card for card in cards if card.origin is None]
    roots = [card for card in every if not waits(card)] or every
    if len(roots) <= wanted:
        return [card.index for card in roots]
    forked = {card.origin for card in cards}
    kinds = [[card.index for card in roots if flag in card.flags] for flag in ALWAYS]
    kinds.append([card.index for card in roots if card.index in forked])
    share = -(-wanted // (2 * len(kinds)))
    chosen: dict[int, None] = {}
    for kind in kinds:
        marked = [index for index in kind if index not in chosen]
        chosen |= dict.fromkeys(evenly(marked, min(share, wanted - len(chosen))))
    rest = [card.index for card in roots if card.index not in chosen]
    return sorted([*chosen, *evenly(rest, wanted - len(chosen))])


def branches_of(cards: Sequence[DialogueCard], chosen: Sequence[int], most: int) -> list[int]:
    """The branches of some dialogues, and theirs, at most so many, in sequence; without those that
    wait for their first reply."""
    known = set(chosen)
    found: list[int] = []
    for card in cards:  # a branch comes after what it branches from
        if card.origin in known and len(found) < most and not waits(card):
            known.add(card.index)
            found.append(card.index)
    return found


def waits(card: DialogueCard) -> bool:
    """Whether it has still to get its first reply."""
    return card.status == "open" and card.turns == 0


def by_weight(cards: Sequence[DialogueCard], chosen: Collection[int]) -> list[DialogueCard]:
    """The chosen dialogues, those first that matter most where room is short.

    Each comes with its branches after it: first where something was annotated, then what was
    forked, then what went wrong.
    """
    root: dict[int, int] = {}
    families: dict[int, list[DialogueCard]] = {}
    for card in cards:  # a branch comes after what it branches from
        if card.index in chosen:
            origin = card.index if card.origin is None else root[card.origin]
            root[card.index] = origin
            families.setdefault(origin, []).append(card)
    in_sequence = sorted(families.values(), key=_rank)
    return list(chain.from_iterable(in_sequence))


def _rank(family: Sequence[DialogueCard]) -> int:
    """0 for what comes first; of the dialogue and its branches."""
    flags = {flag for card in family for flag in card.flags}
    ranks = ("annotated" in flags, len(family) > 1, not flags.isdisjoint(ALWAYS), True)
    return ranks.index(True)


def evenly(items: Sequence[_Item], count: int) -> list[_Item]:
    """`count` of the items at equal distances, the outer ones half as far from the ends."""
    count = min(count, len(items))
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]
