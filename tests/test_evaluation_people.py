"""What people's answers amount to, worked out by hand."""

import asyncio
from itertools import count

import krippendorff
import numpy as np
import pytest

from attunement.core.records import Dialogue, SeekerTurn, Turn, Verdict
from attunement.evaluation.judges.panel import heard, judged_pairs
from attunement.evaluation.judges.people import ATTENTION, PeopleMeter
from attunement.simulator.matching import refinements
from tests.helpers import PERSONA, journal_of, small_run


def _said(who, value, order="shown first", name="preferred over draft"):
    return Verdict(name=name, value=value, about="refined", label=order, judge=f"person:{who}")


def _dialogue(*by_turn):
    turns = (
        Turn(number=number, seeker=SeekerTurn(text="Hm."), verdicts=tuple(verdicts))
        for number, verdicts in enumerate(by_turn, 1)
    )
    return Dialogue(id="mira-0000", persona=PERSONA, turns=tuple(turns), stop_reason="satisfied")


def _read(*dialogues, opponents=("draft",)):
    meter = PeopleMeter(opponents)
    for number, dialogue in zip(count(), dialogues, strict=False):
        meter.add(f"0/{number}", dialogue)
    return meter


def _figures(meter):
    return {figure.measure.name: figure for figure in meter.findings().figures}


def test_ties_count_half_and_skipped_pairs_nothing():
    meter = _read(
        _dialogue([_said("ada", 1.0)], [_said("ada", 0.5, "shown second")]),
        _dialogue([_said("ada", 0.0)], [_said("ada", None)]),
        _dialogue([_said("ada", 1.0, "shown second")]),
    )
    found = _figures(meter)
    assert found["win rate"].value == pytest.approx(2.5 / 4)
    assert found["win rate"].levels == {"chance": 0.5}
    interval = found["win rate"].interval()
    assert interval.n == 3  # dialogues
    assert interval.low < 0.625 < interval.high
    assert found["ties"].value == 1 / 4
    # Of three decided ones: the subject shown first and preferred, shown first and not, and second.
    assert found["first one preferred"].value == pytest.approx(1 / 3)
    (person,) = meter.people()
    assert (person.answers, person.skipped, person.checks) == (4, 1, 0)
    assert meter.judged == 4


def test_nothing_said_is_no_figure_and_no_zero():
    figures = _figures(_read(_dialogue([])))
    assert {figure.value for figure in figures.values()} == {None}
    assert figures["win rate"].why == "nobody has judged a pair"
    assert figures["attention checks passed"].why == "nobody has answered an attention check"
    only_ties = _figures(_read(_dialogue([_said("ada", 0.5)])))
    assert (
        only_ties["first one preferred"].why
        == "no answer but ties, or nobody says what stood first"
    )


def test_judges_that_are_models_and_other_opponents_do_not_count():
    model = Verdict(name="preferred over draft", value=1.0, label="shown first", judge="openai:x")
    meter = _read(_dialogue([model, _said("ada", 1.0, name="preferred over 0a1b2c3d")]))
    assert _figures(meter)["win rate"].value is None
    dialogue = _dialogue([model, _said("ada", 1.0, name="preferred over 0a1b2c3d")])
    assert _figures(_read(dialogue, opponents=("0a1b2c3d",)))["win rate"].value == 1


def _checks(who, *values):
    return [[_said(who, value, name=ATTENTION)] for value in values]


def test_one_slip_sets_nobody_apart():
    meter = _read(_dialogue([_said("bo", 0.0)], *_checks("bo", 0.0, 1.0)))
    assert meter.people()[0].attentive
    assert _figures(meter)["win rate"].value == 0


def test_who_fails_attention_checks_is_reported_apart():
    meter = _read(
        _dialogue([_said("ada", 1.0), _said("bo", 0.0)], *_checks("ada", 1.0, 1.0, 1.0, 1.0, 0.0)),
        _dialogue([_said("ada", 1.0), _said("bo", 0.0)], *_checks("bo", 1.0, 1.0, 1.0, 0.0)),
    )
    ada, bo = meter.people()
    assert (ada.passed, ada.checks, ada.attentive) == (4, 5, True)
    assert (bo.passed, bo.checks, bo.attentive) == (3, 4, False)
    figures = _figures(meter)
    assert figures["win rate"].value == 1
    assert figures["win rate of the inattentive"].value == 0
    assert figures["attention checks passed"].value == pytest.approx(7 / 9)
    (series,) = meter.findings().series
    assert {name: figure.value for name, figure in series.points.items()} == {"ada": 1, "bo *": 0}
    everybody = _read(_dialogue([_said("bo", 0.0)], *_checks("bo", 0.0, 1.0, 0.0)))
    assert _figures(everybody)["win rate"].why == "nobody attentive has judged a pair"


def test_alpha_agrees_with_its_reference_library():
    random = np.random.default_rng(7)
    ratings = random.choice([0.0, 0.5, 1.0], (3, 30), p=[0.3, 0.2, 0.5])
    ratings[1] = np.where(random.random(30) < 0.7, ratings[0], ratings[1])
    ratings[random.random((3, 30)) < 0.25] = np.nan
    by_turn = [
        [_said(who, float(v)) for who, v in zip("abc", column, strict=True) if not np.isnan(v)]
        for column in ratings.T
    ]
    found = _figures(_read(_dialogue(*by_turn[:15]), _dialogue(*by_turn[15:])))
    expected = krippendorff.alpha(ratings, level_of_measurement="nominal")
    assert found["Krippendorff's alpha"].value == pytest.approx(expected, abs=1e-9)
    assert 0 < expected < 1


def test_alpha_says_why_there_is_none():
    alone = _figures(_read(_dialogue([_said("a", 1.0)], [_said("b", 1.0)])))
    assert alone["Krippendorff's alpha"].why == "no pair was judged by two attentive people"
    same = _figures(_read(_dialogue([_said("a", 1.0), _said("b", 1.0)])))
    assert same["Krippendorff's alpha"].why.startswith("everybody gave one and the same")


def test_findings_of_a_journal_are_those_of_what_was_stored_in_it(tmp_path):
    small_run(tmp_path / "run", dialogues=4)
    journal = journal_of(tmp_path / "run")
    pairs = list(refinements(journal))

    async def judge():
        for pair in pairs[:8]:
            verdict = pair.verdict("person:ada", "subject", "shown first")
            await journal.write_verdicts(pair.index, pair.turn, [verdict], round=0)
        await journal.close_writer()

    asyncio.run(judge())
    win_rate = heard(judged_pairs(tmp_path / "run")).findings().figures[0]
    journal.close()
    assert win_rate.value == 1
    assert sum(part[1] for part in win_rate.parts.values()) == 8
