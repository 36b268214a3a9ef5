"""Inferred people against real ones: every figure by hand, its levels, and real runs."""

import json
import random
import warnings
from statistics import fmean

import numpy as np
import pytest
from pydantic import ValidationError

from attunement.agents.models.schema import json_schema
from attunement.core.records import (
    Dialogue,
    Inferred,
    Persona,
    Reflection,
    Reply,
    SeekerTurn,
    Turn,
    Utterance,
)
from attunement.evaluation.figures import Findings
from attunement.evaluation.inference import InferenceMeter
from attunement.evaluation.reflection import (
    ReflectionMeter,
    calibration_errors,
    rank_correlations,
)
from attunement.trainers.corpora.calls import as_asked
from tests.helpers import PERSONA, journal_of, small_run

LINES = (Utterance(speaker="seeker", text="x"), Utterance(speaker="supporter", text="y"))
KNOWN = PERSONA.model_copy(
    update={
        "what_helps": ("Being asked first.", "Someone naming how I feel."),
        "what_hurts": ("Advice before I have finished.",),
    }
)
"""Needs a question and its feelings named; advice hurts; medium in all of the Big Five."""
ASK, NAME, STEPS = "To be asked", "To hear how I feel named", "To get concrete steps"


def turn(number: int, true: tuple | None, seen: tuple | None, **more: object) -> Turn:
    """A live turn with its truth (emotion, intensity); None: a turn of a replay."""
    said = (
        SeekerTurn(text="x", emotion=true[0], intensity=true[1]) if true else SeekerTurn(text="x")
    )
    reflection = seen and Reflection(
        who="", emotion=seen[0], intensity=seen[1], situation="", **more
    )
    recorded = None if true else Reply(text="x")
    return Turn(number=number, seeker=said, reflection=reflection, recorded=recorded)


def dialogue(*turns: Turn, persona: Persona = KNOWN) -> Dialogue:
    recorded = LINES if any(t.recorded for t in turns) else None
    return Dialogue(id="000000-mira", persona=persona, turns=turns, recorded=recorded)


def found(*dialogues: Dialogue) -> Findings:
    meter = InferenceMeter()
    for number, each in enumerate(dialogues):
        meter.add(f"0/{number}", each)
    with warnings.catch_warnings(action="error"):
        return meter.findings()


def figures(findings: Findings) -> dict:
    return {figure.measure.name: figure for figure in findings.figures}


def series(findings: Findings) -> dict:
    return {line.measure.name: line.points for line in findings.series}


# ---- emotion and intensity ----------------------------------------------------------------------

FELT = (
    dialogue(turn(1, ("fear", 5), ("fear", 3)), turn(2, ("fear", 4), ("anger", 4))),
    dialogue(turn(1, ("anger", 2), ("anger", 1)), turn(2, ("pain", 3), None)),
)


def test_emotions_by_hand():
    seen = found(*FELT)
    accuracy = figures(seen)["emotion accuracy"]
    assert accuracy.value == pytest.approx(2 / 3)
    assert accuracy.levels == {"majority": pytest.approx(2 / 3), "chance": 1 / 11}
    assert accuracy.interval().n == 2
    by_turn = series(seen)["emotion accuracy"]
    assert {n: f.value for n, f in by_turn.items()} == {"1": 1, "2": 0}
    assert (by_turn["1"].levels["majority"], by_turn["2"].levels["majority"]) == (0.5, 1)
    emotions = seen.tables[0]
    assert (emotions.name, emotions.rows, emotions.columns) == (
        "emotion confusion", "inferred", "true",
    )  # fmt: skip
    place = {label: i for i, label in enumerate(emotions.labels)}
    assert emotions.counts[place["anger"], place["fear"]] == 1
    assert np.trace(emotions.counts) == 2
    assert emotions.counts.sum() == 3


def test_intensities_by_hand():
    seen = found(*FELT)
    error = figures(seen)["intensity error"]
    assert error.value == pytest.approx((2 + 0 + 1) / 3)
    # True are 5, 4 and 2, each once: the lowest of the commonest is named, 3 + 2 + 0 off.
    assert error.levels == {
        "majority": pytest.approx(5 / 3),
        "always 3": pytest.approx((2 + 1 + 1) / 3),
        "chance": pytest.approx((10 + 7 + 7) / 15),
    }
    assert [f.value for f in series(seen)["intensity error"].values()] == [1.5, 0]
    # Ranks of 3, 4, 1 and of 5, 4, 2: (2, 3, 1) and (3, 2, 1), so 1 - 6 · 2 / (3 · 8).
    assert figures(seen)["intensity rank correlation"].value == pytest.approx(0.5)
    assert figures(seen)["intensity kappa"].levels == {"chance": 0}
    table = seen.tables[1]
    assert table.labels == ["1", "2", "3", "4", "5"]
    assert table.counts[2, 4] == table.counts[3, 3] == table.counts[0, 1] == 1


def ranks(values: list[int]) -> list[float]:
    return [fmean(i + 1 for i, v in enumerate(sorted(values)) if v == value) for value in values]


