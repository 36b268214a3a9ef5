"""The records that a report carries: what the pages would ask a server for, by address."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from attunement.core.records import Record
from attunement.simulator.config import RunConfig
from attunement.simulator.frame import JOURNAL, open_run
from attunement.simulator.journal import Journal
from attunement.viewer.debugger.comparing import Compared, compare_dialogues
from attunement.viewer.debugger.drawing import graph_page, strategy_page
from attunement.viewer.debugger.figures import Named, run_page
from attunement.viewer.debugger.filling import Filler
from attunement.viewer.debugger.finding import NotFound
from attunement.viewer.debugger.index import Index
from attunement.viewer.debugger.listing import Asked, Lists
from attunement.viewer.debugger.reading import dialogue_page
from attunement.viewer.debugger.records import (
    CallView,
    DialogueCard,
    DialogueList,
    RunPage,
    Runs,
    TurnPage,
)
from attunement.viewer.debugger.steps import turn_page
from attunement.viewer.report.sampling import branches_of, by_weight, sample, waits

_KEY = "0"
_RUN = f"api/runs/{_KEY}"
_PAGE = 200
"""Dialogues that are listed at a time."""
Watch = Callable[[Iterable[int], int], Iterable[int]]
"""Handed the dialogues and how many they are; hands them on, and shows how far it is."""


@dataclass(slots=True)
class Carried:
    """What a report carries."""

    page: RunPage
    cards: tuple[DialogueCard, ...] = ()
    """Of the dialogues that are in it, branches among them."""
    wanted: tuple[DialogueCard, ...] = ()
    """Of those that were to be in it, had there been room for all."""
    waiting: int = 0
    """Dialogues of the run that were no choice because they wait for their first reply."""
    compared: int = 0
    """Branches in it that stand beside their origins turn by turn."""
    turns: int = 0
    """Turns of these dialogues."""
    on_graph: int = 0
    """Of them, those with what each node was asked and answered."""
    records: dict[str, str] = field(default_factory=dict)
    """JSON by address."""

    @property
    def size(self) -> int:
        """Characters of it."""
        return sum(map(len, self.records.values()))

    @property
    def dialogues(self) -> int:
        """Of the run, branches left out."""
        return sum(card.origin is None for card in self.cards)

    @property
    def branches(self) -> int:
        """Of these dialogues."""
        return len(self.cards) - self.dialogues

    def sampled(self) -> str:
        """How much of the run is in it."""
        run = self.page.card
        more = f" and {self.branches:,} of {run.branches:,} branches" if self.branches else ""
        return f"{self.dialogues:,} of {run.dialogues:,} dialogues{more}"


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that is read."""

    journal: Journal
    config: RunConfig
    page: RunPage
    cards: Sequence[DialogueCard]
    """Of all dialogues."""


def carry(
    run: Path, wanted: int, prompts: bool = False, most: int = 10_000_000,
    watch: Watch = lambda indices, _: indices,
) -> Carried:  # fmt: skip
    """What a report of a run carries: a sample of `wanted` dialogues, whole.

    Dialogues that would take it beyond `most` characters are left out, but for the first; then
    comparisons of branches with their origins, and then the graphs of turns, for dialogues are what
    matters. `RunFolderError` for what is no run.
    """
    config, journal = open_run(run)
    with closing(journal):
        known = _Run(journal, config, *_listed(run, config, journal))
        chosen = sample(known.cards, wanted)
        chosen += branches_of(known.cards, chosen, wanted)
        return _carry(known, by_weight(known.cards, {*chosen}), prompts, most, watch)


def _listed(
    run: Path, config: RunConfig, journal: Journal
) -> tuple[RunPage, tuple[DialogueCard, ...]]:
    """The run in figures, and all of its dialogues."""
    name = run.resolve().name  # where its folder lies is nobody's business
    with closing(Index()) as index, closing(Filler(run / JOURNAL, index)) as filler:
        while filler.behind:
            filler.step()
        page = run_page(Named(key=_KEY, name=name, folder=name), config, index, writing=False)
        return page, tuple(_cards(Lists(journal, index)))


def _cards(lists: Lists) -> Iterator[DialogueCard]:
    offset, total = 0, 1
    while offset < total:
        found = lists.page(Asked(offset=offset, limit=_PAGE))
        yield from found.rows
        offset, total = offset + len(found.rows), found.total if found.rows else 0


