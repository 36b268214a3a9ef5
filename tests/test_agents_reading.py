"""Reading answers: every disguise of a good record reads, nothing cut or ambiguous does."""

import contextlib
import json
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from attunement.agents.guard import Watch
from attunement.agents.planner import StagedPlan as Plan
from attunement.agents.reading import ReadingError, plain_text, read_record
from attunement.core.records import (
    Emotion,
    Inferred,
    Intensity,
    Record,
    Reflection,
    Reply,
    SeekerTurn,
    Stage,
    Strategy,
)

GOOD = '{"stage": "Action", "strategy": "Information", "reason": "asked"}'
PLAN = Plan(stage=Stage.ACTION, strategy=Strategy.INFORMATION, reason="asked")
ECHO = '{"stage": "Exploration", "strategy": "Question", "reason": "why, in one sentence"}'
PROMPTED = """{"stage": one of Exploration, Comforting, Action,
 "strategy": one of the eight names, spelled as above,
 "reason": why, in one sentence}"""


class Scores(Record):
    """A judge's marks: kinds of fields that no role's record has."""

    fit: Intensity
    steps: Annotated[int, Field(ge=0)] = 0
    used: tuple[Strategy, ...] = ()
    tone: Literal["warm", "cool", "neither warm nor cool"] = "warm"


def unreadable(text: str, record: type[Record] = Plan) -> str:
    """Why `text` does not read."""
    with pytest.raises(ReadingError) as caught:
        read_record(text, record)
    why = str(caught.value)
    assert why
    assert "\n" not in why
    return why


def test_a_good_answer_takes_the_fast_path(monkeypatch):
    monkeypatch.setattr("attunement.agents.reading.fit_record", None)
    for text in (GOOD, f"```json\n{GOOD}\n```", f"Here you are: {GOOD} Good luck!"):
        assert read_record(text, Plan) == PLAN


# ---- which object -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"<think>Maybe {ECHO}</think>{GOOD}",
        f"<THINKING>\nMaybe {ECHO}\n</THINKING>\n\n{GOOD}",
        f"Maybe {ECHO} or so.\n</think>\n{GOOD}",
        f"[THINK]{ECHO}[/THINK]{GOOD}",
        f"<think>a <think>b</think> {ECHO}</think>{GOOD}",
        f"{GOOD}\n<think>Was that right? {ECHO}",
        f"Such as {ECHO}, so here:\n{GOOD}",
        f"The form is\n{PROMPTED}\nand my answer is\n{GOOD}",
        f"{GOOD}\nConfidence: " + '{"score": 0.9}',
        f"I fill {{stage}} and {{ strategy }} in: {GOOD} :-{{ !",
        f"{{{GOOD}}}",
        f"[{GOOD}]",
        f"[\n  {GOOD},\n]",
        '{"Plan": ' + GOOD + "}",
        '{"plan": ' + GOOD + "}",
    ],
)
def test_the_object_that_is_meant_is_found(text: str):
    assert read_record(text, Plan) == PLAN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I would ask a question.", "no JSON object"),
        ('{stage: "Action", strategy: "Question"}', "no JSON object"),
        (f"<think>{GOOD}", "no JSON object"),
        (f"<think>Hm.\n{GOOD}\nWait", "no JSON object"),
        (f"{GOOD}, or rather [{ECHO}, {GOOD}]", "must be one JSON object"),
        (f"[{ECHO}, {GOOD}]", "must be one JSON object"),
        (f"[{ECHO}, {GOOD[:20]}", "breaks off"),
        (f"For example {ECHO}.\n{GOOD[:-3]}", "breaks off"),
        (f"For example {ECHO}.\n{{", "breaks off"),
        (f'{ECHO}\n{{"stage": "they "asked" me"}}', "broken at 'asked"),
        ('{"Reply": ' + GOOD + "}", "`Reply`: there is no such name"),
        (
            '{"mood": 1}',
            "`stage`: is missing; `strategy`: is missing; `mood`: there is no such",
        ),
        (GOOD[:-1] + ', "mood": 1}', "`mood`: there is no such name"),
        (f"{ECHO} {GOOD.replace('Information', 'Hug')}", "unknown strategy 'Hug'; known: Question"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "broken at"),
        ('{"stage": ' + "9" * 5000 + "}", "`stage`"),
    ],
)
def test_an_answer_without_one_clear_object_says_why(text: str, why: str):
    assert why in unreadable(text)


