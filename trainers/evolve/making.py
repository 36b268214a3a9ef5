"""Pairs by M_t: its dialogues, what became of their turns, the corpus, and the lint."""

import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import orjson

from attunement.core.errors import UserError
from attunement.core.records import Dialogue, Record, Role
from attunement.core.seeds import derive_seed
from attunement.evaluation.bootstrap import Interval, mean_interval
from attunement.evaluation.reflection import ReflectionMeter
from attunement.evaluation.summary import RunSummary, summarise
from attunement.simulator.run import open_run
from attunement.trainers.corpora.calls import lessons_of, write_lessons
from attunement.trainers.corpora.making import CorpusConfig, make_corpus
from attunement.trainers.corpora.report import CorpusReport
from attunement.trainers.corpora.writing import REPORT
from attunement.trainers.evolve.controls import controlled
from attunement.trainers.evolve.ranking import loose, rank
from attunement.trainers.evolve.refining import read_refinements, refine_again
from attunement.trainers.evolve.reward import RewardReport
from attunement.trainers.evolve.rewriting import SET
from attunement.trainers.evolve.stages import Done, Stage, folder_hash, write_json
from attunement.trainers.evolve.work import (
    Evolution,
    Model,
    carry_out,
    named,
    run_hash,
    run_settings,
    usual,
)
from attunement.trainers.lint.linting import Options, lint
from attunement.trainers.lint.report import Finding, LintReport
from attunement.trainers.lint.tokens import load_tokenizer

CORPUS, LINT, MADE, REWARD = "corpus", "lint.json", "made.json", "reward.json"
RETAINED = "retained"
RETAINED_ROLES: tuple[Role, ...] = ("reflector", "refiner")
"""M_t's own calls that M_{t+1} learns again, and of which roles."""
PLAIN, FIRST = "uncontrolled", "unranked"
"""The corpus before a control, and before a reward has chosen."""

WATCHED = ("length-effect", "longer-share")
"""Findings that refuse nothing: by the recipe's own filter a refinement may be up to twice as long
as its draft, and the gate on words judges what comes of it."""


class Making(Record):
    """What came of the dialogues that pairs were made from."""

    by: int
    """t of the model M_t that drafted, reflected and refined."""
    dialogues: int
    failed: int
    turns: int
    """Supporter turns."""
    set_aside: dict[str, int]
    """Turns without a usable answer, by role: what grows when a model drifts."""
    refined: int
    """Turns whose refinement has other words than the draft."""
    pairs: int
    """That were kept, of all splits."""
    dropped: dict[str, int]
    """Reason -> turns that gave no pair."""
    splits: dict[str, int]
    chosen_words: float
    rejected_words: float
    longer: float
    """Share of pairs whose chosen side has more words."""
    reflections: int
    """Turns with a reflection."""
    reflection: Interval | None
    """Share of a dialogue's reflections that name the seeker's emotion rightly, over dialogues."""
    emotion_majority: float | None
    """The share that always naming the commonest emotion would have."""
    need_recall: float | None
    """Share of the seekers' hidden needs that reflections name."""
    lint: tuple[str, ...] = ()
    """What the lint found above its thresholds, and did not refuse."""
    reward: RewardReport | None = None
    """Where a learned reward chose among refinements."""


def simulate(work: Evolution, model: Model, people: Done) -> Done:
    """The dialogues in which M_t drafts, reflects and refines; the run folder is the stage's."""
    t = model.t + 1
    seed = derive_seed(work.config.seed, "simulate", model.t)
    config = work.config.making(work.spec(model), str(work.train_cards), seed)
    settings = run_settings("simulate", work.config.simulate) | {
        "seed": work.config.seed, "backend": work.config.backend,
        "pairs.stronger": work.config.pairs.stronger,
    }  # fmt: skip
    reads = {"model": model.hash, "personas": people.output}
    if config.replay is not None:
        reads = {"model": model.hash, "simulate.replay": folder_hash(Path(config.replay))}
    name = f"m{t}/simulate"
    stage = Stage(
        name, lambda f: carry_out(f, config, work.display), settings, reads, run_hash,
        usual("simulate", work.config.simulate),
    )  # fmt: skip
    return work.stages.run(stage)


def make_pairs(work: Evolution, model: Model, made: Done) -> Done:
    """The corpus of a run, linted; the stage's folder holds it below `corpus`.

    With a learned reward it is made of several refinements of each draft.
    """
    run, reward = work.out / made.name, work.config.reward
    settings = named("pairs", work.config.pairs, "stronger") | {"seed": work.config.seed}
    new = usual("pairs", work.config.pairs)
    reads = {"dialogues": made.output}
    again: Path | None = None
    if reward is not None:
        refined = refine_again(work, model, made)
        settings |= named("reward", reward)
        new |= usual("reward", reward)
        reads |= {"refinements": refined.output}
        again = work.out / refined.name
    stage = Stage(
        f"m{model.t + 1}/pairs", lambda folder: _make(work, model, run, again, folder),
        settings, reads, usual=new,
    )  # fmt: skip
    return work.stages.run(stage)


