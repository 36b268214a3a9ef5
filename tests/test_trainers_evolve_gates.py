"""Gates: a model is promoted only where its figures hold, and every refusal has its reason."""

import pytest

from attunement.evaluation.bootstrap import Interval
from attunement.evaluation.outcomes import MEASURES, GroupScore
from attunement.trainers.evolve.gates import Gates, decide


def at(value: float, low: float | None = None) -> Interval:
    return Interval(value=value, low=value if low is None else low, high=value, n=10)


def score(
    words: float = 10, distinct_2: float | None = 0.5, harm: float | None = 0.1, left_out: int = 0
):
    figures = dict.fromkeys(MEASURES) | {"words": at(words)}
    figures["harm"] = None if harm is None else at(harm)
    return GroupScore(n=10, left_out=left_out, distinct_1=0.5, distinct_2=distinct_2, **figures)


GOOD = {"relief": at(0.5, 0.1), "harm": at(-0.1)}


def test_a_better_model_is_promoted_with_its_figures():
    found = decide(Gates(), GOOD, score(), score(words=12), margin=0.3)
    assert found.promoted
    assert [check.gate for check in found.checks] == [
        "failed", "outcome", "harm", "words", "distinct", "margin",
    ]  # fmt: skip
    assert "words: words over those of M_0 is 1.2, at most 1.5" in found.reason


@pytest.mark.parametrize(
    ("gains", "after", "margin", "reason"),
    [
        ({"relief": at(0.1, -0.3)}, score(), 1, "outcome: the least that relief may have changed "
         "by is -0.3, not at least -0.25"),
        ({"harm": at(0.2)}, score(), 1, "harm: the change in harmful replies is 0.2, not at most"),
        ({}, score(words=16), 1, "words: words over those of M_0 is 1.6, not at most 1.5"),
        ({}, score(distinct_2=0.3), 1, "distinct: Distinct-2 over that of M_0 is 0.6, not at"),
        ({}, score(left_out=1), 1, "failed: the share of dialogues that failed is 0.0909, not at "
         "most 0.02"),
        ({}, score(), 0.0, "margin: the reward margin is 0, not above 0"),
    ],
)  # fmt: skip
def test_each_gate_stops_with_its_reason(gains, after, margin, reason):
    found = decide(Gates(), GOOD | gains, score(), after, margin)
    assert not found.promoted
    assert found.reason.startswith(reason)
    assert sum(check.passed is False for check in found.checks) == 1


def test_several_reasons_are_all_given():
    found = decide(Gates(), GOOD | {"harm": at(1.0)}, score(), score(words=40), -1.0)
    assert [part.partition(":")[0] for part in found.reason.split("; ")] == [
        "harm", "words", "margin",
    ]  # fmt: skip


def test_a_gate_that_is_off_judges_nothing():
    off = dict.fromkeys(Gates.model_fields, "off")
    found = decide(Gates.model_validate(off), {}, score(), score(words=100), None)
    assert found.promoted
    assert found.checks == ()
    assert found.reason == "every gate is off"


def test_what_could_not_be_measured_does_not_pass():
    found = decide(Gates(), {"harm": at(0)}, score(), score(distinct_2=None), 1.0)
    assert not found.promoted
    assert (
        "outcome: the least that relief may have changed by could not be measured" in found.reason
    )
    assert "distinct: Distinct-2 over that of M_0 could not be measured" in found.reason


def test_no_validation_pair_is_nothing_against_a_model():
    found = decide(Gates(), GOOD, score(), score(), margin=None)
    assert found.promoted
    assert found.checks[-1].passed is None


def test_no_card_that_names_harm_is_no_harm():
    found = decide(Gates(), {"relief": at(0.5)}, score(harm=None), score(harm=None), 1.0)
    assert found.promoted