def test_an_echoed_example_never_stands_in_for_the_answer():
    # A record with defaults alone: all of its echo's inner objects would validate.
    outer = '{"who": "he said "hi"", "personality": {"openness": "low"}}'
    assert "broken" in unreadable(outer, Inferred)
    unclosed = '{"who": he, "personality": {"openness": "low"}'
    assert "broken at 'he, " in unreadable(unclosed, Inferred)
    assert "breaks off" in unreadable('{"personality": {"openness": "low"}, "who": "x', Inferred)
    assert "breaks off" in unreadable('{"crisis": tru', Watch)


# ---- slips of form ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"text": "Hello",}', "Hello"),
        ('{"text": "One\nline\tand\x07 more"}', "One\nline\tand\x07 more"),
        ("{'text': 'Hello', 'strategy': None}", "Hello"),
        ('{\'text\': "it\'s", "strategy": null}', "it's"),
        (r"{'text': 'it\'s \xe9t\u00e9 \"x\"'}", 'it\'s été "x"'),
        (r'{"text": "it\'s"}', "it's"),
        (r'{"text": "\ud83d\ude42",}', "🙂"),
        ("{“text”: “It’s fine”}", "It’s fine"),
        ("{„text“: „Servus“}", "Servus"),
        ("{‘text’: ‘Hello’}", "Hello"),
        ('{"text": "<think>I ask.</think>Hello",}', "Hello"),
        (r'{"text": "a } b \" } {", }', 'a } b " } {'),
    ],
)
def test_slips_of_form_are_read(text: str, said: str):
    assert read_record(text, Reply).text == said


@pytest.mark.parametrize(
    "text",
    [
        "{'text': 'I can't'}",
        "{‘text’: ‘I can’t’}",
        "{“text”: “I said “no”, “strategy”: “Question”}",
        '{“text”: “no", "strategy": “Question”}',
        '{"text": "no, "strategy": "Question"}',
        '{"text": Hello}',
        '{"text" "Hello"}',
        '{"text": "Hello" "strategy": null}',
        r'{"text": "\ud83d",}',
        r'{"text": "\q"}',
        "{'text': {'a'}}",
        '{"text": "Hello", , }',
    ],
)
def test_what_could_be_read_in_two_ways_is_broken(text: str):
    assert "broken at" in unreadable(text, Reply)


# ---- values that are nearly right ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("question", "Question"),
        ("Questions", "Question"),
        ("[Question].", "Question"),
        ("Qestion", "Question"),
        ("SELF_DISCLOSURE", "Self-disclosure"),
        ("Self disclosure", "Self-disclosure"),
        ("SelfDisclosure", "Self-disclosure"),
        ("Paraphrasing", "Restatement or Paraphrasing"),
        ("Restatement/Paraphrasing", "Restatement or Paraphrasing"),
        ("restatement", "Restatement or Paraphrasing"),
        ("Suggestions", "Providing Suggestions"),
        ("Suggestion", "Providing Suggestions"),
        ("providing a suggestion", "Providing Suggestions"),
        ("direct-guidance", "Providing Suggestions"),
        ("Approval and Reassurance", "Affirmation and Reassurance"),
        ("Reflection of the feeling", "Reflection of feelings"),
        ("Reflexion of feelings", "Reflection of feelings"),
        ("Informations", "Information"),
        ("other", "Others"),
    ],
)
def test_a_near_miss_is_the_one_name_that_it_can_mean(said: str, meant: str):
    for text in (said, f" {said}\n"):
        data = {"stage": "Action", "strategy": text}
        assert read_record(json.dumps(data), Plan).strategy == meant


@pytest.mark.parametrize(
    "said",
    [
        "Question/Restatement", "Question and Suggestions", "Providing Information",
        "Reflection of meaning", "Hug", "",
        "and", "not Question", "No suggestions", "Question: Information", "Q", "feel", "Quest",
        "?", "Question" * 20,
    ],
)  # fmt: skip
def test_a_strategy_that_could_be_another_stays_an_error(said: str):
    unreadable(json.dumps({"stage": "Action", "strategy": said}))


def test_a_typo_between_two_names_is_neither():
    class Kind(Record):
        kind: Literal["acceptance", "acceptable", "distance"]

    assert read_record('{"kind": "distanse"}', Kind).kind == "distance"
    unreadable('{"kind": "acceptence"}', Kind)


@pytest.mark.parametrize(
    ("said", "meant"), [("Anxiety.", "anxiety"), ("anxeity", "anxiety"), ("guilty", "guilt")]
)
def test_an_emotion_is_read_through_small_slips(said: str, meant: str):
    assert read_record(json.dumps({"text": "x", "emotion": said}), SeekerTurn).emotion == meant


@pytest.mark.parametrize(
    "said",
    ["sad and anxious", "sad", "anger/fear", "danger", "not anger", "tear", "quilt", "pa in t"],
)
def test_another_emotion_is_not_guessed(said: str):
    why = unreadable(json.dumps({"text": "x", "emotion": said}), SeekerTurn)
    assert f"`emotion`: unknown emotion {said!r}; known: anxiety, " in why


