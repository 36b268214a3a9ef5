"""What a panel of judges is to be asked about some systems, and the pairs that they decided."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple

from attunement.core.errors import ConfigError
from attunement.core.records import Side
from attunement.evaluation.figures import Figure, Findings, Measure
from attunement.evaluation.judges.human import People
from attunement.evaluation.judges.preferences import Judged, preference_findings
from attunement.evaluation.systems import System, place_of
from attunement.simulator.comparing import Comparing
from attunement.simulator.config import RunConfig
from attunement.simulator.frame import open_run
from attunement.simulator.journal import Journal
from attunement.simulator.judging import Instrument
from attunement.simulator.matching import WHOLE, Pair, between, refinements
from attunement.simulator.rating import Rating
from attunement.simulator.replanning import Replanning

Question = Literal["reply", "dialogue", "pairs", "plan"]
QUESTIONS: tuple[Question, ...] = ("reply", "dialogue", "pairs")
"""What a judge may be asked: marks of replies, marks of dialogues, pairs in both orders."""


class Judging(NamedTuple):
    """One judge's work on one run."""

    folder: Path
    judge: str
    question: Question
    against: Path | None = None
    """The run whose replies or dialogues stand on the other side of a pair; None: the drafts."""

    def instrument(self, config: RunConfig, again: bool = False) -> Instrument:
        """What the judge does with the run of this configuration."""
        judge = config.models["judge"]
        if self.question == "plan":
            return Replanning(judge, again)
        if self.question == "pairs":
            return Comparing(judge, self.pairs, again)
        return Rating(judge, self.question, again)

    def pairs(self, journal: Journal) -> Iterator[Pair]:
        """The pairs of this run."""
        return between(self.folder, self.against) if self.against else refinements(journal)


def judgings(
    systems: Sequence[System],
    baseline: System,
    judges: Sequence[str],
    questions: Sequence[Question] | None = None,
    planner: str | None = None,
) -> list[Judging]:
    """What is to be asked. Where nothing else is said: marks of dialogues for live runs, of replies
    for replays, and pairs: every other system against the baseline, or a single system's
    refinements against its drafts.
    """
    work: list[Judging] = []
    for judge in judges:
        for system in systems:
            for folder in system.folders:
                marks: Question = "reply" if _config(folder).replay else "dialogue"
                asked = questions or (marks, "pairs")
                work += [Judging(folder, judge, q) for q in asked if q != "pairs"]
                if "pairs" in asked and (system != baseline or len(systems) == 1):
                    work += _pair_work(system, baseline, folder, judge)
    folders = (folder for system in systems for folder in system.folders)
    return work + [Judging(folder, planner, "plan") for folder in folders if planner]


def _pair_work(system: System, baseline: System, folder: Path, judge: str) -> Iterator[Judging]:
    if system == baseline:
        yield Judging(folder, judge, "pairs")
    elif twin := _twin(folder, baseline):
        yield Judging(folder, judge, "pairs", twin)


def _twin(folder: Path, baseline: System) -> Path | None:
    """The baseline's run that a run can be set beside; None where they share nothing."""
    for other in baseline.folders:
        try:
            if next(between(folder, other), None):
                return other
        except ConfigError:  # other seeds or other people: the next one may fit
            continue
    return None


def _config(folder: Path) -> RunConfig:
    config, journal = open_run(folder)
    journal.close()
    return config


# ---- what came of it ----------------------------------------------------------------------------


def decided_pairs(system: System, baseline: System, people: People | None = None) -> Findings:
    """What models preferred: this system over the baseline, or where it is the baseline itself its
    refinements over its drafts. `people`: what a file of ratings adds."""
    if system == baseline:
        items = [item for folder in system.folders for item in _own(folder, people)]
        return preference_findings(items, "refined over draft")
    what = f"preferred over {baseline.name}"
    folders = [(folder, _twin(folder, baseline)) for folder in system.folders]
    if not any(twin for _, twin in folders):
        return _nothing(what)
    items = [item for folder, twin in folders if twin for item in _against(folder, twin, people)]
    return preference_findings(items, what)


def opponents(system: System, baseline: System) -> set[str]:
    """Whom people may have set a system's replies or dialogues against: the drafts, or the other
    system's."""
    if system == baseline:
        return {"draft"}
    folders = ((folder, _twin(folder, baseline)) for folder in system.folders)
    pairs = (pair for folder, twin in folders if twin for pair in between(folder, twin))
    return {pair.opponent for pair in pairs}


def _nothing(what: str) -> Findings:
    measure = Measure(name=what, family="judges", method="pairs decided by judges")
    return Findings([Figure(measure, why="the two share no reply or dialogue to set side by side")])


def _own(folder: Path, people: People | None) -> Iterator[Judged]:
    config, journal = open_run(folder)
    with closing(journal):
        writers = _writer(config, "refined"), _writer(config, "draft")
        yield from _judged(config, journal, refinements(journal), lambda _: writers, people)


def _against(folder: Path, other: Path, people: People | None) -> Iterator[Judged]:
    config, journal = open_run(folder)
    theirs = _writer(_config(other), None)

    def writers(pair: Pair) -> tuple[str, str]:
        return _writer(config, pair.about), theirs

    with closing(journal):
        yield from _judged(config, journal, between(folder, other), writers, people)


def _judged(
    config: RunConfig,
    journal: Journal,
    pairs: Iterable[Pair],
    writers: Callable[[Pair], tuple[str, str]],
    people: People | None,
) -> Iterator[Judged]:
    for name, group in groupby(pairs, attrgetter("dialogue_id")):
        dialogue = journal.named(name)
        assert dialogue, name
        key = place_of(dialogue, config.seed)
        if people:
            dialogue = people.into(dialogue, config.seed)
        said = {turn.number: turn.verdicts for turn in dialogue.turns} | {WHOLE: dialogue.verdicts}
        for pair in group:
            verdicts = [v for v in said[pair.turn] if pair.holds(pair.turn, v)]
            if verdicts:
                yield Judged(key, pair, verdicts, writers(pair))


def _writer(config: RunConfig, side: Side | None) -> str:
    """The spec of the model that wrote a side; of a whole run, its last word's."""
    if side == "recorded":
        return ""
    last = config.graph == "self_refine" and side != "draft"
    return config.spec_for("refiner" if last else "responder") or ""
