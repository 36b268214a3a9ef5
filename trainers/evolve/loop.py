"""Recipe A's loop (arXiv 2505.16610): M_t writes, reflects, refines; M_{t+1} learns from that.

    ledger = evolve(read_evolution(Path("configs/evolve-pocket.toml")), Path("runs/001"))

For each t: dialogues by M_t, pairs, a training against M_t, dialogues of M_{t+1} with held-out
people, and a decision. Every step is a stage, so that a run that was stopped anywhere goes on where
it stopped, and more iterations can be added to a finished one.
"""

from pathlib import Path

from attunement.core.errors import RunFolderError
from attunement.personas.cards import load_personas
from attunement.personas.files import write_atomically
from attunement.simulator.frame import locked
from attunement.simulator.run import CONFIG
from attunement.trainers.evolve.book import Book, Step
from attunement.trainers.evolve.config import EvolveConfig
from attunement.trainers.evolve.ledger import Ledger, forget_from
from attunement.trainers.evolve.making import CORPUS, make_pairs, simulate
from attunement.trainers.evolve.measuring import measure
from attunement.trainers.evolve.models import first_model, next_model
from attunement.trainers.evolve.people import check_unseen, freeze
from attunement.trainers.evolve.stages import Done, Planned, Stage, Stages, claim, folder_hash
from attunement.trainers.evolve.work import PEOPLE, Display, Evolution, named, usual


def evolve(
    config: EvolveConfig, out: Path, display: Display | None = None, redo: bool = False
) -> Ledger:
    """Run a self-evolution in `out`, or go on with it; returns its ledger.

    `ConfigError` names a setting that has changed since a stage was done or begun, unless `redo`:
    then that stage is done again, and every one whose input becomes another by it. It is raised,
    too, where a file that trains has come to hold a held-out person. `StoppedError` where a signal
    stopped a run of dialogues. What a stage raises leaves all before it standing.
    """
    display = display or Display()
    claim(out, config.recipe)
    with locked(out):
        planned = plan(config, out, redo)  # refuses a changed setting before anything is done
        if due := [_place(stage) for stage in planned if not stage.skipped]:
            forget_from(out, min(due))
        write_atomically(out / CONFIG, config.dump().encode(), RunFolderError)
        stages = Stages(out, redo=redo, say=display.say)
        return _run(Evolution(config, out, stages, display))


def plan(config: EvolveConfig, out: Path, redo: bool = True) -> tuple[Planned, ...]:
    """What `evolve` would do, stage by stage, as far as it can be known: nothing is written.

    Without `redo`, `ConfigError` for a setting that has changed; with or without, for a held-out
    person in what trains.
    """
    stages = Stages(out, redo=redo, dry=True)
    _run(Evolution(config, out, stages))
    return tuple(stages.plan)


def _place(stage: Planned) -> int:
    """t of the first model that a stage is for."""
    place = stage.name.partition("/")[0]
    return 0 if place == PEOPLE else int(place.removeprefix("m"))


def _run(work: Evolution) -> Ledger:
    """Pass over all stages once."""
    book = Book(work)
    people = _people(work)
    model = first = first_model(work)
    book.enter(Step(first, measure(work, first, people)))
    for _ in range(work.config.iterations):
        start = model if work.config.start == "previous" else first
        pairs = make_pairs(work, model, simulate(work, model, people))
        new = next_model(work, model, start, work.out / pairs.name / CORPUS, pairs.output)
        if not book.enter(Step(new, measure(work, new, people), model, start, pairs)):
            return book.close("stopped")
        model = new
    return book.close("done")


def _people(work: Evolution) -> Done:
    personas = work.config.personas
    source = Path(personas.source)
    reads = {"personas.source": folder_hash(source)} if source.exists() else {}
    stage = Stage(
        PEOPLE, lambda folder: freeze(work.config, folder), named("personas", personas), reads,
        usual=usual("personas", personas),
    )  # fmt: skip
    done = work.stages.run(stage)
    if work.stages.dry and done.known:
        # Frozen before: what trains may be another file by now. A new one looks for itself.
        check_unseen(load_personas(work.held_out_cards), work.config)
    return done
