"""What a panel of judges is to be asked about some systems, and the pairs that they decided."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple

from attunement.core.errors import ConfigError
from attunement.core.records import Dialogue, Verdict
from attunement.evaluation.figures import Figure, Findings, Measure
from attunement.evaluation.judges.human import People
from attunement.evaluation.judges.people import ATTENTION, NOBODY, WINS, PeopleMeter
from attunement.evaluation.judges.preferences import Judged, preference_findings
from attunement.evaluation.systems import Measured, System, place_of, writer_of
from attunement.simulator.comparing import Comparing
from attunement.simulator.config import RunConfig
from attunement.simulator.frame import open_run
from attunement.simulator.journal import Journal
from attunement.simulator.judging import Instrument
from attunement.simulator.matching import PERSON, WHOLE, Pair, between, refinements
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


def common_panel(systems: Sequence[System]) -> set[str]:
    """The judges that have judged every run of every system: only their means can be compared."""
    configs = [_config(folder) for system in systems for folder in system.folders]
    return set.intersection(*({*config.assessors, *config.judges} for config in configs))


def notes(
    systems: Sequence[System], measured: Sequence[Measured], used: Collection[str] | None
) -> list[str]:
    """What a reader has to be told of the judges, and of a world that is only simulated.

    `used`: the judges and the planner of this report; None is all.
    """
    told = [
        f"{one.facts.name}: {note}" if len(systems) > 1 else note
        for one in measured
        for found in one.findings
        for note in found.notes
    ]
    configs = [_config(folder) for system in systems for folder in system.folders]
    asked = {spec for config in configs for spec in config.assessors}
    if used is not None and (unused := asked - {*used}):
        told.append(f"Also kept in the runs, and not used here: {', '.join(sorted(unused))}")
    if all(model == "rehearsal" for one in measured for model in one.facts.models):
        told.append(
            "Every line of these runs comes from the embedded simulator, whose drafts are generic "
            "and whose refinements help by construction: this shows how figures work, and says "
            "nothing of people or models"
        )
    return told


def decided_pairs(
    system: System,
    baseline: System,
    rated: People | None = None,
    panel: Collection[str] | None = None,
) -> Findings:
    """What models and people preferred: this system over the baseline, whichever of the two runs
    keeps the answer; or where it is the baseline itself, its refinements over its drafts.

    `rated`: what a file of ratings adds. `panel`: the models that count; None is all.
    """
    if system == baseline:
        what = "refined over draft"
        items = [item for folder in system.folders for item in judged_pairs(folder, None, rated)]
    else:
        what = f"preferred over {baseline.name}"
        folders = [(folder, _twin(folder, baseline)) for folder in system.folders]
        if not any(twin for _, twin in folders):
            return _nothing(what)
        twins = [(folder, twin) for folder, twin in folders if twin]
        items = [item for folder, twin in twins for item in judged_pairs(folder, twin, rated)]
    people = heard(items, f"nobody has judged a pair: {what}")
    said = people.findings()
    apart = {PERSON + person.key for person in people.people() if not person.attentive}
    models = preference_findings(_without(items, apart), what, panel)
    return Findings([*models.figures, *said.figures], said.series, notes=models.notes)


def _without(items: Iterable[Judged], judges: Collection[str]) -> Iterator[Judged]:
    for item in items:
        kept = [v for v in item.verdicts if v.judge not in judges and v.name != ATTENTION]
        yield replace(item, verdicts=kept)


def heard(items: Iterable[Judged], nobody: str = NOBODY) -> PeopleMeter:
    """What people said of some pairs; `nobody` is what to say where nobody did."""
    people = PeopleMeter(nobody=nobody)
    for item in items:
        for verdict in item.verdicts:
            if verdict.judge.startswith(PERSON):
                people.take(item.key, item.pair.turn, verdict)
    return people


def judged_pairs(
    folder: Path, against: Path | None = None, rated: People | None = None
) -> Iterator[Judged]:
    """The pairs of a run, with what anybody said of them: its refinements and drafts, or with
    another run both ways round, whichever of the two keeps an answer."""
    return _against(folder, against, rated) if against else _own(folder, rated)


def _nothing(what: str) -> Findings:
    why = "the two share no reply or dialogue to set side by side"
    measure = Measure(name=what, family="judges", method="pairs decided by judges")
    return Findings([Figure(measure, why=why), Figure(WINS, why=why)])


def _own(folder: Path, rated: People | None) -> Iterator[Judged]:
    config, journal = open_run(folder)
    with closing(journal):
        writers = writer_of(config, "refined"), writer_of(config, "draft")
        for pair, verdicts, key in _said(config, journal, refinements(journal), rated):
            yield Judged(key, pair, verdicts, writers)


def _against(folder: Path, other: Path, rated: People | None) -> Iterator[Judged]:
    (config, journal), (opponent, theirs) = open_run(folder), open_run(other)
    with closing(journal), closing(theirs):
        for pair, verdicts, key in _said(config, journal, between(folder, other), rated):
            known = {v.judge for v in verdicts if v.name != ATTENTION}
            for verdict in _of_turn(theirs.named(pair.dialogue_id), pair.turn):
                if verdict.name == ATTENTION and verdict.about == pair.against_about:
                    verdicts.append(verdict.model_copy(update={"about": pair.about}))
                elif (turned := pair.turned(verdict)) and turned.judge not in known:
                    verdicts.append(turned)
            writers = writer_of(config, pair.about), writer_of(opponent, pair.against_about)
            yield Judged(key, pair, verdicts, writers)


def _said(
    config: RunConfig, journal: Journal, pairs: Iterable[Pair], rated: People | None
) -> Iterator[tuple[Pair, list[Verdict], str]]:
    """Each pair with what its subject's run knows of it, and the key of its dialogue."""
    for name, group in groupby(pairs, attrgetter("dialogue_id")):
        dialogue = journal.named(name)
        assert dialogue, name
        key = place_of(dialogue, config.seed)
        heard = rated.into(dialogue, config.seed) if rated else dialogue
        for pair in group:
            said = _of_turn(heard, pair.turn)
            yield pair, [v for v in said if _about(v, pair)], key


def _about(verdict: Verdict, pair: Pair) -> bool:
    check = verdict.name == ATTENTION and verdict.about == pair.about
    return check or pair.holds(pair.turn, verdict)


def _of_turn(dialogue: Dialogue | None, number: int) -> Sequence[Verdict]:
    """What was said of a turn, or of the whole dialogue."""
    if dialogue is None or number == WHOLE:
        return dialogue.verdicts if dialogue else ()
    return next((turn.verdicts for turn in dialogue.turns if turn.number == number), ())
