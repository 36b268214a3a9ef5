"""Recorded dialogues as examples: which turns, which prompts, which splits, and what goes why."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from attunement.agents.joint import joint_prompt
from attunement.agents.planner import name_prompt
from attunement.agents.prompting import as_chat, packaged_prompts
from attunement.agents.responder import reply_prompt
from attunement.core.errors import ConfigError, RecordingError, UserError
from attunement.core.records import Utterance
from attunement.core.strategies import Strategy
from attunement.personas.preprocessing import prepare
from attunement.personas.recorded import Recording, read_recordings
from attunement.trainers.corpora.instructions import sample_instructions
from attunement.trainers.corpora.published import fingerprint, place, split_of_file, splits_in
from attunement.trainers.corpora.recorded import import_recorded
from attunement.trainers.corpora.recorded_plan import (
    Names,
    RecordedCorpus,
    Seen,
    parse_names,
    parse_tasks,
)
from attunement.trainers.corpora.recorded_rows import (
    CRISIS,
    GREETING,
    NO_STRATEGY,
    UNASKED,
    recorded_rows,
)
from attunement.trainers.corpora.rows import ExampleRow

S = Strategy
ALL = ("sft_direct", "sft_planner", "sft_responder", "sft_joint")
TALK = [
    ("supporter", "Hello", "Others"),
    ("seeker", "Hi", None),
    ("supporter", "What brings you here?", "Question"),
    ("seeker", "I lost my job.", None),
    ("seeker", "It hurts.", None),
    ("supporter", "That is hard.", "Reflection of feelings"),
    ("supporter", "Since when?", "Question"),
    ("seeker", "May.", None),
    ("supporter", "I see.", None),
]


def talk(*spoken: tuple[str, str, str | None]) -> dict[str, Any]:
    return {
        "dialog": [
            {"speaker": who, "content": text, "annotation": {"strategy": strategy}}
            for who, text, strategy in spoken
        ]
    }


def write(path: Path, *dialogues: object) -> Path:
    path.write_bytes(b"".join(orjson.dumps(dialogue) + b"\n" for dialogue in dialogues))
    return path


def rows_of(corpus: Path, name: str, split: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (corpus / name / f"{split}.jsonl").read_bytes().splitlines()
    ]


@pytest.fixture(scope="module")
def esconv(shared_data: Path) -> list[Recording]:
    return list(read_recordings(shared_data / "esconv" / "ESConv.json"))


def given(
    recordings: list[Recording], **settings: Any
) -> tuple[dict[str, list[ExampleRow]], dict[str, Counter[str]]]:
    """Rows, and counts of reasons, by set."""
    plan = RecordedCorpus.parse(**settings)
    rows: dict[str, list[ExampleRow]] = {name: [] for name in plan.sets}
    dropped: dict[str, Counter[str]] = {name: Counter() for name in plan.sets}
    for recording in recordings:
        for name, row in recorded_rows(plan, recording, packaged_prompts(), Seen()):
            if isinstance(row, str):
                dropped[name][row] += 1
            else:
                rows[name].append(row)
    return rows, dropped


def one(tmp_path: Path, *spoken: tuple[str, str, str | None]) -> list[Recording]:
    return list(read_recordings(write(tmp_path / "talk.jsonl", talk(*spoken))))


# ---- examples -----------------------------------------------------------------------------------


def test_self_evolution_gives_a_reply_to_every_joined_turn(tmp_path: Path) -> None:
    rows, dropped = given(one(tmp_path, *TALK), recipe="self_evolution")
    assert list(rows) == ["sft_direct"]
    assert dropped["sft_direct"] == {GREETING: 1, UNASKED: 1}
    first, second = rows["sft_direct"]
    history = prepare([_line(line) for line in TALK[2:]])
    prompts = packaged_prompts()
    for row, heard, reply in ((first, 2, "That is hard. Since when?"), (second, 4, "I see.")):
        plain = reply_prompt(prompts["responder"], history[:heard])
        assert [m.model_dump() for m in row.prompt] == plain.messages
        assert row.completion[0].content == reply
        assert row.prompt_version == plain.version
    assert (first.strategy, second.strategy) == (S.REFLECTION, None)
    assert [(row.turn, row.words) for row in (first, second)] == [(1, 5), (2, 2)]
    assert {(row.source, row.model, row.run, row.persona_id) for row in (first, second)} == {
        ("recorded", "human", "talk.jsonl", "talk-0001")
    }


def _line(line: tuple[str, str, str | None]) -> Utterance:
    return Utterance.model_validate(dict(zip(("speaker", "text", "strategy"), line, strict=True)))


def test_decoupled_gives_each_model_its_own_prompt(tmp_path: Path) -> None:
    rows, dropped = given(one(tmp_path, *TALK), recipe="decoupled")
    assert list(rows) == ["sft_planner", "sft_responder", "sft_joint"]
    assert all(counts == {UNASKED: 1, NO_STRATEGY: 1} for counts in dropped.values())
    history = prepare([_line(line) for line in TALK], "decoupled")
    prompts = packaged_prompts()
    for i, (_, reply, name) in enumerate((TALK[2], TALK[5], TALK[6])):
        strategy = S(name or "")
        heard = history[: [line.text for line in history].index(reply)]
        planner, responder, joint = (rows[name][i] for name in rows)
        assert planner.completion[0].content == strategy.value
        assert responder.completion[0].content == reply
        assert joint.completion[0].content == f"[{strategy.value}] {reply}"
        expected = (
            name_prompt(prompts["planner"], heard),
            reply_prompt(prompts["responder"], heard, strategy, place="system"),
            joint_prompt(prompts["joint"], heard),
        )
        for row, prompt in zip((planner, responder, joint), expected, strict=True):
            assert [m.model_dump() for m in row.prompt] == prompt.messages
            assert (row.strategy, row.turn, row.prompt_version) == (strategy, i + 1, prompt.version)
    assert rows["sft_responder"][2].prompt[-1].content == " "


def test_a_tag_before_a_reply_is_its_strategy_and_stands_in_no_prompt(tmp_path: Path) -> None:
    said = [TALK[3], ("supporter", "[Question] Since when?", None), TALK[7],
            ("supporter", "[sigh] I see.", "Others")]  # fmt: skip
    rows, dropped = given(one(tmp_path, *said), recipe="decoupled", sets=ALL)
    assert not any(dropped.values())
    assert [row.completion[0].content for row in rows["sft_joint"]] == [
        "[Question] Since when?", "[Others] [sigh] I see.",
    ]  # fmt: skip
    assert [row.completion[0].content for row in rows["sft_responder"]] == [
        "Since when?", "[sigh] I see.",
    ]  # fmt: skip
    assert rows["sft_direct"][1].prompt[-2].content == "Since when?"


def test_turns_are_counted_alike_in_every_set(tmp_path: Path) -> None:
    rows, _ = given(one(tmp_path, *TALK), recipe="decoupled", sets=ALL)
    assert [row.turn for row in rows["sft_direct"]] == [1, 2, 3, 4]
    assert [row.turn for row in rows["sft_planner"]] == [1, 2, 3]


HURT = ("seeker", "I want to kill myself.", None)


@pytest.mark.parametrize(("keep", "kept", "crises"), [(False, 1, 2), (True, 3, 0)])
def test_a_crisis_ends_a_dialogue(tmp_path: Path, keep: bool, kept: int, crises: int) -> None:
    said = [TALK[3], TALK[2], HURT, TALK[5], TALK[7], TALK[6]]
    rows, dropped = given(one(tmp_path, *said), recipe="self_evolution", keep_crisis=keep)
    assert len(rows["sft_direct"]) == kept
    assert dropped["sft_direct"][CRISIS] == crises
    assert any("kill" in m.content for row in rows["sft_direct"] for m in row.prompt) is keep


def test_a_reply_needs_as_much_history_as_was_asked_for(tmp_path: Path) -> None:
    rows, dropped = given(one(tmp_path, *TALK), recipe="decoupled", sets=("sft_direct",),
                          min_history=3)  # fmt: skip
    assert [row.completion[0].content for row in rows["sft_direct"]] == ["I see."]
    assert dropped["sft_direct"] == {UNASKED: 1, "fewer than 3 seeker turns before it": 3}


def test_all_of_esconv_by_self_evolution(esconv: list[Recording]) -> None:
    rows, dropped = given(esconv, recipe="self_evolution", keep_crisis=True)
    assert dropped["sft_direct"] == {GREETING: 710, UNASKED: 431}
    assert len(rows["sft_direct"]) == 15_325 - 710 - 431
    for row in rows["sft_direct"]:
        assert [m.role for m in row.prompt[:2]] == ["system", "user"]
        assert row.prompt[-1].content.strip()
        assert row.completion[0].content.strip()


def test_all_of_esconv_by_decoupled_planning(esconv: list[Recording]) -> None:
    rows, dropped = given(esconv, recipe="decoupled", sets=("sft_planner",))
    assert dropped["sft_planner"][UNASKED] == 731
    assert len(rows["sft_planner"]) + dropped["sft_planner"].total() == 18_376
    assert set(dropped["sft_planner"]) == {UNASKED, CRISIS}
    tags = tuple(f"[{strategy}]" for strategy in S)
    for row in rows["sft_planner"]:
        assert row.completion[0].content == row.strategy
        assert not any(tag in row.prompt[0].content for tag in tags)


def test_failed_esconv_is_read_with_its_own_names(shared_data: Path) -> None:
    failed = list(read_recordings(shared_data / "esconv" / "FailedESConv.json"))
    rows, dropped = given(failed, recipe="decoupled", sets=("sft_planner",), keep_crisis=True)
    assert set(dropped["sft_planner"]) == {UNASKED}
    assert len(rows["sft_planner"]) + dropped["sft_planner"].total() == 2377
    assert {row.strategy for row in rows["sft_planner"]} == set(S)


# ---- splits -------------------------------------------------------------------------------------


def test_the_published_split_is_the_published_files(
    esconv: list[Recording], shared_data: Path
) -> None:
    folder = shared_data / "esconv"
    split_of = place([folder / "ESConv.json"], "published")
    assert Counter(split_of.values()) == {"train": 910, "validation": 195, "test": 195}
    with pytest.raises(UserError, match="needs every dialogue; leave --limit out"):
        place([folder / "ESConv.json"], "published", limit=10)
    for split, name in (("validation", "valid"), ("test", "test")):
        ours = [fingerprint([r]) for r in esconv if split_of[r.id] == split]
        theirs = [fingerprint([r]) for r in read_recordings(folder / f"published_{name}.jsonl")]
        assert sorted(ours) == sorted(theirs)


def test_the_published_split_is_for_esconv_alone(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "esconv"
    esconv, failed = folder / "ESConv.json", folder / "FailedESConv.json"
    with pytest.raises(RecordingError, match=r"`FailedESConv.json`: .* ESConv's 1,300 dialogues"):
        place([failed], "published")
    with pytest.raises(UserError, match=r"ESConv\.json alone, got 2 files"):
        place([esconv, failed], "published")
    changed = orjson.loads(esconv.read_bytes())
    changed[7]["dialog"][3]["content"] += "!"
    other = tmp_path / "ESConv.json"
    other.write_bytes(orjson.dumps(changed))
    with pytest.raises(RecordingError, match="this is another text"):
        place([other], "published")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("published_valid.jsonl", "validation"), ("train.json", "train"), ("Test.jsonl", "test"),
        ("x-dev.json", "validation"), ("es2val.json", "validation"),
    ],
)  # fmt: skip
def test_a_file_names_its_split(name: str, split: str) -> None:
    assert split_of_file(Path(name)) == split


@pytest.mark.parametrize(
    ("name", "message"),
    [("ESConv.json", "no split"), ("train_test.json", "several"), ("trained.json", "no split")],
)
def test_a_file_that_names_no_split_is_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"{name!r} names {message}"):
        split_of_file(Path(name))


def test_files_are_splits_in_order(tmp_path: Path) -> None:
    files = [
        write(tmp_path / f"{name}.jsonl", talk(*TALK)) for name in ("test", "a-train", "train")
    ]
    split_of = place(files, "files")
    assert split_of == {"test-0001": "test", "a-train-0001": "train", "train-0001": "train"}
    assert splits_in("files", split_of.values()) == ("train", "test")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    files = [write(tmp_path / "x.jsonl", talk(*TALK)), write(tmp_path / "b" / "X.json", talk())]
    with pytest.raises(UserError, match="two files are named 'x'"):
        place(files, "9:1")


def test_shares_never_split_a_dialogue(tmp_path: Path) -> None:
    file = write(tmp_path / "talk.jsonl", *[talk(*TALK)] * 20)
    plan = RecordedCorpus.parse(recipe="decoupled", split="8:1:1")
    report = import_recorded([file], tmp_path / "out", plan)
    ids = {}
    for split in ("train", "validation", "test"):
        rows = [rows_of(tmp_path / "out", name, split) for name in plan.sets]
        assert len({frozenset(row["dialogue_id"] for row in part) for part in rows}) == 1
        ids[split] = {row["persona_id"] for row in rows[0]}
    assert [len(found) for found in ids.values()] == [16, 2, 2]
    assert len(set.union(*ids.values())) == 20
    assert report.sets["sft_joint"].read == 100
    again = import_recorded([file], tmp_path / "again", plan)
    assert again == report
    assert rows_of(tmp_path / "again", "sft_joint", "test") == rows_of(
        tmp_path / "out", "sft_joint", "test"
    )


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = write(tmp_path / "talk.jsonl", *[talk(*TALK)] * 4)
    for kind in ("jsonl", "parquet"):
        plan = RecordedCorpus.parse(recipe="decoupled", split="1:1", format=kind)
        import_recorded([file], tmp_path / kind, plan)
    table = parquet.read_table(tmp_path / "parquet" / "sft_planner" / "train.parquet")
    assert table.to_pylist() == rows_of(tmp_path / "jsonl", "sft_planner", "train")


# ---- instructions -------------------------------------------------------------------------------


def alpaca(path: Path, count: int = 10) -> Path:
    rows = [{"instruction": f"Say {i}.", "input": "", "output": str(i)} for i in range(count)]
    path.write_bytes(orjson.dumps(rows))
    return path


def test_instructions_stand_in_the_train_split_of_the_direct_set(tmp_path: Path) -> None:
    file = write(tmp_path / "talk.jsonl", *[talk(*TALK)] * 4)
    plan = RecordedCorpus.parse(recipe="self_evolution", split="1:1", instructions=3)
    report = import_recorded([file], tmp_path / "out", plan, alpaca(tmp_path / "alpaca.json"))
    assert "dropped: 8 turns of either speaker" in report.origin.how[1]
    added = [row for row in rows_of(tmp_path / "out", "sft_direct", "train")
             if row["source"] == "instruction"]  # fmt: skip
    assert [len(row["prompt"]) for row in added] == [1, 1, 1]
    assert all(row["prompt"][0]["role"] == "user" for row in added)
    assert report.sets["sft_direct"].splits == {"train": 2 * 2 + 3, "validation": 2 * 2}
    said = {row["source"] for row in rows_of(tmp_path / "out", "sft_direct", "validation")}
    assert said == {"recorded"}


def test_a_larger_sample_holds_the_smaller_one(tmp_path: Path) -> None:
    file = alpaca(tmp_path / "alpaca.json", 50)
    small, large, other = (
        [row.persona_id for row in sample_instructions(file, n, seed).rows]
        for n, seed in ((5, 1), (20, 1), (5, 2))
    )
    assert (len(small), len(large)) == (5, 20)
    assert set(small) < set(large)
    assert small != other
    assert large == sorted(large)
    assert len(sample_instructions(file, 500, 1).rows) == 50


def test_an_input_stands_below_its_instruction_and_blank_ones_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "alpaca.json"
    rows = [
        {"instruction": " Add.\x00", "input": "1 and 2", "output": "3\n"},
        {"instruction": "Add.", "input": "1 and 2", "output": " "},
        {"instruction": "", "input": "", "output": "x"},
        {"instruction": "Go.", "output": "Gone."},
    ]
    file.write_text(json.dumps(rows))
    drawn = sample_instructions(file, 9, 0)
    assert [(r.prompt[0].content, r.completion[0].content) for r in drawn.rows] == [
        ("Add.\n\n1 and 2", "3"), ("Go.", "Gone."),
    ]  # fmt: skip
    assert drawn.dropped == {"an instruction without an answer": 1, "no instruction": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x", "row 2: must be an object with `instruction` and `output`, got 'x'"),
        ({"instruction": "x"}, "row 2: must be an object with `instruction` and `output`"),
        ({"instruction": 3, "output": "x"}, "row 2: `instruction` must be text, got 3"),
        ({"instruction": "x", "output": "x", "history": [["a", "b"]]}, "row 2: `history` makes it"),
    ],
)
def test_what_is_no_instruction_is_refused_with_its_row(
    tmp_path: Path, row: object, message: str
) -> None:
    file = tmp_path / "alpaca.json"
    file.write_bytes(orjson.dumps([{"instruction": "a", "output": "b"}, row]))
    with pytest.raises(RecordingError, match=f"`alpaca.json`, {message}"):
        sample_instructions(file, 5, 0)


# ---- what cannot be imported --------------------------------------------------------------------

GOOD = talk(*TALK)
BAD_FILES = {
    "empty": (b"", "`bad.jsonl` is empty"),
    "no dialogues": (b"[]", "`bad.jsonl` holds no dialogues"),
    "half a line": (orjson.dumps(GOOD) + b'\n{"dialog": [{"sp', "line 2, column .*: not JSON"),
    "strategy": (orjson.dumps(talk(TALK[3], ("supporter", "x", "Hug"))),
                 "dialogue 1: utterance 2: unknown strategy 'Hug'; known: .*'Hug=STRATEGY'"),
    "speaker": (orjson.dumps(talk(TALK[3], ("narrator", "x", None))),
                "dialogue 1: utterance 2: unknown speaker 'narrator'"),
    "text": (orjson.dumps({"dialog": [{"speaker": "seeker", "content": 3}]}),
             "dialogue 1: utterance 1: `content` must be text"),
    "blank": (orjson.dumps(talk(("seeker", " ", None), ("supporter", "\0", None))),
              "nothing to write: there was no supporter turn"),
    "nobody asked": (orjson.dumps(talk(TALK[0])), "nothing to write: .*: 1 no seeker turn before"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_imported_says_why_and_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    content, message = BAD_FILES[name]
    (tmp_path / "bad.jsonl").write_bytes(content)
    plan = RecordedCorpus.parse(recipe="decoupled", split="1")
    with pytest.raises(UserError, match=message):
        import_recorded([tmp_path / "bad.jsonl"], tmp_path / "out", plan)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jsonl"]


def test_an_own_table_of_strategies_goes_before_the_others(tmp_path: Path) -> None:
    said = [TALK[3], ("supporter", "x", "Hug"), TALK[7], ("supporter", "y", "Questions"),
            TALK[4], ("supporter", "z", "Chat")]  # fmt: skip
    file = write(tmp_path / "talk.jsonl", talk(*said))
    strategies = parse_names(["hug=affirmation and reassurance", "Questions=Others", "CHAT="])
    plan = RecordedCorpus.parse(recipe="decoupled", split="1", strategies=strategies)
    report = import_recorded([file], tmp_path / "out", plan)
    rows = rows_of(tmp_path / "out", "sft_planner", "train")
    assert [row["strategy"] for row in rows] == ["Affirmation and Reassurance", "Others"]
    assert report.sets["sft_planner"].dropped == {NO_STRATEGY: 1}
    assert "Chat -> no strategy (1)" in report.origin.how[-1]
    assert report.origin.options["strategy_map"][2] == "CHAT="


def test_names_are_counted_only_where_they_were_read_as_another() -> None:
    names = Names({})
    assert [names("Question"), names("Questions"), names("Questions")] == [S.QUESTION] * 3
    assert names.read == {("Questions", "Question"): 2}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipe": "x"}, "unknown recipe 'x'; known: self_evolution, decoupled"),
        ({"recipe": "decoupled", "min_history": 0}, "`min_history`"),
        ({"recipe": "decoupled", "limit": 0}, "`limit`"),
        ({"recipe": "decoupled", "format": "csv"}, "`format`"),
        ({"recipe": "decoupled", "instructions": 0}, "`instructions`"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RecordedCorpus.parse(**settings)


def test_tasks_and_names_are_read_or_refused() -> None:
    assert parse_tasks(None) is None
    assert parse_tasks("joint, direct,joint") == ("sft_joint", "sft_direct")
    with pytest.raises(ConfigError, match="unknown task 'reply'; known: direct, planner"):
        parse_tasks("direct,reply")
    with pytest.raises(ConfigError, match="names no task"):
        parse_tasks(",")
    with pytest.raises(ConfigError, match="must be NAME=STRATEGY, got 'Hug'"):
        parse_names(["Hug"])
    with pytest.raises(UserError, match="unknown strategy 'Kiss'; known: Question"):
        parse_names(["Hug=Kiss"])


def test_a_reply_too_long_for_a_record_is_counted(tmp_path: Path) -> None:
    long = one(tmp_path, TALK[3], ("supporter", "x" * 200_001, None), TALK[7], TALK[8])
    rows, dropped = given(long, recipe="self_evolution")
    assert dropped["sft_direct"] == {"too long for a reply": 1}
    assert [row.turn for row in rows["sft_direct"]] == [2]


def test_the_chat_of_a_prompt_is_the_agents_own(tmp_path: Path) -> None:
    rows, _ = given(one(tmp_path, *TALK), recipe="decoupled", sets=("sft_joint",))
    history = prepare([_line(line) for line in TALK], "decoupled")
    heard = history[: history.index(_line(TALK[6]))]
    said = [m.model_dump() for m in rows["sft_joint"][2].prompt]
    assert said[1:] == as_chat(heard)
