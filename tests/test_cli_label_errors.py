"""`attune label-errors` from the front door."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attunement.cli.app import app
from attunement.core.errors import UserError
from tests.helpers import journal_of, small_run


def attune(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    small_run(tmp_path / "run", dialogues=4, max_turns=3)
    monkeypatch.chdir(tmp_path)  # tables shorten a long path
    return Path("run")


def test_it_prints_figures_by_side_and_error_and_what_comes_next(folder):
    result = attune("label-errors", folder)
    assert result.exit_code == 0, result.output
    assert "by rehearsal" in result.stdout
    for words in ("draft", "refined", "replies labelled", "with errors", "Template Response",
                  "unreadable", " show run 0", "--filter-errors"):  # fmt: skip
        assert words in result.stdout, words
    again = attune("label-errors", folder)
    assert "Every reply is labelled by rehearsal" in again.stderr


def test_json_has_the_figures_that_stand_in_the_journal(folder):
    result = attune("label-errors", folder, "--sides", "draft", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    journal = journal_of(folder)
    turns = [turn for dialogue in journal.dialogues() for turn in dialogue.turns if turn.draft]
    journal.close()
    wrong = sum(any(v.value for v in turn.verdicts) for turn in turns)
    assert (report["judge"], report["left"], list(report["sides"])) == ("rehearsal", 0, ["draft"])
    draft = report["sides"]["draft"]
    assert (draft["replies"], draft["with_errors"]) == (len(turns), wrong)
    assert wrong > 0


def test_a_dialogue_shows_its_labels(folder):
    attune("label-errors", folder)
    journal = journal_of(folder)
    found = {d.id: [v for t in d.turns for v in t.verdicts] for d in journal.dialogues()}
    journal.close()
    name, verdicts = next((n, vs) for n, vs in found.items() if any(v.label for v in vs))
    shown = " ".join(attune("show", folder, name).stdout.split())
    for verdict in verdicts:
        said = f"{verdict.label}. {verdict.reason}" if verdict.label else f"no {verdict.name}"
        assert f"judged {verdict.about}: {said} (by rehearsal)" in shown


def test_a_bound_stops_it_with_its_own_exit_code(folder):
    result = attune("label-errors", folder, "--max-tokens", 1, "--json")
    assert result.exit_code == 3
    assert "attune label-errors" in result.stderr
    assert json.loads(result.stdout)["left"] > 0


def test_refusals_name_the_remedy(folder, tmp_path):
    for arguments, words in (
        ((tmp_path / "nothing",), "no run folder"),
        ((folder, "--sides", "spoken"), "known: draft, refined, recorded"),
        ((folder, "--model", "rehersal"), "unknown model"),
        ((folder, "--base-url", "http://127.0.0.1:1/v1"), "such as openai:NAME"),
    ):
        error = attune("label-errors", *arguments).exception
        assert isinstance(error, UserError), arguments
        assert words in str(error)


def test_help_has_an_example():
    result = attune("label-errors", "--help")
    assert result.exit_code == 0
    assert "Example: attune label-errors" in result.stdout


def test_recordings_are_prepared_as_asked(tmp_path):
    dialog = [
        {"speaker": "seeker", "content": "Hello."},
        {"speaker": "supporter", "content": "Hi there."},
        {"speaker": "supporter", "content": "What brings you?"},
        {"speaker": "seeker", "content": "I lost my job."},
        {"speaker": "supporter", "content": "Tell me more."},
    ]
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps([{"dialog": dialog}]))
    counts = {}
    for name in ("merged", "self_evolution", "decoupled"):
        out = tmp_path / name
        result = attune("simulate", "--replay", path, "--preprocessing", name, "--out", out)
        assert result.exit_code == 0, result.output
        journal = journal_of(out)
        counts[name] = [len(d.turns) for d in journal.dialogues()]
        journal.close()
    assert counts["merged"] == [2]
    assert counts["decoupled"] == [3]
    assert counts["self_evolution"] == [1]


def test_show_reads_marks_of_one_answer_in_one_line_and_other_verdicts_by_name():
    from attunement.cli.verdicts import judged_lines
    from attunement.core.records import Verdict

    def verdict(name, value, reason="Because.", label=None, judge="j", about="draft"):
        return Verdict(name=name, value=value, reason=reason, label=label, judge=judge, about=about)

    lines = judged_lines(
        [
            verdict("preferred over draft", 0.5, "", "shown first", "person:ada", "refined"),
            verdict("psychological errors", 0, ""),
            verdict("psychological errors", 1, "It hurts.", "Other"),
            verdict("reference strategy", 0, label="Question", about=None),
            verdict("reply: empathy", 4),
            verdict("reply: fluency", None),
        ]
    )
    assert list(lines) == [
        ("refined: preferred over draft 0.5, shown first (by ada)", False),
        ("draft: no psychological errors (by j)", False),
        ("draft: Other. It hurts. (by j)", True),
        ("reference strategy 0, Question. Because. (by j)", False),
        ("draft: empathy 4, fluency not readable. Because. (by j)", False),
    ]
