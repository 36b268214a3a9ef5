"""What people say of turns while they read a run: good or bad, which error, a note."""

from typing import Literal

from pydantic import Field

from attunement.core.errors import JournalError, UserError
from attunement.core.psychology import PsychologicalError
from attunement.core.records import Record, Turn, Verdict
from attunement.simulator.journal import Journal
from attunement.simulator.matching import PERSON

ANNOTATION = "annotation"
"""Name of the verdicts that keep one."""
_NOTE = "note"
_VALUES = {"good": 1.0, "bad": 0.0}


class Annotation(Record):
    """One person's words on one turn."""

    label: Literal["good", "bad"] | None = None
    errors: tuple[PsychologicalError, ...] = ()
    """What is wrong with the reply that was spoken."""
    note: str = Field(default="", max_length=4000)

    @property
    def faulty(self) -> bool:
        """Whether the turn is none to learn from."""
        return self.label == "bad" or bool(self.errors)


async def annotate(journal: Journal, index: int, turn: Turn, said: Annotation, who: str) -> None:
    """Keep what the person `who` says of a turn, in place of what they said before; an empty
    annotation takes that back. `UserError` for one that contradicts itself, `JournalError` where
    the run's folder cannot be written."""
    if said.label == "good" and said.errors:
        raise UserError(
            f"a turn with an error ({', '.join(said.errors)}) is not 'good'; leave out the label "
            "or the errors"
        )
    judge = PERSON + who
    before = [v for v in turn.verdicts if v.name == ANNOTATION and v.judge == judge]
    try:
        await journal.write_verdicts(index, turn.number, _verdicts(said, judge), 1, instead=before)
    except JournalError as error:
        cause = getattr(error.__context__, "orig", None) or error
        raise JournalError(
            f"the annotation was not kept: the run's folder cannot be written ({cause}); make it "
            "writable, or make room, and annotate again"
        ) from None


def annotations(turn: Turn) -> dict[str, Annotation]:
    """Who has said what of a turn."""
    found: dict[str, list[Verdict]] = {}
    for verdict in turn.verdicts:
        if verdict.name == ANNOTATION:
            found.setdefault(verdict.judge.removeprefix(PERSON), []).append(verdict)
    return {who: _annotation(verdicts) for who, verdicts in found.items()}


def _verdicts(said: Annotation, judge: str) -> list[Verdict]:
    """A verdict for the label, for each error, and for the note."""
    values: dict[str, float | None] = {}
    if said.label:
        values[said.label] = _VALUES[said.label]
    values |= dict.fromkeys(said.errors, 0.0)
    if said.note.strip():
        values[_NOTE] = None
    return [
        Verdict(
            name=ANNOTATION, value=value, label=label, judge=judge,
            reason=said.note.strip() if label == _NOTE else "",
        )
        for label, value in values.items()
    ]  # fmt: skip


def _annotation(verdicts: list[Verdict]) -> Annotation:
    by_label = {verdict.label: verdict.reason for verdict in verdicts}
    return Annotation.model_validate(
        {
            "label": next((label for label in _VALUES if label in by_label), None),
            "errors": [error for error in PsychologicalError if error in by_label],
            "note": by_label.get(_NOTE, ""),
        }
    )
