"""One annotator's way through the items: what is next, what was said, and how it is kept."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attunement.core.errors import UserError
from attunement.core.records import Utterance, Verdict
from attunement.evaluation.judges.people import ATTENTION
from attunement.simulator.journal import Journal
from attunement.simulator.matching import ORDERS, PERSON, PREFERRED, WHOLE, Order, numbered
from attunement.viewer.arena.drawing import orders
from attunement.viewer.arena.items import Choice, Item, Place, choice_of

Stored = Mapping[str, Mapping[Place, Verdict]]
"""Annotator -> what they said, by where it lies in the journal."""


class Sitting:
    """The items in the order and with the sides as one annotator sees them.

    Numbers count from 1. The next item is the first that has no answer yet; any before it can be
    seen again and answered anew. Nothing that tells the sides apart leaves through `page`.
    """

    def __init__(
        self, key: str, items: Sequence[Item], seed: int, stored: Mapping[Place, Verdict]
    ) -> None:
        self.key = key
        self._items = items
        self._said = {n: stored[i.place] for n, i in enumerate(items, 1) if i.place in stored}
        self._orders = _placed(key, items, seed, self._said)
        self._one_at_a_time = asyncio.Lock()

    @property
    def total(self) -> int:
        """How many items there are."""
        return len(self._items)

    @property
    def done(self) -> int:
        """How many have an answer."""
        return len(self._said)

    @property
    def next(self) -> int | None:
        """The first item without an answer."""
        return next((n for n in range(1, self.total + 1) if n not in self._said), None)

    def page(self, number: int | None = None) -> dict[str, Any]:
        """What the page shows: the item of that number, or the next one, or that all is done.

        `UserError` for a number whose turn has not come.
        """
        shown = self.next if number is None else self._reached(number)
        done = {"total": self.total, "done": self.done}
        if shown is None:
            return done | {"number": None, "skipped": self._skipped()}
        item, said = self._items[shown - 1], self._said.get(shown)
        left, right = item.shown(self._orders[shown - 1])
        return done | {
            "number": shown,
            "whole": item.pair.turn == WHOLE,
            "context": _plain(item.pair.context),
            "a": _plain(left),
            "b": _plain(right),
            "chosen": choice_of(said) if said else None,
        }

    async def answer(self, journal: Journal, number: int, choice: Choice) -> bool:
        """Keep an answer; returns when it is committed, with whether it was the last one missing.

        The same answer again changes nothing; another one takes the place of the first.
        """
        # Two at once would be one transaction, and that cannot hold the same place twice.
        async with self._one_at_a_time:
            item = self._items[self._reached(number) - 1]
            said = item.verdict(PERSON + self.key, choice, self._orders[number - 1])
            if self._said.get(number) == said:
                return False
            await journal.write_verdicts(item.pair.index, item.pair.turn, [said], round=0)
            new = number not in self._said
            self._said[number] = said
            return new and self.next is None

    def _reached(self, number: int) -> int:
        if number not in self._said and number != self.next:
            raise UserError(f"`number` must be an item up to the next open one, got {number}")
        return number

    def _skipped(self) -> int:
        return sum(verdict.value is None for verdict in self._said.values())


def stored_answers(journal: Journal) -> Stored:
    """What people said so far, of pairs and of checks."""
    found: dict[str, dict[Place, Verdict]] = {}
    for index, dialogue in numbered(journal):
        by_turn = ((turn.number, turn.verdicts) for turn in dialogue.turns)
        for turn, verdicts in ((WHOLE, dialogue.verdicts), *by_turn):
            for verdict in verdicts:
                if _by_a_person(verdict):
                    place = (index, turn, verdict.about or "", verdict.name)
                    found.setdefault(verdict.judge.removeprefix(PERSON), {})[place] = verdict
    return found


def _by_a_person(verdict: Verdict) -> bool:
    of_a_pair = verdict.name == ATTENTION or verdict.name.startswith(PREFERRED)
    return of_a_pair and verdict.judge.startswith(PERSON)


def _placed(key: str, items: Sequence[Item], seed: int, said: Mapping[int, Verdict]) -> list[Order]:
    """Where each item's subject stands; where there is an answer, where it stood then."""
    pairs, checks = orders(seed, key, "pair"), orders(seed, key, "check")
    drawn = [next(pairs if item.echo is None else checks) for item in items]
    kept = {number: verdict.label for number, verdict in said.items()}
    return [_order(kept.get(number)) or order for number, order in enumerate(drawn, 1)]


def _order(label: str | None) -> Order | None:
    return next((order for order in ORDERS if order == label), None)


def _plain(lines: Iterable[Utterance]) -> list[dict[str, str]]:
    """Who spoke and what, without the names of strategies."""
    return [{"speaker": line.speaker, "text": line.text} for line in lines]
