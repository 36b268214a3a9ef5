"""How the models come to be: M_0 taken, built or fine-tuned, and M_{t+1} trained from pairs."""

from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError
from attunement.core.seeds import content_hash, derive_seed
from attunement.trainers.evolve.config import Settings
from attunement.trainers.evolve.making import RETAINED
from attunement.trainers.evolve.stages import Stage, folder_hash
from attunement.trainers.evolve.work import Evolution, Model, named, prompts_hash, usual
from attunement.trainers.learning.folder import FREE
from attunement.trainers.learning.report import CARD, MERGED, read_report
from attunement.trainers.learning.settings import Method, TrainConfig
from attunement.trainers.pocket.config import PocketConfig


def first_model(work: Evolution) -> Model:
    """M_0. Raises what building or training it raises; `ConfigError` for a model not there."""
    first = work.config.first
    if first.pocket is not None:
        return _pocket(work, first.pocket)
    assert first.model is not None
    path = first.model
    if first.corpus is not None:
        return _fine_tuned(work, path, first.corpus)
    taken = Stage(
        "m0/model", _nothing_to_do, named("first", first), output=lambda _: model_hash(path),
        usual=usual("first", first),
    )  # fmt: skip
    return Model(0, path, work.stages.run(taken).output)


def _nothing_to_do(folder: Path) -> None:
    """The model is taken as it is: there is nothing to make."""


def _fine_tuned(work: Evolution, model: str, corpus: str) -> Model:
    config = training(
        "sft", work.config.first.train, derive_seed(work.config.seed, "first"),
        model=model, corpus=corpus,
    )  # fmt: skip
    reads = {"model": model_hash(model), "corpus": folder_hash(Path(corpus))}
    name = "m0/model"
    stage = Stage(
        name, lambda folder: trained(folder, config, work),
        training_settings("first.train", config), reads, trained_hash,
        usual("first.train", config),
    )  # fmt: skip
    done = work.stages.run(stage)
    return Model(0, str(work.out / name / MERGED), done.output)


def _pocket(work: Evolution, config: PocketConfig) -> Model:
    def build(folder: Path) -> None:
        from attunement.trainers.pocket.building import build_into

        if not folder.exists():  # a copy is whole or not there
            build_into(config, folder, work.display.say, work.display.training)

    name = "m0/model"
    settings = named("first.pocket", config, "threads") | {"prompts": prompts_hash()}
    done = work.stages.run(Stage(name, build, settings, usual=usual("first.pocket", config)))
    return Model(0, str(work.out / name), done.output)


def next_model(work: Evolution, model: Model, start: Model, corpus: Path, made: str) -> Model:
    """M_{t+1}, trained from `start` against M_t, with a corpus of pairs whose hash is `made`."""
    t = model.t + 1
    # Where it begins with M_t, the reference is that model with its adapter switched off.
    reference = None if start == model else model.path
    seed = derive_seed(work.config.seed, "train", t)
    config = training(
        "dpo", work.config.train, seed,
        model=start.path, reference=reference, corpus=str(corpus), set="response",
        retain=str(corpus.parent / RETAINED) if work.config.pairs.retain else None,
        check=False,  # the pairs have been looked over, by the evolution's own thresholds
    )  # fmt: skip
    settings = training_settings("train", config) | {"start": work.config.start}
    reads = {"pairs": made, "model": start.hash, "reference": model.hash}
    name = f"m{t}/train"
    stage = Stage(
        name, lambda folder: trained(folder, config, work), settings, reads, trained_hash,
        usual("train", config),
    )  # fmt: skip
    done = work.stages.run(stage)
    return Model(t, str(work.out / name / MERGED), done.output)


def training(method: Method, given: Settings, seed: int, **ours: Any) -> TrainConfig:
    """A training of the loop: its own seed, and whole weights at its end."""
    own = {"seed": seed % 2**32, "merge": True}
    return TrainConfig.model_validate({**own, **given, **ours, "method": method})


def training_settings(prefix: str, config: TrainConfig) -> dict[str, Any]:
    """What a training's result depends on, beside the files that it reads."""
    return named(prefix, config, "model", "reference", "corpus", "retain", *FREE)


def trained(folder: Path, config: TrainConfig, work: Evolution) -> None:
    """Train, or go on from the newest checkpoint."""
    from attunement.trainers.learning.training import train

    train(config, folder, work.display.training, resume=True)


def trained_hash(folder: Path) -> str:
    """The hash of a trained model. `ConfigError` where its training did not finish."""
    if read_report(folder) is None:
        raise ConfigError(f"training {str(folder)!r} is not finished")
    return folder_hash(folder / MERGED, CARD)


def model_hash(name: str) -> str:
    """The hash of a model's folder without its card; of a hub's model the hash of its name."""
    path = Path(name)
    return folder_hash(path, CARD) if path.is_dir() else content_hash(f"hub:{name}".encode())
