"""Marks, comparisons and second plans: journalled, in both orders, never asked twice."""

import json
from pathlib import Path

import pytest

from attunement.agents.comparing import Choice
from attunement.agents.rating import DIALOGUE_SCALES, REPLY_SCALES, DialogueRating, ReplyRating
from attunement.agents.reading import ReadingError, read_record
from attunement.core.errors import ConfigError, JournalError, ModelError
from attunement.evaluation.strategy_meter import StrategyMeter
from attunement.simulator.comparing import Comparing
from attunement.simulator.config import read_config
from attunement.simulator.journal import Journal
from attunement.simulator.judging import judge_run, left
from attunement.simulator.matching import ORDERS, between, refinements
from attunement.simulator.rating import Rating
from attunement.simulator.recorder import Tally
from attunement.simulator.replanning import REFERENCE, Replanning
from tests.helpers import answering, journal_of, judge, small_run

MARKS = {"reason": "It asks.", "fluency": 5, "professionalism": 4, "empathy": 3, "helpfulness": 2}
WHOLE_MARKS = {"reason": "It holds.", **dict.fromkeys(DIALOGUE_SCALES, 3)}


def judged(folder, chat, instrument, **settings):
    return judge_run(folder, chat.spec, lambda config: instrument, backends=[chat], **settings)


def turns(folder: Path):
    """Those with a reply; the closing one has none."""
    journal = journal_of(folder)
    found = [turn for dialogue in journal.dialogues() for turn in dialogue.turns if turn.reply]
    journal.close()
    return found


def whole(folder: Path):
    journal = journal_of(folder)
    found = [dialogue.verdicts for dialogue in journal.dialogues()]
    journal.close()
    return found


@pytest.fixture
def folder(tmp_path):
    """Two dialogues of two refined replies each."""
    small_run(tmp_path / "run", answering(), dialogues=2, max_turns=2)
    return tmp_path / "run"


# ---- marks --------------------------------------------------------------------------------------


def test_every_spoken_reply_gets_a_mark_on_each_scale(folder):
    chat = judge(MARKS)
    assert judged(folder, chat, Rating("strict"))
    assert len(chat.asked) == 4
    for turn in turns(folder):
        found = {v.name: (v.value, v.about, v.judge, v.reason) for v in turn.verdicts}
        assert found == {
            f"reply: {scale}": (MARKS[scale], "refined", "strict", "It asks.")
            for scale in REPLY_SCALES
        }


def test_a_dialogue_is_marked_as_a_whole(folder):
    chat = judge(WHOLE_MARKS)
    assert judged(folder, chat, Rating("strict", "dialogue"))
    assert len(chat.asked) == 2
    assert not any(turn.verdicts for turn in turns(folder))
    for verdicts in whole(folder):
        assert {v.name: v.value for v in verdicts} == {
            f"dialogue: {scale}": 3 for scale in DIALOGUE_SCALES
        }
    spoken = chat.asked[0].messages[1]["content"]
    assert (spoken.count("seeker: "), spoken.count("supporter: ")) == (3, 2)


def test_what_is_marked_is_not_asked_again_and_another_judge_marks_beside_it(folder):
    first, again, other = judge(MARKS), judge(MARKS), judge(MARKS, "mild")
    judged(folder, first, Rating("strict"))
    judged(folder, again, Rating("strict"))
    judged(folder, other, Rating("mild"))
    assert (len(first.asked), len(again.asked), len(other.asked)) == (4, 0, 4)
    assert {v.judge for turn in turns(folder) for v in turn.verdicts} == {"strict", "mild"}
    config = read_config(folder / "config.toml")
    assert config.assessors == ("strict", "mild")
    assert config.judges == ()  # corpora are filtered by labels alone


