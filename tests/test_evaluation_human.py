"""Tables of human ratings: what is read, what is refused, and whether it fits the run."""

import json

import pytest

from attunement.core.errors import UserError
from attunement.evaluation.judges.human import (
    People,
    RateableRun,
    check_against,
    check_runs,
    people_of,
    rateable,
)
from attunement.evaluation.judges.ratings import HumanRating, read_ratings
from tests.helpers import answering, journal_of, small_run

HEAD = "dialogue_id,rater,name,value"


def read(tmp_path, text: str, name: str = "ratings.csv") -> tuple[HumanRating, ...]:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read_ratings(path)


def rating(**changes) -> HumanRating:
    fields = {"dialogue_id": "a", "turn": 2, "rater": "anna", "name": "empathy", "value": 4}
    return HumanRating.model_validate(fields | changes)


def test_a_table_is_read_row_by_row(tmp_path):
    text = (
        "dialogue_id,turn,rater,name,value,side,seed\n"
        "a,2,anna,empathy,4,refined,7\n"
        "a,2,anna,preferred over draft,0.5,refined,\n"
        "a,0,ben,empathy,,,\n"
        "b,,ben,empathy,3.5,,\n"
    )
    assert read(tmp_path, text) == (
        rating(side="refined", seed=7),
        rating(name="preferred over draft", value=0.5, side="refined"),
        rating(turn=0, rater="ben", value=None),
        rating(dialogue_id="b", turn=0, rater="ben", value=3.5),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Value;NAME;Rater;Dialogue ID;turn\n4;Empathy;anna;a;2\n",
        "\ufeffrater\tvalue\tname\tdialogue-id\tturn\r\nanna\t4.0\tempathy\ta\t2.0\r\n",
        "rater, name, value, turn, dialogue_id\n anna , empathy ,4, 2, a\n\n,,,,\n",
        'Dialogue_Id;Rater;Name;Value;Turn\na;anna;"empathy";4,0;2\n',
    ],
)
def test_order_case_separators_marks_and_decimal_commas_do_not_matter(text, tmp_path):
    assert read(tmp_path, text) == (rating(),)


