"""`attune corpus import` from the front door: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest

from attunement.cli.app import main
from tests.inside import attune

TALK = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello! How are you?", "strategy": "Question"},
    {"role": "user", "content": "I lost my job."},
    {"role": "assistant", "content": "That is hard.", "strategy": "Reflection of feelings"},
    {"role": "assistant", "content": "Since when?", "strategy": "Question"},
]
EXTES = {
    "description": "I lost my job.",
    "content": [
        {"User": "I lost my job."},
        {"AI Strategy": "Emotional Validation", "AI": "That is hard."},
        {"User": "Yes."},
        {"AI Strategy": "Cheering", "AI": "Head up!"},
    ],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    line = json.dumps({"messages": TALK}) + "\n"
    (folder / "talk.jsonl").write_text(line * 12)
    (folder / "half.jsonl").write_text(line + line[:40])
    (folder / "train.jsonl").write_text(line)
    (folder / "dev.jsonl").write_text(line)
    (folder / "extes.json").write_text(json.dumps([EXTES]))
    (folder / "alpaca.json").write_text('[{"instruction": "Count.", "output": "One, two."}]')
    (folder / "empty.json").write_text("")
    (folder / "taken").mkdir()
    return folder


def test_import_prints_what_was_kept_and_left_out_and_what_next(home: Path) -> None:
    result = attune(
        "corpus", "import", "talk.jsonl", "--recipe", "decoupled", "--split", "10:1:1",
        "--out", "made/decoupled", cwd=home,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "sft_planner" in result.stdout
    assert "attune lint made/decoupled" in result.stdout
    corpus = home / "made/decoupled"
    counts = {
        f"{path.parent.name}/{path.stem}": len(path.read_text().splitlines())
        for path in corpus.rglob("*.jsonl")
    }
    assert counts == {
        f"sft_{task}/{split}": 3 * dialogues
        for task in ("planner", "responder", "joint")
        for split, dialogues in (("train", 10), ("validation", 1), ("test", 1))
    }
    assert "Imported with Attunement" in (corpus / "README.md").read_text()


def test_import_as_json_is_the_report_that_is_kept(home: Path) -> None:
    result = attune(
        "corpus", "import", "talk.jsonl", "--recipe", "self_evolution", "--split", "2:1",
        "--alpaca", "alpaca.json", "--limit", "6", "--json", "--out", "made/direct", cwd=home,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads((home / "made/direct/corpus.json").read_text())
    direct = report["sets"]["sft_direct"]
    assert (direct["read"], direct["kept"]) == (13, 7)
    assert direct["dropped"] == {"a greeting at the beginning": 6}
    assert direct["splits"] == {"train": 5, "validation": 2}


def test_files_may_be_the_splits(home: Path) -> None:
    result = attune(
        "corpus", "import", "train.jsonl", "dev.jsonl", "--recipe", "decoupled", "--for", "joint",
        "--split", "files", "--json", "--out", "made/files", cwd=home,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    sets = json.loads(result.stdout)["sets"]
    assert sets["sft_joint"]["splits"] == {"train": 3, "validation": 3}


def test_a_map_of_strategies_gives_an_unknown_name_its_place(home: Path) -> None:
    options = ("corpus", "import", "extes.json", "--recipe", "decoupled", "--split", "1", "--json")
    refused = attune(*options, "--out", "made/extes", cwd=home)
    assert refused.returncode == 2
    assert "`extes.json`, dialogue 1: utterance 4: unknown strategy 'Cheering'" in refused.stderr
    assert "--strategy-map 'Cheering=STRATEGY'" in refused.stderr
    mapped = ("--strategy-map", "Cheering=Affirmation and Reassurance")
    result = attune(*options, *mapped, "--out", "made/extes", cwd=home)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)["sets"]["sft_planner"]["strategies"]["completion"]
    assert found == {"Reflection of feelings": 1, "Affirmation and Reassurance": 1}


BASE = ("talk.jsonl", "--recipe", "decoupled", "--split", "10:1:1")
BAD = {
    "no recipe": (("talk.jsonl",), "--recipe"),
    "no such recipe": (("talk.jsonl", "--recipe", "x"), "known: self_evolution, decoupled"),
    "no such task": ((*BASE, "--for", "reply"), "known: direct, planner, responder, joint"),
    "no such file": (("no.json", "--recipe", "decoupled"), "`no.json` does not exist"),
    "an empty file": (("empty.json", "--recipe", "decoupled"), "`empty.json` is empty"),
    "half a line": (("half.jsonl", "--recipe", "decoupled"), "`half.jsonl`, line 2, column"),
    "a folder": (("taken", "--recipe", "decoupled"), "is a folder"),
    "out exists": ((*BASE, "--out", "taken"), "'taken' exists"),
    "no such split": ((*BASE, "--split", "most"), "`published` or `files`"),
    "an empty part": ((*BASE, "--split", "9:0"), "must not hold an empty part"),
    "an empty side": ((*BASE, "--limit", "2"), "leaves 'validation' empty"),
    "not ESConv": ((*BASE, "--split", "published"), "ESConv's 1,300 dialogues"),
    "no split in a name": ((*BASE, "--split", "files"), "'talk.jsonl' names no split"),
    "alpaca without direct": ((*BASE, "--alpaca", "alpaca.json"), "--for direct"),
    "alpaca-n alone": ((*BASE, "--alpaca-n", "3"), "--alpaca"),
    "alpaca without train": (
        ("dev.jsonl", "--recipe", "self_evolution", "--split", "files", "--alpaca", "alpaca.json"),
        "this corpus has none",
    ),
    "alpaca of dialogues": (
        (*BASE, "--for", "direct", "--alpaca", "talk.jsonl"),
        "`talk.jsonl`, row 1: must be an object with `instruction`",
    ),
    "half a map": ((*BASE, "--strategy-map", "Hug"), "NAME=STRATEGY"),
    "no history": ((*BASE, "--min-history", "0"), "`min_history`"),
    "too much history": ((*BASE, "--min-history", "9"), "nothing to write"),
    "no such format": ((*BASE, "--format", "csv"), "`format`"),
    "the same file twice": (("talk.jsonl", *BASE), "two files are named 'talk'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_sentence_and_leaves_nothing_behind(
    case: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options, message = BAD[case]
    out = () if "--out" in options else ("--out", "bad")
    before = sorted(path.name for path in home.iterdir())
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["attune", "corpus", "import", *options, *out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in home.iterdir()) == before


def test_help_shows_an_example(home: Path) -> None:
    result = attune("corpus", "import", "--help", cwd=home)
    assert "Example: attune corpus import" in result.stdout
