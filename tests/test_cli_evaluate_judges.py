"""`attune evaluate --judge` and `--human` as a user meets them."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from attunement.core.errors import UserError
from attunement.simulator.config import read_config
from attunement.simulator.frame import write_config
from tests.helpers import journal_of, small_run
from tests.inside import attune
from tests.test_cli_evaluate import evaluate


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Drawing is most of a report's time, and other tests look at the pictures."""
    monkeypatch.setattr("attunement.evaluation.report.plots.draw", lambda comparison, folder: {})


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Two graphs with the same people."""
    monkeypatch.chdir(tmp_path)
    for name, graph in (("plain", "direct"), ("refined", "self_refine")):
        small_run(Path(name), dialogues=4, max_turns=3, graph=graph)
    return tmp_path


def evaluated(*args: str):
    """A report as JSON, from the standard output."""
    return json.loads(evaluate(Path(), *args, "--json").stdout)


def figures(report):
    return {row["measure"]["name"]: row for row in report["comparison"]["figures"]}


def judge_calls(folder: str) -> list[str]:
    with closing(journal_of(Path(folder))) as journal:
        rows = [row for index, _ in journal.indices() for row in journal.calls(index, "judge")]
    return [row["about"] for row in rows]


def test_a_judge_marks_dialogues_and_decides_pairs_with_its_biases_beside(home):
    found = figures(evaluated("plain", "refined", "--judge", "rehearsal", "--only", "judges"))
    assert found["dialogue: empathy"]["against"]["refined"]["value"] > 0
    won = found["preferred over plain"]
    assert won["systems"]["refined"]["value"] > 0.5
    assert won["systems"]["plain"]["value"] is None
    for bias in ("order flips", "chose the first", "chose the longer", "length coefficient",
                 "self-preference", "unreadable"):  # fmt: skip
        row = found[f"pairs, rehearsal: {bias}"]
        assert row["measure"]["diagnostic"]
        assert row["against"]["refined"]["p"] is None
    assert "nobody to agree with" in found["pairs: agreement"]["systems"]["refined"]["why"]


def test_nothing_is_asked_twice_and_the_run_knows_who_has_judged(home):
    first = evaluated("plain", "refined", "--judge", "rehearsal")
    asked = judge_calls("plain") + judge_calls("refined")
    again = evaluated("plain", "refined", "--judge", "rehearsal")
    assert judge_calls("plain") + judge_calls("refined") == asked
    assert again["comparison"]["figures"] == first["comparison"]["figures"]
    assert read_config(home / "refined" / "config.toml").assessors == ("rehearsal",)


def test_what_is_asked_can_be_chosen(home):
    found = figures(evaluated("refined", "--judge", "rehearsal", "--ask", "reply"))
    assert found["reply: empathy"]["systems"]["refined"]["value"] is not None
    assert "dialogue: empathy" not in found
    assert all(about.startswith("marks refined") for about in judge_calls("refined"))
    found = figures(evaluated("refined", "--judge", "rehearsal", "--ask", "pairs"))
    assert found["refined over draft"]["systems"]["refined"]["value"] > 0.5


def test_a_reference_planner_gives_live_runs_an_accuracy(home):
    without = figures(evaluated("refined", "--only", "strategy"))
    assert without["accuracy"]["systems"]["refined"]["value"] is None
    found = figures(evaluated("refined", "--only", "strategy", "--reference-planner", "rehearsal"))
    assert 0 < found["accuracy"]["systems"]["refined"]["value"] <= 1


def test_peoples_ratings_stand_beside_the_judges(home):
    with closing(journal_of(Path("refined"))) as journal:
        ids = [dialogue.id for dialogue in journal.dialogues() if dialogue.stop_reason]
    rows = [
        f"{name},1,{who},empathy,{mark}" for name in ids for who, mark in (("ada", 4), ("bo", 2))
    ]
    Path("ratings.csv").write_text("\n".join(["dialogue_id,turn,rater,name,value", *rows]))
    args = ("--judge", "rehearsal", "--ask", "reply", "--only", "people,judges")
    found = figures(evaluated("refined", *args, "--human", "ratings.csv"))
    assert found["reply: empathy, people"]["systems"]["refined"]["value"] == 3
    assert found["reply: empathy: judges and people apart"]["systems"]["refined"]["value"] >= 0
    named = figures(evaluated("plain", "refined", *args, "--human", "refined=ratings.csv"))
    assert named["reply: empathy, people"]["systems"]["refined"]["value"] == 3
    assert named["reply: empathy, people"]["systems"]["plain"]["value"] is None


def test_ratings_of_one_system_may_lie_in_several_files(home):
    with closing(journal_of(Path("refined"))) as journal:
        ids = [dialogue.id for dialogue in journal.dialogues() if dialogue.stop_reason]
    for who, mark in (("ada", 4), ("bo", 2)):
        rows = [f"{name},1,{who},empathy,{mark}" for name in ids]
        Path(f"{who}.csv").write_text(HEAD + "\n".join(rows))
    files = ("--human", "ada.csv", "--human", "refined=bo.csv")
    found = figures(evaluated("refined", "--only", "people", *files))
    assert found["reply: empathy, people"]["systems"]["refined"]["value"] == 3
    with pytest.raises(UserError, match=r"a second time, after `ada\.csv`, line 2"):
        evaluate(home, "refined", "--human", "ada.csv", "--human", "ada.csv")


def judge_usage(folder: str) -> list[int]:
    with closing(journal_of(Path(folder))) as journal:
        rows = [row for row in journal.usage() if row.role == "judge"]
    return [(row.prompt_tokens or 0) + (row.completion_tokens or 0) for row in rows]


HEAD = "dialogue_id,turn,rater,name,value\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("refined", "--ask", "pairs"), "name one with --judge"),
        (
            ("refined", "--judge", "rehearsal", "--ask", "taste"),
            "unknown question 'taste'; known: ",
        ),
        (("refined", "--judge", "rehearsal:x"), "unknown model 'rehearsal:x'"),
        (("refined", "--human", "nowhere.csv"), "nowhere.csv"),
        (("refined", "--judge", "rehearsal", "--only", "text"), "without the family 'judges'"),
        (("refined", "--human", "warm.csv", "--only", "text"), "without the family 'people'"),
        (("refined", "./refined"), "'./refined' is there twice"),
        (("plain", "refined", "--human", "unknown.csv"), "whose ratings"),
        (("refined", "--human", "third=unknown.csv"), "unknown system 'third'; known: refined"),
        (("refined", "--human", "unknown.csv"), "1 of 1 ratings name a dialogue that is not in"),
        (("refined", "--human", "far.csv"), "`far.csv`, line 2: `value` of 'empathy' of a reply"),
        (("refined", "--human", "warm.csv"), "unknown rating 'warmth'; known: fluency"),
    ],
)
def test_what_judges_and_people_cannot_be_asked_is_one_sentence(home, args, said):
    Path("unknown.csv").write_text(f"{HEAD}nobody,1,ada,empathy,4\n")
    Path("far.csv").write_text(f"{HEAD}nobody,1,ada,empathy,50\n")
    Path("warm.csv").write_text(f"{HEAD}nobody,1,ada,warmth,4\n")
    with pytest.raises(UserError, match=re.escape(said)):
        evaluate(home, *args)
    assert not Path("evaluations").exists()


def forget(run: Path, *assessors: str) -> None:
    """Let a run know of these judges alone."""
    config = read_config(run / "config.toml").model_copy(update={"assessors": assessors})
    write_config(run, config)


def test_marks_of_different_panels_are_never_compared(home):
    """A judge that was once asked about one run alone must not move its mean."""
    evaluated("refined", "--judge", "rehearsal", "--ask", "dialogue")
    with closing(journal_of(Path("refined"))) as journal:
        verdicts = [d.verdicts for d in journal.dialogues()]
    assert any(verdicts)
    config = Path("refined/config.toml")
    config.write_text(
        config.read_text().replace('assessors = [\n    "rehearsal",\n]', "assessors = []")
    )
    report = evaluated("plain", "refined", "--only", "judges")
    assert all(row["against"]["refined"]["p"] is None for row in report["comparison"]["figures"])


def test_a_report_says_who_judged_and_that_the_world_is_simulated(home):
    evaluated("refined", "--judge", "rehearsal")
    config = Path("refined/config.toml")
    config.write_text(
        config.read_text().replace('"rehearsal",\n]', '"rehearsal",\n    "other",\n]')
    )
    notes = evaluated("refined", "--judge", "rehearsal")["notes"]
    assert "Also kept in the runs, and not used here: other" in notes
    assert any("embedded simulator" in note for note in notes)
    facts = evaluated("refined", "--only", "outcome")["comparison"]["systems"][0]
    assert facts["models"] == ["rehearsal"]


def test_bounds_are_of_what_is_asked_now(home):
    spent = sum(row.prompt_tokens for row in journal_of(Path("refined")).usage())
    args = ("evaluate", "refined", "--judge", "rehearsal", "--max-tokens", "3000")
    assert attune(*args, cwd=home).returncode == 3
    assert spent > 3000  # the run's own calls alone would have been too many
    assert 0 < len(judge_calls("refined")) < 10
    # One bound for all of the command: two judges' questions have no more of it than one's.
    args = ("evaluate", "plain", "refined", "--judge", "rehearsal", "--max-tokens", "6000")
    assert attune(*args, cwd=home).returncode == 3
    asked = [c for name in ("plain", "refined") for c in judge_usage(name)]
    assert sum(asked) < 3000 + 6000 + 3000
    assert not Path("evaluations").exists()