def test_prose_is_a_missing_mark_with_its_reason_and_never_a_zero(folder):
    chat = judge("A fine reply, I would say.")
    assert judged(folder, chat, Rating("strict"))
    assert len(chat.asked) == 3 * 4  # three attempts each
    for turn in turns(folder):
        assert [v.value for v in turn.verdicts] == [None] * len(REPLY_SCALES)
        assert all("no readable ReplyRating" in v.reason for v in turn.verdicts)


def test_unreadable_marks_are_asked_anew_only_with_again(folder):
    judged(folder, judge("Prose."), Rating("strict"))
    silent, anew = judge(MARKS), judge(MARKS)
    judged(folder, silent, Rating("strict"))
    judged(folder, anew, Rating("strict", again=True), again=True)
    assert (len(silent.asked), len(anew.asked)) == (0, 4)
    assert all(v.value is not None for turn in turns(folder) for v in turn.verdicts)


def test_a_single_mark_may_be_missing(folder):
    judged(folder, judge(MARKS | {"helpfulness": None}), Rating("strict"))
    for turn in turns(folder):
        values = {v.name: v.value for v in turn.verdicts}
        assert values["reply: helpfulness"] is None
        assert values["reply: empathy"] == 3
    again = judge(MARKS)
    judged(folder, again, Rating("strict", again=True), again=True)
    assert again.asked == []  # the judge was read: it had nothing to mark it by


@pytest.mark.parametrize("wrong", [{"empathy": 6}, {"empathy": -1}, {"empathy": "much"}])
def test_a_mark_off_the_scale_is_no_mark(wrong):
    with pytest.raises(ReadingError):
        read_record(json.dumps(MARKS | wrong), ReplyRating)


def test_a_dialogue_scale_ends_at_four():
    with pytest.raises(ReadingError):
        read_record(json.dumps(WHOLE_MARKS | {"skill": 5}), DialogueRating)


def test_a_judge_sees_no_persona_no_strategy_and_no_other_side(folder):
    chat = judge(MARKS)
    judged(folder, chat, Rating("strict"))
    said = " ".join(m["content"] for ask in chat.asked for m in ask.messages)
    assert "What about the nights is worst?" in said
    for hidden in ("Being asked before anyone explains", "night nurse", "(strategy:"):
        assert hidden not in said
    assert "<reply>\nWhat happened?" not in said  # the draft


# ---- comparisons --------------------------------------------------------------------------------


def comparing(name="strict", again=False):
    return Comparing(name, refinements, again)


def sides(ask):
    """What stands as A and as B in a request, without the words that both reply to."""
    asked = ask.messages[1]["content"]
    first, _, second = asked.partition("Reply A to it:")[2].partition("Reply B to it:")
    return first, second


def favouring(text):
    """A judge that prefers the side that holds a text, wherever it stands."""

    def answer(ask):
        first, second = sides(ask)
        assert (text in first) != (text in second)
        return {"reason": "So it is.", "winner": "A" if text in first else "B"}

    return answer


def test_every_pair_is_judged_in_both_orders(folder):
    chat = judge(favouring("the nights"))
    assert judged(folder, chat, comparing())
    assert len(chat.asked) == 8
    for turn in turns(folder):
        found = [(v.name, v.about, v.label, v.value) for v in turn.verdicts]
        assert found == [("preferred over draft", "refined", order, 1.0) for order in ORDERS]


def test_a_judge_of_places_takes_its_own_verdict_back(folder):
    judged(folder, judge({"reason": "", "winner": "A"}), comparing())
    for turn in turns(folder):
        assert {v.label: v.value for v in turn.verdicts} == {"shown first": 1, "shown second": 0}


def test_a_tie_is_half_and_prose_is_nothing(folder):
    def answer(ask):
        first, _ = sides(ask)
        return {"reason": "Alike.", "winner": "tie"} if "the nights" in first else "Both are nice."

    judged(folder, judge(answer), comparing())
    for turn in turns(folder):
        assert {v.label: v.value for v in turn.verdicts} == {
            "shown first": 0.5, "shown second": None,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("A", "A"),
        ("b", "B"),
        ("Reply A", "A"),
        ("supporter b", "B"),
        ("Tie", "tie"),
        ("Reply: A", "A"),
        ("reply_a", "A"),
        ("assistant B", "B"),
        ("tie.", "tie"),
    ],
)
def test_a_winner_is_read_as_models_say_it(said, meant):
    assert read_record(json.dumps({"reason": "", "winner": said}), Choice).winner == meant


