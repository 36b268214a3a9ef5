"""`--fit`: what it writes fits, is clean, and is the corpus that it was but for old messages."""

import json
from pathlib import Path

import pytest

from attunement.core.errors import UserError
from attunement.trainers.lint.files import find_corpus
from attunement.trainers.lint.fitting import fit
from attunement.trainers.lint.linting import Options, lint
from attunement.trainers.lint.reading import read_rows
from attunement.trainers.lint.registry import parse_thresholds
from attunement.trainers.lint.shapes import parse
from attunement.trainers.lint.tokens import ChatTokenizer
from tests.corpora import chat_tokenizer, clean_corpus, message, pairs, said, write_lines
from tests.test_trainers_lint_formats import ROWS, WRITERS, _as

LENGTH = 420


@pytest.fixture(scope="module")
def tokenizer():
    return ChatTokenizer(chat_tokenizer("llama3"))


def options(tokenizer, length=LENGTH) -> Options:
    return Options(tokenizer=tokenizer, max_length=length)


def mixed_lengths(count: int = 60) -> list[dict]:
    rows = pairs(count, seed=1)
    longer = pairs(count, seed=1, turns=9)
    return [long if n % 3 == 0 else row for n, (row, long) in enumerate(zip(rows, longer))]  # noqa: B905


def tokens(tokenizer, prompt, side) -> int:
    plain = tokenizer.tokenizer
    return len(plain.apply_chat_template(prompt + side, return_dict=True)["input_ids"])


def test_a_fitted_corpus_is_clean_and_every_row_fits(tmp_path, tokenizer):
    clean_corpus(tmp_path / "c")
    write_lines(tmp_path / "c/response/train.jsonl", mixed_lengths())
    before = lint(tmp_path / "c", options(tokenizer))
    checks = {finding.check for one in before.sets for finding in one.findings}
    assert checks
    assert checks <= {"cut", "dropped"}
    report = fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    after = lint(tmp_path / "fitted", options(tokenizer))
    assert [one.findings for one in after.sets] == [(), (), ()]
    assert sum(one.rows for one in after.sets) == report.whole + report.shortened == 240
    assert report.shortened == 20
    assert report.left_out == {}
    rows = [row for _, row in read_rows(tmp_path / "fitted/response/train.jsonl")]
    longest = [max(tokens(tokenizer, row["prompt"], row[side]) for side in ("chosen", "rejected"))
               for row in rows]  # fmt: skip
    assert max(longest) <= LENGTH


def test_only_old_messages_go_and_no_more_than_must(tmp_path, tokenizer):
    write_lines(tmp_path / "c/train.jsonl", mixed_lengths())
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    old, new = (
        [row for _, row in read_rows(tmp_path / name / "train.jsonl")] for name in ("c", "fitted")
    )
    assert len(new) == len(old)
    changed = 0
    for was, row in zip(old, new, strict=True):
        assert {n: v for n, v in row.items() if n != "prompt"} == {
            n: v for n, v in was.items() if n != "prompt"
        }
        gone = len(was["prompt"]) - len(row["prompt"])
        assert row["prompt"] == was["prompt"][:1] + was["prompt"][1 + gone :]
        assert gone % 2 == 0
        roles = [m["role"] for m in row["prompt"]]
        assert roles == ["system", *(["user", "assistant"] * 20)[: len(roles) - 1]]
        assert roles[-1] == "user"
        if gone:
            changed += 1
            fuller = was["prompt"][:1] + was["prompt"][1 + gone - 2 :]
            assert max(tokens(tokenizer, fuller, was[s]) for s in ("chosen", "rejected")) > LENGTH
    assert changed == 20


def test_an_odd_assistant_message_goes_with_its_users(tmp_path, tokenizer):
    rows = pairs(12, seed=1, turns=9)
    for row in rows:  # a system prompt, then the assistant's greeting
        row["prompt"][1:1] = [message("assistant", "Good evening, and welcome.")]
    write_lines(tmp_path / "c/train.jsonl", rows)
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    for _, row in read_rows(tmp_path / "fitted/train.jsonl"):
        assert [m["role"] for m in row["prompt"][:2]] == ["system", "user"]


