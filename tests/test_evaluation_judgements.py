"""Marks: means, agreement, biases, and people beside models."""

import pytest

from attunement.core.psychology import ERRORS
from attunement.core.records import Dialogue, Reply, SeekerTurn, Turn, Verdict
from attunement.evaluation.judges.marks import JudgeMeter
from tests.helpers import PERSONA


def mark(judge, value, name="reply: empathy", about="draft"):
    return Verdict(name=name, value=value, about=about, judge=judge)


def dialogue(*marks_by_turn, whole=(), words=None):
    """A dialogue whose turns carry these verdicts; `words` are the lengths of its replies."""
    turns = tuple(
        Turn(
            number=number,
            seeker=SeekerTurn(text="So it is."),
            draft=Reply(text=" ".join(["word"] * (words[number - 1] if words else 3))),
            spoken="draft",
            verdicts=tuple(verdicts),
        )
        for number, verdicts in enumerate(marks_by_turn, 1)
    )
    return Dialogue(id="d", persona=PERSONA, turns=turns, stop_reason="max_turns", verdicts=whole)


def findings(*dialogues, writers=None, panel=None):
    meter = JudgeMeter(writers, panel)
    for number, item in enumerate(dialogues):
        meter.add(f"d{number}", item)
    return {f.measure.name: f for f in meter.findings().figures}


def test_the_panels_mark_is_the_mean_of_its_judges_over_what_all_of_them_marked():
    found = findings(
        dialogue([mark("a", 5), mark("b", 3)], [mark("a", 1)]), dialogue([mark("b", 2)])
    )
    # Only one reply was marked by both: a mild judge that fails now and then shifts nothing.
    assert found["reply: empathy"].value == 4
    assert found["reply: empathy"].basis == "a, b"
    assert found["reply: empathy, a"].value == 3
    assert found["reply: empathy, b"].value == 2.5
    assert found["reply: empathy, b"].interval().n == 2


def test_an_unreadable_mark_is_missing_and_counted():
    found = findings(dialogue([mark("a", None)], [mark("a", 4)]))
    assert found["reply: empathy"].value == 4
    assert found["reply marks, a: unreadable"].value == 0.5


def test_marks_that_were_never_readable_are_no_figure():
    found = findings(dialogue([mark("a", None)]))
    assert found["reply: empathy"].value is None
    assert found["reply: empathy"].why == "no mark could be read"


def test_without_a_judge_the_report_says_how_to_ask_one():
    found = findings(dialogue([]))
    assert "--judge SPEC" in found["marks"].why


def test_judges_agree_in_order_though_one_is_milder():
    replies = [[mark("a", low), mark("b", low + 1)] for low in (0, 1, 2, 3, 4) * 4]
    found = findings(dialogue(*replies))
    alpha = found["reply: empathy: agreement"].value
    assert 0.5 < alpha < 1
    # Quadratic weights forgive a neighbour: by hand 1 - (20 * 1) / (sum of squared distances by
    # chance: mean over 5 x 5 pairs of (i - j - 1)^2 is 5, times 20).
    assert found["reply: empathy: kappa of a and b"].value == pytest.approx(1 - 20 / 100)


def test_one_judge_alone_has_nobody_to_agree_with():
    found = findings(dialogue([mark("a", 3)]))
    assert "a alone" in found["reply: agreement"].why