def _carry(
    run: _Run, wanted: Sequence[DialogueCard], prompts: bool, most: int, watch: Watch
) -> Carried:
    carried = Carried(run.page, wanted=tuple(wanted), waiting=_waiting(run, wanted))
    _put(carried, "api/runs", Runs(runs=(run.page.card,), can_change=False))
    _put(carried, _RUN, run.page)
    _put(carried, f"{_RUN}/graph", graph_page(run.journal, run.config))
    _put(carried, f"{_RUN}/strategies", strategy_page(run.journal))
    turns = _put_dialogues(carried, run, most)
    _put_comparisons(carried, run, most)
    _put_turns(carried, run, watch(turns, len(turns)), turns, prompts, most)
    return carried


def _waiting(run: _Run, wanted: Sequence[DialogueCard]) -> int:
    """Dialogues of the run that wait for their first reply; 0 where there were no others."""
    if any(map(waits, wanted)):
        return 0
    return sum(card.origin is None and waits(card) for card in run.cards)


def _put(carried: Carried, address: str, record: Record) -> None:
    carried.records[address] = record.model_dump_json()


def _put_dialogues(carried: Carried, run: _Run, most: int) -> dict[int, int]:
    """Put in the dialogues for which there is room, and their list; how many turns each of them
    has, what matters most first."""
    turns: dict[int, int] = {}
    size = carried.size
    for card in carried.wanted:
        if card.origin is not None and card.origin not in turns:
            continue  # a branch says little without its origin
        found = dialogue_page(run.journal, run.config, card.index)
        text = found.model_dump_json()
        own = len(text) + len(card.model_dump_json())
        if turns and size + own > most:
            continue
        size += own
        carried.records[f"{_RUN}/dialogues/{card.index}"] = text
        turns[card.index] = len(found.turns)
    carried.cards = tuple(card for card in run.cards if card.index in turns)
    carried.turns = sum(turns.values())
    rows = DialogueList(rows=carried.cards, total=len(carried.cards), offset=0)
    _put(carried, f"{_RUN}/dialogues", rows)
    return turns


def _put_comparisons(carried: Carried, run: _Run, most: int) -> None:
    """Put each branch beside its origin, where there is room."""
    size, there = carried.size, {card.index for card in carried.cards}
    both = Compared(run.journal, run.page)
    for card in carried.wanted:
        if card.origin is None or card.index not in there:
            continue
        text = compare_dialogues(both, card.origin, both, card.index).model_dump_json()
        if size + len(text) <= most:
            size += len(text)
            carried.records[_comparison(card.origin, card.index)] = text
            carried.compared += 1


def _comparison(origin: int, branch: int) -> str:
    """The address as the browser's URLSearchParams writes it."""
    return f"api/compare/dialogues?{urlencode({'a': f'{_KEY}/{origin}', 'b': f'{_KEY}/{branch}'})}"


def _put_turns(
    carried: Carried, run: _Run, indices: Iterable[int], turns: dict[int, int],
    prompts: bool, most: int,
) -> None:  # fmt: skip
    """Put in the graphs of the turns, a whole dialogue at a time, as long as there is room."""
    size = carried.size
    for index in indices:
        own: dict[str, str] = {}
        for number, page in enumerate(_turn_pages(run, index), 1):
            text = (page if prompts else _without_prompts(page)).model_dump_json()
            own[f"{_RUN}/dialogues/{index}/turns/{number}"] = text
            size += len(text)
            if size > most:
                return
        carried.records |= own
        carried.on_graph += turns[index]


def _turn_pages(run: _Run, index: int) -> Iterator[TurnPage]:
    """Every turn, and what was begun of another one, as where a dialogue failed."""
    number = last = 1
    with suppress(NotFound):  # not a turn was begun
        while number <= last:
            page = turn_page(run.journal, run.config, index, number)
            yield page
            number, last = number + 1, page.last


def _without_prompts(page: TurnPage) -> TurnPage:
    steps = tuple(
        step.model_copy(update={"calls": tuple(map(_without_prompt, step.calls))})
        for step in page.steps
    )
    judges = tuple(map(_without_prompt, page.judges))
    return page.model_copy(update={"steps": steps, "judges": judges})


def _without_prompt(call: CallView) -> CallView:
    """The call with a word in place of its prompt; a page says of none that nobody was asked."""
    if not call.messages:
        return call
    length = sum(len(message["content"]) for message in call.messages)
    said = f"{length:,} characters; a report made with --prompts has them"
    return call.model_copy(update={"messages": ({"role": "left out", "content": said},)})
