"""Marks by a judge: replies on recipe B's four scales, whole dialogues on ESC-Eval's seven."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attunement.agents.prompting import instrument
from attunement.agents.rating import (
    DIALOGUE_SCALES,
    REPLY_SCALES,
    DialogueRating,
    ReplyRating,
    rate_dialogue,
    rate_reply,
)
from attunement.core.errors import AnswerError, ModelError
from attunement.core.records import Reply, Side, Turn, Utterance, Verdict
from attunement.simulator.history import with_history
from attunement.simulator.journal import Journal, Task
from attunement.simulator.judging import Item, Line, unjudged
from attunement.simulator.matching import WHOLE, lines_of

Rated = Literal["reply", "dialogue"]
SCALES: Mapping[Rated, Mapping[str, str]] = {"reply": REPLY_SCALES, "dialogue": DIALOGUE_SCALES}


def mark_name(what: Rated, scale: str) -> str:
    """The name of the verdict that holds a mark: `reply: empathy`."""
    return f"{what}: {scale}"


@dataclass(frozen=True, slots=True)
class Rating:
    """Marks for what was spoken in a run: every reply, or every dialogue."""

    judge: str
    what: Rated = "reply"
    again: bool = False
    """Whether to ask anew where its answer could not be read or did not come."""
    labels: bool = False

    def lanes(self, journal: Journal) -> Iterator[tuple[Task, Sequence[Item]]]:
        """A dialogue is a lane. Crises are left out; of a turn that a role spoilt, what was spoken
        is judged."""
        for task in journal.tasks("done", role="judge"):
            if self.what == "reply":
                items = [self._reply(t, heard) for t, heard in with_history(task) if self._open(t)]
            else:
                known = journal.verdicts([task.index]).get((task.index, WHOLE), ())
                usable = not any(turn.guard.crisis for turn in task.turns)
                items = [self._dialogue(task)] if usable and self._wanted(known) else []
            if items:
                yield task, items

    def _open(self, turn: Turn) -> bool:
        if turn.reply is None or turn.spoken == "hand_off" or turn.guard.crisis:
            return False
        return self._wanted([v for v in turn.verdicts if v.about == turn.spoken])

    def _wanted(self, verdicts: Sequence[Verdict]) -> bool:
        mine = [v for v in verdicts if v.judge == self.judge and v.name in self._names()]
        return len(mine) < len(SCALES[self.what]) or (
            # A single mark may be missing for good; where all are, the answer was not read.
            self.again and unjudged(mine, again=all(v.value is None for v in mine))
        )

    def _names(self) -> list[str]:
        return [mark_name(self.what, scale) for scale in SCALES[self.what]]

    def _reply(self, turn: Turn, heard: Sequence[Utterance]) -> Item:
        reply, side = turn.reply, turn.spoken
        assert isinstance(reply, Reply), turn.number
        assert side != "hand_off", turn.number

        async def judge(line: Line) -> list[Verdict]:
            chat = line(f"marks {side}", instrument("rating"))
            return await self._marks(side, lambda: rate_reply(chat, heard, reply))

        return Item(turn.number, self._names()[0], side, judge)

    def _dialogue(self, task: Task) -> Item:
        async def judge(line: Line) -> list[Verdict]:
            chat = line("marks", instrument("rating"))
            return await self._marks(None, lambda: rate_dialogue(chat, lines_of(task.turns)))

        return Item(WHOLE, self._names()[0], None, judge)

    async def _marks(
        self, side: Side | None, ask: Callable[[], Awaitable[ReplyRating | DialogueRating]]
    ) -> list[Verdict]:
        marks: dict[str, int | None] = {}
        try:
            rating = await ask()
            reason, marks = rating.reason, rating.model_dump(exclude={"reason"})
        except (AnswerError, ModelError) as error:
            reason = str(error)
        return [
            Verdict(
                name=mark_name(self.what, scale), value=marks.get(scale), reason=reason,
                about=side, judge=self.judge,
            )
            for scale in SCALES[self.what]
        ]  # fmt: skip
