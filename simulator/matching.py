"""What is to be judged side by side: a run's refinements and drafts, or the replies of two runs.

A pair has a subject and its opponent. Whoever judges it, a model or a person, is shown both in one
of two orders, and the answer is kept as a verdict on the subject, in the subject's own journal.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Literal

from attunement.core.errors import ConfigError
from attunement.core.records import Dialogue, Record, Side, Turn, Utterance, Verdict
from attunement.graphs.state import public
from attunement.simulator.frame import open_run
from attunement.simulator.history import with_history
from attunement.simulator.journal import Journal

WHOLE = 0
"""The turn of a verdict on a whole dialogue."""
PREFERRED = "preferred over "
"""How the name of such a verdict begins; the opponent's name follows."""
Winner = Literal["subject", "opponent", "tie"]
Order = Literal["shown first", "shown second"]
"""Where the subject stood; the `label` of the verdict."""
ORDERS: tuple[Order, ...] = ("shown first", "shown second")
PERSON = "person:"
"""How the name of a judge begins who is a person."""


class Pair(Record):
    """Two replies to the same words, or two dialogues with the same person."""

    dialogue_id: str
    """Of the subject."""
    persona_id: str
    index: int
    """The subject's dialogue in its journal."""
    turn: int
    """0 where whole dialogues are compared."""
    about: Side | None
    """The side that is the subject; None for a whole dialogue."""
    opponent: str
    """`draft`, `recorded`, or eight digits that stand for the opponent's very words."""
    context: tuple[Utterance, ...]
    """What both reply to; empty where whole dialogues are compared."""
    subject: tuple[Utterance, ...]
    against: tuple[Utterance, ...]

    against_about: Side | None = None
    """The opponent's side in its own run; None for a whole dialogue."""

    @property
    def name(self) -> str:
        """The name of verdicts on this pair."""
        return PREFERRED + self.opponent

    def turned(self, verdict: Verdict) -> Verdict | None:
        """What a verdict of the opponent's run says of this pair, if it is about the same two."""
        name = PREFERRED + _digits(*(line.text for line in self.subject))
        if (verdict.name, verdict.about) != (name, self.against_about):
            return None
        value = None if verdict.value is None else 1 - verdict.value
        label = next((order for order in ORDERS if verdict.label and order != verdict.label), None)
        update = {"name": self.name, "about": self.about, "value": value, "label": label}
        return verdict.model_copy(update=update)

    def holds(self, turn: int, verdict: Verdict) -> bool:
        """Whether a verdict of that turn is about this pair."""
        return (turn, verdict.about, verdict.name) == (self.turn, self.about, self.name)

    def verdict(self, judge: str, winner: Winner | None, order: Order, reason: str = "") -> Verdict:
        """A judgement of this pair: 1 where the subject won, 0 where its opponent did, 0.5 a tie.

        No winner: the answer could not be read.
        """
        value = {"subject": 1.0, "opponent": 0.0, "tie": 0.5, None: None}[winner]
        return Verdict(
            name=self.name, value=value, reason=reason, about=self.about, label=order, judge=judge
        )


def refinements(journal: Journal) -> Iterator[Pair]:
    """Every refinement with the draft that it came from, where they differ in their words."""
    for index, dialogue in numbered(journal):
        for turn, heard in with_history(dialogue):
            if turn.improved and turn.refined and turn.draft and not turn.guard.crisis:
                yield _replies(
                    index, dialogue, turn.number, heard, "refined", "draft",
                    turn.refined.text, turn.draft.text,
                )  # fmt: skip