def table_of(ours: list[int], theirs: list[int]) -> np.ndarray:
    table = np.zeros((5, 5))
    for a, b in zip(ours, theirs, strict=True):
        table[a - 1, b - 1] += 1
    return table


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_that_of_the_ranks_with_ties(seed):
    draw = random.Random(seed)
    theirs = [draw.randint(1, 5) for _ in range(40)]
    ours = [min(5, max(1, t + draw.choice((-2, -1, 0, 0, 1)))) for t in theirs]
    expected = np.corrcoef(ranks(ours), ranks(theirs))[0, 1]
    table = table_of(ours, theirs)
    assert float(rank_correlations(table)) == pytest.approx(expected, abs=1e-12)
    stacked = rank_correlations(np.stack([table, table.T, 3 * table]))
    assert stacked == pytest.approx([expected] * 3)


def test_a_constant_has_no_correlation_and_says_so():
    seen = figures(found(dialogue(turn(1, ("fear", 5), ("fear", 3)),
                                  turn(2, ("fear", 3), ("fear", 3)))))  # fmt: skip
    rank = seen["intensity rank correlation"]
    assert (rank.value, rank.why) == (
        None, "what is inferred or what is true is always the same intensity",
    )  # fmt: skip
    assert seen["intensity kappa"].value == 0
    same = figures(found(dialogue(turn(1, ("fear", 3), ("fear", 3)))))
    assert same["intensity kappa"].value is None


def test_a_replay_is_scored_against_the_recordings_labels_and_no_drawn_ones():
    said = turn(1, None, ("anxiety", 2))
    seen = figures(found(dialogue(said)))
    assert (seen["emotion accuracy"].value, seen["intensity error"].value) == (1, 2)
    assert seen["need recall"].why == "recorded seekers have no hidden needs; simulate live"
    drawn = KNOWN.model_copy(update={"drawn": ("emotion", "intensity", "big_five")})
    seen = figures(found(dialogue(said, persona=drawn)))
    for name in ("emotion accuracy", "intensity error", "intensity rank correlation"):
        assert seen[name].value is None
        assert "drawn" in seen[name].why


# ---- personality and needs ----------------------------------------------------------------------


def test_personality_by_hand():
    person = KNOWN.model_copy(
        update={"big_five": KNOWN.big_five.model_copy(update={"openness": "high"}),
                "drawn": ("extraversion",)}
    )  # fmt: skip
    felt = (("fear", 5), ("fear", 5))
    first = turn(1, *felt, personality=Inferred(openness="low"))
    more = {"neuroticism": "medium", "agreeableness": "low", "extraversion": "medium"}
    second = turn(2, *felt, personality=Inferred(openness="high", **more))
    other = turn(1, *felt, personality=Inferred(openness="medium"))
    seen = found(dialogue(first, second, persona=person), dialogue(other))
    named = figures(seen)
    assert named["personality coverage"].value == pytest.approx((1 + 4 + 1) / 15)
    assert [f.value for f in series(seen)["personality coverage"].values()] == [0.2, 0.8]
    openness = named["openness accuracy"]
    assert openness.value == pytest.approx(2 / 3)
    assert openness.levels == {"majority": pytest.approx(2 / 3), "chance": pytest.approx(1 / 3)}
    assert (named["neuroticism accuracy"].value, named["agreeableness accuracy"].value) == (1, 0)
    # A live seeker acts what was drawn, too; nobody named a conscientiousness.
    assert named["extraversion accuracy"].value == 1
    assert named["conscientiousness accuracy"].value is None
    why = "no reflection names a level that can be checked"
    assert named["conscientiousness accuracy"].why.startswith(why)
    # All together 4 of 6; the commonest level of each trait: 2 of 3, and 1 of 1 three times.
    assert named["personality accuracy"].value == pytest.approx(4 / 6)
    assert named["personality accuracy"].levels["majority"] == pytest.approx(5 / 6)


def test_needs_by_hand():
    felt = (("fear", 3), ("fear", 3))
    seen = found(
        dialogue(
            turn(1, *felt, needs=(ASK, STEPS), avoid=("Advice", "Facts")),
            turn(2, *felt, needs=(ASK, NAME)),
        )
    )
    named = figures(seen)
    # Hidden are a question and naming: 1 and 2 of 2 are named, of 2 and 2 named ones.
    assert named["need recall"].value == pytest.approx(3 / 4)
    assert named["need precision"].value == pytest.approx(3 / 4)
    assert [f.value for f in series(seen)["need recall"].values()] == [0.5, 1]
    assert named["avoid recall"].value == pytest.approx(1 / 2)
    assert named["avoid precision"].value == pytest.approx(1 / 2)
    # Two of the eight at random hit 2 · 2 / 8 in each turn; always the question: half of them,
    # and it is never wrong.
    assert named["need recall"].levels == {"majority": 0.5, "chance": pytest.approx(1 / 4)}
    assert named["need precision"].levels == {"majority": 1, "chance": pytest.approx(1 / 4)}
    assert named["avoid recall"].levels["chance"] == pytest.approx(2 / 8 / 2)


