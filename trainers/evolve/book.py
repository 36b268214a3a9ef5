"""Keeping the ledger: a model's entry from its finished stages, and the decision about it."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from attunement.agents.prompting import packaged_prompts
from attunement.core.records import Role
from attunement.core.seeds import content_hash, derive_seed
from attunement.evaluation.outcomes import Scores, compare
from attunement.trainers.evolve.gates import Decision, decide
from attunement.trainers.evolve.ledger import Entry, Ledger, State, read_ledger, write_ledger
from attunement.trainers.evolve.making import CORPUS, MADE, Making
from attunement.trainers.evolve.measuring import scores_of
from attunement.trainers.evolve.stages import Done, folder_hash
from attunement.trainers.evolve.work import Evolution, Model
from attunement.trainers.learning.report import read_report

ROLES: tuple[Role, ...] = ("seeker", "responder", "reflector", "refiner", "planner")
"""The roles whose prompts an evolution asks with."""


@dataclass(frozen=True, slots=True)
class Step:
    """A model that has been measured, and what it was trained from."""

    model: Model
    measured: Done
    before: Model | None = None
    """M_t of an M_{t+1}: its reference. None for M_0, as with the others."""
    start: Model | None = None
    """What its training began with."""
    pairs: Done | None = None


class Book:
    """The ledger of an evolution, written after each model."""

    def __init__(self, work: Evolution) -> None:
        self.work, self.dry = work, work.stages.dry
        self.ledger = Ledger(
            version=version("attunement"), config_hash=content_hash(work.config.dump().encode())
        )
        self._scores: dict[int, Scores] = {}
        self._before = read_ledger(work.out)

    def enter(self, step: Step) -> bool:
        """Enter a model; whether the loop goes on with it.

        A dry run supposes that a model which has not been measured passes its gates.
        """
        t = step.model.t
        if not step.measured.known or (t and t - 1 not in self._scores):
            return True
        self._scores[t] = scores_of(self.work, step.measured)
        entry = self._entry(step)
        self.ledger = self.ledger.model_copy(update={"entries": (*self.ledger.entries, entry)})
        if not self._stands(entry):
            self._write()
        return entry.promoted

    def close(self, state: State) -> Ledger:
        """Say how it ended."""
        self.ledger = self.ledger.model_copy(update={"state": state})
        if self.ledger != self._before:
            self._write()
        return self.ledger

    def _stands(self, entry: Entry) -> bool:
        """Whether the ledger has this very entry already: going on does not shorten it."""
        known = self._before.entries if self._before else ()
        return entry.t < len(known) and known[entry.t] == entry

    def _write(self) -> None:
        """The picture first: a ledger that stands has its picture beside it."""
        if self.dry:
            return
        from attunement.trainers.evolve.plots import draw_evolution

        draw_evolution(self.ledger, self.work.out)
        write_ledger(self.work.out, self.ledger)

    def _entry(self, step: Step) -> Entry:
        t, work = step.model.t, self.work
        prompts = packaged_prompts()
        return Entry(
            t=t, model=step.model.path, model_hash=step.model.hash,
            personas={"train": folder_hash(work.train_cards),
                      "held_out": folder_hash(work.held_out_cards)},
            prompts={role: prompts[role].version for role in ROLES},
            seeds=self._seeds(t), scores=self._scores[t].group,
            seconds={done.name: done.seconds for done in work.stages.done()
                     if done.name.startswith(f"m{t}/")},
            **(self._learned(step) if t else {}),
        )  # fmt: skip

    def _seeds(self, t: int) -> dict[str, int]:
        seed, out = self.work.config.seed, self.work.out
        if not t:
            made = self.work.config.first.pocket or read_report(out / "m0/model")
            return {"evaluate": seed} | ({"train": made.seed} if made else {})
        drawn = {name: derive_seed(seed, name, t - 1) for name in ("simulate", "pairs")}
        trained = read_report(out / f"m{t}/train")
        assert trained  # the stage is done
        return {"evaluate": seed} | drawn | {"train": trained.seed}

    def _learned(self, step: Step) -> dict[str, Any]:
        """What only a trained model has."""
        t, work = step.model.t, self.work
        assert step.pairs
        assert step.before
        assert step.start
        training = read_report(work.out / f"m{t}/train")
        gains = compare(self._scores[t], self._scores[t - 1], work.config.evaluate.by)
        margin = training.metrics.get("margin") if training else None
        folder = work.out / step.pairs.name
        return {
            "start": step.start.path, "reference": step.before.path,
            "corpus": str(folder / CORPUS), "corpus_hash": step.pairs.output,
            "making": Making.model_validate_json((folder / MADE).read_bytes()),
            "training": training, "gains": gains,
            "gains_over_first": compare(self._scores[t], self._scores[0], work.config.evaluate.by),
            "decision": self._decision(t, gains, margin),
        }  # fmt: skip

    def _decision(self, t: int, gains: dict[str, Any], margin: float | None) -> Decision:
        first, after = self._scores[0].group, self._scores[t].group
        return decide(self.work.config.gates, gains, first, after, margin)
