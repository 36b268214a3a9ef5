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
