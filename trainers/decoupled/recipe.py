"""Recipe B from recorded dialogues to its table (arXiv 2505.16995), stage by stage.

    report = run_decoupled(read_decoupled(Path("configs/decoupled-pocket.toml")), Path("runs/b"))

Planner, responder and the joint baseline are three adapters of one base: fine-tuned on the train
split, mined for preferences on it, and trained on those against themselves. Six systems are then
measured on the test split, each turn on its recorded history. What was stopped goes on where it
stopped; what is done and unchanged is skipped.
"""

from pathlib import Path

from attunement.agents.models.registry import make_backend
from attunement.core.errors import ConfigError, RunFolderError
from attunement.personas.files import write_atomically
from attunement.simulator.frame import locked
from attunement.simulator.run import CONFIG
from attunement.trainers.corpora.report import CorpusReport
from attunement.trainers.corpora.splits import SPLITS
from attunement.trainers.corpora.writing import REPORT as CORPUS_REPORT
from attunement.trainers.decoupled.asking import Asking
from attunement.trainers.decoupled.config import PARTS, STEPS, DecoupledConfig
from attunement.trainers.decoupled.data import split_file
from attunement.trainers.decoupled.report import (
    MARKDOWN,
    REPORT,
    DecoupledReport,
    markdown,
    read_decoupled_report,
)
from attunement.trainers.decoupled.stages import (
    base_model,
    fine_tune,
    make_examples,
    make_pairs,
    mine,
    prefer,
    split_data,
)
from attunement.trainers.decoupled.testing import (
    Outputs,
    gains,
    score_baselines,
    score_likelihoods,
    score_systems,
)
from attunement.trainers.decoupled.turns import read_turns, strategies_of
from attunement.trainers.decoupled.work import BASE, CORPUS, DATA, PAIRS, Work
from attunement.trainers.decoupled.work import REPORT as REPORT_STAGE
from attunement.trainers.evolve.stages import Done, Planned, Stage, Stages, claim, write_json
from attunement.trainers.evolve.work import Display
from attunement.trainers.learning.report import TrainReport, read_report


def run_decoupled(
    config: DecoupledConfig, out: Path, display: Display | None = None, redo: bool = False
) -> DecoupledReport:
    """Run the recipe in `out`, or go on with it; returns its report.

    `ConfigError` names a setting that has changed since a stage was done, unless `redo`: then that
    stage is done again, and every one whose input becomes another by it. `StoppedError` where a
    signal stopped it. What a stage raises leaves all before it standing.
    """
    display = display or Display()
    claim(out, config.recipe)
    with locked(out):
        _check(config)
        plan(config, out, redo)  # a changed setting is refused before anything is done
        write_atomically(out / CONFIG, config.dump().encode(), RunFolderError)
        _run(Work(config, out, Stages(out, redo=redo, say=display.say), display))
    report = read_decoupled_report(out)
    assert report is not None  # the last stage has written it
    return report


def plan(config: DecoupledConfig, out: Path, redo: bool = True) -> tuple[Planned, ...]:
    """What `run_decoupled` would do, stage by stage, as far as it can be known.

    Without `redo`, `ConfigError` for a setting that has changed.
    """
    stages = Stages(out, redo=redo, dry=True)
    _run(Work(config, out, stages, Display()))
    return tuple(stages.plan)


def _check(config: DecoupledConfig) -> None:
    """What would fail hours later is refused at once."""
    make_backend(config.mining.judge, config.mining.base_url)
    model = config.base.model
    if config.backend == "vllm" and model is not None and not Path(model).is_dir():
        raise ConfigError(
            f"`base.model` {model!r} is no folder, and vLLM samples from folders alone; name one, "
            'or set `backend = "hf"`'
        )


def _run(work: Work) -> None:
    """Pass over all stages once."""
    data = split_data(work)
    corpus = make_examples(work, data)
    base = base_model(work, data)
    sft = fine_tune(work, base, corpus)
    pairs = make_pairs(work, mine(work, data, base, sft))
    dpo = prefer(work, base, sft, pairs)
    done = Asking(
        work, {"base": base.output, "corpus": corpus.output}, {"sft": sft, "dpo": dpo}
    ).run()
    _report(work, done)


# ---- the report ---------------------------------------------------------------------------------


def _report(work: Work, done: list[Done]) -> Done:
    def write(folder: Path) -> None:
        report = make_report(work)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKDOWN).write_text(markdown(report), "utf-8")
        write_json(folder / REPORT, report.model_dump(mode="json"))

    reads = {one.name: one.output for one in done}
    return work.stages.run(Stage(REPORT_STAGE, write, {"seed": work.config.seed}, reads))


def make_report(work: Work) -> DecoupledReport:
    """The report of a run whose other stages are done."""
    corpus = work.out / CORPUS
    turns = read_turns(corpus, "test")
    outputs = Outputs(work.out, turns)
    baselines, expected = score_baselines(
        strategies_of(corpus, "train"), strategies_of(corpus, "test"), work.config.seed
    )
    return DecoupledReport(
        dialogues={split: _dialogues(split_file(work.out / DATA, split)) for split in SPLITS},
        turns=len(turns),
        base=work.config.base.model or BASE,
        trainings=_trainings(work),
        mined=_mined(work.out / PAIRS),
        systems=score_systems(outputs),
        likelihood=score_likelihoods(outputs),
        baselines=baselines,
        prior_expectation=expected,
        gains=gains(outputs),
    )


def _dialogues(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _trainings(work: Work) -> dict[str, TrainReport]:
    from attunement.trainers.decoupled.base import TRAINING

    names = {"base": Path(BASE) / TRAINING} | {
        f"{step}/{part}": Path(step) / part for step in STEPS for part in PARTS
    }
    found = {name: read_report(work.out / folder) for name, folder in names.items()}
    return {name: report for name, report in found.items() if report is not None}


def _mined(pairs: Path) -> dict[str, dict[str, int]]:
    report = CorpusReport.model_validate_json((pairs / CORPUS_REPORT).read_bytes())
    return {name: {"kept": s.kept} | s.dropped for name, s in report.sets.items()}
