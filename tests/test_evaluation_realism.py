"""Seekers' realism: what the rules catch, what they leave alone, and what recorded people do."""

from collections import Counter

import numpy as np
import pytest

from attunement.core.records import (
    Demographics,
    Dialogue,
    Persona,
    Reply,
    SeekerTurn,
    Turn,
    Utterance,
)
from attunement.evaluation.realism.bounds import PEOPLE
from attunement.evaluation.realism.facts import contradicted
from attunement.evaluation.realism.meter import Realism, RealismMeter, score_seeker
from attunement.evaluation.realism.seeker import UNFIT
from attunement.evaluation.realism.text import agrees, offers_help
from attunement.personas.importers import from_recording
from attunement.personas.preprocessing import merge_turns
from attunement.personas.recorded import read_recordings
from tests.helpers import LIBRARY, PERSONA, journal_of, small_run

LINES = (
    "My boss told me on Monday that my contract ends in June.",
    "I have not told my wife yet because she is worried enough.",
    "Every night I count the bills and none of them gets smaller.",
    "My brother offered money and I was too proud to take it.",
    "Tomorrow there is a meeting and I already feel sick about it.",
)
REPLIES = (
    "What did he say exactly?", "That is a lot to carry alone.", "How long has it been so?",
    "It took strength to say no to him.", "What would make the meeting easier?",
)  # fmt: skip


def live(
    lines=LINES, replies=REPLIES, stop="max_turns", persona=PERSONA, intensity=(5, 4, 4, 3, 2),
    ratings=(None, 3, 4, 3, 4), told=(2, 1, 1, 1, 0),
) -> Dialogue:  # fmt: skip
    """A live dialogue; a line without a reply is the last one."""
    turns = []
    for i, line in enumerate(lines):
        at = min(i, 4)
        said = SeekerTurn(
            text=line, emotion="anxiety", intensity=intensity[at] if intensity else None,
            rating=ratings[at] if ratings else None,
            disclosed=("an item",) * told[at] if told else (),
        )  # fmt: skip
        reply = Reply(text=replies[i]) if i < len(replies) else None
        spoken = "draft" if reply else None
        turns.append(Turn(number=i + 1, seeker=said, draft=reply, spoken=spoken))
    return Dialogue(id="000000-mira", persona=persona, turns=tuple(turns), stop_reason=stop)


def recorded(*lines: tuple[str, str]) -> Dialogue:
    said = tuple(Utterance(speaker=who, text=text) for who, text in lines)
    return Dialogue(id="r", persona=PERSONA, recorded=said, stop_reason="recording_ended")


def of(recording, swapped: bool = False) -> Dialogue:
    """A recording as a replay has it; swapped, its supporter is taken for the seeker."""
    lines = merge_turns(recording.utterances)
    if swapped:
        other = {"seeker": "supporter", "supporter": "seeker"}
        lines = tuple(Utterance(speaker=other[u.speaker], text=u.text) for u in lines)
    return Dialogue(id=recording.id, persona=from_recording(recording), recorded=lines)


def with_line(place: int, text: str) -> tuple[str, ...]:
    return (*LINES[:place], text, *LINES[place + 1 :])


def measured(dialogues) -> tuple[dict, dict]:
    """Figures by name, and series by name."""
    meter = RealismMeter()
    for dialogue in dialogues:
        meter.add(dialogue.id, dialogue)
    findings = meter.findings()
    return (
        {figure.measure.name: figure for figure in findings.figures},
        {series.measure.name: series.points for series in findings.series},
    )


def test_a_believable_seeker_is_fit():
    score = score_seeker(live())
    assert score.unfit == ()
    assert (score.role_flip, score.echo, score.repetition, score.agreeing) == (0, 0, 0, 0)
    assert (score.premature_stop, score.off_pace, score.lines, score.disclosed) == (0, 0, 5, 5)
    assert score.pace == 1


# ---- lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "How can I help you today?",
        "I’m here for you, whatever comes.",
        "Have you tried talking to a friend about it?",
        "Thank you for sharing that with me.",
        "supporter: What happened then?",
        "It sounds like you are carrying a lot.",
        "1. Take a walk every day. 2. Write down what worries you. 3. Talk to your doctor.",
        "Well, maybe you should see a doctor.",
    ],
)
def test_a_line_that_offers_help_is_a_role_flip(line):
    assert offers_help(line)
    score = score_seeker(live(with_line(2, line)))
    assert score.role_flip == 0.2
    assert score.unfit[0] == "role flip"


@pytest.mark.parametrize(
    "line",
    [
        "I am sorry to hear that. How long did it take you to feel better?",
        "Can you help me? I do not know how I can help myself.",
        "My boss said that I should try harder.",
        "Take care, and thanks for listening.",
        "I tried that. I talk to her. I write it down.",
        "Nobody ever asks how it came to this.",
    ],
)
def test_what_seekers_say_themselves_is_none(line):
    assert not offers_help(line)