def test_rows_that_cannot_fit_are_left_out_and_counted(tmp_path, tokenizer):
    rows = pairs(40, seed=1)
    rows[3]["chosen"] = said("word " * 500)
    rows[4]["prompt"] = [message("user", "word " * 500)]
    lines = [*rows, "{not json", {"question": "x"}]
    write_lines(tmp_path / "c/train.jsonl", lines)
    report = fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    assert report.left_out == {
        "too long without its history": 2, "unreadable": 1, "of no known format": 1,
    }  # fmt: skip
    assert report.whole == 38
    assert lint(tmp_path / "fitted", options(tokenizer)).clean


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("format", ROWS)
def test_every_format_and_kind_of_file_stays_what_it_was(tmp_path, tokenizer, format, kind):
    rows = [_as(format, row) for row in mixed_lengths()]
    (tmp_path / "c").mkdir()
    WRITERS[kind](tmp_path / f"c/train.{kind}", rows)
    report = fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    assert (report.whole, report.shortened) == (40, 20)
    after = lint(tmp_path / "fitted", options(tokenizer))
    assert after.sets[0].formats == {format: 60}
    assert after.clean
    new = [row for _, row in read_rows(tmp_path / f"fitted/train.{kind}")]
    assert [list(row) for row in new] == [list(row) for row in rows]
    for was, row in zip(rows, new, strict=True):
        (_, old, sides), (_, prompt, kept) = parse(was), parse(row)
        assert kept == sides
        assert prompt[0] == old[0]
        assert prompt[1:] == old[len(old) - len(prompt) + 1 :]


def test_parquet_keeps_its_schema(tmp_path, tokenizer):
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "c").mkdir()
    WRITERS["parquet"](tmp_path / "c/train.parquet", mixed_lengths())
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    schemas = [parquet.read_schema(tmp_path / name / "train.parquet") for name in ("c", "fitted")]
    assert schemas[0] == schemas[1]


def test_a_flattened_dialogue_loses_its_oldest_lines(tmp_path, tokenizer):
    rows = pairs(40, "strategy", seed=1, turns=9)
    for row in rows:
        speakers = {"user": "seeker", "assistant": "supporter"}
        said = [f"{speakers[m['role']]}: {m['content']}" for m in row["prompt"][1:]]
        text = "<dialogue>\n" + "\n".join(said) + "\n</dialogue>\n\nWhich strategy?"
        row["prompt"] = [message("user", text)]
    write_lines(tmp_path / "c/strategy/train.jsonl", rows)
    report = fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer, 300))
    assert report.shortened == 40
    for was, (_, row) in zip(
        rows, read_rows(tmp_path / "fitted/strategy/train.jsonl"), strict=True
    ):
        text, whole = row["prompt"][0]["content"], was["prompt"][0]["content"]
        assert text.startswith("<dialogue>\nseeker: ")
        assert whole.endswith(text.removeprefix("<dialogue>"))
        assert len(text) < len(whole)


def test_card_and_other_files_are_kept(tmp_path, tokenizer):
    clean_corpus(tmp_path / "c")
    (tmp_path / "c/pictures").mkdir()
    (tmp_path / "c/pictures/x.png").write_bytes(b"png")
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))

    def names(folder: Path) -> list[str]:
        return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))

    assert names(tmp_path / "fitted") == names(tmp_path / "c")
    card = (tmp_path / "fitted/README.md").read_text()
    assert card.startswith((tmp_path / "c/README.md").read_text())
    assert "420 tokens" in card
    assert (tmp_path / "fitted/pictures/x.png").read_bytes() == b"png"
    assert json.loads((tmp_path / "fitted/corpus.json").read_text()) == {}


def test_one_set_can_be_fitted_alone(tmp_path, tokenizer):
    clean_corpus(tmp_path / "c")
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer), only="joint")
    assert list(find_corpus(tmp_path / "fitted").sets) == ["joint"]


