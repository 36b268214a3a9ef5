"""The corpus lint: every planted defect is found where it stands, and nothing else is."""

import json
import math
import random
from pathlib import Path

import pytest

from attunement.core.errors import ConfigError, UserError
from attunement.evaluation.stock import stock_phrase
from attunement.trainers.lint.checks import ENOUGH
from attunement.trainers.lint.linting import Options, lint
from attunement.trainers.lint.registry import CHECKS, bounds, parse_thresholds
from attunement.trainers.lint.report import FIRST, Finding, LintReport
from tests.corpora import (
    chat_tokenizer,
    clean_corpus,
    message,
    pairs,
    prompt,
    reply,
    said,
    sentence,
    write_lines,
)

TRAIN = "response/train.jsonl"


def found(report: LintReport, set_name: str = "response") -> dict[str, Finding]:
    (one,) = [one for one in report.sets if one.name == set_name]
    return {finding.check: finding for finding in one.findings}


# ---- planted defects ----------------------------------------------------------------------------


def _unclosed(row):
    return json.dumps(row)[:-40]


def _nan(row):
    return json.dumps(row | {"edit_distance": math.nan})


def _not_utf8(row):
    return json.dumps(row).replace("Day", "Tag", 1).encode().replace(b"Tag", b"D\xe9y") + b"\n"


def _surrogate(row):
    return json.dumps(row | {"chosen": said("half \ud83d of a smile")})


def _said(side, text):
    return lambda row: row | {side: said(text)}


def _prompt(change):
    return lambda row: row | {"prompt": change(row["prompt"])}


def _implicit(row):
    common = {side: row["prompt"] + row[side] for side in ("chosen", "rejected")}
    return {name: value for name, value in row.items() if name != "prompt"} | common


