"""Asking the models of recipe B in the turns of the test split: samples and likelihoods."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attunement.agents.models.registry import make_backend
from attunement.agents.prompting import ChatMessage
from attunement.trainers.decoupled.answering import answer, read_answers
from attunement.trainers.decoupled.config import PARTS, STEPS, Part, Step
from attunement.trainers.decoupled.stages import Adapters
from attunement.trainers.decoupled.testing import (
    RECORDED,
    Given,
    answers_folder,
    answers_name,
    likelihood_name,
)
from attunement.trainers.decoupled.turns import TestTurn, fitted, read_turns
from attunement.trainers.decoupled.work import CORPUS, Work
from attunement.trainers.evolve.stages import Done, Stage
from attunement.trainers.evolve.work import named, usual


class Asking:
    """The stages that ask the models in the turns of the test split."""

    def __init__(self, work: Work, reads: dict[str, str], models: dict[Step, Adapters]) -> None:
        self._work, self._reads, self._models = work, reads, models
        self._lengths = {f"sft.{p}.max_length": work.config.history(p) for p in PARTS}
        self._sampling = {
            **named("test.decoding", work.config.test.decoding), **self._lengths,
            "seed": work.config.seed, "backend": work.config.backend,
        }  # fmt: skip
        self._turns: list[TestTurn] | None = None

    def run(self) -> list[Done]:
        """Every answer and every likelihood; the stages that made them."""
        done = [self._said(part, step) for part in ("planner", "joint") for step in STEPS]
        planned = dict(zip(STEPS, done[:2], strict=True))
        for step in STEPS:
            done += [self._replied(step, given, planned[given]) for given in STEPS]
            done.append(self._replied(step, RECORDED, None))
        parts: tuple[Part, ...] = ("planner", "joint")
        return done + [self._weighed(part, step) for part in parts for step in STEPS]

    def turns(self) -> list[TestTurn]:
        """The turns, every prompt cut to what fits as in training."""
        if self._turns is None:
            self._turns = fitted(read_turns(self._work.out / CORPUS, "test"), self._work.fits())
        return self._turns

    def _said(self, part: Part, step: Step) -> Done:
        def ask(folder: Path) -> None:
            self._ask(folder, part, step, {t.key: t.prompts[part] for t in self.turns()})

        return self._run(answers_name(part, step), ask, part, step, self._sampling)

    def _replied(self, step: Step, given: Given, planned: Done | None) -> Done:
        def ask(folder: Path) -> None:
            self._ask(folder, "responder", step, self._under(given))

        reads = {"strategies": planned.output} if planned else {}
        name = answers_name("responder", step, given)
        return self._run(name, ask, "responder", step, self._sampling, reads)

    def _under(self, given: Given) -> dict[str, list[ChatMessage]]:
        """The responder's prompts under the strategies of a planner, or the recorded ones."""
        turns = self.turns()
        if given == RECORDED:
            return {t.key: t.prompts["responder"] for t in turns}
        step: Step = "sft" if given == "sft" else "dpo"
        said = read_answers(answers_folder(self._work.out, "planner", step), [t.key for t in turns])
        return {t.key: t.responder_prompt(one.strategy) for t, one in zip(turns, said, strict=True)}

    def _ask(
        self, folder: Path, part: Part, step: Step, prompts: dict[str, list[ChatMessage]]
    ) -> None:
        config, name = self._work.config, folder.relative_to(self._work.out).as_posix()
        spec = self._work.spec(self._models[step][part].path)
        backend = make_backend(spec, engine=config.test.engine)

        def told(done: int, total: int) -> None:
            self._work.display.say(f"{name}: {done:,} of {total:,} turns")

        answer(folder, backend, part, prompts, config.test.decoding, config.seed, told)

    def _weighed(self, part: Part, step: Step) -> Done:
        def weigh(folder: Path) -> None:
            from attunement.trainers.decoupled.likelihood import Weigher, write_scores
            from attunement.trainers.learning.models import precision_of

            config, turns = self._work.config, self.turns()
            precision = precision_of(config.training("sft", part))
            weigher = Weigher(self._work.base, self._models[step][part].path, precision)
            prompts = [turn.prompts[part] for turn in turns]
            scores = weigher.weigh(part, prompts, config.test.batch)
            write_scores(folder, [turn.key for turn in turns], scores)

        return self._run(likelihood_name(part, step), weigh, part, step, self._lengths)

    def _run(
        self,
        name: str,
        ask: Callable[[Path], None],
        part: Part,
        step: Step,
        settings: dict[str, Any],
        reads: dict[str, str] | None = None,
    ) -> Done:
        adapter = self._models[step][part].done.output
        reads = {**self._reads, "adapter": adapter, **(reads or {})}
        new = usual("test.decoding", self._work.config.test.decoding)
        return self._work.stages.run(Stage(name, ask, settings, reads, usual=new))