def test_what_exists_is_never_written_over_and_nothing_is_left_behind(tmp_path, tokenizer):
    clean_corpus(tmp_path / "c")
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match="exists; choose another with --out"):
        fit(tmp_path / "c", tmp_path / "there", options(tokenizer))
    with pytest.raises(UserError, match="inside the corpus"):
        fit(tmp_path / "c", tmp_path / "c/fitted", options(tokenizer))
    with pytest.raises(UserError, match="needs a length"):
        fit(tmp_path / "c", tmp_path / "new", Options(tokenizer=tokenizer))
    with pytest.raises(UserError, match=r"no row fits into `--max-length` 5 \(240 too long"):
        fit(tmp_path / "c", tmp_path / "new", options(tokenizer, 5))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "there"]
    assert list((tmp_path / "there").iterdir()) == []


def test_thresholds_have_no_say_in_what_fits(tmp_path, tokenizer):
    write_lines(tmp_path / "c/train.jsonl", mixed_lengths())
    lenient = Options(
        tokenizer=tokenizer, max_length=LENGTH,
        thresholds=parse_thresholds(["cut=1", "dropped=1"]),
    )  # fmt: skip
    assert lint(tmp_path / "c", lenient).clean
    assert fit(tmp_path / "c", tmp_path / "fitted", lenient).shortened == 20


# ---- which messages go --------------------------------------------------------------------------


def fitted(tmp_path, tokenizer, rows, length=LENGTH) -> list[dict]:
    """The rows that are left, lint-clean."""
    write_lines(tmp_path / "c/train.jsonl", rows)
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer, length))
    return [row for _, row in read_rows(tmp_path / "fitted/train.jsonl")]


def test_messages_beside_a_prompt_are_left_alone(tmp_path, tokenizer):
    rows = mixed_lengths()
    for row in rows:
        row["messages"] = row["prompt"] + row["chosen"]
    new = fitted(tmp_path, tokenizer, rows)
    assert [row["messages"] for row in new] == [row["messages"] for row in rows]
    assert sum(row["prompt"] != was["prompt"] for row, was in zip(new, rows, strict=True)) == 20
    assert max(tokens(tokenizer, row["prompt"], row["chosen"]) for row in new) <= LENGTH


def test_two_systems_stay_both_and_no_message_too_many_goes(tmp_path, tokenizer):
    row = _as("sharegpt-pairs", pairs(1, seed=1, turns=9)[0])
    row["conversations"].insert(0, {"from": "system", "value": "Be kind as well."})
    (new,) = fitted(tmp_path, tokenizer, [row], 520)
    gone = len(row["conversations"]) - len(new["conversations"])
    assert gone
    assert gone % 2 == 0
    assert new["conversations"] == row["conversations"][:1] + row["conversations"][1 + gone :]
    assert new["conversations"][1]["from"] == "human"


def test_a_prompt_begins_with_a_seeker_who_says_something(tmp_path, tokenizer):
    row = pairs(1, seed=1, turns=9)[0]
    said = row["prompt"]
    for place in range(3, len(said) - 2, 2):
        said[place]["content"] = " "
    (new,) = fitted(tmp_path, tokenizer, [row])
    assert new["prompt"] == [said[0], said[-1]], "all between begin with a blank turn"
    said[-1]["content"] = " "
    rows = [row, *pairs(1, seed=2)]
    write_lines(tmp_path / "d/train.jsonl", rows)
    report = fit(tmp_path / "d", tmp_path / "none", options(tokenizer))
    assert (report.whole, report.left_out) == (1, {"too long without its history": 1})


def test_a_flattened_dialogue_begins_with_a_seeker_who_says_something(tmp_path, tokenizer):
    lines = ["seeker: " + "word " * 500, "supporter: Yes?", "seeker:  ", "supporter: Oh.",
             "seeker: Day 7, my uncle.", "supporter: And then?", "seeker:  "]  # fmt: skip
    row = pairs(1, "strategy", seed=1)[0]
    row["prompt"] = [message("user", "<dialogue>\n" + "\n".join(lines) + "\n</dialogue>\n\nWhich?")]
    (new,) = fitted(tmp_path, tokenizer, [row], 300)
    assert new["prompt"][0]["content"] == (
        "<dialogue>\n" + "\n".join(lines[4:]) + "\n</dialogue>\n\nWhich?"
    )


