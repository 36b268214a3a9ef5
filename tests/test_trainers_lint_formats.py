"""What the lint reads: every format by its content, every kind of file, whatever is wrong."""

import json
import math
import tracemalloc
from pathlib import Path

import pytest

from attunement.core.errors import UserError
from attunement.trainers.lint import reading
from attunement.trainers.lint.files import find_corpus
from attunement.trainers.lint.linting import Options, lint
from attunement.trainers.lint.reading import Broken, read_rows
from attunement.trainers.lint.shapes import MalformedError, parse
from tests.corpora import message, pairs, write_lines

PROMPT = [message("system", "Be kind."), message("user", "Hm."), message("assistant", "Yes?"),
          message("user", "My day.")]  # fmt: skip
TURNS = tuple((m["role"], m["content"]) for m in PROMPT)
NAMES = {"user": "human", "assistant": "gpt"}


def turn(role, text):
    return {"from": NAMES[role], "value": text}


def said(text):
    return [message("assistant", text)]


CONVERSATION = [turn(m["role"], m["content"]) for m in PROMPT[1:]]
ROWS = {
    "trl-conversational": {"prompt": PROMPT, "chosen": said("A."), "rejected": said("B.")},
    "trl-implicit": {"chosen": PROMPT + said("A."), "rejected": PROMPT + said("B.")},
    "sharegpt-pairs": {"conversations": CONVERSATION, "system": "Be kind.",
                       "chosen": turn("assistant", "A."), "rejected": turn("assistant", "B.")},
    "alpaca-pairs": {"instruction": "My", "input": "day.", "history": [["Hm.", "Yes?"]],
                     "system": "Be kind.", "chosen": "A.", "rejected": "B."},
    "trl-completion": {"prompt": PROMPT, "completion": said("A.")},
    "trl-messages": {"messages": PROMPT + said("A.")},
    "sharegpt-examples": {"conversations": [*CONVERSATION, turn("assistant", "A.")],
                          "system": "Be kind."},
    "alpaca-examples": {"instruction": "My day.", "input": "", "history": [["Hm.", "Yes?"]],
                        "system": "Be kind.", "output": "A."},
}  # fmt: skip


@pytest.mark.parametrize("format", ROWS)
def test_a_format_is_told_by_content_and_read_into_one_shape(format):
    shape, prompt, sides = parse(ROWS[format])
    assert shape == format
    asked = "My\nday." if format == "alpaca-pairs" else "My day."
    assert prompt == (*TURNS[:3], ("user", asked))
    pair = "chosen" in ROWS[format]
    want = {"chosen": "A.", "rejected": "B."} if pair else {"completion": "A."}
    assert {side: turns[0] for side, turns in sides.items()} == {
        side: ("assistant", text) for side, text in want.items()
    }


@pytest.mark.parametrize("format", ROWS)
def test_columns_of_other_formats_that_hold_nothing_do_not_mislead(format):
    """As a table gives them: every column in every row."""
    names = {name for row in ROWS.values() for name in row}
    filled = dict.fromkeys(sorted(names)) | ROWS[format]
    assert parse(filled) == parse(ROWS[format])


