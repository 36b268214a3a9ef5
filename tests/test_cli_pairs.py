"""`attune pairs` as a user meets it."""

import json
from pathlib import Path

import pytest

from tests.helpers import small_run
from tests.inside import attune


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with a first run, `runs/001`: a dozen dialogues."""
    folder = tmp_path_factory.mktemp("home")
    small_run(folder / "runs" / "001")
    return folder


def test_a_first_run_gives_a_corpus_and_says_what_next(home):
    done = attune("pairs", "runs/001", "--out", "corpora/001", cwd=home)
    assert done.returncode == 0, done.stderr
    for said in ("turns read", "left out", "fewer than 3 seeker turns heard", "Cohen's d",
                 "strategy has no validation rows: too few personas",
                 "attune lint corpora/001"):  # fmt: skip
        assert said in done.stdout
    files = {str(p.relative_to(home / "corpora/001")) for p in (home / "corpora/001").rglob("*.*")}
    assert {"README.md", "corpus.json", "response/train.jsonl", "pictures/lengths.png"} <= files
    again = attune("pairs", "runs/001", "--out", "corpora/001", cwd=home)
    assert again.returncode == 2
    assert "'corpora/001' exists; choose another with --out" in again.stderr


def test_json_is_the_report_that_the_corpus_keeps(home):
    done = attune("pairs", "runs/001", "--out", "corpora/json", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((home / "corpora/json/corpus.json").read_text())


def test_every_option_arrives(home):
    done = attune(
        "pairs", "runs/001", "--out", "corpora/all", "--sets", "response, sft_direct",
        "--split", "5:1", "--seed", 3, "--max-length-ratio", 0, "--min-history", 1,
        "--max-similarity", 0.9, "--iteration", 2, "--format", "parquet",
        "--layout", "llama-factory", "--json", cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert list(report["sets"]) == ["response", "sft_direct"]
    assert (report["layout"], report["format"]) == ("llama-factory", "parquet")
    assert report["origin"]["options"] == {
        "chosen": "refined", "split": "5:1", "seed": 3, "iteration": 2,
        "max_length_ratio": 0.0, "max_similarity": 0.9, "errors": False, "realistic": False,
        "min_history": {"response": 1, "sft_direct": 1},
    }  # fmt: skip
    assert (home / "corpora/all/response_train.parquet").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs/none"], "no run folder 'runs/none'"),
        (["runs/001", "--split", "99:1"], "leaves 'validation' empty: there are only 12 personas"),
        (["runs/001", "--sets", "replies"], "unknown set 'replies'; known: response, strategy"),
        (["runs/001", "--format", "csv"], "`format`: must be 'jsonl' or 'parquet'"),
        (["runs/001", "--chosen", "recorded"], "`--chosen recorded` needs a replay"),
        (["runs/001", "--public"], "`--public` says how to push; name a repository with --push"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(home, words, said):
    done = attune("pairs", *words, "--out", "corpora/wrong", cwd=home, HF_TOKEN="")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "corpora/wrong").exists()


def test_push_without_a_token_makes_nothing(home):
    nobody = {"HF_TOKEN": "", "HF_HOME": str(home / "nobody")}
    done = attune("pairs", "runs/001", "--out", "corpora/p", "--push", "a/b", cwd=home, **nobody)
    assert done.returncode == 2
    assert "`--push` needs a token" in done.stderr
    assert not (home / "corpora/p").exists()


def test_a_folder_that_may_not_be_written_is_said(home):
    (home / "file").write_text("")
    done = attune("pairs", "runs/001", "--out", "file/corpus", cwd=home)
    assert done.returncode == 2
    assert "'file/corpus' cannot be written" in done.stderr


# ---- mining -------------------------------------------------------------------------------------


def test_recorded_dialogues_are_mined_judged_and_written_in_one_go(home, shared_data):
    source = shared_data / "esconv" / "ESConv.json"
    mining = ("--mine", "ipm", "--dialogues", 12, "--run", "runs/mined")
    done = attune("pairs", source, *mining, "--out", "corpora/mined", cwd=home)
    assert done.returncode == 0, done.stderr
    for said in ("kept, by recorded strategy", "the draft reply shows no error",
                 "Providing Suggestions", "attune lint corpora/mined"):  # fmt: skip
        assert said in done.stdout
    card = (home / "corpora/mined/README.md").read_text()
    assert "judged by `rehearsal`" in card
    assert "What became of each strategy in `response`" in card
    again = attune("pairs", "runs/mined", "--mine", "ipm", "--out", "corpora/again", cwd=home)
    assert again.returncode == 0, again.stderr
    for path in (home / "corpora/mined").rglob("*.jsonl"):
        same = home / "corpora/again" / path.relative_to(home / "corpora/mined")
        assert path.read_bytes() == same.read_bytes()
    plain = attune("pairs", "runs/mined", "--out", "corpora/plain", "--sets", "joint", cwd=home)
    assert plain.returncode == 0, plain.stderr


def test_mining_stopped_by_its_budget_goes_on_where_it_was(home, shared_data):
    (home / "mining.toml").write_text("[budget]\ntokens = 30000\n")
    source = shared_data / "esconv" / "ESConv.json"
    mining = ("--mine", "ipm", "--dialogues", 6, "--config", "mining.toml", "--run", "runs/bound")
    done = attune("pairs", source, *mining, "--out", "corpora/bound", cwd=home)
    assert done.returncode == 3
    assert (
        "Go on with a wider bound: attune pairs runs/bound --out corpora/bound --mine"
        in done.stderr
    )
    assert not (home / "corpora/bound").exists()
    early = attune("pairs", "runs/bound", "--out", "corpora/bound", cwd=home)
    assert early.returncode == 2
    assert "are not mined yet; go on with --mine ipm" in early.stderr
    config = home / "runs/bound/config.toml"
    config.write_text(config.read_text().replace("tokens = 30000", "tokens = 9000000"))
    last = attune("pairs", "runs/bound", "--mine", "ipm", "--out", "corpora/bound", cwd=home)
    assert last.returncode == 0, last.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs/001", "--mine", "ipm"], "'self_refine', which mines nothing; name a file"),
        (["runs/001", "--mine", "best"], "unknown method of mining 'best'; known: ipm"),
        (["runs/001", "--model", "rehearsal"], "`--model` and `--dialogues` are for --mine ipm"),
        (["runs/001", "runs/001", "--mine", "ipm"], "`--mine` takes one source, got 2"),
        (["runs/001", "--mine", "ipm", "--split", "a:b"], "`--split` must be parts"),
        (["runs/001", "--mine", "ipm", "--sets", "sft_direct"], "unknown set of mined pairs"),
        (["nowhere.json", "--mine", "ipm"], "`nowhere.json` does not exist"),
    ],
)
def test_a_mistake_in_mining_is_one_sentence(home, words, said):
    done = attune("pairs", *words, "--out", "corpora/wrong", cwd=home)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "corpora/wrong").exists()
