"""A reference planner: which strategy another model would have chosen at every turn of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from attunement.agents.planner import plan
from attunement.core.errors import AnswerError, ModelError
from attunement.core.records import Turn, Utterance, Verdict
from attunement.core.strategies import Strategy, split_joint
from attunement.simulator.history import with_history
from attunement.simulator.journal import Journal, Task
from attunement.simulator.judging import Item, Line, unjudged

REFERENCE = "reference strategy"
"""Name of these verdicts; the label is the reference's strategy."""


@dataclass(frozen=True, slots=True)
class Replanning:
    """Turns that a reference planner is to plan once more."""

    judge: str
    """Spec of the reference planner."""
    again: bool = False
    """Whether to ask anew where its answer could not be read or did not come."""
    labels: bool = False

    def lanes(self, journal: Journal) -> Iterator[tuple[Task, Sequence[Item]]]:
        """A dialogue is a lane."""
        for task in journal.tasks("done", role="judge"):
            turns = with_history(task)
            items = [self._item(turn, heard, journal) for turn, heard in turns if self._open(turn)]
            if items:
                yield task, items

    def _open(self, turn: Turn) -> bool:
        if turn.guard.crisis or choice_of(turn) is None:
            return False
        mine = [v for v in turn.verdicts if v.name == REFERENCE and v.judge == self.judge]
        return unjudged(mine, self.again)

    def _item(self, turn: Turn, heard: Sequence[Utterance], journal: Journal) -> Item:
        async def judge(line: Line) -> list[Verdict]:
            chat = line("plan", journal.prompts()["planner"])
            try:
                found = await plan(chat, [said for said in heard if said.text.strip()])
            except (AnswerError, ModelError) as error:
                return [self._verdict(None, str(error), None)]
            choice = choice_of(turn)
            same = choice is not None and choice.strategy == found.strategy
            return [self._verdict(float(same), found.reason, found.strategy)]

        return Item(turn.number, REFERENCE, None, judge)

    def _verdict(self, value: float | None, reason: str, label: Strategy | None) -> Verdict:
        return Verdict(name=REFERENCE, value=value, reason=reason, label=label, judge=self.judge)


class Chosen(NamedTuple):
    """What a turn chose."""

    strategy: Strategy | None
    """None: what was chosen could not be read."""


def choice_of(turn: Turn) -> Chosen | None:
    """What a turn chose; None where nobody was to choose.

    A replayed draft without a plan was told the recorded strategy or none: it chose nothing.
    """
    if turn.plan:
        return Chosen(turn.plan.strategy)
    if any(item.role in ("planner", "joint") for item in turn.set_aside):
        return Chosen(None)
    if turn.joint:
        return Chosen(split_joint(turn.joint)[0])
    told = turn.recorded is not None and turn.spoken == "draft"
    return Chosen(turn.reply.strategy) if turn.reply and turn.reply.strategy and not told else None