def test_plain_texts_are_read_with_and_without_a_prompt():
    whole = {"chosen": "Human: Hm.\n\nAssistant: Yes", "rejected": "Human: Hm.\n\nAssistant: No"}
    shape, prompt, sides = parse(whole)
    assert shape == "trl-plain-implicit"
    assert prompt == (("text", "Human: Hm.\n\nAssistant:"),), "as TRL parts it"
    assert sides == {"chosen": (("text", " Yes"),), "rejected": (("text", " No"),)}
    assert parse({"prompt": "Hm.", "chosen": "A", "rejected": "B"})[0] == "trl-plain"
    assert parse({"prompt": "Hm.", "completion": "A"})[0] == "trl-completion-plain"
    assert parse({"text": "A"})[0] == "trl-text"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1], "a row must be an object, this is a list"),
        ({"question": "x"}, "no known format has these fields: 'question'"),
        ({"prompt": "x"}, "`completion` is missing"),
        ({"prompt": PROMPT, "chosen": said("A"), "rejected": None}, "`rejected` is null"),
        ({"prompt": "Hm.", "chosen": said("A"), "rejected": said("B")}, "mix text and messages"),
        (
            {
                "prompt": "Hm.",
                "chosen": PROMPT + said("A"),
                "rejected": PROMPT + said("B"),
                "messages": PROMPT + said("A"),
            },
            "remove `prompt`",
        ),
        ({"prompt": [], "completion": said("A")}, "`prompt` holds no message"),
        ({"prompt": ["x"], "completion": said("A")}, "must hold messages (role and content)"),
        ({"prompt": [{"role": "user"}], "completion": said("A")}, "it has: role"),
        ({"prompt": [message("user", None)], "completion": said("A")}, "must hold text, got null"),
        ({"prompt": [message(3, "x")], "completion": said("A")}, "unknown role 3"),
        ({"chosen": said("A"), "rejected": said("B")}, "do not begin with the same messages"),
        ({"messages": PROMPT}, "`messages` must end with the assistant"),
        ({"instruction": "x"}, "`output` is missing"),
        ({"instruction": "x", "output": "y", "history": ["z"]}, "pairs of texts"),
        ({"instruction": "x", "output": "y", "history": 1}, "`history` must be a list"),
        ({"instruction": "x", "output": "y", "history": {}}, "`history` must be a list"),
        ({"instruction": 3, "output": "y"}, "`instruction` must be text, got a number"),
        ({"conversations": CONVERSATION, "chosen": "A", "rejected": "B"}, "got text"),
    ],
)
def test_what_is_no_row_is_told_why(row, words):
    with pytest.raises(MalformedError) as refusal:
        parse(row)
    assert words in str(refusal.value)


@pytest.mark.parametrize("format", ROWS)
def test_a_clean_corpus_is_clean_in_every_format(tmp_path, format):
    write_lines(tmp_path / "train.jsonl", [_as(format, row) for row in pairs(60, seed=1)])
    (one,) = lint(tmp_path, Options()).sets
    assert one.formats == {format: 60}
    assert one.findings == ()


def _as(format, row):
    """A pair of ours in another format."""
    prompt, chosen, rejected = row["prompt"], row["chosen"], row["rejected"]
    kept = {"persona_id": row["persona_id"]}
    spoken = [turn(m["role"], m["content"]) for m in prompt[1:]]
    system, answers = prompt[0]["content"], (chosen[0]["content"], rejected[0]["content"])
    history = [[a["content"], b["content"]] for a, b in zip(prompt[1:-1:2], prompt[2::2])]  # noqa: B905
    alpaca = {"instruction": prompt[-1]["content"], "input": "", "system": system,
              "history": history}  # fmt: skip
    return kept | {
        "trl-conversational": {"prompt": prompt, "chosen": chosen, "rejected": rejected},
        "trl-implicit": {"chosen": prompt + chosen, "rejected": prompt + rejected},
        "sharegpt-pairs": {"conversations": spoken, "system": system,
                           "chosen": turn("assistant", answers[0]),
                           "rejected": turn("assistant", answers[1])},
        "alpaca-pairs": alpaca | {"chosen": answers[0], "rejected": answers[1]},
        "trl-completion": {"prompt": prompt, "completion": chosen},
        "trl-messages": {"messages": prompt + chosen},
        "sharegpt-examples": {"conversations": [*spoken, turn("assistant", answers[0])],
                              "system": system},
        "alpaca-examples": alpaca | {"output": answers[0]},
    }[format]  # fmt: skip


# ---- files --------------------------------------------------------------------------------------