@pytest.mark.parametrize(
    "prose",
    ["A is better than B", "A, since it beats B.", "Neither A nor B", "both A and B",
     "a tie between A and B", "not A", "the first"],
)  # fmt: skip
def test_prose_that_names_a_side_is_no_verdict_for_it(prose):
    with pytest.raises(ReadingError):
        read_record(json.dumps({"reason": "", "winner": prose}), Choice)


def test_decided_pairs_are_not_asked_again(folder):
    judged(folder, judge(favouring("the nights")), comparing())
    again = judge(favouring("the nights"))
    judged(folder, again, comparing())
    assert again.asked == []
    journal = journal_of(folder)
    assert left(journal, comparing()) == 0
    assert left(journal, comparing("other")) == 4
    journal.close()


def test_whole_dialogues_of_two_live_runs_are_set_side_by_side(tmp_path):
    small_run(tmp_path / "a", answering(), dialogues=2, max_turns=2)
    small_run(tmp_path / "b", answering(refiner={"strategy": "Question", "text": "Go on."}),
              dialogues=2, max_turns=2)  # fmt: skip
    pairs = list(between(tmp_path / "a", tmp_path / "b"))
    assert [(p.turn, p.about, p.context) for p in pairs] == [(0, None, ())] * 2
    assert {line.text for line in pairs[0].against if line.speaker == "supporter"} == {"Go on."}

    def others(_: Journal):
        return between(tmp_path / "a", tmp_path / "b")

    chat = judge({"reason": "", "winner": "B"})
    judged(tmp_path / "a", chat, Comparing("strict", others))
    assert len(chat.asked) == 4
    assert [sorted(v.value for v in verdicts) for verdicts in whole(tmp_path / "a")] == [[0, 1]] * 2
    assert whole(tmp_path / "b") == [(), ()]


def test_runs_of_other_seeds_or_without_a_difference_share_no_pair(tmp_path):
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        small_run(tmp_path / name, answering(), dialogues=1, max_turns=2, seed=seed)
    with pytest.raises(ConfigError, match="same seed"):
        list(between(tmp_path / "a", tmp_path / "b"))
    with pytest.raises(ConfigError, match="share no reply that differs"):
        list(between(tmp_path / "a", tmp_path / "c"))


# ---- a second plan ------------------------------------------------------------------------------


def test_a_reference_planner_plans_every_turn_once_more(folder):
    answers = iter(["Question", "Information"] * 2)
    chat = judge(lambda _: {"stage": "Action", "strategy": next(answers), "reason": "now"})
    judged(folder, chat, Replanning("strict"))
    found = [[(v.name, v.label, v.value) for v in turn.verdicts] for turn in turns(folder)]
    assert len(found) == len(chat.asked) == 4
    kinds = {verdicts[0][1:] for verdicts in found}
    assert kinds == {("Question", 1.0), ("Information", 0.0)}
    assert {verdicts[0][0] for verdicts in found} == {REFERENCE}


def test_a_plan_that_could_not_be_read_is_held_against_the_reference_too(tmp_path):
    small_run(tmp_path / "run", answering(planner="Prose."), dialogues=1, max_turns=2)
    chat = judge({"stage": "Action", "strategy": "Question", "reason": "now"})
    judged(tmp_path / "run", chat, Replanning("strict"))
    found = [(v.label, v.value) for turn in turns(tmp_path / "run") for v in turn.verdicts]
    assert found == [("Question", 0.0)] * 2
    meter = StrategyMeter("strict")
    for dialogue in journal_of(tmp_path / "run").dialogues():
        meter.add("d", dialogue)
    accuracy = next(f for f in meter.findings().figures if f.measure.name == "accuracy")
    assert accuracy.value == 0


