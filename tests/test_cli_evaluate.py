"""`attune evaluate` as a user meets it: exit codes, tables, what is written, clear refusals."""

import contextlib
import json
import re
import shutil
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from attunement.cli.app import app
from attunement.core.errors import UserError
from attunement.evaluation.outcomes import score_run
from attunement.trainers.evolve.ledger import Entry, Ledger, write_ledger
from attunement.trainers.learning.report import TrainReport
from tests.helpers import small_run
from tests.inside import attune
from tests.test_evaluation_encoder import make_bert

PEOPLE = 14


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Two graphs with the same people, one with others, one dialogue alone, and an evolution."""
    folder = tmp_path_factory.mktemp("home")
    for name, settings in {
        "plain": {"graph": "direct", "seed": 1},
        "refined": {"graph": "self_refine", "seed": 1},
        "others": {"graph": "direct", "seed": 2},
        "evolved/m0/evaluate": {"graph": "direct", "seed": 1},
        "evolved/m1/evaluate": {"graph": "self_refine", "seed": 1},
        "evolved/m2/evaluate": {"graph": "self_refine", "seed": 1},
    }.items():
        small_run(folder / name, dialogues=PEOPLE, max_turns=3, **settings)
    small_run(folder / "one", dialogues=1, max_turns=2, graph="direct")
    entries = tuple(entry(folder, t, margin) for t, margin in enumerate((None, 2.0, 0.1)))
    write_ledger(folder / "evolved", Ledger(version="0", config_hash="x", entries=entries))
    return folder


def entry(home: Path, t: int, margin: float | None) -> Entry:
    scores = score_run([home / f"evolved/m{t}/evaluate"]).group
    training = None if margin is None else TrainReport(
        method="dpo", model="m", reference="start", corpus="c", corpus_hash="x", set="response",
        rows=1, validation_rows=1, trimmed=0, left_out={}, steps=1, epochs=1, stopped_early=False,
        trainable=1, parameters=1, seconds=1, device="cpu", precision="float32", seed=0,
        train_loss=0.5, metrics={"margin": margin},
    )  # fmt: skip
    return Entry(t=t, model="m", model_hash="x", personas={}, prompts={}, seeds={}, scores=scores,
                 training=training, seconds={})  # fmt: skip


class Said(NamedTuple):
    """What a verb printed."""

    stdout: str
    stderr: str


def evaluate(home: Path, *args: object) -> Said:
    """The verb in this process: its imports take longer than it does."""
    out, err = StringIO(), StringIO()
    with (
        contextlib.chdir(home),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("COLUMNS", "100")
        app(["evaluate", *map(str, args)], standalone_mode=False)
    return Said(out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def two(home) -> Said:
    """All families of two systems that share their dialogues."""
    return evaluate(home, "plain", "new=refined", "--out", "two")


def test_two_systems_are_compared_on_the_terminal(two):
    said = two.stdout
    assert f"new  {PEOPLE} dialogues, {PEOPLE} people; shared with plain: {PEOPLE}" in said
    for words in ("Outcome", "relief (points)", "Text", "Strategy", "Reflection", "majority",
                  "Realism of the seekers", "differences from plain are more than chance",
                  "stock openers (%)", "Report: two/report.md"):  # fmt: skip
        assert words in said, words
    assert all(len(line) <= 100 for line in said.splitlines())


def test_three_systems_fit_a_hundred_columns(home):
    found = evaluate(home, "plain", "refined", "others", "--out", "three", "--only", "outcome,text")
    assert all(len(line) <= 100 for line in found.stdout.splitlines())
    row = next(line for line in found.stdout.splitlines() if line.startswith("relief (points)"))
    assert row.count("[") == 3
    assert "others and plain share no dialogue" in found.stdout


def test_the_report_is_written_with_its_plots(home, two):
    assert {path.name for path in (home / "two").iterdir()} == {
        "report.md", "report.json", "plots",
    }  # fmt: skip
    pictures = {path.name for path in (home / "two/plots").iterdir()}
    assert {"outcome.png", "text.png", "reflection.png", "realism.png"} <= pictures
    report = json.loads((home / "two/report.json").read_text())
    systems = report["comparison"]["systems"]
    assert [facts["name"] for facts in systems] == ["plain", "new"]
    assert report["comparison"]["tests"] > 10


def test_the_same_command_writes_the_same_report(home):
    first, again = (
        evaluate(home, "plain", "new=refined", "--only", "reflection", "--out", out)
        for out in ("first", "again")
    )
    assert again.stdout.replace("again/", "first/") == first.stdout
    for file in ("report.md", "report.json", "plots/reflection.png"):
        assert (home / "again" / file).read_bytes() == (home / "first" / file).read_bytes()


def test_json_goes_to_stdout_and_the_rest_to_stderr(home):
    found = evaluate(home, "plain", "refined", "--only", "outcome", "--json", "--seed", "3",
                     "--by", "persona", "--baseline", "refined", "--out", "json")  # fmt: skip
    comparison = json.loads(found.stdout)["comparison"]
    assert (comparison["by"], comparison["seed"]) == ("persona", 3)
    assert comparison["baseline"] == "refined"
    assert {row["measure"]["family"] for row in comparison["figures"]} == {"outcome"}
    assert "Report: json" in found.stderr


def test_folders_are_numbered(home):
    (home / "evaluations/001").mkdir(parents=True)
    found = evaluate(home, "one", "--only", "people")
    assert "Report: evaluations/002/report.md" in found.stdout
    assert "People  n/a: nobody has judged a pair" in found.stdout


def test_one_dialogue_only_has_no_interval_and_says_why(home):
    shutil.copytree(home / "one", home / "copies/one")
    found = evaluate(home, "one", "same=copies/one", "--only", "outcome", "--out", "alone")
    row = next(line for line in found.stdout.splitlines() if line.startswith("relief (points)"))
    assert "[" not in row
    page = (home / "alone/report.md").read_text("utf-8")
    assert "of 1 dialogue: too few to redraw" in page
    assert "One shared dialogue: nothing can be tested." in page
    assert "One shared dialogue: nothing can be tested." in found.stdout


def test_an_evolution_is_read_from_its_ledger(home):
    found = evaluate(home, "--evolution", "evolved", "--only", "text,outcome", "--out", "stable")
    assert f"M_1  {PEOPLE} dialogues, {PEOPLE} people; shared with M_0: {PEOPLE}" in found.stdout
    margins = next(line for line in found.stdout.splitlines() if line.startswith("reward margin"))
    assert margins.split() == ["reward", "margin", "n/a", "2.00", "0.10"]
    assert "Warning: M_2: margin 0.10 after 2.00 of M_1" in found.stdout
    assert "drift n/a: embeddings need a local model" in found.stdout


def test_iterations_are_the_systems_in_their_order(home):
    found = evaluate(home, "m0=plain", "m1=refined", "--iterations", "--only", "text",
                     "--out", "iterations")  # fmt: skip
    stability = json.loads((home / "iterations/report.json").read_text())["stability"]
    assert [step["name"] for step in stability["steps"]] == ["m0", "m1"]
    assert stability["steps"][0]["words"] > 1
    assert "margin n/a" in found.stdout


def test_with_an_encoder_the_drift_from_the_first_is_measured(home):
    make_bert(home / "encoder")
    shutil.copytree(home / "plain", home / "copies/plain")
    found = evaluate(home, "m0=plain", "same=copies/plain", "m1=refined", "--iterations",
                     "--only", "text", "--encoder", "encoder", "--out", "drift")  # fmt: skip
    steps = json.loads((home / "drift/report.json").read_text())["stability"]["steps"]
    assert [step["drift"] for step in steps[:2]] == pytest.approx([0, 0], abs=1e-6)
    assert steps[2]["drift"] > 1e-4
    assert "drift n/a" not in found.stdout


def test_the_survey_of_a_corpus_stands_beside(home):
    score = {
        "seeker": {
            "initial_emotion_intensity": "5",
            "final_emotion_intensity": "2",
            "empathy": "4",
            "relevance": "5",
        },
        "supporter": {"relevance": "5"},
    }
    line = {"speaker": "seeker", "content": "I lost my job.", "annotation": {}}
    reply = {"speaker": "supporter", "content": "Oh no.", "annotation": {"strategy": "Question"}}
    dialogue = {
        "experience_type": "Previous Experience",
        "emotion_type": "fear",
        "situation": "x",
        "problem_type": "job crisis",
        "survey_score": score,
        "dialog": [line, reply, line],
    }
    for file in ("corpus.json", "other/corpus.json"):
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(json.dumps([dialogue] * 5))
    found = evaluate(home, "plain", "--survey", "corpus.json", "--only", "outcome,text",
                     "--out", "survey")  # fmt: skip
    row = next(line for line in found.stdout.splitlines() if line.startswith("relief (points)"))
    assert row.rstrip().endswith("3.00 [3.00, 3.00]")
    text = found.stdout.split("Text ")[1].split("\n")[0]
    assert "survey" not in text
    two = evaluate(home, "plain", "--survey", "corpus.json", "--survey", "other/corpus.json",
                   "--iterations", "--only", "outcome", "--json", "--out", "surveys")  # fmt: skip
    report = json.loads(two.stdout)
    assert [facts["name"] for facts in report["comparison"]["systems"]] == [
        "plain", f"survey of {home.name}/corpus.json", "survey of other/corpus.json",
    ]  # fmt: skip
    assert [step["name"] for step in report["stability"]["steps"]] == ["plain"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "no run is named"),
        (("missing",), "no run folder 'missing'"),
        (("plain", "--only", "words"), "unknown family 'words'; known: outcome, text"),
        (("plain", "--baseline", "x"), "unknown baseline 'x'; known: plain"),
        (("x=plain", "x=refined"), "two systems are named 'x'"),
        (("both=plain,refined",), "give its runs seeds of their own"),
        (("plain", "--out", "plain"), "folder 'plain' exists"),
        (("plain", "--evolution", "evolved"), "`--evolution` brings its own runs"),
        (("--evolution", "plain"), "holds no ledger"),
        (("plain", "--encoder", "missing"), "`encoder` 'missing' is no folder"),
        (("plain", "--survey", "missing.json"), "missing.json"),
        (
            ("plain", "--survey", "missing.json", "--survey", "missing.json"),
            "/missing.json'; give each file once",
        ),
        (
            ("plain", "--survey", "x/y/missing.json", "--survey", "y/missing.json"),
            "two of them are 'survey of y/missing.json'; give each file once",
        ),
        (
            ("survey of missing.json=plain", "--survey", "missing.json"),
            "a system is named 'survey of missing.json', as `--survey` 'missing.json' is",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_and_nothing_is_written(home, args, said):
    with pytest.raises(UserError, match=re.escape(said)):
        evaluate(home, *args, *(() if "--out" in args else ("--out", "refused")))
    assert not (home / "refused").exists()


def test_it_runs_from_the_shell_with_progress_on_stderr_alone(home):
    found = attune("evaluate", "one", "--only", "people", "--out", "shell", cwd=home)
    assert found.returncode == 0, found.stderr
    assert found.stderr == "Comparing, drawing …\n"
    assert found.stdout.startswith("one  1 dialogue, 1 person\n")


def test_a_refusal_ends_with_2_and_one_sentence(home):
    found = attune("evaluate", "missing", cwd=home)
    assert found.returncode == 2
    assert found.stderr == "attune: no run folder 'missing'; check the path\n"