def test_sets_and_splits_are_told_by_the_names_of_files(tmp_path):
    names = {
        "response/train.jsonl": ("response", "train"),
        "response/validation.jsonl": ("response", "validation"),
        "sft_planner/test.parquet": ("sft_planner", "test"),
        "data/train-00000-of-00002.parquet": ("data", "train"),
        "data/train-00001-of-00002.parquet": ("data", "train"),
        "joint_valid.json": ("joint", "validation"),
        "sft_joint_dev.json": ("sft_joint", "validation"),
        "trainers_test.jsonl": ("trainers", "test"),
        "train.jsonl": ("", "train"),
        "train/0001.parquet": ("", "train"),
        "other/val/0001.parquet": ("other", "validation"),
        "eval.jsonl": ("", "test"),
        "joint_evaluation.jsonl": ("joint", "test"),
        "heldout/0001.parquet": ("", "test"),
        "held_out/strategy.jsonl": ("", "test"),
        "medieval.jsonl": None,
    }
    for name in (*names, "corpus.json", "dataset_info.json", "extra.json", ".hidden/train.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    corpus = find_corpus(tmp_path)
    found = {f.name: (name, f.split) for name, files in corpus.sets.items() for f in files}
    assert found == {name: place for name, place in names.items() if place}
    assert corpus.passed_over == ("extra.json", "medieval.jsonl")
    assert list(corpus.sets)[:2] == ["response", "joint"]


def test_files_whose_names_say_no_split_are_sets_of_their_own(tmp_path):
    write_lines(tmp_path / "pairs.jsonl", pairs(40, seed=1))
    write_lines(tmp_path / "more.jsonl", pairs(40, seed=1))
    report = lint(tmp_path, Options())
    assert [(one.name, one.splits) for one in report.sets] == [
        ("more", {"all": 40}), ("pairs", {"all": 40}),
    ]  # fmt: skip
    assert report.clean


def test_a_single_file_is_a_corpus(tmp_path):
    path = write_lines(tmp_path / "strategy" / "train.jsonl", pairs(40, "strategy", seed=1))
    (one,) = lint(path, Options()).sets
    assert (one.name, one.kind, one.rows) == ("strategy", "strategy", 40)


def _json_list(path: Path, rows) -> Path:
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
    return path


def _parquet(path: Path, rows) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


WRITERS = {"jsonl": write_lines, "json": _json_list, "parquet": _parquet}


@pytest.mark.parametrize("kind", WRITERS)
def test_rows_are_the_same_from_every_kind_of_file(tmp_path, kind):
    rows = pairs(700, seed=1)
    path = WRITERS[kind](tmp_path / f"train.{kind}", rows)
    assert list(read_rows(path)) == list(enumerate(rows, 1))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_defect_is_named_by_its_line_or_row(tmp_path, kind):
    rows = pairs(40, seed=1)
    rows[22]["chosen"] = said("  ")
    path = WRITERS[kind](tmp_path / f"train.{kind}", rows)
    (finding,) = lint(path, Options()).sets[0].findings
    assert (finding.check, finding.rows) == ("empty-side", (f"train.{kind}:23",))


def test_json_lines_may_be_called_json(tmp_path):
    rows = pairs(3, seed=1)
    path = write_lines(tmp_path / "train.json", rows)
    assert [row for _, row in read_rows(path)] == rows


def test_blank_lines_count_as_lines_but_not_as_rows(tmp_path):
    path = write_lines(tmp_path / "train.jsonl", ["", {"text": "a"}, "   ", {"text": "b"}])
    assert list(read_rows(path)) == [(2, {"text": "a"}), (4, {"text": "b"})]


@pytest.mark.parametrize("size", [1, 7, 64, 5000])
def test_a_json_list_is_read_through_a_window_of_any_size(tmp_path, monkeypatch, size):
    monkeypatch.setattr(reading, "PIECE", size)
    rows = [{"text": "x" * n, "of": [n, {"a": "}]"}, "é\U0001f642"]} for n in range(200)]
    path = tmp_path / "train.json"
    path.write_text("\n [ " + " ,\n".join(map(json.dumps, rows)) + " ] \n")
    assert [row for _, row in read_rows(path)] == rows


@pytest.mark.parametrize(
    ("text", "words", "rows"),
    [
        ('[{"text": "a"}, {"text": NaN}, {"text": "c"}]', "NaN is no JSON number", [1, 3]),
        ('[{"text": "a"}, {"text": "b', "not JSON", [1]),
        ('[{"text": "a"}, ', "the list is not closed", [1]),
        ('[{"text": "a"}, {"text": "\\ud83d"}]', "lone surrogate", [1]),
        ('{"data": [\n{"text": "a"}\n]}\n', "one JSON object", []),
        ('[{"text": "a"}][{"text": "b"}]', "behind the list's `]`", [1]),
        ('[{"text": "a"}]' + "\n" * 5000 + "{}", "behind the list's `]`", [1]),
        ('[{"text": "a"}, {"text": tru}, {"text": "c"}]', "not JSON", [1]),
    ],
)
def test_what_is_wrong_with_a_json_list_is_told(tmp_path, text, words, rows):
    path = tmp_path / "train.json"
    path.write_text(text)
    found = list(read_rows(path))
    assert [row for row, value in found if not isinstance(value, Broken)] == rows
    assert words in next(value for _, value in found if isinstance(value, Broken))


def test_a_broken_row_of_a_long_list_is_told_where_it_stands(tmp_path):
    path = tmp_path / "train.json"
    with path.open("w") as file:
        file.write('[{"text": "a"}, {"text": b}')
        for n in range(200_000):
            file.write(f', {{"text": "Day {n}, and nothing more to be said of it."}}')
        file.write("]")
    tracemalloc.start()
    found = list(read_rows(path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [row for row, _ in found] == [1, 2]
    assert "not JSON: Expecting value" in found[1][1]
    assert most < path.stat().st_size / 10, "the rest was not read"


def test_bytes_that_are_no_utf_8_in_a_json_list_are_told(tmp_path):
    path = tmp_path / "train.json"
    path.write_bytes(b'[{"text": "a"}, {"text": "caf\xe9"}, {"text": "c"}]')
    assert [type(value) for _, value in read_rows(path)] == [dict, Broken, dict]


def test_a_file_without_one_readable_row_is_reported_not_refused(tmp_path):
    (tmp_path / "train.jsonl").write_text("{bad\n{worse\n")
    (one,) = lint(tmp_path, Options()).sets
    assert [(f.check, f.count, f.share) for f in one.findings] == [("unreadable", 2, 1.0)]


def test_a_byte_order_mark_is_told(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\n{"text": "b"}\n')
    (_, first), (_, second) = read_rows(path)
    assert "byte order mark" in first
    assert second == {"text": "b"}


def test_depth_without_end_is_no_crash(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("[" * 100_000 + "\n" + json.dumps({"text": "b"}) + "\n")
    # a line of brackets alone makes it look like a list
    (_, value), *_ = read_rows(path)
    assert isinstance(value, Broken)
    write_lines(path, [{"text": "b"}, '{"a":' * 100_000])
    assert isinstance(list(read_rows(path))[1][1], Broken)


def test_damaged_parquet_and_numbers_that_are_none_are_told(tmp_path):
    rows = [row | {"edit_distance": 0.5} for row in pairs(5, seed=1)]
    rows[3]["edit_distance"] = math.nan
    path = _parquet(tmp_path / "train.parquet", rows)
    found = [value for _, value in read_rows(path)]
    assert "`edit_distance` is nan" in found[3]
    assert found[4] == rows[4]
    path.write_bytes(path.read_bytes()[:-50])
    ((_, broken),) = read_rows(path)
    assert "not Parquet, or damaged" in broken


def test_a_file_that_may_not_be_opened_is_the_users_affair(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        list(read_rows(tmp_path / "none.jsonl"))


# ---- memory -------------------------------------------------------------------------------------


def test_memory_grows_by_bytes_a_row(tmp_path):
    def peak(count: int) -> int:
        path = tmp_path / f"train{count}.jsonl"
        row = {"chosen": "Who knew of it?", "rejected": "What then?"}
        with path.open("w") as file:
            for n in range(count):
                # few texts, so that those that are remembered do not count
                own = {"prompt": f"Day {n % 100}", "persona_id": f"p{n}", "dialogue_id": f"d{n}"}
                file.write(json.dumps(row | own) + "\n")
        tracemalloc.start()
        report = lint(path, Options())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert report.sets[0].rows == count
        return most

    few, many = peak(2_000), peak(12_000)
    assert (many - few) / 10_000 < 200
