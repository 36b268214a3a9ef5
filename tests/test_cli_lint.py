"""`attune lint` as a user meets it: exit codes, what is printed, one sentence where it cannot."""

import json
import math
from pathlib import Path

import pytest

from attunement.trainers.lint.report import LintReport
from tests.corpora import clean_corpus, pairs, said, save_tokenizer, write_lines
from tests.inside import attune


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A clean corpus, one with two defects, one of long rows, and tokenizers."""
    folder = tmp_path_factory.mktemp("home")
    clean_corpus(folder / "clean")
    rows = pairs(60, seed=1)
    rows[7]["chosen"] = said(" ")
    rows[9]["strategy"] = "Hugging"
    write_lines(folder / "spoilt/response/train.jsonl", rows)
    long = [row for n in range(60) for row in pairs(1, seed=n, turns=3 + n % 5)]
    write_lines(folder / "long/response/train.jsonl", long)
    save_tokenizer(folder / "chat", "llama3")
    save_tokenizer(folder / "bare", None)
    return folder


def test_a_clean_corpus_exits_with_0_and_prints_its_statistics(home):
    result = attune("lint", "clean", cwd=home)
    assert result.returncode == 0, result.stderr
    assert "response  80 rows (train 60, validation 20), trl-conversational" in result.stdout
    assert result.stdout.count("no findings") == 3
    assert "length effect (Cohen's d)" in result.stdout
    assert "stock phrases, chosen 0%" in result.stdout
    assert "Reflection of feelings" in result.stdout
    assert "Nothing above a threshold in 240 rows." in result.stdout
    assert "tokens not checked" in result.stdout


def test_findings_exit_with_1_and_say_where_and_what_to_do(home):
    result = attune("lint", "spoilt", cwd=home)
    assert result.returncode == 1
    assert "✗ empty-side" in result.stdout
    assert "response/train.jsonl:8" in result.stdout
    assert "'Hugging'" in result.stdout
    assert "Leave these rows out" in result.stdout
    assert "2 findings above their threshold in 60 rows." in result.stdout
    assert result.stderr == ""


def test_a_raised_threshold_lets_it_pass_but_shows_it(home):
    result = attune(
        "lint", "spoilt", "--threshold", "empty-side=0.1", "--threshold", "unknown-strategy=0.1",
        cwd=home,
    )  # fmt: skip
    assert result.returncode == 0
    assert "· empty-side" in result.stdout
    assert "tolerated 10" in result.stdout


def test_the_report_is_a_record_in_json(home):
    result = attune("lint", "spoilt", "--json", cwd=home)
    assert result.returncode == 1
    report = LintReport.model_validate_json(result.stdout)
    assert [f.check for f in report.sets[0].findings] == ["empty-side", "unknown-strategy"]
    assert report.sets[0].findings[0].rows == ("response/train.jsonl:8",)
    assert json.loads(result.stdout)["sets"][0]["rows"] == 60


def test_an_endless_effect_is_json_too(home, tmp_path):
    rows = pairs(40, seed=1)
    for n, row in enumerate(rows):
        row |= {"chosen": said(f"Who knew {n} of it?"), "rejected": said(f"Who, {n} then?")}
    write_lines(tmp_path / "train.jsonl", rows)
    result = attune("lint", tmp_path, "--json", cwd=home)
    report = LintReport.model_validate_json(result.stdout)
    effect = next(f for f in report.sets[0].findings if f.check == "length-effect")
    assert effect.value == math.inf
    assert report.sets[0].statistics["length effect (Cohen's d)"] == math.inf


def test_one_set_can_be_named(home):
    result = attune("lint", "clean", "--set", "joint", cwd=home)
    assert result.returncode == 0
    assert "80 rows" in result.stdout
    assert "response" not in result.stdout


def test_fit_writes_a_corpus_and_reports_on_it(home, tmp_path):
    asked = ("lint", "long", "--tokenizer", "chat", "--max-length", 420)
    before = attune(*asked, cwd=home)
    assert before.returncode == 1
    assert "✗ dropped" in before.stdout
    out = tmp_path / "fitted"
    fitted = attune(*asked, "--fit", "--out", out, cwd=home)
    assert fitted.returncode == 0, fitted.stdout + fitted.stderr
    assert f"Written to {out}: " in fitted.stdout
    assert "shortened by" in fitted.stdout
    after = attune("lint", out, *asked[2:], cwd=home)
    assert after.returncode == 0
    again = attune(*asked, "--fit", "--out", out, cwd=home)
    assert again.returncode == 2
    assert "exists; choose another with --out" in again.stderr
    figures = attune(*asked, "--fit", "--out", tmp_path / "second", "--json", cwd=home)
    fit = LintReport.model_validate_json(figures.stdout).fit
    assert fit is not None
    assert fit.whole + fit.shortened == 60
    assert fit.shortened > 0


def test_fit_says_which_files_have_no_row_left(home, tmp_path):
    rows = pairs(20, seed=1)
    write_lines(tmp_path / "c/train.jsonl", rows)
    write_lines(tmp_path / "c/test.jsonl", [row | {"chosen": said("Yes " * 900)} for row in rows])
    result = attune(
        "lint", tmp_path / "c", "--tokenizer", "chat", "--max-length", 420,
        "--fit", "--out", tmp_path / "fitted", cwd=home,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "left out: 20 too long without its history. Without a row, and so not written: " in (
        result.stdout
    )
    assert [path.name for path in (tmp_path / "fitted").iterdir()] == ["train.jsonl"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nowhere"], "there is no 'nowhere'"),
        (["clean", "--tokenizer", "nowhere"], "there is no folder 'nowhere'"),
        (["clean", "--tokenizer", "bare"], "has no chat template"),
        (["clean", "--max-length", "100"], "--tokenizer"),
        (["clean", "--threshold", "emptiness=1"], "unknown name 'emptiness'; known: unreadable,"),
        (["clean", "--threshold", "empty-side"], "must be NAME=VALUE"),
        (["clean", "--set", "replies"], "unknown set 'replies'; known: response, strategy, joint"),
        (["clean", "--fit"], "`--fit` and `--out DIR` go together"),
        (["clean", "--out", "x"], "`--fit` and `--out DIR` go together"),
        (["clean", "--fit", "--out", "x"], "needs a length"),
        (["clean", "--persona-column", "who"], "no row has such a column"),
    ],
)
def test_what_cannot_be_checked_exits_with_2_and_one_sentence(home, args, words):
    result = attune("lint", *args, cwd=home)
    assert result.returncode == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (home / "x").exists()


def test_the_thresholds_can_be_listed(home):
    result = attune("lint", "clean", "--threshold", "list", cwd=home)
    assert result.returncode == 0
    assert "near-identical-share" in result.stdout
    assert "0.95" in result.stdout


def test_help_has_an_example(home):
    result = attune("lint", "--help", cwd=home)
    assert result.returncode == 0
    assert "Example: attune lint corpora/001" in result.stdout


def test_what_a_corpus_says_cannot_mark_up_the_page(home, tmp_path):
    rows = pairs(40, seed=1)
    rows[3]["strategy"] = "[bold]\x1b[31mred[/bold]"
    write_lines(tmp_path / "train.jsonl", rows)
    result = attune("lint", tmp_path, cwd=home)
    assert "\x1b" not in result.stdout
    assert "[bold]" in result.stdout
