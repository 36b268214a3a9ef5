"""Measuring M_t: its direct replies to people whom no training has seen, without reflection."""

from attunement.evaluation.outcomes import Scores, score_run
from attunement.trainers.evolve.stages import Done, Stage
from attunement.trainers.evolve.work import (
    Evolution,
    Model,
    carry_out,
    run_hash,
    run_settings,
    usual,
)


def measure(work: Evolution, model: Model, people: Done) -> Done:
    """The dialogues that M_t is measured in; the run folder is the stage's.

    Place, person and seed of each dialogue are the same for every model, so that they compare in
    pairs.
    """
    config = work.config.measuring(work.spec(model), str(work.held_out_cards))
    settings = run_settings("evaluate", work.config.evaluate)
    settings.pop("evaluate.by")  # how figures are read, not how they came to be
    settings |= {"seed": work.config.seed, "backend": work.config.backend}
    stage = Stage(
        f"m{model.t}/evaluate", lambda folder: carry_out(folder, config, work.display), settings,
        {"model": model.hash, "held-out people": people.output}, run_hash,
        usual("evaluate", work.config.evaluate),
    )  # fmt: skip
    return work.stages.run(stage)


def scores_of(work: Evolution, done: Done) -> Scores:
    """The figures of a model that was measured."""
    return score_run([work.out / done.name], work.config.evaluate.by)