def test_a_template_that_refuses_shorter_chats_leaves_the_row_out(tmp_path):
    tokenizer = chat_tokenizer("llama3")
    tokenizer.chat_template = (
        "{% if messages|length < 6 %}{{ raise_exception('too few') }}{% endif %}"
        + tokenizer.chat_template
    )
    picky = ChatTokenizer(tokenizer)
    rows = [pairs(1, seed=1, turns=9)[0], pairs(1, seed=2)[0], pairs(1, seed=3, turns=9)[0]]
    rows[0]["prompt"][-3]["content"] = "word " * 200
    write_lines(tmp_path / "c/train.jsonl", rows)
    report = fit(tmp_path / "c", tmp_path / "fitted", options(picky))
    assert report.left_out == {"the chat template does not take it": 1}
    assert (report.whole, report.shortened) == (1, 1)
    assert lint(tmp_path / "fitted", options(picky)).clean


def test_a_template_that_refuses_one_shorter_chat_still_gets_another(tmp_path):
    tokenizer = chat_tokenizer("llama3")
    tokenizer.chat_template = (
        "{% if messages|length == 16 %}{{ raise_exception('not so') }}{% endif %}"
        + tokenizer.chat_template
    )
    picky = ChatTokenizer(tokenizer)
    write_lines(tmp_path / "c/train.jsonl", pairs(1, seed=1, turns=9))
    report = fit(tmp_path / "c", tmp_path / "fitted", options(picky, 900))
    assert (report.whole, report.shortened) == (1, 0)
    (longest,) = lint(tmp_path / "c", options(picky, 900)).sets
    just_over = int(longest.statistics["tokens, longest"]) - 1
    report = fit(tmp_path / "c", tmp_path / "again", options(picky, just_over))
    assert (report.shortened, report.left_out) == (1, {})


# ---- what is left of a corpus -------------------------------------------------------------------

HEADER = """---
pretty_name: A corpus
configs:
- config_name: response
  data_files:
  - split: train
    path: response/train.jsonl
  - split: validation
    path: response/validation.jsonl
  default: true
- config_name: joint
  data_files:
  - split: train
    path: joint/train.jsonl
  - split: validation
    path: joint/validation.jsonl
dataset_info:
- config_name: response
  features: &features
  - name: prompt
    list:
    - {name: role, dtype: string}
    - {name: content, dtype: string}
  - name: chosen
    list:
    - {name: role, dtype: string}
    - {name: content, dtype: string}
  - name: rejected
    list:
    - {name: role, dtype: string}
    - {name: content, dtype: string}
  - {name: persona_id, dtype: string}
  - {name: dialogue_id, dtype: string}
  - {name: turn, dtype: int64}
  - {name: strategy, dtype: string}
  - {name: rejected_strategy, dtype: string}
- config_name: joint
  features: *features
---
"""
FIGURES = {
    "read": 80, "kept": 80, "dropped": {}, "splits": {"train": 60, "validation": 20},
    "personas": {"train": 6, "validation": 2}, "words": {}, "strategies": {},
}  # fmt: skip


def described(folder: Path) -> Path:
    """A corpus of two sets whose card and figures name them."""
    for kind in ("response", "joint"):
        write_lines(folder / kind / "train.jsonl", pairs(60, kind, seed=1))
        write_lines(folder / kind / "validation.jsonl", pairs(20, kind, seed=2))
    (folder / "README.md").write_text(HEADER + "\n# A corpus\n")
    figures = {"splits": ["train", "validation"], "sets": {"response": FIGURES, "joint": FIGURES}}
    (folder / "corpus.json").write_text(json.dumps(figures))
    factory = {
        f"{kind}_{split}": {"file_name": f"{kind}/{split}.jsonl"}
        for kind in ("response", "joint") for split in ("train", "validation")
    }  # fmt: skip
    (folder / "dataset_info.json").write_text(json.dumps(factory))
    return folder


def loaded(folder: Path, cache: Path, *config: str) -> dict[str, int]:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    found = datasets.load_dataset(str(folder), *config, cache_dir=str(cache))
    return {split: len(rows) for split, rows in found.items()}


