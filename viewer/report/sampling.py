"""Which dialogues of a run a report holds: evenly spread, without chance."""

from collections.abc import Sequence
from typing import TypeVar

from attunement.viewer.debugger.records import DialogueCard, Flag

ALWAYS: tuple[Flag, ...] = ("failed", "crisis", "set aside", "annotated")
"""What a sample must not miss, as far as there is room."""
_Item = TypeVar("_Item")


def sample(cards: Sequence[DialogueCard], wanted: int) -> list[int]:
    """The indices of `wanted` dialogues, branches left out, in sequence.

    Up to half of them are such as failed, hold a crisis, a turn that was set aside or annotated, or
    were forked.
    """
    roots = [card for card in cards if card.origin is None]
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
    """The branches of some dialogues, and theirs, at most so many, in sequence."""
    known = set(chosen)
    found: list[int] = []
    for card in cards:  # a branch comes after what it branches from
        if card.origin in known and len(found) < most:
            known.add(card.index)
            found.append(card.index)
    return found


def evenly(items: Sequence[_Item], count: int) -> list[_Item]:
    """`count` of the items at equal distances, the outer ones half as far from the ends."""
    count = min(count, len(items))
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]
