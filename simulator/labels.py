"""What a judge found in a run's replies, in figures."""

from collections import Counter
from collections.abc import Iterable

from attunement.core.psychology import PsychologicalError
from attunement.core.records import Record, Side, Verdict
from attunement.simulator.journal import Journal
from attunement.simulator.labelling import Labelling


class SideLabels(Record):
    """The labels of one side's replies."""

    replies: int
    """That were labelled, readably."""
    with_errors: int
    unreadable: int
    """Whose labels could not be read, or did not come; they count nowhere else."""
    errors: dict[PsychologicalError, int]
    """Replies by error; a reply may show several."""


class LabelReport(Record):
    """What a judge found."""

    judge: str
    sides: dict[Side, SideLabels]
    """Those that the run has."""
    left: int
    """Replies that are still to be labelled."""


def label_report(journal: Journal, plan: Labelling) -> LabelReport:
    """Read a run's labels by one judge, a page of dialogues at a time."""
    counts: dict[Side, _Counts] = {side: _Counts() for side in plan.sides}
    left = 0
    for dialogue in journal.dialogues():
        closed = dialogue.stop_reason or dialogue.error
        for turn in dialogue.turns:
            left += len(plan.sides_of(turn)) if closed else 0
            for side in plan.sides:
                counts[side].add(v for v in turn.verdicts if plan.made(v) and v.about == side)
    found = {side: counted.labels() for side, counted in counts.items() if counted.all}
    return LabelReport(judge=plan.judge, sides=found, left=left)


class _Counts:
    def __init__(self) -> None:
        self.all = self.wrong = self.unreadable = 0
        self.errors: Counter[PsychologicalError] = Counter()

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Enter one reply's verdicts; none where it has not been labelled."""
        found = list(verdicts)
        if not found:
            return
        named = [PsychologicalError(v.label) for v in found if v.label]
        self.all += 1
        self.unreadable += any(v.value is None for v in found)
        self.wrong += bool(named)
        self.errors.update(named)

    def labels(self) -> SideLabels:
        return SideLabels(
            replies=self.all - self.unreadable,
            with_errors=self.wrong,
            unreadable=self.unreadable,
            errors=dict(self.errors.most_common()),
        )
