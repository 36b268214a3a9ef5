"""Choices of strategy as figures: matrices worked by hand, stages, references, real runs."""

import math
import warnings

import numpy as np
import pytest

from attunement.core.records import (
    Dialogue,
    Plan,
    Reply,
    Risky,
    SeekerTurn,
    SetAside,
    Turn,
    Utterance,
    Verdict,
)
from attunement.core.strategies import Strategy
from attunement.evaluation.baselines import prior_expectation
from attunement.evaluation.figures import Findings
from attunement.evaluation.stages import stage_order, stages_by_third
from attunement.evaluation.strategy import preference_bias
from attunement.evaluation.strategy_meter import StrategyMeter
from attunement.evaluation.strategy_tables import (
    FIGURES,
    NAMES,
    entropies,
    majority_table,
    preferences,
    prior_table,
)
from attunement.simulator.replanning import REFERENCE
from tests.helpers import PERSONA, journal_of, small_run

Q, R, F, D, A, S, I, O = NAMES  # noqa: E741
SAID = SeekerTurn(text="x")
LINES = (Utterance(speaker="seeker", text="x"), Utterance(speaker="supporter", text="y"))


def replayed(predicted: Strategy | None, recorded: Strategy | None, number: int = 1) -> Turn:
    """A turn of a replay; nothing predicted: the planner's answer could not be read."""
    aside = () if predicted else (SetAside(role="planner", reason="no strategy"),)
    return Turn(
        number=number, seeker=SAID, plan=predicted and Plan(strategy=predicted), set_aside=aside,
        draft=Reply(text="z", strategy=predicted), spoken="draft",
        recorded=Reply(text="y", strategy=recorded),
    )  # fmt: skip


def live(strategy: Strategy | None, number: int = 1) -> Turn:
    plan = Plan(strategy=strategy) if strategy else None
    return Turn(number=number, seeker=SAID, plan=plan, draft=Reply(text="z"), spoken="draft")


def dialogue(*turns: Turn, recorded: tuple | None = LINES) -> Dialogue:
    return Dialogue(id="000000-mira", persona=PERSONA, turns=turns, recorded=recorded)


def found(*dialogues: Dialogue, reference: str | None = None) -> Findings:
    meter = StrategyMeter(reference)
    for number, each in enumerate(dialogues):
        meter.add(f"0/{number}", each)
    with warnings.catch_warnings(action="error"):
        return meter.findings()


def pairs(*predicted_and_recorded: tuple) -> Findings:
    return found(dialogue(*(replayed(p, r) for p, r in predicted_and_recorded)))


def figures(findings: Findings) -> dict:
    return {figure.measure.name: figure for figure in findings.figures}


def series(findings: Findings) -> dict:
    return {line.measure.name: line.points for line in findings.series}


# ---- preference bias, by hand -------------------------------------------------------------------

# Two questions for suggestions, one suggestion for a question: w[Q,S] = 2, w[S,Q] = 1.
#   p_Q = (2 p_S/(p_Q+p_S)) / (1/(p_Q+p_S)) = 2 p_S      p_S = (1 p_Q/(…)) / (2/(…)) = p_Q / 2
# and the other six have nothing below and stay: p is as (2, 1, 1, 1, 1, 1, 1, 1), rescaled by 8/9.
# B = sqrt(((16/9 - 1)² + 7 (8/9 - 1)²) / 8) = sqrt((49 + 7) / 81 / 8) = sqrt(7) / 9.
TWO = [(Q, S), (Q, S), (S, Q)]
# Three questions, twice for a self-disclosure and once for information, which are never predicted.
#   p_Q: nothing is taken for a question that is none, so that it stays 1; p_D = p_I = 0 / … = 0.
# From then on D and I stand at 0 beside each other: 0 / (0 + 0). Six at 1, rescaled by 8/6:
# B = sqrt((6 (1/3)² + 2 · 1²) / 8) = sqrt(1/3).
NEVER = [(Q, D), (Q, D), (Q, I)]