LONG = "Where did the evening go after the garden and the letter that my uncle forgot today"
PLANTED = [
    ("unreadable", _unclosed, "not JSON"),
    ("unreadable", _nan, "NaN"),
    ("unreadable", _not_utf8, "not UTF-8: byte 0xe9"),
    ("unreadable", _surrogate, "lone surrogate"),
    ("schema", lambda row: {k: v for k, v in row.items() if k != "rejected"}, "`rejected` is miss"),
    ("schema", lambda row: row | {"turn": "two"}, "`turn` is text here and number in"),
    ("schema", lambda row: row | {"chosen": 7}, "`chosen` must be a list of messages"),
    ("schema", lambda row: row | {"prompt": [message("therapist", "Hm.")]}, "role 'therapist'"),
    ("schema", lambda row: row | {"prompt": [message("human", "Hm.")]}, "unknown role 'human'"),
    ("empty-side", lambda row: row | {"prompt": [message("system", "Hm."), message("user", " ")]},
     "`prompt` is empty"),
    ("mixed-formats", _implicit, "trl-implicit in a file that begins with trl-conversational"),
    ("control-characters", _said("chosen", "Who\x00 else knew?"), "U+0000"),
    ("role-order", _prompt(lambda p: [*p[:2], *p[:1], *p[2:]]), "message 3 is the system's"),
    ("role-order", _prompt(lambda p: [*p, p[-1]]), "message 7 is by 'user' after 'user'"),
    ("messages", lambda row: row | {"prompt": prompt(random.Random(9), 100)}, "201 messages"),
    ("prompt-end", _prompt(lambda p: p[:-1]), "ends with 'assistant'"),
    ("empty-side", _said("rejected", " \n "), "`rejected` is empty"),
    ("identical-sides", lambda row: row | {"rejected": row["chosen"]}, "both sides are"),
    ("near-identical", lambda row: row | {"chosen": said(f"{LONG}, and then some more of it?"),
     "rejected": said(f"{LONG}, and then some more of that?")}, "similarity 0.9"),
    ("length-ratio", lambda row: row | {"rejected": said("Who knew?")}, "words chosen, 2 rejected"),
    ("identical-rows", lambda row: dict(pairs(60, seed=1)[0]), "same as response/train.jsonl:1"),
    ("unknown-strategy", lambda row: row | {"strategy": "Hugging"}, "'Hugging' in"),
    ("unknown-strategy", lambda row: row | {"strategy": "Questions"}, "should be 'Question'"),
    ("strategy-tag", _said("chosen", "[Question] Who else knew of it?"), "a tag in `chosen` only"),
    ("crisis", _prompt(lambda p: [*p[:-1], message("user", "I want to kill myself tonight.")]),
     "suicide: 'I want to kill myself tonight.'"),
]  # fmt: skip
"""Check, what is done to a clean row, what its example says."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> LintReport:
    """One corpus that holds all of them, each behind one clean row more."""
    folder = clean_corpus(tmp_path_factory.mktemp("planted"))
    rows = pairs(60 + len(PLANTED), seed=1)
    bad = [change(row) for (_, change, _), row in zip(PLANTED, rows[60:], strict=True)]
    write_lines(folder / TRAIN, [*rows[:60], *bad])
    return lint(folder, Options(), only="response")


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=lambda n: f"{n}-{PLANTED[n][0]}")
def test_a_planted_defect_is_found_at_its_line(planted, number):
    finding = found(planted)[PLANTED[number][0]]
    assert f"{TRAIN}:{61 + number}" in finding.rows
    assert finding.over
    assert finding.remedy


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=lambda n: f"{n}-{PLANTED[n][0]}")
def test_the_example_of_a_defect_says_what_is_wrong(tmp_path, number):
    check, change, said_of_it = PLANTED[number]
    rows = pairs(12, seed=1)
    path = write_lines(tmp_path / "train.jsonl", [*rows[:10], change(rows[10]), rows[11]])
    if check == "identical-rows":
        write_lines(path, [*rows, rows[0]])
        said_of_it = "the same as train.jsonl:1"
    finding = found(lint(tmp_path, Options()), "")[check]
    assert said_of_it in finding.example
    assert finding.count == 1


def test_clean_rows_beside_planted_ones_are_in_no_finding(planted):
    places = {f"{TRAIN}:{61 + number}" for number in range(len(PLANTED))}
    for finding in found(planted).values():
        assert set(finding.rows) <= places, finding.check
        assert finding.count <= FIRST, "else a row that is not named might be a clean one"


def test_a_clean_corpus_has_no_finding_in_any_set(tmp_path):
    report = lint(clean_corpus(tmp_path), Options())
    assert [one.name for one in report.sets] == ["response", "strategy", "joint"]
    assert [one.kind for one in report.sets] == ["response", "strategy", "joint"]
    assert [one.findings for one in report.sets] == [(), (), ()]
    assert report.clean
    assert report.sets[0].rows == 80
    assert report.sets[0].splits == {"train": 60, "validation": 20}


def test_the_end_of_a_file_within_a_row_is_named(tmp_path):
    rows = pairs(11, seed=1)
    half = json.dumps(rows[10])[:300].encode()
    write_lines(tmp_path / "train.jsonl", [*rows[:10], half])
    finding = found(lint(tmp_path, Options()), "")["unreadable"]
    assert finding.rows == ("train.jsonl:11",)
    assert "the file ends in the middle of a row" in finding.example


# ---- across rows --------------------------------------------------------------------------------


def test_prompts_that_repeat_are_counted_within_and_across_splits(tmp_path):
    train, held_out = pairs(60, seed=1), pairs(20, seed=2)
    train[10]["prompt"] = train[3]["prompt"]
    held_out[5]["prompt"] = train[7]["prompt"]
    write_lines(tmp_path / "train.jsonl", train)
    write_lines(tmp_path / "validation.jsonl", held_out)
    findings = found(lint(tmp_path, Options()), "")
    assert findings["repeated-prompt"].rows == ("train.jsonl:11",)
    assert findings["repeated-prompt"].example == "the same prompt as train.jsonl:4"
    assert not findings["repeated-prompt"].over, "a few are tolerated"
    assert findings["prompt-across-splits"].rows == ("validation.jsonl:6",)
    assert findings["prompt-across-splits"].over


def test_greetings_may_repeat_in_and_across_splits(tmp_path):
    train, held_out = pairs(60, seed=1), pairs(20, seed=2)
    for row in (*train[:30], *held_out[:10]):
        row["prompt"] = [row["prompt"][0], message("user", "Hello there, you!")]
    write_lines(tmp_path / "response/train.jsonl", train)
    write_lines(tmp_path / "response/validation.jsonl", held_out)
    assert found(lint(tmp_path, Options())) == {}
    flat = "<dialogue>\nseeker: {}\n</dialogue>\n\nWhich strategy should the next reply use?"
    for row in (*train[:30], *held_out[:10]):
        row["prompt"] = [message("user", flat.format("Hello there, you!"))]
    write_lines(tmp_path / "response/train.jsonl", train)
    write_lines(tmp_path / "response/validation.jsonl", held_out)
    assert found(lint(tmp_path, Options())) == {}
    for row in (*train[:30], *held_out[:10]):
        row["prompt"] = [message("user", flat.format("My uncle forgot the rent once more."))]
    write_lines(tmp_path / "response/train.jsonl", train)
    write_lines(tmp_path / "response/validation.jsonl", held_out)
    findings = found(lint(tmp_path, Options()))
    assert findings["prompt-across-splits"].count == 10
    assert findings["repeated-prompt"].count == 29 + 9


def test_people_and_dialogues_in_two_splits_are_named(tmp_path):
    train, held_out = pairs(60, seed=1), pairs(20, seed=2)
    for row in held_out[10:]:
        row["persona_id"] = train[33]["persona_id"]
    held_out[4]["dialogue_id"] = train[0]["dialogue_id"]
    write_lines(tmp_path / "train.jsonl", train)
    write_lines(tmp_path / "test.jsonl", held_out)
    findings = found(lint(tmp_path, Options()), "")
    person = findings["persona-across-splits"]
    assert person.rows == tuple(f"test.jsonl:{line}" for line in range(11, 21))
    assert person.example == "the `persona_id` of train.jsonl:31; 1 such in all"
    assert findings["dialogue-across-splits"].rows == ("test.jsonl:5",)


def test_another_persona_column_is_read_and_a_missing_one_refused(tmp_path):
    train, held_out = pairs(40, seed=1), pairs(40, seed=2)
    for row in (*train, *held_out):
        row["who"] = row.pop("persona_id").partition("-")[2]
    write_lines(tmp_path / "train.jsonl", train)
    write_lines(tmp_path / "validation.jsonl", held_out)
    assert found(lint(tmp_path, Options()), "") == {}
    report = lint(tmp_path, Options(persona_column="who"))
    assert found(report, "")["persona-across-splits"].count == 40
    with pytest.raises(UserError, match="`--persona-column` 'whom': no row has such a column"):
        lint(tmp_path, Options(persona_column="whom"))


def test_equal_rows_are_not_counted_again_as_equal_prompts(tmp_path):
    rows = pairs(20, seed=1)
    write_lines(tmp_path / "train.jsonl", [*rows, *rows[:5]])
    findings = found(lint(tmp_path, Options()), "")
    assert findings["identical-rows"].count == 5
    assert "repeated-prompt" not in findings


def test_a_numbered_copy_of_a_persona_is_the_same_person(tmp_path):
    train, held_out = pairs(40, seed=1), pairs(20, seed=2)
    for row in (*train[:10], *held_out[:10]):
        row["persona_id"] = "mira"
    for row in held_out[:10]:
        row["persona_id"] = "mira.2"
    train[10]["persona_id"], held_out[10]["persona_id"] = "case.3", "case.4"
    write_lines(tmp_path / "train.jsonl", train)
    write_lines(tmp_path / "validation.jsonl", held_out)
    finding = found(lint(tmp_path, Options()), "")["persona-across-splits"]
    assert finding.rows == tuple(f"validation.jsonl:{line}" for line in range(1, 11))
    assert finding.example == "the `persona_id` of train.jsonl:1; 1 such in all"


def test_people_are_followed_from_set_to_set(tmp_path):
    write_lines(tmp_path / "response/train.jsonl", pairs(40, seed=1))
    write_lines(tmp_path / "response/validation.jsonl", pairs(20, seed=2))
    write_lines(tmp_path / "joint/train.jsonl", pairs(40, "joint", seed=3))
    joint = pairs(40, "joint", seed=4)
    joint[7]["persona_id"] = "p1-0"
    write_lines(tmp_path / "joint/validation.jsonl", joint)
    report = lint(tmp_path, Options())
    assert found(report) == {}
    finding = found(report, "joint")["persona-across-splits"]
    assert finding.rows == ("joint/validation.jsonl:8",)
    assert finding.share == 1 / 80
    assert finding.example == "the `persona_id` of response/train.jsonl:1; 1 such in all"


# ---- statistics ---------------------------------------------------------------------------------


def _with(texts, count=60):
    rows = pairs(count, seed=1)
    for row, (chosen, rejected) in zip(rows, texts, strict=True):
        row |= {"chosen": said(chosen), "rejected": said(rejected)}
    return rows


def test_length_that_tells_the_sides_apart_is_a_finding_and_always_printed(tmp_path):
    draw = random.Random(3)
    texts = [(f"{reply(draw)} {sentence(draw)}"[:200], reply(draw)) for _ in range(60)]
    write_lines(tmp_path / "train.jsonl", _with(texts))
    report = lint(tmp_path, Options())
    findings = found(report, "")
    assert findings["longer-share"].value == 1
    assert findings["length-effect"].value > 2
    figures = report.sets[0].statistics
    assert figures["chosen is longer"] == 1
    assert figures["mean words, chosen"] - figures["mean words, rejected"] == pytest.approx(10, 0.2)
    write_lines(tmp_path / "train.jsonl", _with([(r, c) for c, r in texts]))
    turned = found(lint(tmp_path, Options()), "")
    assert turned["length-effect"].value == pytest.approx(-findings["length-effect"].value)
    assert turned["longer-share"].example == "rejected is longer in 60 of 60 pairs"


def test_cohens_d_is_the_textbooks(tmp_path):
    lengths = [(10, 8), (12, 9), (14, 8), (11, 13), (9, 10)] * 12
    draw = random.Random(4)
    texts = [
        tuple(" ".join(draw.choice("abcdefghij") * 3 for _ in range(n)) for n in two)
        for two in lengths
    ]
    write_lines(tmp_path / "train.jsonl", _with(texts))
    figure = lint(tmp_path, Options()).sets[0].statistics["length effect (Cohen's d)"]
    one, two = zip(*lengths, strict=True)
    mean = [sum(side) / 60 for side in (one, two)]
    squares = sum((x - mean[0]) ** 2 for x in one) + sum((x - mean[1]) ** 2 for x in two)
    assert figure == pytest.approx((mean[0] - mean[1]) / math.sqrt(squares / 118))


def test_lengths_that_never_vary_but_differ_are_an_endless_effect(tmp_path):
    texts = [(f"Who knew {n} of it then?", f"Who knew {n}?") for n in range(60)]
    write_lines(tmp_path / "train.jsonl", _with(texts))
    assert found(lint(tmp_path, Options()), "")["length-effect"].value == math.inf


def test_stock_phrases_are_rated_on_each_side(tmp_path):
    draw = random.Random(5)
    texts = [(f"It sounds like a lot. {reply(draw)}" if n % 2 else reply(draw), reply(draw))
             for n in range(60)]  # fmt: skip
    write_lines(tmp_path / "train.jsonl", _with(texts))
    report = lint(tmp_path, Options())
    assert report.sets[0].statistics["stock phrases, chosen"] == 0.5
    assert report.sets[0].statistics["stock phrases, rejected"] == 0
    findings = found(report, "")
    assert findings["stock-phrases"].value == 0.5
    assert findings["stock-excess"].value == 0.5
    assert findings["stock-phrases"].rows[0] == "train.jsonl:2"
    assert "'it sounds like' 30" in findings["stock-phrases"].example
    write_lines(tmp_path / "train.jsonl", _with([(r, c) for c, r in texts]))
    assert not any(name.startswith("stock") for name in found(lint(tmp_path, Options()), ""))


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It sounds like you had a day.", "it sounds like"),
        ("Oh, that must be hard.", "that must be"),
        ("No. I’m so sorry to hear that!", "i'm so sorry to hear"),
        ("What happened? I can understand that.", "i can understand"),
        ("The bell, you said, is what it sounds like in the yard.", None),
        ("Whatsoever", None),
    ],
)
def test_a_stock_phrase_begins_a_sentence(text, phrase):
    assert stock_phrase(text) == phrase


@pytest.mark.parametrize("gap", ["\n", "\n- ", '*\n"', "- ", ". "])
def test_gaps_of_any_length_are_passed_over_once(gap):
    """A search that looks back from each line end would take hours."""
    assert stock_phrase(f"Well.{gap * 300_000}I hear you.") == "i hear you"
    assert stock_phrase(f"Well.{gap * 300_000}Who knew?") is None


def test_a_strategy_that_crowds_out_the_others_is_a_finding(tmp_path):
    rows = pairs(240, "strategy", seed=1)
    for row in rows[:200]:
        row |= {"chosen": said("Question"), "rejected": said("Others")}
    for row in rows:
        if row["chosen"][0]["content"] == "Information":
            row |= {"chosen": said("Question"), "rejected": said("Others")}
    write_lines(tmp_path / "strategy" / "train.jsonl", rows)
    report = lint(tmp_path, Options())
    findings = found(report, "strategy")
    assert findings["strategy-share"].value > 0.8
    assert "'Question' is" in findings["strategy-share"].example
    assert findings["strategy-missing"].example == "never in `chosen`: Information"
    shares = report.sets[0].statistics
    assert shares["Information, chosen"] == 0
    assert sum(v for n, v in shares.items() if n.endswith(", chosen")) == pytest.approx(1)


def test_small_corpora_do_not_trip_statistics_and_say_so(tmp_path):
    rows = pairs(ENOUGH - 1, seed=1)
    for number, row in enumerate(rows):
        row |= {"chosen": said(f"It sounds like rain on day {number}."), "strategy": "Question",
                "rejected": said(f"Rain, day {number}.")}  # fmt: skip
    write_lines(tmp_path / "train.jsonl", rows)
    report = lint(tmp_path, Options())
    assert {f.check for f in report.sets[0].findings} <= {"length-ratio"}
    notes = " ".join(report.sets[0].notes)
    assert "length effect: not judged, 29 pairs are too few" in notes
    assert "stock phrases: not judged" in notes
    assert "strategy balance: not judged" in notes
    assert report.sets[0].statistics["stock phrases, chosen"] == 1


# ---- strategies and tags ------------------------------------------------------------------------


def test_strategy_and_joint_sets_are_told_by_name_or_content(tmp_path):
    for name, kind in (("one", "strategy"), ("two", "joint"), ("three", "response")):
        write_lines(tmp_path / name / "train.jsonl", pairs(40, kind, seed=1))
    kinds = {one.name: one.kind for one in lint(tmp_path, Options()).sets}
    assert kinds == {"one": "strategy", "two": "joint", "three": "response"}


def test_unknown_strategies_in_completions_and_tags_are_found(tmp_path):
    names, tagged = pairs(40, "strategy", seed=1), pairs(40, "joint", seed=1)
    names[6]["rejected"] = said("Hugging")
    tagged[7]["chosen"] = said("[Hugging] Who else knew of the letter?")
    tagged[8]["rejected"] = said("Who else knew of the letter, and when?")
    write_lines(tmp_path / "strategy/train.jsonl", names)
    write_lines(tmp_path / "joint/train.jsonl", tagged)
    report = lint(tmp_path, Options())
    unknown = found(report, "strategy")["unknown-strategy"]
    assert (unknown.rows, unknown.count) == (("strategy/train.jsonl:7",), 1)
    assert found(report, "joint")["unknown-strategy"].rows == ("joint/train.jsonl:8",)
    assert found(report, "joint")["strategy-tag"].rows == ("joint/train.jsonl:9",)
    assert found(report, "joint")["strategy-tag"].example == "no tag in `rejected`"


def test_tags_on_both_sides_of_a_response_set_are_found(tmp_path):
    rows = pairs(40, seed=1)
    rows[2] |= {side: said(f"[Question] {rows[2][side][0]['content']}")
                for side in ("chosen", "rejected")}  # fmt: skip
    write_lines(tmp_path / "response/train.jsonl", rows)
    finding = found(lint(tmp_path, Options()))["strategy-tag"]
    assert finding.rows == ("response/train.jsonl:3",)
    assert "of a response set" in finding.example


def test_a_column_that_is_about_other_strategies_is_not_judged(tmp_path):
    rows = pairs(40, seed=1)
    for row in rows:
        row |= {"strategy": "best-of-n", "rejected_strategy": "greedy"}
    write_lines(tmp_path / "train.jsonl", rows)
    report = lint(tmp_path, Options())
    assert found(report, "") == {}
    assert any("columns of 40 rows not judged" in note for note in report.sets[0].notes)
    rows[3]["strategy"] = "Affirmation & Reassurance"
    write_lines(tmp_path / "train.jsonl", rows)
    finding = found(lint(tmp_path, Options()), "")["unknown-strategy"]
    assert finding.count == 40
    assert finding.example == "'best-of-n' in column `strategy`"


def test_names_that_sides_say_are_judged_whatever_the_columns_hold(tmp_path):
    rows = pairs(40, "strategy", seed=1)
    for row in rows:
        row |= {"strategy": "best-of-n", "rejected_strategy": "greedy"}
    rows[3]["chosen"] = said("Hugging")
    write_lines(tmp_path / "strategy/train.jsonl", rows)
    finding = found(lint(tmp_path, Options()), "strategy")["unknown-strategy"]
    assert (finding.rows, finding.example) == (
        ("strategy/train.jsonl:4",), "'Hugging' in `chosen`",
    )  # fmt: skip


def test_of_mined_pairs_only_the_human_side_must_name_a_strategy(tmp_path):
    rows = pairs(60, "joint", seed=1)
    for row in rows[:20]:
        row |= {"source": "mined", "rejected": said(f"[Hugging] {row['rejected'][0]['content']}")}
    for row in rows[20:40]:
        text = row["rejected"][0]["content"].partition("] ")[2]
        row |= {"source": "mined", "rejected": said(text), "rejected_strategy": None}
    write_lines(tmp_path / "joint/train.jsonl", rows)
    report = lint(tmp_path, Options())
    assert found(report, "joint") == {}
    notes = " ".join(report.sets[0].notes)
    assert "20 rejected sides of mined pairs name none of the eight" in notes
    assert "20 rejected sides of mined pairs have no [Strategy] tag" in notes
    rows[5]["chosen"] = said("[Hugging] Who else knew of the letter, and the garden, and when?")
    rows[25]["chosen"] = said("Who else knew of the letter, and the garden, and of it all?")
    rows[45]["rejected"] = said("Who else knew of the letter, and the garden, and of it all?")
    write_lines(tmp_path / "joint/train.jsonl", rows)
    findings = found(lint(tmp_path, Options()), "joint")
    assert findings["unknown-strategy"].rows == ("joint/train.jsonl:6",)
    assert findings["strategy-tag"].rows == ("joint/train.jsonl:26", "joint/train.jsonl:46")
    assert lint(tmp_path, Options()).sets[0].statistics["length effect (Cohen's d)"]


def test_samples_of_mined_replies_may_begin_with_a_tag(tmp_path):
    rows = pairs(40, seed=1)
    for row in rows:
        row |= {"source": "mined", "rejected": said(f"[Others] {row['rejected'][0]['content']}")}
    rows[3]["chosen"] = said(f"[Question] {rows[3]['chosen'][0]['content']}")
    write_lines(tmp_path / "response/train.jsonl", rows)
    report = lint(tmp_path, Options())
    assert found(report)["strategy-tag"].rows == ("response/train.jsonl:4",)
    assert any("39 rejected sides of mined pairs begin with a" in n for n in report.sets[0].notes)


# ---- crisis -------------------------------------------------------------------------------------


def test_only_the_seekers_words_are_screened(tmp_path):
    rows = pairs(30, seed=1)
    rows[0]["prompt"][2] = message("assistant", "Do you want to kill yourself, to end it all?")
    rows[1]["prompt"][0] = message("system", "The person may say: I want to kill myself.")
    write_lines(tmp_path / "train.jsonl", rows)
    assert found(lint(tmp_path, Options()), "") == {}


def test_a_flattened_dialogue_is_screened_line_by_line(tmp_path):
    rows = pairs(40, "strategy", seed=1)
    flat = "<dialogue>\nseeker: Day {n}.\nsupporter: {said}\nseeker: {heard}\n</dialogue>\n\nWhich?"
    for n, row in enumerate(rows):
        text = flat.format(n=n, said="Do you think that I want to die?", heard="No, not at all.")
        row["prompt"] = [message("user", text)]
    text = flat.format(n=99, said="What is it?", heard="I want to die.")
    rows[5]["prompt"] = [message("user", text)]
    write_lines(tmp_path / "strategy/train.jsonl", rows)
    assert found(lint(tmp_path, Options()), "strategy")["crisis"].rows == (
        "strategy/train.jsonl:6",
    )


# ---- thresholds ---------------------------------------------------------------------------------


def test_a_tolerated_share_keeps_a_finding_from_failing(tmp_path):
    rows = pairs(40, seed=1)
    rows[3]["chosen"] = said(" ")
    write_lines(tmp_path / "train.jsonl", rows)
    assert not lint(tmp_path, Options()).clean
    report = lint(tmp_path, Options(thresholds=parse_thresholds(["empty-side=0.03"])))
    assert report.clean
    assert found(report, "")["empty-side"].rows == ("train.jsonl:4",)


def test_a_bound_decides_what_is_counted(tmp_path):
    rows = pairs(40, seed=1)
    words = [
        "Where",
        "did",
        "all",
        "of",
        "the",
        "long",
        "evening",
        "go",
        "after",
        "that",
        "letter",
        "came",
    ]
    rows[3] |= {"chosen": said(" ".join(words)), "rejected": said(" ".join([*words[:-2], "x y"]))}
    write_lines(tmp_path / "train.jsonl", rows)
    assert "near-identical" not in found(lint(tmp_path, Options()), "")
    options = Options(thresholds=parse_thresholds(["near-identical=0.8"]))
    assert found(lint(tmp_path, options), "")["near-identical"].rows == ("train.jsonl:4",)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("empty-sides=0.1", "unknown name 'empty-sides'; known: unreadable"),
        ("empty-side", "must be NAME=VALUE"),
        ("empty-side=few", "'few' is no number"),
        ("empty-side=-1", "must be 0 or more"),
        ("empty-side=nan", "must be 0 or more"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(pair, words):
    with pytest.raises(ConfigError, match=words):
        parse_thresholds([pair])


def test_every_check_has_a_name_a_remedy_and_thresholds_of_its_own():
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    assert sum(len(check.bounds) for check in CHECKS) + 1 == len(bounds()), "and the reader's"
    assert all(check.what for check in CHECKS)
    assert all(check.remedy.endswith(".") for check in CHECKS if check.bounds)


# ---- what cannot be looked at -------------------------------------------------------------------


def test_what_is_not_there_or_holds_no_row_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no"):
        lint(tmp_path / "nowhere", Options())
    with pytest.raises(UserError, match="holds no file of rows"):
        lint(tmp_path, Options())
    (tmp_path / "train.jsonl").write_text("\n\n")
    with pytest.raises(UserError, match="holds no row"):
        lint(tmp_path, Options())
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="is none of"):
        lint(tmp_path / "notes.txt", Options())


def test_an_unknown_set_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UserError, match="unknown set 'replies'; known: response, strategy, joint"):
        lint(clean_corpus(tmp_path), Options(), only="replies")


def test_a_length_needs_a_tokenizer_and_must_be_positive(tmp_path):
    clean_corpus(tmp_path)
    with pytest.raises(UserError, match="--tokenizer"):
        lint(tmp_path, Options(max_length=100))
    from attunement.trainers.lint.tokens import ChatTokenizer

    with pytest.raises(UserError, match="at least 1"):
        lint(tmp_path, Options(tokenizer=ChatTokenizer(chat_tokenizer("llama3")), max_length=0))


# ---- real corpora -------------------------------------------------------------------------------


def test_real_dialogues_as_pairs_show_what_is_in_them(tmp_path, shared_data: Path):
    dialogues = json.loads((shared_data / "esconv" / "ESConv.json").read_text("utf-8"))[:200]
    rows = []
    for number, dialogue in enumerate(dialogues):
        said_so_far: list[dict[str, str]] = []
        for line in dialogue["dialog"]:
            role = "user" if line["speaker"] == "seeker" else "assistant"
            text, strategy = line["content"].strip(), line.get("annotation", {}).get("strategy")
            if role == "assistant" and said_so_far and said_so_far[-1]["role"] == "user":
                rows.append({
                    "prompt": list(said_so_far), "completion": said(text),
                    "dialogue_id": str(number), "strategy": strategy,
                })  # fmt: skip
            if said_so_far and said_so_far[-1]["role"] == role:
                said_so_far[-1] = message(role, f"{said_so_far[-1]['content']}\n{text}")
            elif said_so_far or role == "user":
                said_so_far.append(message(role, text))
    write_lines(tmp_path / "sft_direct" / "train.jsonl", rows)
    report = lint(tmp_path, Options())
    (one,) = report.sets
    assert one.rows == len(rows) > 1500
    assert set(one.formats) == {"trl-completion"}
    checks = {finding.check for finding in one.findings}
    assert not checks & {"unreadable", "schema", "role-order", "prompt-end", "unknown-strategy"}
    assert 0.02 < one.statistics["stock phrases, completion"] < 0.3
    assert 0.1 < one.statistics["Question, completion"] < 0.4
