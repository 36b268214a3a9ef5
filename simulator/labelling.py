"""Labelling a run's replies with their psychological errors, by a judge, one reply a call.

As in a run, every call is journalled before its answer is used, and then the verdicts are written:
what is labelled is not asked again, and several judges may label one run.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from attunement.agents.judge import ErrorLabels, label_errors
from attunement.agents.models.base import ChatBackend
from attunement.agents.models.registry import split_address
from attunement.core.errors import AnswerError, ConfigError, ModelError, unknown
from attunement.core.psychology import ERRORS
from attunement.core.records import SIDES, Reply, Side, Turn, Utterance, Verdict
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
from attunement.simulator.history import with_history
from attunement.simulator.journal import Journal, Task
from attunement.simulator.recorder import Desk, Recorder, Tally
from attunement.simulator.scheduler import keep_in_flight

AGAIN = 0.7
"""Least temperature of a judge that is asked anew."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """Which replies a judge is to label."""

    judge: str
    """Spec of the model that judges."""
    sides: tuple[Side, ...] = SIDES
    again: bool = False
    """Whether to ask anew where its answer could not be read or did not come."""
    mined: bool = False
    """Whether roles stand beside each other, so that one's failure does not spoil the other's."""

    def sides_of(self, turn: Turn) -> list[Side]:
        """The sides of a turn that are still to be labelled: no crisis, nothing set aside.

        In mining a human's reply is labelled where it has a sample to stand against.
        """
        spoilers = ("guard", "responder")
        aside = [item for item in turn.set_aside if not self.mined or item.role in spoilers]
        if turn.guard.crisis or aside or (self.mined and not turn.draft):
            return []
        return [side for side in self.sides if getattr(turn, side) and not self._knows(turn, side)]

    def _knows(self, turn: Turn, side: Side) -> bool:
        known = [v for v in turn.verdicts if self.made(v) and v.about == side]
        return bool(known) and not (self.again and known[0].value is None)

    def made(self, verdict: Verdict) -> bool:
        """Whether a verdict is one of these labels."""
        return verdict.name == ERRORS and verdict.judge == self.judge


def parse_sides(names: str | None) -> tuple[Side, ...]:
    """`draft,recorded` as sides; None is all of them. `ConfigError` for a name that is none."""
    if names is None:
        return SIDES
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in SIDES:
            raise ConfigError(unknown("side", name, SIDES))
    return tuple(side for side in SIDES if side in wanted)


def with_judge(
    config: RunConfig,
    judge: str | None = None,
    base_url: Sequence[str] = (),
    prices: Mapping[str, Mapping[str, float]] | None = None,
) -> RunConfig:
    """The configuration with a judge: this one, else the last one, else the run's own model.

    Where nothing else is said of its sampling, a judge takes the likeliest words (temperature 0).
    """
    spec = judge or config.models.get("judge") or config.model
    if base_url:
        spec = _at(spec, base_url)
    sampling = config.sampling_for("judge")
    if "judge" not in config.decoding_for:
        sampling = sampling.model_copy(update={"temperature": 0.0})
    update = {
        "models": config.models | {"judge": spec},
        "judges": tuple(dict.fromkeys((*config.judges, spec))),
        "decoding_for": config.decoding_for | {"judge": sampling},
        "prices": config.prices | {k: Price.model_validate(v) for k, v in (prices or {}).items()},
    }
    return with_servers(config.model_copy(update=update))


def _warmer(config: RunConfig) -> RunConfig:
    """The judge drawing lots: at temperature 0 it would give the same unreadable answer again."""
    sampling = config.sampling_for("judge")
    warm = sampling.model_copy(update={"temperature": max(sampling.temperature or 0, AGAIN)})
    return config.model_copy(update={"decoding_for": config.decoding_for | {"judge": warm}})


def _at(spec: str, base_url: Sequence[str]) -> str:
    """A judge's spec with its servers' addresses: the run's `base_url` is for its own models."""
    kind, _, name = spec.partition(":")
    if kind != "openai" or split_address(name)[1]:
        raise ConfigError(
            f"`--base-url` {base_url[0]!r} is for a judge such as openai:NAME, not {spec!r}"
        )
    return f"{spec}@{','.join(base_url)}"