@pytest.mark.parametrize(
    ("turns", "bias", "p"),
    [
        (TWO, math.sqrt(7) / 9, {Q: 16 / 9, S: 8 / 9, O: 8 / 9}),
        (NEVER, math.sqrt(1 / 3), {Q: 4 / 3, R: 4 / 3, D: 0, I: 0}),
        ([(s, s) for s in NAMES], 0, dict.fromkeys(NAMES, 1)),
        ([(Q, Q), (Q, Q)], 0, dict.fromkeys(NAMES, 1)),
        ([(Q, s) for s in NAMES], math.sqrt(7), {Q: 8, A: 0}),
    ],
    ids=["two confused", "two never predicted", "all right", "one alone", "always one"],
)
def test_preference_bias_of_matrices_worked_by_hand(turns, bias, p):
    seen = pairs(*turns)
    assert figures(seen)["preference bias"].value == pytest.approx(bias, abs=1e-12)
    line = series(seen)["preference"]
    for strategy, value in p.items():
        assert line[strategy.value].value == pytest.approx(value, abs=1e-12)
    assert np.mean([point.value for point in line.values()]) == pytest.approx(1)
    assert preference_bias(*zip(*turns, strict=True)) == pytest.approx(bias, abs=1e-12)


def test_a_stack_of_degenerate_tables_is_computed_as_each_alone():
    tables = np.zeros((3, 9, 8))
    for table, turns in zip(tables, (TWO, NEVER, []), strict=True):
        for predicted, recorded in turns:
            table[NAMES.index(predicted), NAMES.index(recorded)] += 1
    with warnings.catch_warnings(action="error"):
        stacked = preferences(tables)
    assert np.isnan(stacked[2]).all()
    for table, p in zip(tables, stacked, strict=True):
        assert preferences(table) == pytest.approx(p, nan_ok=True)


def test_nothing_readable_has_no_bias_and_all_of_it_is_wrong():
    seen = pairs((None, Q), (None, S))
    named = figures(seen)
    assert (named["preference bias"].value, named["strategy entropy"].value) == (None, None)
    assert named["preference bias"].why == "no choice could be read as a strategy"
    assert named["accuracy"].value == 0
    assert named["unreadable strategies"].value == 1
    assert {point.value for point in series(seen)["preference"].values()} == {None}
    assert seen.tables[0].counts[8].tolist() == [1, 0, 0, 0, 0, 1, 0, 0]


# ---- agreement ----------------------------------------------------------------------------------


def test_agreement_by_hand():
    seen = found(
        dialogue(replayed(Q, Q), replayed(Q, S, 2), replayed(S, S, 3)),
        dialogue(replayed(None, S), replayed(A, Q, 2)),
    )
    named = figures(seen)
    assert named["accuracy"].value == pytest.approx(2 / 5)
    # Question: 1 right of 2 predicted, 2 recorded; Suggestions: 1 of 1, 3; Affirmation: none.
    assert named["macro-F1"].value == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert named["weighted-F1"].value == pytest.approx(0.5)
    assert named["unreadable strategies"].value == pytest.approx(1 / 5)
    assert named["accuracy"].interval().n == 2
    assert (named["accuracy"].interval().low, named["accuracy"].interval().high) == (0, 2 / 3)
    (table,) = seen.tables
    assert (table.rows, table.columns, table.counts.shape) == ("predicted", "recorded", (9, 8))
    assert table.counts[0, 0] == table.counts[0, 5] == table.counts[8, 5] == 1
    assert table.counts.sum() == 5


def test_levels_are_those_of_choosing_without_reading():
    recorded = [Q, Q, Q, S, S, A]
    named = figures(pairs(*((Q, r) for r in recorded)))
    assert named["accuracy"].levels == {
        "majority": pytest.approx(3 / 6), "prior": pytest.approx((9 + 4 + 1) / 36)
    }  # fmt: skip
    assert named["accuracy"].value == named["accuracy"].levels["majority"]
    assert named["macro-F1"].value == pytest.approx(named["macro-F1"].levels["majority"])
    expected = prior_expectation({"0": recorded}, {"0": recorded})
    counts = np.array([recorded.count(s) for s in NAMES], float)
    for name, figure in FIGURES.items():
        assert float(figure(prior_table(counts))) == pytest.approx(expected[name]), name
    assert majority_table(counts)[0].tolist() == counts.tolist()
    assert prior_table(counts).sum(0) == pytest.approx(counts)
    assert named["preference bias"].levels["prior"] == pytest.approx(expected["bias"])


