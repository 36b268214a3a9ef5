"""One thing to judge: a pair, or a pair of which one side is unmistakably wrong."""

from collections.abc import Mapping
from typing import Literal

from attunement.core.records import Record, Utterance, Verdict
from attunement.evaluation.judges.people import ATTENTION
from attunement.simulator.matching import WHOLE, Order, Pair, Winner

Choice = Literal["a", "b", "tie", "skip"]
"""What a person answers: the one on the left, the one on the right, neither, or nothing."""
Place = tuple[int, int, str, str]
"""Dialogue, turn, side and name of a verdict: where an annotator's answer lies in the journal."""
Lines = tuple[Utterance, ...]
_ENOUGH = 5
"""Words that a line needs to look odd in another's mouth; "yes" does not."""


class Item(Record):
    """A pair to judge, or an attention check made of one."""

    pair: Pair
    echo: Lines | None = None
    """A check: what stands there instead of the opponent, the seeker's own words given back."""

    @property
    def place(self) -> Place:
        """Where the answer lies in the journal."""
        name = self.pair.name if self.echo is None else ATTENTION
        return (self.pair.index, self.pair.turn, self.pair.about or "", name)

    def shown(self, order: Order) -> tuple[Lines, Lines]:
        """What stands on the left and on the right."""
        other = self.pair.against if self.echo is None else self.echo
        first = order == "shown first"
        return (self.pair.subject, other) if first else (other, self.pair.subject)

    def verdict(self, judge: str, choice: Choice, order: Order) -> Verdict:
        """An answer as the journal keeps it; a skipped one has no value."""
        winner, reason = _WINNERS[order][choice], "skipped" if choice == "skip" else ""
        if self.echo is None:
            return self.pair.verdict(judge, winner, order, reason)
        value = None if winner is None else float(winner == "subject")
        reason = "tie" if winner == "tie" else reason
        return Verdict(
            name=ATTENTION, value=value, reason=reason, about=self.pair.about, label=order,
            judge=judge,
        )  # fmt: skip


_WINNERS: Mapping[Order, Mapping[Choice, Winner | None]] = {
    "shown first": {"a": "subject", "b": "opponent", "tie": "tie", "skip": None},
    "shown second": {"a": "opponent", "b": "subject", "tie": "tie", "skip": None},
}


def choice_of(verdict: Verdict) -> Choice:
    """The answer that became this verdict."""
    if verdict.value is None:
        return "skip"
    if verdict.value == 0.5 or verdict.reason == "tie":
        return "tie"
    return "a" if (verdict.value == 1) == (verdict.label == "shown first") else "b"


def check_on(pair: Pair) -> Item | None:
    """A pair's subject beside an echo of the seeker; None where the two do not differ."""
    echo = _echoed(pair.subject) if pair.turn == WHOLE else _last_words(pair.context)
    return Item(pair=pair, echo=echo) if echo and echo != pair.subject else None


def _last_words(context: Lines) -> Lines:
    """The seeker's last line of some length, as if the supporter said it."""
    said = [line.text for line in context if line.speaker == "seeker"]
    if not said:
        return ()
    long = [text for text in said if len(text.split()) >= _ENOUGH]
    return (Utterance(speaker="supporter", text=long[-1] if long else max(said, key=len)),)


def _echoed(lines: Lines) -> Lines:
    """A dialogue whose supporter gives the seeker every line back."""
    heard, echoed = "", []
    for line in lines:
        heard = line.text if line.speaker == "seeker" else heard
        echoed.append(Utterance(speaker=line.speaker, text=heard or line.text))
    return tuple(echoed)