def between(subject: Path, against: Path) -> Iterator[Pair]:
    """The pairs of two runs of the same seed on the same personas or recorded dialogues.

    In a replay each reply with the other run's at the same place; in live runs, where the two went
    different ways after the first reply, each whole dialogue. Crises are left out; a turn that a
    role spoilt counts by what was spoken in it. `ConfigError` where the runs share nothing.
    """
    (one, ours), (other, theirs) = open_run(subject), open_run(against)
    with closing(ours), closing(theirs):
        if one.seed != other.seed or (one.replay is None) != (other.replay is None):
            raise ConfigError(
                f"runs {str(subject)!r} and {str(against)!r} cannot be compared side by side: run "
                "both live or both with --replay, with the same seed"
            )
        found = False
        for index, dialogue in numbered(ours):
            twin = _twin(theirs, dialogue)
            if twin is None:
                continue
            made = _by_turn if dialogue.recorded is not None else _whole
            for pair in made(index, dialogue, twin):
                found = True
                yield pair
        if not found:
            raise ConfigError(
                f"runs {str(subject)!r} and {str(against)!r} share no reply that differs: run both "
                "on the same personas or recorded dialogues, with the same seed"
            )


def numbered(journal: Journal) -> Iterator[tuple[int, Dialogue]]:
    """The finished dialogues of a journal, each with its number."""
    for (index, _), dialogue in zip(journal.indices(), journal.dialogues(), strict=True):
        if dialogue.stop_reason is not None:
            yield index, dialogue


def _twin(journal: Journal, dialogue: Dialogue) -> Dialogue | None:
    """The other run's dialogue at the same place: same id, same card, same recording."""
    twin = journal.named(dialogue.id)
    if twin is None or twin.stop_reason is None:
        return None
    same = twin.persona == dialogue.persona and twin.recorded == dialogue.recorded
    return twin if same else None


def _by_turn(index: int, dialogue: Dialogue, twin: Dialogue) -> Iterator[Pair]:
    theirs = {turn.number: turn for turn in twin.turns if _usable(turn)}
    for turn, heard in with_history(dialogue):
        other = theirs.get(turn.number)
        if not _usable(turn) or other is None:
            continue
        assert turn.reply, turn.number
        assert other.reply, other.number
        if turn.reply.text != other.reply.text:
            yield _replies(
                index, dialogue, turn.number, heard, _side(turn), _digits(other.reply.text),
                turn.reply.text, other.reply.text, _side(other),
            )  # fmt: skip


def _side(turn: Turn) -> Side:
    return "refined" if turn.spoken == "refined" else "draft"


def _usable(turn: Turn) -> bool:
    return turn.spoken not in (None, "hand_off") and not turn.guard.crisis


def _replies(
    index: int, dialogue: Dialogue, turn: int, heard: tuple[Utterance, ...], about: Side,
    opponent: str, ours: str, theirs: str, against_about: Side | None = None,
) -> Pair:  # fmt: skip
    return Pair(
        dialogue_id=dialogue.id,
        persona_id=dialogue.persona.id,
        index=index,
        turn=turn,
        about=about,
        opponent=opponent,
        context=tuple(line for line in heard if line.text.strip()),
        subject=(Utterance(speaker="supporter", text=ours),),
        against=(Utterance(speaker="supporter", text=theirs),),
        against_about=against_about,
    )


def _whole(index: int, dialogue: Dialogue, twin: Dialogue) -> Iterator[Pair]:
    ours, theirs = lines_of(dialogue.turns), lines_of(twin.turns)
    crisis = any(turn.guard.crisis for turn in (*dialogue.turns, *twin.turns))
    if ours == theirs or crisis:
        return
    yield Pair(
        dialogue_id=dialogue.id,
        persona_id=dialogue.persona.id,
        index=index,
        turn=WHOLE,
        about=None,
        opponent=_digits(*(line.text for line in theirs)),
        context=(),
        subject=ours,
        against=theirs,
    )


def lines_of(turns: Sequence[Turn]) -> tuple[Utterance, ...]:
    """All public lines of a dialogue's turns, without the names of strategies."""
    lines = (line for turn in turns for line in public(turn))
    return tuple(Utterance(speaker=line.speaker, text=line.text) for line in lines)


def _digits(*texts: str) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()[:8]


def verdicts_on(journal: Journal, index: int) -> list[tuple[int, Verdict]]:
    """What was said of a dialogue, by turn; turn 0 is the whole one."""
    return [(turn, v) for (_, turn), found in journal.verdicts([index]).items() for v in found]
