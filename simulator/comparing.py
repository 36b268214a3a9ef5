"""Comparisons by a judge: every pair in both orders, so that a taste for places shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from attunement.agents.comparing import compare
from attunement.agents.prompting import instrument
from attunement.core.errors import AnswerError, ModelError
from attunement.core.records import Verdict
from attunement.simulator.journal import Journal, Task
from attunement.simulator.judging import Item, Line, unjudged
from attunement.simulator.matching import ORDERS, Order, Pair, Winner, verdicts_on


@dataclass(frozen=True, slots=True)
class Comparing:
    """Pairs that a judge is to decide."""

    judge: str
    pairs: Callable[[Journal], Iterator[Pair]]
    """The pairs whose subjects stand in a journal, by dialogue; read anew each time."""
    again: bool = False
    """Whether to ask anew where its answer could not be read or did not come."""
    labels: bool = False

    def lanes(self, journal: Journal) -> Iterator[tuple[Task, Sequence[Item]]]:
        """The pairs of a dialogue are a lane."""
        for index, pairs in groupby(self.pairs(journal), attrgetter("index")):
            task = next(journal.tasks("done", only=[index], role="judge"))
            known = verdicts_on(journal, index)
            items = [self._item(pair) for pair in pairs if self._open(pair, known)]
            if items:
                yield task, items

    def _open(self, pair: Pair, known: Sequence[tuple[int, Verdict]]) -> bool:
        mine = [v for turn, v in known if pair.holds(turn, v) and v.judge == self.judge]
        return unjudged(mine, self.again)

    def _item(self, pair: Pair) -> Item:
        async def judge(line: Line) -> list[Verdict]:
            return [await self._decide(pair, order, line) for order in ORDERS]

        return Item(pair.turn, pair.name, pair.about, judge)

    async def _decide(self, pair: Pair, order: Order, line: Line) -> Verdict:
        what = f"{pair.about or 'dialogue'} against {pair.opponent}, {order}"
        chat = line(what, instrument("comparing"))
        sides = (pair.subject, pair.against)
        first, second = sides if order == ORDERS[0] else sides[::-1]
        try:
            choice = await compare(chat, pair.context, first, second)
        except (AnswerError, ModelError) as error:
            return pair.verdict(self.judge, None, order, str(error))
        return pair.verdict(self.judge, _winner(choice.winner, order), order, choice.reason)


def _winner(said: str, order: Order) -> Winner:
    if said == "tie":
        return "tie"
    return "subject" if (said == "A") == (order == ORDERS[0]) else "opponent"
