"""The stages of recipe B up to its models: data, corpus, base, SFT, mining, DPO."""

from dataclasses import replace
from pathlib import Path

from attunement.agents.models.registry import make_backend
from attunement.core.errors import StoppedError
from attunement.simulator.run import run
from attunement.trainers.corpora.making import corpus_config, make_corpus
from attunement.trainers.corpora.mining import label
from attunement.trainers.corpora.recorded import import_recorded
from attunement.trainers.corpora.recorded_plan import RecordedCorpus
from attunement.trainers.corpora.splits import SPLITS
from attunement.trainers.decoupled.config import PARTS, Part, Step
from attunement.trainers.decoupled.data import split_file, write_splits
from attunement.trainers.decoupled.fitting import FittedChat
from attunement.trainers.decoupled.turns import SETS
from attunement.trainers.decoupled.work import (
    BASE,
    CORPUS,
    DATA,
    MINING,
    PAIRS,
    Adapter,
    Work,
    adapter_hash,
)
from attunement.trainers.evolve.models import model_hash, training_settings
from attunement.trainers.evolve.stages import Done, Stage, folder_hash
from attunement.trainers.evolve.work import (
    carry_out,
    named,
    prompts_hash,
    run_hash,
    run_settings,
    usual,
)
from attunement.trainers.learning.report import ADAPTER
from attunement.trainers.learning.settings import TrainConfig

Adapters = dict[Part, Adapter]
PAIR_SETS = {"planner": "strategy", "responder": "response", "joint": "joint"}
"""What each part learns preferences from."""


def split_data(work: Work) -> Done:
    """The recorded dialogues, one file a split."""
    config = work.config
    files = [Path(name) for name in config.recorded]
    settings = {
        "recorded": [path.name for path in files], "split": config.split, "seed": config.seed,
        **named("subsample", config.subsample),
    }  # fmt: skip
    reads = {f"file {path.name}": folder_hash(path) for path in files}

    def write(folder: Path) -> None:
        write_splits(files, folder, config.split, config.subsample, config.seed)

    return work.stages.run(Stage(DATA, write, settings, reads))


def make_examples(work: Work, data: Done) -> Done:
    """The examples of the three parts, in the three splits."""
    files = [split_file(work.out / DATA, split) for split in SPLITS]

    def write(folder: Path) -> None:
        if folder.exists():  # it is whole or not there
            return
        plan = RecordedCorpus.parse(recipe="decoupled", split="files", seed=work.config.seed)
        import_recorded(files, folder, plan)

    stage = Stage(CORPUS, write, {"prompts": prompts_hash()}, {"data": data.output})
    return work.stages.run(stage)


def base_model(work: Work, data: Done) -> Done:
    """The base: taken as it is, or made from scratch."""
    scratch = work.config.base.scratch
    if scratch is None:
        taken = Stage(
            BASE,
            lambda _: None,
            named("base", work.config.base),
            output=lambda _: model_hash(work.base),
        )
        return work.stages.run(taken)

    def build(folder: Path) -> None:
        from attunement.trainers.decoupled.base import build_base

        train = split_file(work.out / DATA, "train")
        build_base(scratch, train, folder, work.config.seed, work.display.training)

    settings = named("base.scratch", scratch) | {"seed": work.config.seed}
    settings |= {"prompts": prompts_hash()}
    stage = Stage(
        BASE, build, settings, {"data": data.output}, lambda _: model_hash(work.base),
        usual("base.scratch", scratch),
    )  # fmt: skip
    return work.stages.run(stage)


# ---- trainings ----------------------------------------------------------------------------------


def fine_tune(work: Work, base: Done, corpus: Done) -> Adapters:
    """The three adapters after supervised fine-tuning."""
    reads = {"base": base.output, "corpus": corpus.output}
    configs = {
        part: work.config.training(
            "sft", part, model=work.base, corpus=str(work.out / CORPUS), set=SETS[part]
        )
        for part in PARTS
    }
    return {part: _trained(work, "sft", part, configs[part], reads) for part in PARTS}


def prefer(work: Work, base: Done, before: Adapters, pairs: Done) -> Adapters:
    """The three adapters after preference learning, each against its own fine-tuned model."""
    found: Adapters = {}
    for part in PARTS:
        reads = {
            "base": base.output, "adapter": before[part].done.output, "pairs": pairs.output,
        }  # fmt: skip
        config = work.config.training(
            "dpo", part, model=work.base, adapter=str(before[part].path),
            corpus=str(work.out / PAIRS), set=PAIR_SETS[part],
        )  # fmt: skip
        found[part] = _trained(work, "dpo", part, config, reads)
    return found


def _trained(
    work: Work, step: Step, part: Part, config: TrainConfig, reads: dict[str, str]
) -> Adapter:
    name = f"{step}/{part}"

    def learn(folder: Path) -> None:
        from attunement.trainers.learning.training import train

        train(config, folder, work.display.training, resume=folder.exists())

    settings = training_settings(f"{step}.{part}", config)
    settings.pop(f"{step}.{part}.adapter", None)  # a path; what is read is told by its hash
    new = usual(f"{step}.{part}", config)
    done = work.stages.run(Stage(name, learn, settings, reads, adapter_hash, new))
    return Adapter(part, work.out / name / ADAPTER, done)


# ---- mining -------------------------------------------------------------------------------------


def mine(work: Work, data: Done, base: Done, adapters: Adapters) -> Done:
    """The train split as the fine-tuned models answer it, and what the judge says of that."""
    mining = work.config.mining
    models = {part: work.spec(adapter.path) for part, adapter in adapters.items()}
    config = work.config.mined(split_file(work.out / DATA, "train"), models)
    settings = run_settings("mining", mining) | {
        "seed": work.config.seed, "backend": work.config.backend,
    }  # fmt: skip
    settings |= {f"sft.{part}.max_length": work.config.history(part) for part in PARTS}
    settings = {
        name: value
        for name, value in settings.items()
        if not name.startswith(("mining.split", "mining.filters"))
    }
    reads = {"data": data.output, "base": base.output} | {
        part: adapter.done.output for part, adapter in adapters.items()
    }

    def sample(folder: Path) -> None:
        fits = work.fits()
        backends = [
            FittedChat(make_backend(models[part], engine=mining.engine), fits[part])
            for part in PARTS
        ]
        display = replace(work.display, run=lambda folder: run(folder, backends=backends))
        carry_out(folder, config, display)
        work.display.say(f"{MINING}: {mining.judge} judges what was sampled")
        if not label(folder, mining.judge):
            raise StoppedError(f"run {str(folder)!r} was stopped")

    new = usual("mining", mining)
    return work.stages.run(Stage(MINING, sample, settings, reads, run_hash, new))


def make_pairs(work: Work, mined: Done) -> Done:
    """The preference pairs of the three parts."""
    mining, seed = work.config.mining, work.config.seed

    def write(folder: Path) -> None:
        if folder.exists():  # it is whole or not there
            return
        config = corpus_config(split=mining.split, seed=seed, filters=mining.filters)
        make_corpus([work.out / MINING], folder, config)

    settings = {
        "mining.split": mining.split, "seed": seed, **named("mining.filters", mining.filters)
    }  # fmt: skip
    new = usual("mining", mining)
    return work.stages.run(Stage(PAIRS, write, settings, {"mined": mined.output}, usual=new))