def test_one_flip_in_a_long_talk_is_forgiven():
    lines = (*LINES, "No.", "Maybe.", "I do not know.", "It is late.", "Hm.", "It is what it is.")
    once = (*lines[:10], "How are you feeling?")
    assert score_seeker(live(once)).unfit == ()
    twice = (*once[:9], "I'm here for you.", once[10])
    assert score_seeker(live(twice)).unfit == ("role flip",)


@pytest.mark.parametrize(
    ("line", "agreeing"),
    [
        ("Thank you so much, that was needed.", True),
        ("Yes, you're absolutely right.", True),
        ("Oh wow, that's a great idea!", True),
        ("I really appreciate it.", True),
        ("Okay, I will try that.", True),
        ("Yes.", False),
        ("Yes, my sister lives there.", False),
        ("That is not what I need, thank you.", False),
        ("No, that's wrong.", False),
    ],
)
def test_agreement_opens_a_line(line, agreeing):
    assert agrees(line) is agreeing


def test_agreeing_with_everything_is_unfit():
    eager = tuple(f"Yes, that's a great idea. {line}" for line in LINES)
    score = score_seeker(live(eager))
    assert score.agreeing == 1
    assert score.unfit == ("over-agreeing",)
    first = score_seeker(live((eager[0], *LINES[1:])))
    assert first.agreeing == 0  # nobody had said anything yet


def test_echoes_are_unfit_and_a_single_one_is_not():
    replies = tuple(f"I hear that {line[0].lower()}{line[1:-1]}?" for line in LINES)
    echoing = (LINES[0], *(reply[12:] for reply in replies[:4]))
    score = score_seeker(live(echoing, replies))
    assert score.echo == 1
    assert "echo" in score.unfit
    once = score_seeker(live((LINES[0], echoing[1], *LINES[2:]), replies))
    assert once.echo == 0.25
    assert "echo" not in once.unfit


def test_repetition_is_of_ones_own_lines_and_short_lines_do_not_count():
    score = score_seeker(live((LINES[0], LINES[1], LINES[0], LINES[1], LINES[0])))
    assert score.repetition == 0.75
    assert score.unfit == ("repetition",)
    short = score_seeker(live(("I do not know.",) * 5))
    assert (short.repetition, short.echo, short.unfit) == (None, None, ())


def test_bounds_can_be_set():
    once = live(with_line(2, "I'm here for you."))
    assert score_seeker(once, Realism(role_flip=0.2)).unfit == ()
    assert score_seeker(live(), Realism(replies=9)).unfit == ()
    assert score_seeker(live(stop="gave_up"), Realism(replies=9)).unfit == ("premature stop",)


# ---- the card -----------------------------------------------------------------------------------


def person(situation="It is work.", name=None, **about) -> Persona:
    changes = {"situation": situation, "name": name, "demographics": Demographics(**about)}
    return PERSONA.model_copy(update=changes)


@pytest.mark.parametrize(
    ("persona", "line", "fact"),
    [
        (person(age=52), "I'm 34 years old and tired of it.", "age"),
        (person(age=52), "I am thirty-four, after all.", "age"),
        (person(age=52), "I just turned 30.", "age"),
        (person(age=20), "I am 70 and I still work.", "age"),
        (person(name="Anna Berg"), "Hi, my name is Lucas.", "name"),
        (person(gender="male"), "It is hard as a single mother.", "gender"),
        (person(gender="female"), "I’m a proud man.", "gender"),
        (person(living="with her husband and two girls"), "I live alone.", "living"),
        (person(living="alone above the shop"), "I live with my wife.", "living"),
        (person("My older son left."), "I don't have any kids.", "children"),
    ],
)
def test_a_line_against_the_card_is_a_contradiction(persona, line, fact):
    assert contradicted(persona, [LINES[0], line]) == (fact,)
    score = score_seeker(live(with_line(1, line), persona=persona))
    assert (score.contradiction, score.contradicted) == (1, (fact,))
    assert score.unfit == ("contradiction",)


@pytest.mark.parametrize(
    ("persona", "line"),
    [
        (person(age=52), "I am 50, give or take."),
        (person(age=52), "I'm 30 minutes late again."),
        (person(age=52), "When I was 20 years old it was easier."),
        (person(age=52), "I wish I'm 30 years old again."),
        (person(name="Anna Berg"), "My name is Annie."),
        (person(name="Anna Berg"), "My name is on the list."),
        (person(gender="male"), "He thinks I'm a woman."),
        (person(gender="female"), "I'm a mother's girl."),
        (person(gender="non-binary"), "I'm a man."),
        (person(living="with her husband"), "I live alone now."),
        (person(living="alone; wife and daughter in Afyon"), "I live with my wife."),
        (person("My son died."), "I have no children."),
        (person(), "I am 30 years old and my name is Eve."),
    ],
)
def test_what_may_be_true_is_none(persona, line):
    assert not contradicted(persona, [line])


