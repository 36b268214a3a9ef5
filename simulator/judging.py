"""Asking a model about what a run has said: labels, marks, comparisons, a second plan.

As in a run, every call is journalled before its answer is used, and then the verdicts are written:
what is judged is not asked again, and several judges may judge one run.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from attunement.agents.asking import Chat
from attunement.agents.models.base import ChatBackend
from attunement.agents.models.registry import split_address
from attunement.agents.prompting import PromptFile
from attunement.core.errors import ConfigError
from attunement.core.records import Side, Verdict
from attunement.simulator.backends import backends_for, with_servers
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.cost import Price
from attunement.simulator.frame import (
    CONFIG,
    Watch,
    by_spec,
    carry_out,
    locked,
    open_run,
    purse_for,
    write_config,
)
from attunement.simulator.journal import Journal, Task
from attunement.simulator.recorder import Desk, Recorder, Tally
from attunement.simulator.scheduler import keep_in_flight

AGAIN = 0.7
"""Least temperature of a judge that is asked anew."""

Line = Callable[[str, PromptFile | None], Chat]
"""Makes the chat for what is asked about one item, by the judge's own prompt file or another."""


@dataclass(frozen=True, slots=True)
class Item:
    """What is judged by itself: a reply, a pair, a dialogue."""

    turn: int
    """0: the whole dialogue."""
    name: str
    """Of its verdict, or of the first one."""
    about: Side | None
    judge: Callable[[Line], Awaitable[list[Verdict]]]
    """Asks, and says what was found; an answer that cannot be read is a verdict without value."""


class Instrument(Protocol):
    """What a judge does with a run."""

    @property
    def judge(self) -> str:
        """Spec of the model that judges."""
        ...

    @property
    def labels(self) -> bool:
        """Whether its verdicts are labels, by which corpora are filtered."""
        ...

    def lanes(self, journal: Journal) -> Iterator[tuple[Task, Sequence[Item]]]:
        """What is still to be judged. Lanes go on beside each other; the items of one in order."""
        ...


def judge_run(
    folder: Path,
    judge: str | None,
    instrument: Callable[[RunConfig], Instrument],
    base_url: Sequence[str] = (),
    again: bool = False,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    watch: Callable[[Instrument], Watch] | None = None,
    backends: Iterable[ChatBackend] | None = None,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
    bounds: Mapping[str, float | None] | None = None,
    afresh: bool = False,
) -> bool:
    """Judge a run's closed dialogues; False if it was stopped before the end.

    The judge's spec and price are kept in the run's configuration, from which `instrument` is made.
    `again` lets the judge draw lots. `bounds` are those of the run's budget, or with `afresh` of
    what is asked now. `watch` is given the instrument and says what to enter around
    the work; `backends` and the rest are as in `run`.
    """
    _, journal = open_run(folder)
    with locked(folder), closing(journal):
        config = with_judge(read_config(folder / CONFIG), judge, base_url, prices)
        tool = instrument(config)
        config = _noted(config, tool)
        chosen = by_spec(backends) if backends else backends_for(config, ("judge",))
        purse = purse_for(config, journal, bounds, afresh)
        write_config(folder, config)
        if again:
            config = _warmer(config)

        def work(desk: Desk) -> Awaitable[None]:
            return judge_items(desk, tool)

        shown = watch(tool) if watch else None
        whole = carry_out(folder, config, journal, chosen, purse, work, shown, tally, on_stop)
        return whole or not left(journal, tool)


def left(journal: Journal, tool: Instrument) -> int:
    """How many items are still to be judged."""
    return sum(len(items) for _, items in tool.lanes(journal))


async def judge_items(desk: Desk, tool: Instrument) -> None:
    """Judge what is not judged yet, as many lanes at a time as the run may have in flight."""

    async def work(lane: tuple[Task, Sequence[Item]]) -> None:
        await _judge_lane(desk, tool.judge, *lane)

    await keep_in_flight(desk, tool.lanes(desk.journal), work)


async def _judge_lane(desk: Desk, judge: str, task: Task, items: Sequence[Item]) -> None:
    recorder = Recorder(desk, task)
    rounds = desk.journal.rounds(task.index)
    await recorder.begin_computing()
    try:
        for item in items:
            key = (item.turn, item.about or "", item.name, judge)
            await _judge_item(recorder, judge, item, rounds.get(key, 0) + 1)
    finally:
        recorder.end_computing()


async def _judge_item(recorder: Recorder, judge: str, item: Item, asked: int) -> None:
    """Ask about one item and write what was found. Asked anew, a judge has a seed of its own."""

    def line(what: str, prompt: PromptFile | None = None) -> Chat:
        about = f"{what} {judge}" + (f" #{asked}" if asked > 1 else "")
        return recorder.chat_about("judge", item.turn, about, prompt)

    found = await item.judge(line)
    desk = recorder.desk
    async with desk.gate:
        await desk.journal.write_verdicts(recorder.index, item.turn, found, asked)
    desk.tally.labelled += 1


def unjudged(verdicts: Iterable[Verdict], again: bool) -> bool:
    """Whether an item with these verdicts by a judge is still to be judged.

    With `again`, what could not be read is too.
    """
    known = list(verdicts)
    return not known or (again and any(verdict.value is None for verdict in known))


# ---- the run's configuration --------------------------------------------------------------------


def with_judge(
    config: RunConfig,
    judge: str | None = None,
    base_url: Sequence[str] = (),
    prices: Mapping[str, Mapping[str, float]] | None = None,
) -> RunConfig:
    """The configuration with a judge: this one, else the last one, else the run's own model.

    Where nothing else is said of its sampling, a judge takes the likeliest words (temperature 0).
    """
    spec = at(judge or config.models.get("judge") or config.model, base_url)
    sampling = config.sampling_for("judge")
    if "judge" not in config.decoding_for:
        sampling = sampling.model_copy(update={"temperature": 0.0})
    update = {
        "models": config.models | {"judge": spec},
        "decoding_for": config.decoding_for | {"judge": sampling},
        "prices": config.prices | {k: Price.model_validate(v) for k, v in (prices or {}).items()},
    }
    return with_servers(config.model_copy(update=update))


def _noted(config: RunConfig, tool: Instrument) -> RunConfig:
    """The configuration with the judge among those that have judged."""
    where = "judges" if tool.labels else "assessors"
    known = tuple(dict.fromkeys((*getattr(config, where), tool.judge)))
    return config.model_copy(update={where: known})


def _warmer(config: RunConfig) -> RunConfig:
    """The judge drawing lots: at temperature 0 it would give the same unreadable answer again."""
    sampling = config.sampling_for("judge")
    warm = sampling.model_copy(update={"temperature": max(sampling.temperature or 0, AGAIN)})
    return config.model_copy(update={"decoding_for": config.decoding_for | {"judge": warm}})


def at(spec: str, base_url: Sequence[str]) -> str:
    """A judge's spec with its servers' addresses, if there are any: the run's `base_url` is for its
    own models."""
    if not base_url:
        return spec
    kind, _, name = spec.partition(":")
    if kind != "openai" or split_address(name)[1]:
        raise ConfigError(
            f"`--base-url` {base_url[0]!r} is for a judge such as openai:NAME, not {spec!r}"
        )
    return f"{spec}@{','.join(base_url)}"