def label(
    folder: Path,
    judge: str | None = None,
    base_url: Sequence[str] = (),
    sides: tuple[Side, ...] = SIDES,
    again: bool = False,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    watch: Callable[[Labelling], Watch] | None = None,
    backends: Iterable[ChatBackend] | None = None,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
    bounds: Mapping[str, float | None] | None = None,
) -> bool:
    """Label the replies of a run's closed dialogues; False if it was stopped before the end.

    The judge's spec and price are kept in the run's configuration. `watch` is given what is to be
    labelled and says what to enter around the work; `backends` and the rest are as in `run`.
    """
    _, journal = open_run(folder)
    with locked(folder), closing(journal):
        config = with_judge(read_config(folder / CONFIG), judge, base_url, prices)
        chosen = by_spec(backends) if backends else backends_for(config, ("judge",))
        purse = purse_for(config, journal, bounds)
        write_config(folder, config)
        plan = Labelling(config.models["judge"], sides, again, config.mines)
        if again:
            config = _warmer(config)

        def work(desk: Desk) -> Awaitable[None]:
            return label_replies(desk, plan)

        shown = watch(plan) if watch else None
        whole = carry_out(folder, config, journal, chosen, purse, work, shown, tally, on_stop)
        return whole or not left(journal, plan)


def left(journal: Journal, plan: Labelling) -> int:
    """How many replies are still to be labelled."""
    return sum(
        len(plan.sides_of(turn))
        for dialogue in journal.dialogues()
        if dialogue.stop_reason or dialogue.error
        for turn in dialogue.turns
    )


async def label_replies(desk: Desk, plan: Labelling) -> None:
    """Label what is not labelled yet, as many dialogues at a time as the run may have in flight.

    A dialogue's sides go on beside each other; the turns of one side in their order, which is the
    order of the journal's deltas.
    """

    async def work(item: tuple[Task, Side]) -> None:
        await _label_side(desk, plan, *item)

    await keep_in_flight(desk, _items(desk.journal, plan), work)


def _items(journal: Journal, plan: Labelling) -> Iterator[tuple[Task, Side]]:
    for status in ("done", "failed"):
        for task in journal.tasks(status, role="judge"):
            for side in plan.sides:
                if any(side in plan.sides_of(turn) for turn in task.turns):
                    yield task, side


async def _label_side(desk: Desk, plan: Labelling, task: Task, side: Side) -> None:
    recorder = Recorder(desk, task)
    rounds = desk.journal.rounds(task.index)
    await recorder.begin_computing()
    try:
        for turn, heard in with_history(task):
            if side in plan.sides_of(turn):
                asked = rounds.get((turn.number, side, ERRORS, plan.judge), 0) + 1
                verdicts = await _judge(recorder, plan.judge, turn, heard, side, asked)
                async with desk.gate:
                    await desk.journal.write_verdicts(task.index, turn.number, verdicts, asked)
                desk.tally.labelled += 1
    finally:
        recorder.end_computing()


async def _judge(
    recorder: Recorder, judge: str, turn: Turn, heard: Sequence[Utterance], side: Side, asked: int
) -> list[Verdict]:
    """One reply's verdicts. A judge that is asked anew has a seed of its own."""
    reply = getattr(turn, side)
    assert isinstance(reply, Reply), side
    about = f"{side} {judge}" + (f" #{asked}" if asked > 1 else "")
    chat = recorder.chat_about("judge", turn.number, about)
    try:
        labels = await label_errors(chat, heard, reply)
    except (AnswerError, ModelError) as error:
        return [_verdict(judge, side, None, str(error))]
    return _verdicts(labels, judge, side)


def _verdicts(labels: ErrorLabels, judge: str, side: Side) -> list[Verdict]:
    """One verdict an error; a reply without one gets a verdict of 0."""
    found = [_verdict(judge, side, 1, f.explanation, f.error) for f in labels.errors]
    return found or [_verdict(judge, side, 0)]


def _verdict(
    judge: str, side: Side, value: float | None, reason: str = "", label: str | None = None
) -> Verdict:
    return Verdict(name=ERRORS, value=value, reason=reason, about=side, label=label, judge=judge)