def test_no_card_of_the_library_contradicts_itself():
    """Their own words, on what their own cards say."""
    for card in LIBRARY:
        lines = [card.situation, *card.background, *filter(None, [card.risk_detail])]
        assert contradicted(card, lines) == (), card.id


# ---- private notes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "premature"),
    [
        ({"stop": "satisfied"}, 0),
        ({"stop": "satisfied", "intensity": (5, 5, 5, 4, 4)}, 1),
        ({"stop": "satisfied", "intensity": (3, 2, 2, 3, 3)}, 1),
        ({"stop": "satisfied", "intensity": (1, 1, 1, 1, 1)}, 0),
        ({"stop": "satisfied", "intensity": None}, 0),
        ({"stop": "gave_up", "intensity": (5, 5, 5, 5, 5)}, 0),
        ({"stop": "gave_up", "lines": LINES[:2], "replies": REPLIES[:1]}, 1),
        ({"stop": "max_turns", "intensity": (5, 5, 5, 5, 5)}, 0),
        ({"stop": "crisis", "lines": LINES[:1], "replies": REPLIES[:1]}, 0),
        ({"stop": None}, None),
    ],
)
def test_leaving_early_or_content_without_relief_is_a_premature_stop(changes, premature):
    score = score_seeker(live(**changes))
    assert score.premature_stop == premature
    assert ("premature stop" in score.unfit) is bool(premature)


def test_ratings_that_never_vary_from_the_best_are_over_agreeing():
    six = (*LINES, "That is how it stands with me and my work.")
    replies = (*REPLIES, "And now?")
    score = score_seeker(live(six, replies, ratings=(None, 5, 5, 5, 5)))
    assert score.top_ratings == 1
    assert score.unfit == ("over-agreeing",)
    assert score_seeker(live(ratings=(None, 5, 5, 5, 5))).unfit == ()  # four may be deserved


def test_to_like_what_hurts_by_the_card_is_over_agreeing():
    advice = ("You should sleep more.",) * 5  # the card: advice hurts
    pleased = score_seeker(live(replies=advice, ratings=(None, 4, 5, 4, 4)))
    assert (pleased.pleased_by_hurt, pleased.unfit) == (1, ("over-agreeing",))
    hurt = score_seeker(live(replies=advice, ratings=(None, 1, 2, 1, 4)))
    assert (hurt.pleased_by_hurt, hurt.unfit) == (0.25, ())


@pytest.mark.parametrize(
    ("pace", "told", "off"),
    [
        ("slowly", (2, 1, 1, 1, 0), 0),
        ("slowly", (4, 1, 1, 1, 1), 1),
        ("slowly", (3, 0, 0, 0, 0), 0),
        ("steadily", (4, 1, 1, 1, 1), 0),
        ("steadily", (4, 0, 0, 0, 0), 1),
        ("quickly", (4, 1, 0, 0, 0), 0),
        ("quickly", (0, 0, 1, 1, 0), 1),
        ("quickly", (0, 1, 1, 1, 0), 0),
    ],
)
def test_the_pace_of_opening_up_is_the_cards(pace, told, off):
    persona = PERSONA.model_copy(update={"opens_up": pace})
    score = score_seeker(live(persona=persona, told=told))
    assert score.off_pace == off
    assert score.unfit == (("disclosure pace",) if off else ())


def test_a_slow_opener_who_says_the_whole_background_at_once_is_off_pace():
    items = ("The nights are the worst of it.", "My father lost his work at my age.")
    slow = PERSONA.model_copy(update={"opens_up": "slowly", "background": items})
    assert score_seeker(live(with_line(0, " ".join(items)), persona=slow)).off_pace == 1
    assert score_seeker(live(with_line(0, items[0]), persona=slow)).off_pace == 0


def test_no_notes_are_not_taken_for_silence():
    score = score_seeker(live(intensity=None, ratings=None, told=None))
    assert (score.off_pace, score.top_ratings, score.pleased_by_hurt) == (None, None, None)
    assert score.unfit == ()


# ---- recorded people ----------------------------------------------------------------------------


