"""Test outputs as scores: the six systems, the upper bound, likelihoods, baselines, gains."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attunement.core.strategies import Strategy
from attunement.evaluation.baselines import baseline_turns, prior_expectation
from attunement.evaluation.bootstrap import Interval
from attunement.evaluation.strategy import (
    StrategyScore,
    StrategyTurn,
    compare_strategies,
    score_strategies,
)
from attunement.evaluation.text import ReplyPair, score_replies
from attunement.trainers.decoupled.answering import Answered, read_answers
from attunement.trainers.decoupled.config import STEPS, Step
from attunement.trainers.decoupled.likelihood import likeliest, read_scores
from attunement.trainers.decoupled.report import SystemScore
from attunement.trainers.decoupled.turns import TestTurn

Given = Step | str
"""Whose strategy a responder is given: a planner's step, or `recorded`."""
RECORDED = "recorded"


def answers_folder(out: Path, part: str, step: Step, given: Given | None = None) -> Path:
    """Where the answers of a part stand; a responder's by whose strategy it was given."""
    return out / answers_name(part, step, given)


def answers_name(part: str, step: Step, given: Given | None = None) -> str:
    """The name of the stage that makes them."""
    behind = "" if given is None else f"-under-{given if given == RECORDED else f'planner-{given}'}"
    return f"test/{part}-{step}{behind}"


def likelihood_name(part: str, step: Step) -> str:
    """The name of the stage that weighs the eight strategies."""
    return f"test/{part}-{step}-likelihood"


class Outputs:
    """What all models said in the test turns, read from a run folder."""

    def __init__(self, out: Path, turns: Sequence[TestTurn]) -> None:
        self._out, self.turns = out, turns
        self._keys = [turn.key for turn in turns]

    def answers(self, part: str, step: Step, given: Given | None = None) -> list[Answered]:
        """Answers in the order of the turns."""
        return read_answers(answers_folder(self._out, part, step, given), self._keys)

    def planned(self, step: Step) -> list[StrategyTurn]:
        """The planner's sampled strategies."""
        return self._predicted([one.strategy for one in self.answers("planner", step)])

    def joint(self, step: Step) -> list[StrategyTurn]:
        """The strategies of the joint model's tags."""
        return self._predicted([one.joint[0] for one in self.answers("joint", step)])

    def weighed(self, part: str, step: Step) -> list[StrategyTurn]:
        """The likeliest strategies."""
        scores = read_scores(self._out / likelihood_name(part, step), self._keys)
        return self._predicted([likeliest(one) for one in scores])

    def _predicted(self, strategies: Sequence[Strategy | None]) -> list[StrategyTurn]:
        return [
            StrategyTurn(turn.dialogue, strategy, turn.strategy)
            for turn, strategy in zip(self.turns, strategies, strict=True)
        ]

    def replies(self, texts: Sequence[str]) -> list[ReplyPair]:
        """Replies beside the recorded ones."""
        return [
            ReplyPair(turn.dialogue, text, turn.reply)
            for turn, text in zip(self.turns, texts, strict=True)
        ]


def score_systems(outputs: Outputs) -> tuple[SystemScore, ...]:
    """The six systems, and the responders under the recorded strategies."""
    found = [_joint(outputs, step) for step in STEPS]
    for planner in STEPS:
        score = score_strategies(outputs.planned(planner))
        for responder in STEPS:
            name = f"planner {planner} + responder {responder}"
            found.append(_responder(outputs, name, responder, planner, score))
    for responder in STEPS:
        name = f"recorded strategy + responder {responder}"
        found.append(_responder(outputs, name, responder, RECORDED, None))
    return tuple(found)


def _joint(outputs: Outputs, step: Step) -> SystemScore:
    said = outputs.answers("joint", step)
    return SystemScore(
        name=f"joint {step}",
        strategies=score_strategies(outputs.joint(step)),
        replies=score_replies(outputs.replies([one.joint[1] for one in said])),
        cut=sum(one.cut for one in said),
    )


def _responder(
    outputs: Outputs, name: str, step: Step, given: Given, strategies: StrategyScore | None
) -> SystemScore:
    said = outputs.answers("responder", step, given)
    return SystemScore(
        name=name,
        strategies=strategies,
        replies=score_replies(outputs.replies([one.text for one in said])),
        cut=sum(one.cut for one in said),
    )


def score_likelihoods(outputs: Outputs) -> dict[str, StrategyScore]:
    """The strategies that planners and joint models hold for the likeliest."""
    return {
        f"{part} {step}": score_strategies(outputs.weighed(part, step))
        for part in ("planner", "joint")
        for step in STEPS
    }


def score_baselines(
    train: Mapping[str, Sequence[Strategy]], test: Mapping[str, Sequence[Strategy]], seed: int
) -> tuple[dict[str, StrategyScore], dict[str, float]]:
    """The baselines' scores, and the expected figures of the prior."""
    scores = {
        str(name): score_strategies(turns)
        for name, turns in baseline_turns(train, test, seed).items()
    }
    return scores, prior_expectation(train, test)


def gains(outputs: Outputs) -> dict[str, dict[str, Interval]]:
    """What DPO changed in the choice of strategies, paired by turn."""
    sft, dpo = STEPS
    pairs = {
        "planner, sampled": (outputs.planned(dpo), outputs.planned(sft)),
        "planner, likeliest": (outputs.weighed("planner", dpo), outputs.weighed("planner", sft)),
        "joint, sampled": (outputs.joint(dpo), outputs.joint(sft)),
        "joint, likeliest": (outputs.weighed("joint", dpo), outputs.weighed("joint", sft)),
    }
    return {name: compare_strategies(*sides) for name, sides in pairs.items()}