def test_names_are_read_in_literals_nested_records_lists_and_optional_fields():
    data = {
        "who": "x", "emotion": "ANGER", "intensity": 2, "situation": "y",
        "personality": {"openness": "Low ", "neuroticism": "HIGH", "extraversion": "null"},
    }  # fmt: skip
    found = read_record(json.dumps(data), Reflection)
    assert found.emotion is Emotion.ANGER
    assert found.personality == Inferred(openness="low", neuroticism="high")
    watch = read_record('{"crisis": true, "kind": "Self harm"}', Watch)
    assert watch.kind == "self-harm"
    assert read_record('{"crisis": false, "kind": "none"}', Watch).kind is None
    scores = read_record('{"fit": 3, "used": ["question", "paraphrasing"]}', Scores)
    assert scores.used == (Strategy.QUESTION, Strategy.RESTATEMENT)
    assert read_record('{"fit": 3, "used": "Others."}', Scores).used == (Strategy.OTHERS,)
    # Two kinds of harm; three levels of which "slow" is none; "cool" is a word of two names.
    unreadable('{"crisis": true, "kind": "harm"}', Watch)
    unreadable('{"openness": "slow"}', Inferred)
    unreadable('{"openness": "medium-high"}', Inferred)
    assert read_record('{"fit": 3, "tone": "Cool"}', Scores).tone == "cool"
    unreadable('{"fit": 3, "tone": "warm cool neither x"}', Scores)


@pytest.mark.parametrize(
    "said", ['"4"', '"4/5"', "4/5", '" 4 out of 5 "', "4 out of 5", "4.0", '"4.0"']
)
def test_a_whole_number_is_read_on_the_fields_own_scale(said: str):
    assert read_record(f'{{"fit": {said}}}', Scores).fit == 4
    assert read_record(f'{{"text": "x", "rating": {said},}}', SeekerTurn).rating == 4


@pytest.mark.parametrize(
    "said",
    ['"4/10"', "4 out of 10", '"6/5"', '"4-5"', "4.5", '"4 or 5"', '"four"', '"-4/5"', "4 5"],
)
def test_a_number_on_another_scale_stays_an_error(said: str):
    unreadable(f'{{"fit": {said}}}', Scores)


def test_a_fraction_needs_a_field_with_that_bound():
    unreadable('{"fit": 3, "steps": "4/5"}', Scores)


def test_null_and_a_single_string_are_lists_of_none_and_one():
    start = '{"who": "x", "emotion": "fear", "intensity": 1, "situation": "y"'
    found = read_record(
        start + ', "needs": null, "avoid": "Advice", "personality": null}', Reflection
    )
    assert (found.needs, found.avoid) == ((), ("Advice",))
    assert found.personality == Inferred()
    assert read_record(start + ', "needs": " "}', Reflection).needs == ()
    assert read_record('{"crisis": false, "evidence": null}', Watch).evidence == ""
    # Null is no answer to a question that has to be answered.
    assert "`crisis`" in unreadable('{"crisis": null}', Watch)
    assert "`wants_to_stop`" in unreadable('{"text": "x", "wants_to_stop": null}', SeekerTurn)
    assert "`needs`" in unreadable(start + ', "needs": 3}', Reflection)


# ---- properties ---------------------------------------------------------------------------------

WORDS = st.text(
    st.one_of(st.sampled_from("ab{}[]\"'“”’:,\\/\n\t <>`é🙂"), st.characters(codec="utf-8")),
    max_size=20,
)
SAID = WORDS.map(str.strip).filter(bool)
LEVELS = st.sampled_from(["low", "medium", "high", None])
RECORDS = st.one_of(
    st.builds(Plan, stage=st.sampled_from(Stage), strategy=st.sampled_from(Strategy), reason=WORDS),
    st.builds(Reply, text=SAID, strategy=st.none() | st.sampled_from(Strategy)),
    st.builds(
        SeekerTurn, text=SAID, emotion=st.none() | st.sampled_from(Emotion),
        intensity=st.none() | st.integers(1, 5), disclosed=st.lists(WORDS, max_size=3).map(tuple),
        rating=st.none() | st.integers(1, 5), wants_to_stop=st.booleans(),
    ),
    st.builds(
        Reflection, who=WORDS, situation=WORDS, emotion=st.sampled_from(Emotion),
        intensity=st.integers(1, 5), needs=st.lists(WORDS, max_size=3).map(tuple),
        personality=st.builds(Inferred, openness=LEVELS, neuroticism=LEVELS),
    ),
    st.builds(
        Watch, crisis=st.booleans(), evidence=WORDS,
        kind=st.sampled_from(["self-harm", "suicide", None]),
    ),
)  # fmt: skip