def test_a_judge_that_marks_by_length_shows_it():
    lengths = (3, 9, 4, 8, 5, 7)
    found = findings(dialogue(*[[mark("a", n // 2)] for n in lengths], words=lengths))
    assert found["reply marks, a: length coefficient"].value > 0.9
    level = findings(dialogue(*[[mark("a", 3)] for _ in lengths], words=lengths))
    assert "all alike" in level["reply marks, a: length coefficient"].why


def test_a_judge_that_marks_its_own_words_higher_than_others_do_shows_it():
    spoken = dialogue([mark("a", 5), mark("b", 3)], [mark("a", 4), mark("b", 3)])
    found = findings(spoken, writers={"d0/draft": ["a"], "d0/refined": ["b"]})
    assert found["reply marks, a: self-preference"].value == 1.5
    assert found["reply marks, b: self-preference"].value is None
    nobody = findings(spoken)["reply marks, a: self-preference"]
    assert "has written nothing" in nobody.why


def test_a_panel_is_who_is_named_and_people_always_count():
    said = dialogue([mark("a", 5), mark("b", 3), mark("person:ada", 1)])
    found = findings(said, panel=["b"])
    assert (found["reply: empathy"].value, found["reply: empathy"].basis) == (3, "b")
    assert found["reply: empathy, people"].value == 1
    assert "reply: empathy, a" not in found


def test_a_mark_of_a_side_that_nobody_heard_is_none_of_the_system():
    said = dialogue([mark("person:ada", 1), mark("person:ada", 5, about="recorded")])
    assert findings(said)["reply: empathy, people"].value == 1


def test_whole_dialogues_have_scales_of_their_own():
    found = findings(dialogue([], whole=[mark("a", 3, "dialogue: skill", None)]))
    assert found["dialogue: skill"].value == 3
    assert "reply: empathy" not in found


def test_people_stand_beside_the_models_with_their_correlation_and_distance():
    replies = [
        [mark("a", low), mark("person:ada", high), mark("person:bo", high)]
        for low, high in ((0, 1), (1, 2), (2, 3), (4, 4))
    ]
    found = findings(dialogue(*replies))
    assert found["reply: empathy, people"].value == 2.5
    assert found["reply: empathy, people: agreement"].value == 1
    assert found["reply: empathy: judges and people"].value > 0.95
    assert found["reply: empathy: judges and people apart"].value == pytest.approx(0.75)
    assert found["reply: empathy, people"].measure.family == "people"


def test_people_and_models_that_marked_different_replies_cannot_be_compared():
    found = findings(dialogue([mark("a", 3)], [mark("person:ada", 3)]))
    assert "reply: empathy: judges and people" not in found


def test_labels_of_errors_are_a_share_of_readable_replies():
    found = findings(
        dialogue([mark("a", 1, ERRORS), mark("a", 1, ERRORS, "draft")], [mark("a", None, ERRORS)]),
        dialogue([mark("a", 0, ERRORS)]),
    )
    assert found["psychological errors, a"].value == 0.5


def read(*dialogues):
    """What is told of the judges of some dialogues."""
    meter = JudgeMeter()
    for number, item in enumerate(dialogues):
        meter.add(f"0/{number}", item)
    return meter.findings()


def test_what_must_be_told_of_judges_stands_in_the_notes():
    talks = [dialogue([mark("a", n % 5), mark("b", 4 - n % 5)]) for n in range(10)]
    silent = [dialogue([mark("a", None), mark("b", 1)]) for _ in range(2)]
    notes = list(read(*talks, *silent).notes)
    assert "a: 17% of its answers on reply marks could not be read" in notes
    assert any(n.startswith("the judges agree too little to be averaged (alpha): reply: empathy (-")
               for n in notes)  # fmt: skip
    assert list(read(*talks[:3]).notes) == []  # of three dialogues nothing can be told


def test_a_judge_that_marked_less_or_could_not_be_read_is_left_out_of_the_panel():
    whole = [dialogue([mark("a", 4), mark("b", 0)])] + [dialogue([mark("a", 2)]) for _ in range(3)]
    found = read(*whole)
    figures = {f.measure.name: f for f in found.figures}
    assert (figures["reply: empathy"].value, figures["reply: empathy"].basis) == (2.5, "a")
    assert figures["reply: empathy, b"].value == 0
    assert found.notes[0] == "b has judged 1 of 4 replies and is left out of the panel"
    silent = read(*[dialogue([mark("a", 4), mark("b", None)]) for _ in range(3)])
    figures = {f.measure.name: f for f in silent.figures}
    assert (figures["reply: empathy"].value, figures["reply: empathy"].basis) == (4, "a")
    assert "none of its answers on replies could be read" in silent.notes[0]


def test_labels_of_errors_count_whoever_sits_on_the_panel():
    found = findings(dialogue([mark("lab", 1, ERRORS), mark("a", 3)]), panel=["a"])
    assert found["psychological errors, lab"].value == 1