# ---- the run that is judged ---------------------------------------------------------------------


def test_a_judge_without_an_answer_leaves_its_reason_and_the_work_goes_on(folder):
    calls = iter(range(100))

    def answer(_):
        if next(calls) == 0:
            raise ModelError("no line to the judge")
        return MARKS

    tally = Tally()
    assert judged(folder, judge(answer), Rating("strict"), tally=tally)
    values = [[v.value for v in turn.verdicts] for turn in turns(folder)]
    assert sum(value == [None] * 4 for value in values) == 1
    assert tally.labelled == 4


def test_judging_killed_in_the_middle_asks_only_for_what_is_missing(folder):
    calls = iter(range(100))

    def failing(_):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return MARKS

    with pytest.raises(KeyboardInterrupt):
        judged(folder, judge(failing), Rating("strict"))
    before = sum(bool(turn.verdicts) for turn in turns(folder))
    rest = judge(MARKS)
    judged(folder, rest, Rating("strict"))
    assert all(len(turn.verdicts) == 4 for turn in turns(folder))
    assert len(rest.asked) <= 4 - before
    journal = journal_of(folder)
    journalled = [c for i in range(2) for c in journal.calls(i) if c["role"] == "judge"]
    journal.close()
    assert len(journalled) == 4


def test_judging_stopped_while_an_answer_is_written_keeps_all_of_it_or_nothing(folder, monkeypatch):
    from attunement.simulator.writer import Writer

    write, writes = Writer.write, iter(range(1000))

    async def stopping(self, *items):
        if any(kind == "verdict" for kind, _ in items) and next(writes) == 2:
            raise JournalError("no room left")
        await write(self, *items)

    monkeypatch.setattr(Writer, "write", stopping)
    with pytest.raises(JournalError):
        judged(folder, judge(MARKS), Rating("strict"))
    assert {len(turn.verdicts) for turn in turns(folder)} == {0, 4}
    rest = judge(MARKS)
    judged(folder, rest, Rating("strict"))
    assert all(len(turn.verdicts) == 4 for turn in turns(folder))
    journal = journal_of(folder)
    about = [c["about"] for i in range(2) for c in journal.calls(i) if c["role"] == "judge"]
    journal.close()
    assert about == ["marks refined strict"] * 4  # and nobody was asked a second time


def test_what_was_spoken_is_judged_also_where_a_role_spoilt_the_turn(tmp_path):
    small_run(tmp_path / "run", answering(refiner="Prose."), dialogues=1, max_turns=2)
    chat = judge(MARKS)
    judged(tmp_path / "run", chat, Rating("strict"))
    assert [v.about for turn in turns(tmp_path / "run") for v in turn.verdicts] == ["draft"] * 8


def test_whole_dialogue_verdicts_are_exported_with_the_last_turn(folder):
    from attunement.simulator.export import turn_rows

    judged(folder, judge(WHOLE_MARKS), Rating("strict", "dialogue"))
    journal = journal_of(folder)
    rows = list(turn_rows(journal))
    journal.close()
    assert [len(row["dialogue_verdicts"]) for row in rows] == [0, 0, 7] * 2


def test_what_a_judge_was_asked_is_read_back_to_the_letter(folder):
    chat = judge(MARKS)
    judged(folder, chat, Rating("strict"))
    pairing = judge(favouring("the nights"))
    judged(folder, pairing, comparing())
    journal = journal_of(folder)
    kept = [c["messages"] for i in range(2) for c in journal.calls(i) if c["role"] == "judge"]
    journal.close()
    asked = [ask.messages for ask in (*chat.asked, *pairing.asked)]
    assert sorted(map(str, kept)) == sorted(map(str, asked))