def test_what_was_chosen_is_the_plan_then_the_tag_then_the_words_spoken():
    refined = {"refined": Reply(text="r", strategy=S), "spoken": "refined"}
    planned = replayed(Q, Q).model_copy(update=refined)
    joint = replayed(Q, A).model_copy(update={"plan": None, "joint": f"[{A}] You did well."})
    untagged = joint.model_copy(update={"joint": "You did well."})
    spoken = replayed(Q, S).model_copy(update={"plan": None, **refined})
    told = replayed(S, S).model_copy(update={"plan": None})
    seen = found(dialogue(planned, joint, untagged, spoken, told))
    # The last one was told the strategy and chose none.
    (table,) = seen.tables
    assert table.counts.sum() == 4
    assert (table.counts[0, 0], table.counts[4, 4], table.counts[8, 4], table.counts[5, 5]) == (
        1, 1, 1, 1,
    )  # fmt: skip


def test_a_crisis_has_no_choice():
    handed = Turn(number=1, seeker=SAID, guard=Risky(crisis=True), hand_off=Reply(text="Call."),
                  spoken="hand_off", recorded=Reply(text="y", strategy=Q))  # fmt: skip
    seen = found(dialogue(handed))
    assert {figure.value for figure in seen.figures} == {None}
    assert seen.tables == ()
    assert figures(seen)["accuracy"].why.startswith("no turn chose a strategy")


def test_what_cannot_be_compared_says_why():
    assert "live dialogues have no recorded" in figures(found(dialogue(live(Q), recorded=None)))[
        "accuracy"].why  # fmt: skip
    nameless = figures(pairs((Q, None)))
    assert nameless["macro-F1"].why == "the recordings name no strategies"
    assert nameless["strategy entropy"].value == 0
    planless = figures(found(dialogue(live(None), recorded=None)))
    assert planless["accuracy"].why.startswith("no turn chose a strategy")
    assert planless["stage order"].why == planless["accuracy"].why
    assert {figure.value for figure in found().figures} == {None}
    assert all(figure.why for figure in found().figures)


def test_against_a_reference_planner_only_its_own_verdicts_count():
    def named(strategy: str | None, judge: str = "p") -> Verdict:
        return Verdict(name=REFERENCE, value=1 if strategy else None, label=strategy, judge=judge)

    turns = [live(Q, 1), live(S, 2), live(A, 3), live(A, 4)]
    verdicts = [(named("Question"),), (named("Question"), named(S, "other")), (named(None),), ()]
    judged = dialogue(
        *(t.model_copy(update={"verdicts": v}) for t, v in zip(turns, verdicts, strict=True)),
        recorded=None,
    )
    seen = found(judged, reference="p")
    assert figures(seen)["accuracy"].value == pytest.approx(1 / 2)
    assert "p would choose" in figures(seen)["accuracy"].measure.method
    assert figures(seen)["reference coverage"].value == pytest.approx(2 / 4)
    assert seen.tables[0].columns == "reference"
    silent = figures(found(judged, reference="q"))
    assert silent["accuracy"].why == "the judge 'q' named a strategy for none of these turns"
    assert silent["reference coverage"].value == 0
    assert silent["strategy entropy"].value == figures(seen)["strategy entropy"].value


# ---- use and stages -----------------------------------------------------------------------------


