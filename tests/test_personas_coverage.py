"""Coverage: every cell is counted, and the empty ones are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.core.errors import PersonaError
from attunement.core.records import Demographics, Emotion, Persona, Problem
from attunement.personas.cards import library
from attunement.personas.coverage import PAIRS, Coverage, coverage


def card(problem: Problem, emotion: Emotion, age: int | None = None) -> Persona:
    return Persona(
        id=f"p-{abs(hash((problem, emotion, age)))}",
        problem=problem,
        emotion=emotion,
        situation="s",
        intensity=3,
        demographics=Demographics(age=age),
    )


def test_cells_are_counted_and_empty_ones_are_named() -> None:
    report = coverage(
        [
            card(Problem.JOB_CRISIS, Emotion.FEAR, 29),
            card(Problem.JOB_CRISIS, Emotion.GUILT, 30),
            card(Problem.SLEEP, Emotion.FEAR, 85),
        ]
    )
    assert report.cards == 3
    assert report["problem"].counts["job crisis"] == 2
    assert report[PAIRS].counts["Sleep Problems x fear"] == 1
    assert report["age"].counts["20-29"] == report["age"].counts["30-39"] == 1
    assert report["age"].counts["80+"] == 1
    assert report["manner"].counts["plain"] == 3
    assert "problem: School Bullying" in report.empty
    assert "problem x emotion: job crisis x shame" in report.empty
    assert "openness: high" in report.empty
    assert "age: 10-19" in report.empty
    assert not any("job crisis x fear" in cell or "medium" in cell for cell in report.empty)


def test_discrepancy_is_the_largest_distance_from_the_even_share() -> None:
    all_emotions = [card(Problem.SLEEP, emotion) for emotion in Emotion]
    report = coverage(all_emotions)
    assert report["emotion"].discrepancy == pytest.approx(0)
    assert report["problem"].discrepancy == pytest.approx(1 - 1 / 13)
    assert report["openness"].discrepancy == pytest.approx(2 / 3)


def test_foreign_problems_and_unknown_ages_are_counted_but_never_missed() -> None:
    report = coverage([card(Problem.OTHER, Emotion.FEAR)])
    assert report["problem"].counts["other"] == 1
    assert report["age"].counts["unknown"] == 1
    assert report["age"].discrepancy is report["problem"].discrepancy is None
    assert not any("other" in cell for cell in coverage(library()).empty)


@given(st.lists(st.builds(card, st.sampled_from(Problem), st.sampled_from(Emotion)), min_size=1))
def test_every_card_is_counted_once_in_every_dimension(cards: list[Persona]) -> None:
    report = coverage(cards)
    assert {sum(dimension.counts.values()) for dimension in report.dimensions} == {len(cards)}
    assert Coverage.model_validate_json(report.model_dump_json()) == report


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(PersonaError, match="no cards to report on"):
        coverage([])