def test_json_lines_and_a_json_array_say_the_same(tmp_path):
    rows = [{"dialogue_id": "a", "turn": 2, "rater": "anna", "name": "Empathy", "value": 4},
            {"dialogue_id": "b", "rater": 7, "name": "empathy", "value": None}]  # fmt: skip
    wanted = (rating(), rating(dialogue_id="b", turn=0, rater="7", value=None))
    assert read(tmp_path, "\n".join(map(json.dumps, rows)), "r.jsonl") == wanted
    assert read(tmp_path, json.dumps(rows), "r.json") == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`ratings.csv`, line 1: no column 'dialogue_id'; needed: dialogue_id, rater, name, v"),
        (f"{HEAD}\n", "`ratings.csv` holds no ratings; give a file with at least one row"),
        (f"{HEAD},mood\na,b,c,1,2\n", "line 1: unknown column 'mood'; known: dialogue_id, turn, "),
        (f"{HEAD},Value\na,b,c,1,2\n", "line 1: two columns are named 'value'"),
        ("dialogue_id,rater,name\na,b,c\n", "line 1: no column 'value'; needed"),
        (f"{HEAD}\na,b,c,1\na,b,d,good\n", "line 3: `value`: input should be a valid number"),
        (f"{HEAD}\na,b,c,nan\n", "line 2: `value` must be a number or empty, got nan"),
        (f"{HEAD}\n,b,c,1\n", "line 2: `dialogue_id`: is missing"),
        (f"{HEAD}\na,,c,1\n", "line 2: `rater`: is missing"),
        (f"{HEAD}\na,b,c,1,9\n", "line 2: 5 cells under 4 columns"),
        (f"{HEAD},turn\na,b,c,1,-1\n", "line 2: `turn`: must be at least 0, got '-1'"),
        (f"{HEAD},turn,side\na,b,c,1,1,plan\n", "line 2: `side`: must be 'draft', 'refined' or"),
        (f"{HEAD},side\na,b,c,1,draft\n", "`side` 'draft' needs a `turn`: a whole dialogue has"),
        (f"{HEAD}\na,b,preferred over draft,0.7\n",
         "`value` of 'preferred over draft' must be 1, 0.5 (a tie) or 0, got 0.7"),
        (f"{HEAD},turn\na,b,empathy,5,1\na,c,empathy,50,1\n",
         "line 3: `value` of 'empathy' of a reply must be 0 to 5, got 50"),
        (f"{HEAD},turn\na,b,Reply: fluency,-3,1\n",
         "line 2: `value` of 'fluency' of a reply must be 0 to 5, got -3"),
        (f"{HEAD}\na,b,empathy,5\n",
         "line 2: `value` of 'empathy' of a dialogue must be 0 to 4, got 5"),
        (f"{HEAD}\na,b,Empathy,1\na,b,empathy,2\n",
         "line 3: 'b' rates 'empathy' of 'a' a second time, after `ratings.csv`, line 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence_with_its_line(text, said, tmp_path):
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([1], "row 1: must be an object"),
        ({"rater": "a", "name": "b", "value": 1}, "row 1: no column 'dialogue_id'"),
        ({"dialogue_id": "a", "rater": "a", "name": "b", "value": True}, "`value` must be a numb"),
    ],
)
def test_rows_of_json_are_checked_as_well(row, said, tmp_path):
    with pytest.raises(UserError) as caught:
        read(tmp_path, json.dumps(row), "r.jsonl")
    assert said in str(caught.value)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none.csv` does not exist; check the path"):
        read_ratings(tmp_path / "none.csv")
    (tmp_path / "r.csv").write_bytes(HEAD.encode() + b"\na,\xff,c,1\n")
    with pytest.raises(UserError, match=r"`r.csv`, line 2: not UTF-8"):
        read_ratings(tmp_path / "r.csv")


def test_one_person_may_rate_sides_turns_names_and_runs_apart(tmp_path):
    rows = ["a,b,c,1,1,draft,1", "a,b,c,1,1,refined,1", "a,b,c,1,2,draft,1", "a,b,d,1,1,draft,1",
            "a,e,c,1,1,draft,1", "a,b,c,1,1,draft,2", "a,b,c,1,1,,1"]  # fmt: skip
    assert len(read(tmp_path, "\n".join([f"{HEAD},turn,side,seed", *rows]))) == 7


def test_ratings_must_be_about_the_run(tmp_path):
    refined = {"strategy": "Question", "text": "Why now?"}
    small_run(tmp_path / "run", answering(refiner=refined), max_turns=2)
    known = rateable(journal_of(tmp_path / "run").dialogues())
    name = "000000-mira"
    assert known == {
        (name, 0): set(), (name, 1): {"draft", "refined"}, (name, 2): {"draft", "refined"},
        (name, 3): set(),
    }  # fmt: skip
    right = [rating(dialogue_id=name, turn=0), rating(dialogue_id=name, side="refined")]
    check_against(right, known)
    check_against(right, list(known))  # without sides, they are not looked at
    lost = [rating(dialogue_id=f"x{i}", rater=who) for i in range(5) for who in "ab"]
    with pytest.raises(UserError) as caught:
        check_against([*right, *lost], known)
    assert str(caught.value) == (
        "10 of 12 ratings name a dialogue that is not in this run: 'x0' turn 2; 'x1' turn 2; "
        "'x2' turn 2 and 2 more; give the ratings of this run"
    )
    with pytest.raises(UserError, match=rf"1 of 3 ratings name a turn .*: '{name}' turn 9; give"):
        check_against([*right, rating(dialogue_id=name, turn=9)], known)
    wrong = rating(dialogue_id=name, side="recorded")
    with pytest.raises(UserError, match=rf"name a side .*: '{name}' turn 2, side recorded; give"):
        check_against([*right, wrong], known)


def test_a_whole_dialogue_is_known_by_its_turns():
    check_against([rating(turn=0)], [("a", 1)])
    with pytest.raises(UserError, match="name a dialogue that is not in this run: 'b'; give"):
        check_against([rating(turn=0, dialogue_id="b")], [("a", 1)])


def test_files_are_joined_and_nobody_rates_the_same_in_two(tmp_path):
    for file, rater in (("one.csv", "anna"), ("two.csv", "ben"), ("three.csv", "anna")):
        (tmp_path / file).write_text(f"{HEAD}\na,{rater},empathy,4\n")
    one, two, three = (tmp_path / f"{name}.csv" for name in ("one", "two", "three"))
    assert [rating.rater for rating in read_ratings(one, two)] == ["anna", "ben"]
    with pytest.raises(UserError) as caught:
        read_ratings(one, two, three)
    assert str(caught.value) == (
        "`three.csv`, line 2: 'anna' rates 'empathy' of 'a' a second time, after `one.csv`, "
        "line 2; leave one of the two"
    )
    three.write_text(HEAD)
    with pytest.raises(UserError, match=r"`three.csv` holds no ratings"):
        read_ratings(one, three)


# ---- the runs of a system -----------------------------------------------------------------------

KNOWN = {("a", 0): frozenset(), ("a", 2): frozenset({"draft", "refined"})}


def run_of(seed: int) -> RateableRun:
    return RateableRun(seed, KNOWN, {("a", 2): "refined"})


def test_a_rating_of_one_of_several_runs_must_say_of_which():
    runs = [run_of(0), run_of(7)]
    check_runs([rating(seed=0), rating(seed=7)], runs)
    check_runs([rating()], [run_of(0), RateableRun(7, {("b", 0): frozenset()}, {})])
    with pytest.raises(UserError) as caught:
        check_runs([rating(seed=0), rating()], runs)
    assert str(caught.value) == (
        "dialogue 'a', which 'anna' rates, stands in several runs of the system; say in a column "
        "`seed` which run is meant"
    )
    with pytest.raises(UserError, match="stands in several runs of seed 7; make them two systems"):
        check_runs([rating(seed=7)], [run_of(7), run_of(7)])


def test_the_seed_of_a_rating_is_that_of_a_run():
    with pytest.raises(UserError) as caught:
        check_runs([rating(), rating(seed=9)], [run_of(7), run_of(0)])
    assert str(caught.value) == (
        "1 of 2 ratings name the seed 9, which no run of the system has; known: 0, 7"
    )
    elsewhere = RateableRun(0, {("b", 0): frozenset()}, {})
    with pytest.raises(UserError, match="name a dialogue that is not in this run: 'a' turn 2"):
        check_runs([rating(seed=0)], [elsewhere, run_of(7)])


@pytest.mark.parametrize(
    "other", [{"side": "refined"}, {"seed": 7}, {"name": "reply: empathy", "value": 1}]
)
def test_the_same_judgement_in_other_words_is_refused(other):
    said = "'anna' rates '.*empathy' of 'a' turn 2.* twice: once without its `side` or `seed`"
    with pytest.raises(UserError, match=said):
        check_runs([rating(), rating(**other)], [run_of(7)])
    check_runs([rating(), rating(side="draft"), rating(rater="ben", **other)], [run_of(7)])


def test_ratings_of_runs_are_read_and_checked_against_them(tmp_path):
    for seed in (0, 7):
        small_run(tmp_path / str(seed), answering(), dialogues=1, max_turns=2, seed=seed)
    runs = [tmp_path / "0", tmp_path / "7"]
    dialogue = next(journal_of(runs[1]).dialogues())
    file = tmp_path / "r.csv"
    file.write_text(f"{HEAD},seed\n{dialogue.id},anna,empathy,4,7\n")
    people = people_of([file], runs)
    assert [v.value for v in people.into(dialogue, seed=7).verdicts] == [4]
    assert people.into(dialogue, seed=0).verdicts == ()
    file.write_text(f"{HEAD}\n{dialogue.id},anna,empathy,4\n")
    assert people_of([file], runs[:1])
    with pytest.raises(UserError, match="say in a column `seed` which run is meant"):
        people_of([file], runs)


# ---- beside the models' verdicts ----------------------------------------------------------------


def test_ratings_become_peoples_verdicts_on_the_reply_that_was_spoken(tmp_path):
    dialogue = next(journal_of(rated_run(tmp_path)).dialogues())
    ratings = [
        HumanRating(dialogue_id=dialogue.id, turn=1, rater="anna", name="empathy", value=4),
        HumanRating(dialogue_id=dialogue.id, turn=1, rater="ben", name="empathy", value=None),
        HumanRating(
            dialogue_id=dialogue.id, turn=2, rater="anna", name="preferred over draft", value=0.5,
            side="refined",
        ),
        HumanRating(
            dialogue_id=dialogue.id, turn=2, rater="ben", name="empathy", value=1, side="draft"
        ),
        HumanRating(dialogue_id=dialogue.id, rater="anna", name="skill", value=3, seed=0),
        HumanRating(dialogue_id=dialogue.id, rater="anna", name="overall", value=1, seed=9),
    ]  # fmt: skip
    found = People(ratings).into(dialogue, seed=0)
    said = {
        t.number: [(v.name, v.value, v.about, v.judge) for v in t.verdicts] for t in found.turns
    }
    assert said[1] == [
        ("reply: empathy", 4, "refined", "person:anna"),
        ("reply: empathy", None, "refined", "person:ben"),
    ]
    assert said[2] == [
        ("preferred over draft", 0.5, "refined", "person:anna"),
        ("reply: empathy", 1, "draft", "person:ben"),
    ]
    assert [(v.name, v.value) for v in found.verdicts] == [("dialogue: skill", 3)]
    assert dialogue.verdicts == ()


def test_a_rating_of_what_no_judge_is_asked_names_the_known_ones():
    rating = HumanRating(dialogue_id="d", turn=1, rater="anna", name="warmth", value=4)
    with pytest.raises(UserError, match="unknown rating 'warmth'; known: fluency"):
        People([rating])


def rated_run(tmp_path):
    small_run(tmp_path / "run", answering(), dialogues=1, max_turns=2)
    return tmp_path / "run"
