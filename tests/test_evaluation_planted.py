"""A planted experiment: three supporters of known worth, and a twin of the first.

What measures are for: the personalised one stands above the generic one, the harmful one below, no
bound of a difference reaches zero, and of the twin nothing is found.
"""

import pytest

from attunement.agents.models.rehearsal import RehearsalChat
from attunement.evaluation.comparison import compare
from attunement.evaluation.judges.panel import decided_pairs, judgings
from attunement.evaluation.systems import measure, meters_for, named_systems
from attunement.simulator.judging import judge_run
from tests.planted import PEOPLE, planted_run

KINDS = ("generic", "personalised", "harmful", "generic-twin")
RISES = (
    "relief", "rating", "fit", "dialogue: empathy", "dialogue: skill", "dialogue: overall",
    "dialogue: information",
)  # fmt: skip
"""Outcome and judge: higher is better, for all three."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The comparison of all four, judged by the embedded judge."""
    folder = tmp_path_factory.mktemp("planted")
    systems = named_systems([str(planted_run(folder / kind, kind)) for kind in KINDS])
    for work in judgings(systems, systems[0], ["rehearsal"]):
        assert judge_run(work.folder, "rehearsal", work.instrument, backends=[RehearsalChat()])
    families = ("outcome", "text", "judges", "realism")
    measured = [measure(system, meters_for(families)) for system in systems]
    for system, one in zip(systems[1:], measured[1:], strict=True):
        one.findings.append(decided_pairs(system, systems[0]))
    return compare(measured)


def row(found, name):
    return next(row for row in found.figures if row.measure.name == name)


@pytest.mark.parametrize("name", RISES)
def test_outcome_and_judge_order_the_three_and_no_bound_reaches_zero(found, name):
    against = row(found, name).against
    better, worse = against["personalised"], against["harmful"]
    assert better.low > 0
    assert worse.high < 0
    assert better.significant
    assert worse.significant
    assert better.n == worse.n == PEOPLE


def test_harm_is_least_with_the_personalised_and_most_with_the_harmful_one(found):
    against = row(found, "harm").against
    assert against["personalised"].high < 0 < against["harmful"].low


def test_pairs_are_won_and_lost_as_planted(found):
    won = row(found, "preferred over generic")
    assert won.systems["personalised"].low > 0.5 > won.systems["harmful"].high
    assert won.against["personalised"].significant
    assert won.against["harmful"].significant
    assert not won.against["generic-twin"].significant


def test_text_tells_the_generic_one_by_its_stock_phrases_and_sameness(found):
    # Surface measures cannot tell help from harm: of the harmful one nothing is claimed.
    stock = row(found, "stock openers").against["personalised"]
    assert stock.high < 0
    assert stock.significant
    varied = row(found, "Distinct-2").systems
    assert varied["personalised"].value > varied["generic"].value


def test_the_twin_does_not_differ_from_the_first(found):
    tests = [one.against["generic-twin"] for one in found.figures]
    assert not any(one.significant for one in tests)
    assert sum(one.p is not None for one in tests) > 15
    # Nor is it the very same run, of which nothing could be found.
    assert any(one.value for one in tests)