def test_entropy_by_hand():
    one, two, all_eight = [8, 0, 0, 0, 0, 0, 0, 0], [4, 0, 4, 0, 0, 0, 0, 0], [1] * 8
    assert entropies(np.array([one, two, all_eight], float)).tolist() == [0, 1, 3]
    with warnings.catch_warnings(action="error"):
        assert np.isnan(entropies(np.zeros(8)))
    seen = pairs((Q, Q), (Q, S), (F, A), (F, A))
    named = figures(seen)
    assert named["strategy entropy"].value == 1
    assert named["strategy entropy"].levels == {"recorded": 1.5}
    assert named["normalised strategy entropy"].value == pytest.approx(1 / 3)
    use = series(seen)["strategies chosen"]
    assert (use[Q.value].value, use[A.value].value) == (0.5, 0)
    assert use[A.value].levels == {"recorded": 0.5}


def test_thirds_hold_the_middle_of_a_reply():
    assert stages_by_third([Q])[1].tolist() == [1, 0, 0, 0]
    assert stages_by_third([Q, S]).tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    six = stages_by_third([Q, R, A, O, S, I])
    assert six.tolist() == [[2, 0, 0, 0], [0, 1, 0, 1], [0, 0, 2, 0]]
    seven = stages_by_third([Q] * 7)
    assert seven[:, 0].tolist() == [2, 3, 2]


def test_stage_order_by_hand():
    # Exploration, comforting, (Others), exploration, action: it goes back once in three steps.
    # At random, of its 12 ordered pairs 1·2 + 2·1 + 1·1 go back: 3 · (1 - 5/12) steps do not.
    kept, steps, random = stage_order([Q, A, O, R, S])
    assert (kept, steps) == (2, 3)
    assert random == pytest.approx(3 * 7 / 12)
    assert stage_order([Q, O, O]).tolist() == [0, 0, 0]
    assert stage_order([Q, R]).tolist() == [1, 1, 1]
    named = figures(pairs((Q, S), (A, A), (O, O), (R, Q), (S, Q)))
    assert named["stage order"].value == pytest.approx(2 / 3)
    # The recorded ones: action, comforting, exploration, exploration.
    assert named["stage order"].levels == {
        "random order": pytest.approx(7 / 12), "recorded": pytest.approx(1 / 3)
    }  # fmt: skip
    short = figures(pairs((Q, Q), (O, O)))["stage order"]
    assert (short.value, short.why) == (None, "no dialogue holds two replies that stand in a stage")


def test_stages_along_the_dialogue():
    seen = pairs((Q, Q), (Q, Q), (A, Q), (O, Q), (S, S), (Q, S))
    lines = series(seen)
    shares = {name: [point.value for point in lines[f"{name} along the dialogue"].values()]
              for name in ("Exploration", "Comforting", "Action")}  # fmt: skip
    assert shares == {"Exploration": [1, 0, 0.5], "Comforting": [0, 0.5, 0], "Action": [0, 0, 0.5]}
    last = lines["Action along the dialogue"]["last third"]
    assert last.levels == {"recorded": 1}
    assert pairs((Q, Q)).series[2].points["last third"].why == "no dialogue has a reply there"


# ---- real runs ----------------------------------------------------------------------------------


def test_a_live_run_has_its_use_and_a_replay_its_agreement(tmp_path, shared_data):
    esconv = shared_data / "esconv" / "ESConv.json"
    small_run(tmp_path / "live", graph="self_refine", dialogues=4, max_turns=4)
    small_run(tmp_path / "replay", graph="decoupled", replay=str(esconv), dialogues=4)
    seen = {}
    for name in ("live", "replay"):
        journal = journal_of(tmp_path / name)
        seen[name] = found(*journal.dialogues())
        journal.close()
    alive, replay = figures(seen["live"]), figures(seen["replay"])
    assert alive["accuracy"].value is None
    assert 0 < alive["strategy entropy"].value < 3
    assert 0 <= alive["stage order"].value <= 1
    counts = seen["replay"].tables[0].counts
    assert replay["accuracy"].value == pytest.approx(np.trace(counts) / counts.sum())
    assert 0 < replay["accuracy"].levels["prior"] < replay["accuracy"].levels["majority"] < 1
    assert replay["preference bias"].interval().low > 0
    assert sum(p.value for p in series(seen["replay"])["preference"].values()) == pytest.approx(8)
    assert set(replay["stage order"].levels) == {"random order", "recorded"}