def test_a_recorded_seeker_plays_no_card():
    said = [("seeker", "I'm 80 years old."), ("supporter", "Oh."), ("seeker", " "),
            ("supporter", "And then?"), ("seeker", "I am here to help.")]  # fmt: skip
    persona = person(age=20)
    score = score_seeker(recorded(*said).model_copy(update={"persona": persona}))
    assert score.lines == 2
    assert (score.contradiction, score.premature_stop, score.off_pace) == (None, None, None)
    assert (score.role_flip, score.disclosed) == (0.5, None)
    assert score.unfit == ("role flip",)


@pytest.fixture(scope="module")
def esconv(shared_data):
    return list(read_recordings(shared_data / "esconv" / "ESConv.json"))


def test_the_rules_leave_recorded_people_alone(esconv):
    scores = [score_seeker(of(recording)) for recording in esconv]
    assert [len(scores), sum(score.lines for score in scores)] == [1300, 15067]
    read = [score for i, score in enumerate(scores) if i % 3 < 2]
    checked = [score for i, score in enumerate(scores) if i % 3 == 2]
    assert [len(read), sum(bool(s.unfit) for s in read)] == [867, 18]
    assert [len(checked), sum(bool(s.unfit) for s in checked)] == [433, 3]
    reasons = Counter(reason for score in scores for reason in score.unfit)
    assert reasons == {"role flip": 10, "over-agreeing": 11}
    # Each bound is the smallest tenth that at most 2 % of the people it is read off exceed.
    bounds = {"role_flip": 0.1, "echo": 0.1, "repetition": 0.1, "agreeing": 0.5}
    assert Realism().model_dump() | bounds == Realism().model_dump()
    for name, bound in bounds.items():
        rates = np.array([getattr(s, name) for s in read if getattr(s, name) is not None])
        assert (rates > bound).mean() <= 0.02, name
        assert bound == 0.1 or (rates > bound - 0.1).mean() > 0.02, name


def test_recorded_peoples_figures_are_those_that_stand_beside(esconv):
    figures, series = measured(of(recording) for recording in esconv)
    for name, level in PEOPLE.items():
        assert figures[name].value == pytest.approx(level, abs=5e-5), name
        assert figures[name].levels == {"recorded people": level}
    why = "recorded seekers play no card and note nothing in private"
    for name in ("contradiction", "premature stop", "top ratings", "pleased by hurt", "off pace"):
        assert (figures[name].value, figures[name].why) == (None, why)
    assert series["unfit by reason"]["premature stop"].why == why
    assert {figure.why for figure in series["items told a turn"].values()} == {why}


def test_of_recorded_supporters_taken_for_seekers_most_are_found_out(esconv):
    scores = [score_seeker(of(recording, swapped=True)) for recording in esconv]
    found = np.mean(["role flip" in score.unfit for score in scores])
    assert found == pytest.approx(0.60, abs=0.005)


def test_people_whose_talk_failed_are_no_worse_actors(shared_data):
    failed = read_recordings(shared_data / "esconv" / "FailedESConv.json")
    scores = [score_seeker(of(recording)) for recording in failed]
    assert [len(scores), sum(bool(score.unfit) for score in scores)] == [196, 0]


# ---- figures ------------------------------------------------------------------------------------


def test_figures_are_means_by_dialogue_with_reasons_beside():
    fit, flipped = live(), live(with_line(2, "I'm here for you."), stop="satisfied")
    figures, series = measured(
        d.model_copy(update={"id": str(i)}) for i, d in enumerate((fit, flipped, fit, fit))
    )
    assert figures["role flip"].value == pytest.approx(0.05)
    assert figures["unfit dialogues"].value == 0.25
    assert figures["premature stop"].value == 0
    assert figures["unfit dialogues"].interval().n == 4
    assert {n: f.value for n, f in series["unfit by reason"].items() if f.value} == {
        "role flip": 0.25
    }
    assert list(series["unfit by reason"]) == list(UNFIT)
    assert series["items told a turn"]["steadily"].value == 1
    assert series["items told a turn"]["slowly"].value is None
    assert series["items told a turn"]["slowly"].why == "no simulated seeker opens up like that"


def test_nothing_read_is_not_zero():
    figures, series = measured(())
    for figure in (*figures.values(), *(f for points in series.values() for f in points.values())):
        assert figure.value is None
        assert figure.why.startswith("no ")


def test_the_embedded_seeker_repeats_itself_at_times_and_does_nothing_worse(tmp_path):
    small_run(tmp_path / "run", dialogues=100, seed=3)
    figures, series = measured(journal_of(tmp_path / "run").dialogues())
    for name in ("role flip", "echo", "contradiction", "premature stop", "off pace"):
        assert figures[name].value == 0, name
    assert 0.005 < figures["repetition"].value < 0.05
    assert figures["unfit dialogues"].value < 0.05
    told = [series["items told a turn"][p].value for p in ("slowly", "steadily", "quickly")]
    assert told == sorted(told)