def test_a_set_that_was_fitted_alone_can_be_loaded(tmp_path, tokenizer):
    described(tmp_path / "c")
    report = fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer), only="joint")
    assert report.files_left_out == ()
    assert loaded(tmp_path / "fitted", tmp_path / "cache") == {"train": 60, "validation": 20}
    assert loaded(tmp_path / "fitted", tmp_path / "cache", "joint")
    card = (tmp_path / "fitted/README.md").read_text()
    assert "config_name: response" not in card
    assert card.count("config_name: joint") == 2
    figures = json.loads((tmp_path / "fitted/corpus.json").read_text())
    assert list(figures["sets"]) == ["joint"]
    factory = json.loads((tmp_path / "fitted/dataset_info.json").read_text())
    assert list(factory) == ["joint_train", "joint_validation"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_without_a_row_is_left_out_everywhere(tmp_path, tokenizer, kind):
    folder, name = described(tmp_path / "c"), f"response/validation.{kind}"
    rows = pairs(20, seed=2)
    for row in rows:
        row["chosen"] = said("word " * 500)
    (folder / "response/validation.jsonl").unlink()
    WRITERS[kind](folder / name, rows)
    card = folder / "README.md"
    card.write_text(card.read_text().replace("response/validation.jsonl", name))
    report = fit(folder, tmp_path / "fitted", options(tokenizer))
    assert report.files_left_out == (name,)
    assert not (tmp_path / "fitted" / name).exists()
    assert loaded(tmp_path / "fitted", tmp_path / "cache", "response") == {"train": 60}
    assert loaded(tmp_path / "fitted", tmp_path / "cache", "joint") == {
        "train": 60, "validation": 20,
    }  # fmt: skip
    assert f"Files left out: `{name}`" in (tmp_path / "fitted/README.md").read_text()
    one = json.loads((tmp_path / "fitted/corpus.json").read_text())["sets"]["response"]
    assert (one["kept"], one["splits"], one["personas"]) == (60, {"train": 60}, {"train": 6})
    assert one["read"] == one["kept"] + sum(one["dropped"].values())


def test_a_card_that_still_holds_is_not_written_anew(tmp_path, tokenizer):
    described(tmp_path / "c")
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer))
    old = (tmp_path / "c/README.md").read_text()
    assert (tmp_path / "fitted/README.md").read_text().startswith(old)
    assert loaded(tmp_path / "fitted", tmp_path / "cache")["train"] == 60


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("configs:\n- config_name: a\n  data_files: joint/*.jsonl\n", "joint/*.jsonl"),
        ("configs:\n- config_name: a\n  data_files:\n    train: [joint/train.jsonl, x.jsonl]\n",
         "train:\n    - joint/train.jsonl\n---"),
        ("configs:\n- {config_name: a, data_files: 'hf://x/y.jsonl'}\n", "hf://x/y.jsonl"),
        ("dataset_info:\n  dataset_size: 9\n  features: []\n", "dataset_info:\n  features: []\n"),
        ("configs: [\n", "configs: [\n"),
        ("- a list\n", "- a list\n"),
    ],
)  # fmt: skip
def test_headers_of_any_shape_are_kept_as_far_as_they_hold(tmp_path, tokenizer, header, left):
    described(tmp_path / "c")
    (tmp_path / "c/README.md").write_text(f"---\nlicense: mit\n{header}---\nHere.\n")
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer), only="joint")
    card = (tmp_path / "fitted/README.md").read_text()
    assert card.startswith("---\nlicense: mit\n")
    assert left in card
    assert "x.jsonl\n" not in card.partition("Here.")[0]


def test_figures_of_somebody_else_are_kept(tmp_path, tokenizer):
    described(tmp_path / "c")
    theirs = '{"sets": {"joint": {"rows": 80}}, "splits": 3}'
    (tmp_path / "c/corpus.json").write_text(theirs)
    fit(tmp_path / "c", tmp_path / "fitted", options(tokenizer), only="joint")
    assert (tmp_path / "fitted/corpus.json").read_text() == theirs