def test_what_cannot_be_read_as_a_need_is_no_zero():
    plain = KNOWN.model_copy(update={"what_helps": ("Blue.",), "what_hurts": ()})
    felt = (("fear", 3), ("fear", 3))
    named = figures(found(dialogue(turn(1, *felt, needs=(ASK,)), persona=plain)))
    for name in ("need recall", "need precision", "avoid recall", "avoid precision"):
        assert named[name].value is None
        assert named[name].why.startswith("no kind of help can be read")
    silent = figures(found(dialogue(turn(1, *felt))))
    assert (silent["need recall"].value, silent["need precision"].value) == (0, None)


def test_without_reflections_there_are_no_figures():
    for nothing in (found(), found(dialogue(turn(1, ("fear", 3), None)))):
        for figure in nothing.figures:
            assert (figure.value, figure.why) == (
                None, "no turn has a reflection; run the graph self_refine",
            )  # fmt: skip
        assert nothing.tables == []


# ---- confidence ---------------------------------------------------------------------------------


def sure(number: int, right: bool, confidence: float | None) -> Turn:
    return turn(number, ("fear", 3), ("fear" if right else "anger", 3),
                emotion_confidence=confidence)  # fmt: skip


def test_calibration_by_hand():
    seen = found(
        dialogue(sure(1, True, 0.92), sure(2, False, 0.98), sure(3, True, None)),
        dialogue(sure(1, False, 0.25), sure(2, True, 1.0)),
    )
    named = figures(seen)
    # In the last bin three, 2.90 said and 2 right; in the third one, 0.25 said and none right.
    assert named["calibration error"].value == pytest.approx((0.90 + 0.25) / 4)
    squares = 0.08**2 + 0.98**2 + 0.25**2 + 0
    assert named["Brier score"].value == pytest.approx(squares / 4)
    assert named["Brier score"].levels == {"always the accuracy": pytest.approx(0.25)}
    line = series(seen)["emotion accuracy by confidence"]
    assert line["0.9-1.0"].value == pytest.approx(2 / 3)
    assert line["0.2-0.3"].value == 0
    assert line["0.0-0.1"].why == "no confidence lies here"
    assert named["emotion accuracy"].value == pytest.approx(3 / 5)
    assert named["calibration error"].interval().n == 2
    assert np.isnan(calibration_errors(np.zeros((2, 10, 3)))).all()


def test_without_confidences_there_is_no_calibration():
    named = figures(found(*FELT))
    assert "emotion accuracy by confidence" not in series(found(*FELT))
    for name in ("calibration error", "Brier score"):
        assert (named[name].value, named[name].why) == (
            None, "no confidences: no reflection gives `emotion_confidence`",
        )  # fmt: skip


def test_no_model_is_asked_for_a_confidence_and_no_corpus_teaches_one():
    fields = [name for name in Reflection.model_fields if name != "emotion_confidence"]
    assert list(json_schema(Reflection)["properties"]) == fields
    assert json_schema(Reflection)["required"] == fields
    said = sure(1, True, 0.5)
    lesson = as_asked("reflector", said.reflection.model_dump_json())
    assert list(json.loads(lesson)) == fields
    assert Turn.model_validate_json(said.model_dump_json(exclude_defaults=True)) == said
    with pytest.raises(ValidationError):
        sure(1, True, 1.5)


# ---- real runs ----------------------------------------------------------------------------------


def test_a_run_agrees_with_its_summary_and_becomes_known(tmp_path, shared_data):
    esconv = shared_data / "esconv" / "ESConv.json"
    small_run(tmp_path / "live", graph="self_refine", dialogues=12, max_turns=6)
    small_run(tmp_path / "replay", graph="self_refine", replay=str(esconv), dialogues=4)
    seen = {}
    for name in ("live", "replay"):
        journal = journal_of(tmp_path / name)
        dialogues = list(journal.dialogues())
        journal.close()
        seen[name] = figures(found(*dialogues))
        meter = ReflectionMeter()
        for each in dialogues:
            for said in each.turns:
                meter.add(each.persona, said)
        score, ours = meter.score(), seen[name]
        assert ours["emotion accuracy"].value == pytest.approx(score.emotion_accuracy)
        assert ours["emotion accuracy"].levels["majority"] == pytest.approx(score.emotion_majority)
        assert ours["intensity error"].value == pytest.approx(score.intensity_error)
        assert ours["intensity error"].levels["always 3"] == pytest.approx(
            score.intensity_error_middle
        )
        if name == "live":
            assert ours["need recall"].value == pytest.approx(score.need_recall)
            coverage = series(found(*dialogues))["personality coverage"]
            assert coverage["5"].value > coverage["1"].value
    live, replay = seen["live"], seen["replay"]
    assert live["emotion accuracy"].interval().low > live["emotion accuracy"].levels["chance"]
    assert live["personality accuracy"].value > 1 / 3
    assert replay["need recall"].value is None
    assert replay["personality accuracy"].value is None