def _raw_breaks(text: str) -> str:
    return text.replace("\\n", "\n") if "\\\\" not in text else text


FORMS = {
    "compact": lambda data: json.dumps(data),
    "indented": lambda data: json.dumps(data, indent=2, ensure_ascii=False),
    "trailing comma": lambda data: json.dumps(data, indent=1)[:-2] + ",\n}",
    "raw line breaks": lambda data: _raw_breaks(json.dumps(data)),
    "Python": lambda data: repr(data),
}
DISGUISES = {
    "alone": "{}", "fence": "```json\n{}\n```", "bare fence": "```\n{}\n```",
    "words": "Of course! Here it is:\n\n{}\n\nI hope that's what you wanted.",
    "reasoning": '<think>Perhaps {{"text": "no"}}, then {{</think>\n{}', "list": "[{}]",
    "echo": '{{"text": "what you say", "crisis": true, "stage": "Action"}}\n\n{}',
}  # fmt: skip


@settings(deadline=None)
@given(RECORDS, st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(DISGUISES)))
def test_a_record_reads_back_through_every_disguise(record: Record, form: str, disguise: str):
    text = FORMS[form](record.model_dump(mode="json"))
    assert read_record(DISGUISES[disguise].format(text), type(record)) == record


@settings(deadline=None)
@given(RECORDS, st.booleans())
def test_a_record_reads_back_in_its_name(record: Record, small: bool):
    name = type(record).__name__
    text = json.dumps({name.lower() if small else name: record.model_dump(mode="json")})
    assert read_record(text, type(record)) == record


@settings(deadline=None)
@given(RECORDS, st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(DISGUISES)), st.data())
def test_an_answer_that_breaks_off_never_reads(
    record: Record, form: str, disguise: str, data: st.DataObject
):
    text = FORMS[form](record.model_dump(mode="json"))
    before = DISGUISES[disguise].split("{}")[0].format()
    cut = before + text[: data.draw(st.integers(0, len(text) - 1))]
    unreadable(cut, type(record))


@settings(deadline=None)
@given(WORDS, RECORDS)
def test_no_text_breaks_the_reader(text: str, record: Record):
    for answer in (text, "{" + text, '{"text": "' + text, f"{GOOD} {text}"):
        with contextlib.suppress(ReadingError):
            assert isinstance(read_record(answer, type(record)), type(record))
        assert isinstance(plain_text(answer), str)


# ---- plain answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" Hello. \n", "Hello."),
        ('"Hello."', '"Hello."'),
        ("“Hello.”", "“Hello.”"),
        ("Supporter: Hello.", "Supporter: Hello."),
        ("<think>They grieve.</think>\n\nHello.", "Hello."),
        ("They grieve.\n</think>\n\nHello.", "Hello."),
        ("Hello. <think>Enough?", "Hello."),
        ("<think>They grieve, so I", ""),
        ("I think <3 you", "I think <3 you"),
        ("```\nHello.\nYou.\n```", "Hello.\nYou."),
        ("```text\nHello.\n```", "Hello."),
        ("Try `this`:\n```\nHello.\n```", "Try `this`:\n```\nHello.\n```"),
        ("```\na\n```\nand\n```\nb\n```", "```\na\n```\nand\n```\nb\n```"),
        ('{"reply": "Hello."}', "Hello."),
        ('{"Supporter": " Hello."}', "Hello."),
        ('```json\n{"strategy": "Question", "text": "Hello.",}\n```', "Hello."),
        ('{"text": "a", "reply": "b"}', '{"text": "a", "reply": "b"}'),
        ('{"text": 3}', '{"text": 3}'),
        ('{"text": "Hel', '{"text": "Hel'),
        ('{"text": "Hello."} and more', '{"text": "Hello."} and more'),
        ("{sighs} Hello.", "{sighs} Hello."),
        ("{}", "{}"),
        ("", ""),
    ],
)
def test_a_plain_answer_loses_its_wrapping_and_nothing_else(text: str, said: str):
    assert plain_text(text) == said


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="<[◁`{")))
def test_a_plain_answer_without_wrapping_is_left_alone(text: str):
    assert plain_text(text) == text.strip()


@pytest.mark.parametrize("kind", ["other", "self", "harm", "suicid"])
def test_the_kind_of_a_crisis_is_never_guessed(kind: str):
    from attunement.agents.guard import Watch

    with pytest.raises(ReadingError):
        read_record(json.dumps({"crisis": True, "kind": kind}), Watch)
    assert read_record('{"crisis": true, "kind": "Self Harm"}', Watch).kind == "self-harm"
