"""Labelling a run's replies with their psychological errors, by a judge, one reply a call."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attunement.agents.judge import ErrorLabels, label_errors
from attunement.agents.models.base import ChatBackend
from attunement.core.errors import AnswerError, ConfigError, ModelError, unknown
from attunement.core.psychology import ERRORS
from attunement.core.records import SIDES, Reply, Side, Turn, Utterance, Verdict
from attunement.simulator.config import RunConfig
from attunement.simulator.frame import Watch
from attunement.simulator.history import with_history
from attunement.simulator.journal import Journal, Task
from attunement.simulator.judging import Instrument, Item, Line, judge_run, unjudged
from attunement.simulator.recorder import Tally


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
    labels: bool = True
    """Corpora are filtered by these verdicts."""

    def sides_of(self, turn: Turn) -> list[Side]:
        """The sides of a turn that are still to be labelled: no crisis, nothing set aside.

        In mining a human's reply is labelled where it has a sample to stand against.
        """
        spoilers = ("guard", "responder")
        aside = [item for item in turn.set_aside if not self.mined or item.role in spoilers]
        if turn.guard.crisis or aside or (self.mined and not turn.draft):
            return []
        return [side for side in self.sides if getattr(turn, side) and self._open(turn, side)]

    def _open(self, turn: Turn, side: Side) -> bool:
        return unjudged((v for v in turn.verdicts if self.made(v) and v.about == side), self.again)

    def made(self, verdict: Verdict) -> bool:
        """Whether a verdict is one of these labels."""
        return verdict.name == ERRORS and verdict.judge == self.judge

    def lanes(self, journal: Journal) -> Iterator[tuple[Task, Sequence[Item]]]:
        """The replies of one side of a dialogue are a lane: their order is that of the deltas."""
        for status in ("done", "failed"):
            for task in journal.tasks(status, role="judge"):
                for side in self.sides:
                    if items := list(self._items(task, side)):
                        yield task, items

    def _items(self, task: Task, side: Side) -> Iterator[Item]:
        for turn, heard in with_history(task):
            if side in self.sides_of(turn):
                yield self._item(turn, heard, side)

    def _item(self, turn: Turn, heard: Sequence[Utterance], side: Side) -> Item:
        reply = getattr(turn, side)
        assert isinstance(reply, Reply), side

        async def judge(line: Line) -> list[Verdict]:
            try:
                labels = await label_errors(line(side, None), heard, reply)
            except (AnswerError, ModelError) as error:
                return [_verdict(self.judge, side, None, str(error))]
            return _verdicts(labels, self.judge, side)

        return Item(turn.number, ERRORS, side, judge)


def parse_sides(names: str | None) -> tuple[Side, ...]:
    """`draft,recorded` as sides; None is all of them. `ConfigError` for a name that is none."""
    if names is None:
        return SIDES
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in SIDES:
            raise ConfigError(unknown("side", name, SIDES))
    return tuple(side for side in SIDES if side in wanted)


def label(
    folder: Path,
    judge: str | None = None,
    base_url: Sequence[str] = (),
    sides: tuple[Side, ...] = SIDES,
    again: bool = False,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    watch: Callable[[Instrument], Watch] | None = None,
    backends: Iterable[ChatBackend] | None = None,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
    bounds: Mapping[str, float | None] | None = None,
) -> bool:
    """Label the replies of a run's closed dialogues; False if it was stopped before the end.

    Arguments as in `judge_run`.
    """

    def labelling(config: RunConfig) -> Labelling:
        return Labelling(config.models["judge"], sides, again, config.mines)

    return judge_run(
        folder, judge, labelling, base_url, again, prices, watch, backends, tally, on_stop, bounds
    )


def _verdicts(labels: ErrorLabels, judge: str, side: Side) -> list[Verdict]:
    """One verdict an error; a reply without one gets a verdict of 0."""
    found = [_verdict(judge, side, 1, f.explanation, f.error) for f in labels.errors]
    return found or [_verdict(judge, side, 0)]


def _verdict(
    judge: str, side: Side, value: float | None, reason: str = "", label: str | None = None
) -> Verdict:
    return Verdict(name=ERRORS, value=value, reason=reason, about=side, label=label, judge=judge)


if TYPE_CHECKING:  # the type checker holds the class to the protocol
    _: Instrument = Labelling("")
