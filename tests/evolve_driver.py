"""A process whose children are killed: an evolution that is ended in one stage after another.

    python -m tests.evolve_driver FOLDER

One child runs the evolution of `tiny_evolution` in FOLDER/whole/run without a break. Each of the
others goes on with it in FOLDER/killed/run until it reaches its place in `PLACES`, and kills itself
there; the last one finishes. One line a child says how it ended. All are forked from a process that
has imported everything, which is most of what they would take.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attunement.simulator import journal
from attunement.trainers.evolve import book, making, people
from attunement.trainers.evolve.config import EvolveConfig, check_evolution
from attunement.trainers.evolve.gates import Gates
from attunement.trainers.evolve.loop import evolve
from attunement.trainers.evolve.work import Display
from attunement.trainers.learning.report import Progress

OUT = Path("run")
PLACES: dict[str, tuple[Any, str, int]] = {
    "personas": (people, "write_personas", 2),
    "m0/evaluate": (journal.Journal, "write_turn", 2),
    "m1/simulate": (journal.Journal, "write_turn", 5),
    "m1/pairs": (making, "lint", 1),
    "m1/evaluate": (book, "write_ledger", 1),
}
"""Stage -> what is called for the n-th time, in it, when it is killed."""
TRAINING = "m1/train"
"""Killed in its second step, when the first has left a checkpoint."""
ORDER = ("personas", "m0/evaluate", "m1/simulate", "m1/pairs", TRAINING, "m1/evaluate")


def tiny_evolution(**sections: Any) -> EvolveConfig:
    """One iteration in seconds, from the tiny model in `../model`; settings of sections on top."""
    one_by_one = {"max_batch": 1}  # a batch's make-up depends on time, and rounding on the batch
    settings: dict[str, Any] = {
        "iterations": 1,
        "first": {"model": "../model"},
        "personas": {"train": 8, "held_out": 2},
        "simulate": {
            "dialogues": 3, "max_turns": 3, "decoding": {"max_tokens": 16}, "engine": one_by_one,
        },
        # Drafts are noise, and the length of noise is no ground for leaving a pair out.
        "pairs": {
            "source": "stronger", "stronger": "rehearsal",
            "filters": {"max_length_ratio": 0, "min_history": 1}, "retain": 0.5,
        },
        "train": {
            "max_steps": 3, "save_every": 1, "learning_rate": 1e-3, "max_length": 2048,
            "batch_size": 2, "accumulation": 1, "threads": 1, "device": "cpu", "check": False,
            "report_to": ["none"],
        },
        "evaluate": {
            "seeds": 2, "max_turns": 2, "decoding": {"max_tokens": 16}, "engine": one_by_one,
        },
        "gates": dict.fromkeys(Gates.model_fields, "off"),
    }  # fmt: skip
    for name, given in sections.items():
        settings[name] = settings[name] | given if isinstance(given, dict) else given
    return check_evolution(settings)


class Killer:
    """Ends this process at one place of one stage."""

    def __init__(self, stage: str | None) -> None:
        self.stage, self.now = stage, ""
        if stage in PLACES:
            owner, name, nth = PLACES[stage]
            setattr(owner, name, self._dying(getattr(owner, name), nth))

    def display(self) -> Display:
        return Display(say=self._say, training=self._training)

    def _say(self, line: str) -> None:
        self.now = line.partition(":")[0]

    def _training(self, progress: Progress) -> None:
        if self.now == self.stage == TRAINING and progress.stage == "training":
            self._end(progress.done == 2)

    def _dying(self, call: Callable[..., Any], nth: int) -> Callable[..., Any]:
        calls = 0

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += self.now == self.stage
            self._end(calls == nth)
            return call(*args, **kwargs)

        return counted

    def _end(self, here: bool) -> None:
        if here:
            os.kill(os.getpid(), signal.SIGKILL)


def _child(stage: str | None) -> None:
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = None if killed else os.waitstatus_to_exitcode(status)
        print(json.dumps({"stage": stage, "killed": killed, "code": code}), flush=True)
        return
    code = 1
    try:
        evolve(tiny_evolution(), OUT, Killer(stage).display())
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    import matplotlib.figure  # noqa: F401
    import peft  # noqa: F401
    import trl  # noqa: F401

    import attunement.trainers.learning.sitting  # noqa: F401

    folder = Path(sys.argv[1])
    for name, places in (("whole", (None,)), ("killed", (*ORDER, None))):
        (folder / name).mkdir()
        os.chdir(folder / name)
        for place in places:
            _child(place)