def _make(work: Evolution, model: Model, run: Path, again: Path | None, folder: Path) -> None:
    """Corpora are whole or not there: what an attempt left is not made again."""
    folder.mkdir(exist_ok=True)
    seed = derive_seed(work.config.seed, "pairs", model.t)
    control = work.config.pairs.control
    ranked = folder / (CORPUS if control == "none" else PLAIN)
    plain = ranked if again is None else folder / FIRST
    if not plain.exists():
        make_corpus([run], plain, corpus_settings(work, model, seed))
    if again is not None and not (folder / REWARD).exists():
        _rank(work, run, plain, ranked, again, seed)
    if not (folder / CORPUS).exists():
        controlled(ranked, folder / CORPUS, control, seed)
    if work.config.pairs.retain and not (folder / RETAINED).exists():
        _retain(work, run, folder, seed)
    report = _lint(work, model, folder)
    making = look_at(run, folder, model.t).model_copy(update={"lint": _said(report)})
    write_json(folder / MADE, making.model_dump(mode="json"))


def _rank(work: Evolution, run: Path, plain: Path, out: Path, again: Path, seed: int) -> None:
    assert work.config.reward
    shutil.rmtree(out, ignore_errors=True)  # its report was not written
    report = rank(
        run, plain, out, read_refinements(again), work.config.reward, work.config.pairs.filters,
        seed,
    )  # fmt: skip
    write_json(out.parent / REWARD, report.model_dump(mode="json"))


def _retain(work: Evolution, run: Path, folder: Path, seed: int) -> None:
    """Keep M_t's own calls to be learnt again, of people that the train split has, drawn evenly."""
    with (folder / CORPUS / SET / "train.jsonl").open("rb") as lines:
        trained = [orjson.loads(line)["persona_id"] for line in lines]
    people = frozenset(trained)
    found = [one for one in lessons_of(run, RETAINED_ROLES) if one.persona_id in people]
    number = min(len(found), max(1, round(work.config.pairs.retain * len(trained))))
    if not number:
        raise UserError(
            f"`pairs.retain`: of {str(run)!r} there is no reflection or refinement to retain; "
            "leave it at 0, or simulate more dialogues"
        )
    chosen = np.random.default_rng(seed).choice(len(found), number, replace=False)
    write_lessons([found[i] for i in sorted(chosen)], folder / RETAINED, "calls")


def corpus_settings(work: Evolution, model: Model, seed: int) -> CorpusConfig:
    """How the corpus of M_t's turns is made."""
    pairs = work.config.pairs
    chosen = "recorded" if pairs.source == "recorded" else "refined"
    filters = loose(pairs.filters) if work.config.reward else pairs.filters
    return CorpusConfig(
        sets=(SET,), chosen=chosen, split=pairs.split, seed=seed, iteration=model.t,
        filters=filters,
    )  # fmt: skip


def _lint(work: Evolution, model: Model, folder: Path) -> LintReport:
    """Look the corpus over with the model's own tokenizer, and keep the report.

    `UserError` for pairs that the lint refuses; a control may look bad.
    """
    corpus = folder / CORPUS
    options = Options(work.config.pairs.thresholds, load_tokenizer(model.path))
    report = lint(corpus, options)
    write_json(folder / LINT, report.model_dump(mode="json"))
    control = work.config.pairs.control != "none"
    refused = [finding for finding in _over(report) if finding.check not in WATCHED]
    if refused and not control and work.config.train.get("check", True):
        said = "; ".join(f"{f.what} ({f.check}, {f.share:.0%}): {f.remedy}" for f in refused)
        raise UserError(
            f"corpus {str(corpus)!r} fails the lint: {said}; tolerate it by a threshold under "
            "[pairs.thresholds], or learn from it as it is with `check = false` under [train], and "
            "go on with --redo"
        )
    return report


def _over(report: LintReport) -> list[Finding]:
    return [finding for one in report.sets for finding in one.findings if finding.over]


def _said(report: LintReport) -> tuple[str, ...]:
    return tuple(f"{f.check}: {f.what} ({f.value:.3g})" for f in _over(report))


def look_at(run: Path, folder: Path, by: int) -> Making:
    """The figures of a run of M_`by` and of the corpus that was made of it."""
    corpus = CorpusReport.model_validate_json((folder / CORPUS / REPORT).read_bytes())
    report, reward = corpus.sets[SET], folder / REWARD
    _, journal = open_run(run)
    with closing(journal):
        summary: RunSummary = summarise(journal)
        right = _right(journal.dialogues())
    seen = summary.reflection
    return Making(
        by=by, dialogues=summary.dialogues, failed=summary.failed, turns=summary.turns,
        set_aside=summary.set_aside, refined=summary.refined,
        pairs=report.kept, dropped=report.dropped, splits=report.splits,
        chosen_words=report.words["chosen"].mean, rejected_words=report.words["rejected"].mean,
        longer=report.longer or 0.0,
        reflections=seen.turns, reflection=right,
        emotion_majority=seen.emotion_majority, need_recall=seen.need_recall,
        reward=RewardReport.model_validate_json(reward.read_bytes()) if reward.exists() else None,
    )  # fmt: skip


def _right(dialogues: Iterable[Dialogue]) -> Interval | None:
    """The share of right emotions by dialogue, averaged, with its interval."""
    shares = []
    for dialogue in dialogues:
        meter = ReflectionMeter()
        for turn in dialogue.turns:
            meter.add(dialogue.persona, turn)
        share = meter.score().emotion_accuracy
        if share is not None:
            shares.append(share)
    return mean_interval(shares)
