"""Outcome as figures: by hand, in the embedded world, and what a replay cannot say."""

import pytest

from attunement.core.records import Dialogue, Reply, Risky, SeekerTurn, Turn, Utterance
from attunement.core.strategies import Strategy
from attunement.evaluation.figures import Findings
from attunement.evaluation.outcome_meter import OutcomeMeter
from attunement.evaluation.outcomes import score_run
from tests.helpers import PERSONA, journal_of, small_run

Q, A, S = "Question", "Affirmation and Reassurance", "Providing Suggestions"


def turn(number: int, reply: tuple | None, intensity: int, rating: int | None = None) -> Turn:
    said = SeekerTurn(text="x", emotion="anxiety", intensity=intensity, rating=rating)
    draft = Reply(text=reply[1], strategy=reply[0]) if reply else None
    return Turn(number=number, seeker=said, draft=draft, spoken="draft" if draft else None)


def dialogue(*turns: Turn, **more) -> Dialogue:
    return Dialogue(**{"id": "000000-mira", "persona": PERSONA, "turns": turns,
                       "stop_reason": "max_turns"} | more)  # fmt: skip


TALK = dialogue(
    turn(1, (Q, "What about work weighs most on you?"), 4),
    turn(2, (S, "You could try to get some rest."), 4, 4),
    turn(3, (S, "I suggest that you talk to someone."), 5, 1),
    turn(4, (None, "You feel anxious about work."), 3, 2),
    turn(5, None, 2, 5),
    stop_reason="satisfied",
)
SHORT = dialogue(turn(1, (Q, "And then?"), 3), turn(2, None, 3, 1), stop_reason="gave_up")


def found(*dialogues: Dialogue) -> Findings:
    meter = OutcomeMeter()
    for number, each in enumerate(dialogues):
        meter.add(f"0/{number}", each)
    return meter.findings()


def figures(findings: Findings) -> dict:
    return {figure.measure.name: figure for figure in findings.figures}


def series(findings: Findings) -> dict:
    return {line.measure.name: line.points for line in findings.series}


def test_figures_by_hand():
    seen = figures(found(TALK, SHORT))
    assert seen["relief"].value == (2 + 0) / 2
    assert seen["rating"].value == (3 + 1) / 2
    assert seen["rating per reply"].value == (4 + 1 + 2 + 5 + 1) / 5
    assert (seen["satisfied"].value, seen["gave up"].value, seen["crisis"].value) == (0.5, 0.5, 0)
    # A question helps Mira and advice hurts: 1 of 4 and 1 of 1, 2 of 4 and 0 of 1.
    assert seen["fit"].value == (0.25 + 1) / 2
    assert seen["harm"].value == (0.5 + 0) / 2
    assert seen["harm events"].value == (2 + 0) / 2
    assert seen["feeling named"].value == (0.25 + 0) / 2
    assert seen["topic named"].value == (0.5 + 0) / 2
    assert seen["replies"].value == (4 + 1) / 2
    assert seen["relief"].interval().n == 2
    assert not any(figure.why for figure in seen.values())


def test_lines_by_hand():
    lines = series(found(TALK, SHORT))
    assert {n: f.value for n, f in lines["intensity"].items()} == {
        "1": 3.5, "2": 3.5, "3": 5, "4": 3, "5": 2,
    }  # fmt: skip
    assert [len(f.parts) for f in lines["intensity"].values()] == [2, 2, 1, 1, 1]
    # A turn's reply is rated in the next one.
    assert {n: f.value for n, f in lines["rating by turn"].items()} == {
        "1": 2.5, "2": 1, "3": 2, "4": 5,
    }  # fmt: skip
    relief, rating = lines["relief by strategy"], lines["rating by strategy"]
    assert list(relief) == [s.value for s in Strategy]
    assert relief[Q].value == (0 + 0) / 2
    assert relief[S].value == (-1 + 2) / 2
    assert (rating[Q].value, rating[S].value) == ((4 + 1) / 2, (1 + 2) / 2)
    # The reply without a strategy counts for all of them together: 0, -1, 2, 1 and 0.
    assert relief[Q].levels == {"all replies": pytest.approx(2 / 5)}
    assert relief[A].value is None
    assert relief[A].why == "no reply of that kind was answered"


def test_a_crisis_is_counted_and_its_hand_off_is_no_reply():
    handed = Turn(number=1, seeker=SeekerTurn(text="x", intensity=5), guard=Risky(crisis=True),
                  hand_off=Reply(text="Please call."), spoken="hand_off")  # fmt: skip
    seen = figures(found(dialogue(handed, stop_reason="crisis"), TALK))
    assert (seen["crisis"].value, seen["satisfied"].value) == (0.5, 0.5)
    assert seen["replies"].value == 2
    assert seen["relief"].value == 2
    assert set(seen["harm events"].parts) == {"0/1"}


def test_a_card_without_needs_has_no_fit_and_says_so():
    plain = PERSONA.model_copy(update={"what_helps": (), "what_hurts": ()})
    seen = figures(found(dialogue(*TALK.turns, persona=plain)))
    for name in ("fit", "harm", "harm events"):
        assert (seen[name].value, seen[name].why) == (None, "no card names such a kind of help")
    assert seen["relief"].value == 2


def test_a_replay_says_why_it_has_no_outcome():
    lines = (Utterance(speaker="seeker", text="x"), Utterance(speaker="supporter", text="Why?"))
    said = Turn(number=1, seeker=SeekerTurn(text="x"), draft=Reply(text="You feel anxious?"),
                spoken="draft", recorded=Reply(text="Why?"))  # fmt: skip
    replay = found(dialogue(said, recorded=lines, stop_reason="recording_ended"))
    seen = figures(replay)
    for name in ("relief", "rating", "rating per reply", "satisfied", "gave up", "fit", "harm",
                 "harm events"):  # fmt: skip
        assert seen[name].value is None
        assert "simulate live" in seen[name].why, name
    assert seen["feeling named"].value == 1
    assert seen["replies"].value == 1
    assert series(replay)["intensity"] == {}
    assert "simulate live" in series(replay)["relief by strategy"][Q].why


def test_nothing_read_is_no_figure():
    for figure in found().figures:
        assert figure.value is None
        assert figure.why


def test_a_run_agrees_with_its_scores(tmp_path):
    small_run(tmp_path / "run", graph="self_refine", dialogues=6, max_turns=4)
    group = score_run([tmp_path / "run"]).group
    journal = journal_of(tmp_path / "run")
    seen = found(*journal.dialogues())
    journal.close()
    named = figures(seen)
    for name, theirs in (("relief", "relief"), ("rating", "rating"), ("fit", "fit"),
                         ("harm", "harm"), ("feeling named", "feeling"), ("topic named", "topic"),
                         ("replies", "replies")):  # fmt: skip
        assert named[name].value == pytest.approx(getattr(group, theirs).value), name
        assert named[name].interval().low == pytest.approx(getattr(group, theirs).low), name
    assert named["harm events"].value <= named["replies"].value
    lines = series(seen)
    assert lines["intensity"]["1"].value is not None
    assert any(point.value is not None for point in lines["relief by strategy"].values())
