"""The run summary: figures that can be checked by hand."""

import pytest

from attunement.core.records import Persona, Reflection, Reply, SeekerTurn, SetAside, Turn
from attunement.evaluation.reflection import ReflectionMeter
from attunement.evaluation.summary import summarise
from tests.helpers import ANSWERS, PERSONA, answering, journal_of, small_run


def turn(true: tuple | None, seen: tuple | None, needs: tuple[str, ...] = ()) -> Turn:
    said = SeekerTurn(text="x") if true is None else SeekerTurn(
        text="x", emotion=true[0], intensity=true[1])  # fmt: skip
    reflection = seen and Reflection(
        who="", emotion=seen[0], intensity=seen[1], situation="", needs=needs
    )
    recorded = Reply(text="x") if true is None else None
    return Turn(number=1, seeker=said, reflection=reflection, recorded=recorded)


def score(*turns: Turn, persona: Persona = PERSONA):
    meter = ReflectionMeter()
    for each in turns:
        meter.add(persona, each)
    return meter.score()


def test_accuracy_error_and_their_baselines():
    found = score(
        turn(("fear", 5), ("fear", 3)),
        turn(("fear", 4), ("anger", 4)),
        turn(("anger", 2), ("anger", 1)),
        turn(("pain", 3), None),
    )
    assert found.turns == 3
    assert found.emotion_accuracy == pytest.approx(2 / 3)
    assert found.emotion_majority == pytest.approx(2 / 3)
    assert found.intensity_error == pytest.approx((2 + 0 + 1) / 3)
    assert found.intensity_error_middle == pytest.approx((2 + 1 + 1) / 3)


def test_a_replayed_turn_is_scored_against_the_recordings_labels():
    found = score(turn(None, ("anxiety", 2)))
    assert (found.emotion_accuracy, found.intensity_error) == (1.0, 2.0)
    assert found.need_recall is None


def test_what_was_only_drawn_is_no_truth():
    persona = PERSONA.model_copy(update={"drawn": ("emotion",)})
    found = score(turn(None, ("anxiety", 2)), persona=persona)
    assert (found.turns, found.emotion_accuracy, found.intensity_error) == (1, None, 2.0)
    live = score(turn(("anxiety", 4), ("anxiety", 2)), persona=persona)
    assert live.emotion_accuracy == 1.0


def test_need_recall_counts_kinds_of_help_not_words():
    persona = PERSONA.model_copy(
        update={"what_helps": ("Being asked first.", "Someone naming how I feel.")}
    )
    live = turn(("fear", 3), ("fear", 3), ("To be asked, and listened to", "To get concrete steps"))
    assert score(live, persona=persona).need_recall == 0.5


def test_nothing_to_score_is_none_not_zero():
    found = score(turn(("fear", 3), None))
    assert found.turns == 0
    assert found.emotion_accuracy is None
    assert found.need_recall is None


def test_the_summary_counts_what_the_journal_holds(tmp_path):
    replies = iter(["x", *["no json"] * 3])
    backend = answering(
        refiner=lambda ask: next(replies, ANSWERS["refiner"]),
        seeker=ANSWERS["seeker"] | {"rating": 4},
    )
    small_run(tmp_path / "run", backend, dialogues=2, max_turns=2, concurrency=1)
    journal = journal_of(tmp_path / "run")
    found = summarise(journal)
    assert (found.dialogues, found.done, found.turns) == (2, 2, 4)
    assert found.stop_reasons == {"max_turns": 2}
    assert found.set_aside == {"refiner": 1}
    assert found.refined == 3
    assert found.calls["refiner"] == 4 + 2 + 1
    assert found.calls["seeker"] == 6
    assert found.mean_rating == 4
    assert found.mean_intensity_change == 0
    turns = [t for d in journal.dialogues() for t in d.turns]
    assert [t.set_aside for t in turns if t.set_aside] == [
        (SetAside(role="refiner", reason=turns[0].set_aside[0].reason),)
    ]
    journal.close()
