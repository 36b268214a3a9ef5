"""The whole loop with a tiny model: what it leaves, what it skips, what no kill can spoil."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from attunement.core.errors import ConfigError, RunFolderError, UserError
from attunement.personas.cards import load_personas
from attunement.simulator.run import open_run
from attunement.trainers.evolve.config import EvolveConfig
from attunement.trainers.evolve.ledger import as_markdown, forget_from, read_ledger
from attunement.trainers.evolve.loop import evolve, plan
from attunement.trainers.evolve.making import MADE, WATCHED, Making, make_pairs
from attunement.trainers.evolve.stages import Done, Stages, folder_hash
from attunement.trainers.evolve.work import Display, Evolution, Model
from attunement.trainers.learning.report import read_report
from tests.evolve_driver import ORDER, OUT, tiny_evolution
from tests.helpers import small_run

STAGES = ["personas", "m0/model", "m0/evaluate", "m1/simulate", "m1/pairs", "m1/train",
          "m1/evaluate"]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """`whole/run`, made without a break, and `killed/run`, killed in one stage after another."""
    from tests.tiny_llama import make_model

    folder = tmp_path_factory.mktemp("home")
    make_model(folder / "model")
    done = subprocess.run(
        [sys.executable, "-m", "tests.evolve_driver", folder],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "said.jsonl").write_text(done.stdout)
    return folder


@pytest.fixture
def whole(home, monkeypatch) -> Path:
    """The run that had no break, from the folder that it was made in."""
    monkeypatch.chdir(home / "whole")
    return OUT


def plain(value: Any) -> Any:
    """A ledger without its times."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items() if key != "seconds"}
    return [plain(v) for v in value] if isinstance(value, list) else value


def planned(config: EvolveConfig) -> dict[str, str]:
    """Stage -> why it would be done; nothing for one that would be skipped."""
    return {stage.name: stage.why for stage in plan(config, OUT)}


# ---- what it leaves -----------------------------------------------------------------------------


def test_every_stage_is_recorded_with_what_it_was_made_by(whole):
    done = json.loads((whole / "stages.json").read_text())
    assert [stage["name"] for stage in done["done"]] == STAGES
    assert done["begun"] == {}
    by_name = {stage["name"]: stage for stage in done["done"]}
    train = by_name["m1/train"]
    assert train["settings"]["train.beta"] == 0.1
    assert train["reads"] == {
        "pairs": by_name["m1/pairs"]["output"], "model": by_name["m0/model"]["output"],
        "reference": by_name["m0/model"]["output"],
    }  # fmt: skip


def test_the_ledger_tells_where_each_model_comes_from(whole):
    ledger = read_ledger(whole)
    first, second = ledger.entries
    assert (ledger.state, ledger.best) == ("done", second)
    assert second.start == second.reference == first.model == "../model"
    assert second.model == "run/m1/train/merged"
    assert (
        second.model_hash == folder_hash(whole / "m1/train/merged", "README.md") != first.model_hash
    )
    assert second.corpus_hash == folder_hash(whole / "m1/pairs")
    assert second.training == read_report(whole / "m1/train")
    assert second.training.reference == "start"
    assert first.personas == second.personas
    assert second.prompts["reflector"]
    assert len(set(second.seeds.values())) == 4
    assert second.decision.promoted
    assert second.seeds["train"] == second.training.seed
    assert first.seeds == {"evaluate": 0}  # taken as it is
    assert first.scores.n == second.scores.n == 4
    assert second.gains["relief"].n == 2  # people, of whom each has two dialogues
    made = second.making
    assert made.pairs + sum(made.dropped.values()) == made.turns
    learnt = second.training
    assert made.pairs == learnt.rows - learnt.retained + learnt.validation_rows


def test_the_table_names_what_people_look_for(whole):
    page = (whole / "ledger.md").read_text()
    ledger = read_ledger(whole)
    assert page == as_markdown(ledger)
    for said in ("| M_0 |", "| M_1 |", "trained from `../model`", "Done: M_1 was promoted.",
                 ledger.entries[1].corpus_hash, *ledger.entries[0].personas.values()):  # fmt: skip
        assert said in page
    assert (whole / "evolution.png").read_bytes().startswith(b"\x89PNG")
    assert "Words a reply" in (whole / "evolution.svg").read_text()


def test_no_training_row_is_about_a_held_out_person(whole):
    held_out = {card.id for card in load_personas(whole / "personas/held_out.jsonl")}
    train = {card.id for card in load_personas(whole / "personas/train.jsonl")}
    rows = [
        json.loads(line)
        for file in (whole / "m1/pairs/corpus/response").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert rows
    assert {row["persona_id"] for row in rows} <= train
    assert not train & held_out
    files = [*(whole / "m1/train").glob("*.*"), *(whole / "m1/pairs").rglob("*.*")]
    text = "".join(file.read_text("utf-8", errors="ignore") for file in files if file.is_file())
    assert not [person for person in held_out if person in text]


def test_what_is_retained_are_the_runs_own_calls_of_people_that_are_trained_on(whole):
    pairs, retained = (
        [json.loads(line) for line in (whole / "m1/pairs" / name).read_text().splitlines()]
        for name in ("corpus/response/train.jsonl", "retained/calls/train.jsonl")
    )
    assert len(retained) == round(0.5 * len(pairs))
    assert {row["persona_id"] for row in retained} <= {row["persona_id"] for row in pairs}
    assert {row["role"] for row in retained} <= {"reflector", "refiner"}
    _, journal = open_run(whole / "m1/simulate")
    with closing(journal):
        asked = [call["messages"] for i, _ in journal.indices() for call in journal.calls(i)]
    assert all(row["prompt"] in asked for row in retained)
    report = read_report(whole / "m1/train")
    assert report
    assert report.retained == len(retained)


def test_models_are_measured_by_direct_replies_in_the_same_places(whole):
    ids = []
    for t in (0, 1):
        config, journal = open_run(whole / f"m{t}/evaluate")
        with closing(journal):
            dialogues = list(journal.dialogues())
        assert config.graph == "direct"
        assert all(turn.reflection is None for d in dialogues for turn in d.turns)
        ids.append([dialogue.id for dialogue in dialogues])
    assert ids[0] == ids[1]
    held_out = {card.id for card in load_personas(whole / "personas/held_out.jsonl")}
    assert {name[7:] for name in ids[0]} == held_out
    assert len(ids[0]) == 2 * len(held_out)


# ---- killed, gone on with, skipped --------------------------------------------------------------


def test_a_kill_in_any_stage_changes_nothing(home):
    said = [json.loads(line) for line in (home / "said.jsonl").read_text().splitlines()]
    assert [(one["stage"], one["killed"]) for one in said] == [
        (None, 0), *((place, 9) for place in ORDER), (None, 0),
    ]  # fmt: skip
    assert said[0]["code"] == said[-1]["code"] == 0
    ledgers = [json.loads((home / name / "run/ledger.json").read_text())
               for name in ("whole", "killed")]  # fmt: skip
    assert plain(ledgers[0]) == plain(ledgers[1])
    assert ledgers[0]["entries"][1]["model_hash"] == ledgers[1]["entries"][1]["model_hash"]


def test_what_is_done_is_skipped_and_nothing_is_written_again(whole):
    def state() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in whole.glob("*.*")}

    lines: list[str] = []
    before = state()
    ledger = evolve(tiny_evolution(), whole, Display(say=lines.append, run=_nobody))
    assert lines == [f"{name}: done before, skipped" for name in STAGES]
    assert ledger == read_ledger(whole)
    assert state() == before


def _nobody(folder: Path) -> bool:
    raise AssertionError(f"{folder} was run again")


def test_a_changed_setting_is_refused_before_anything_is_done(whole):
    before = (whole / "config.toml").read_bytes()
    for changed, name in (
        (tiny_evolution(train={"beta": 0.5}), "train.beta"),
        (tiny_evolution(personas={"held_out": 3}), "personas.held_out"),
        (tiny_evolution(simulate={"dialogues": 4}), "simulate.dialogues"),
        (tiny_evolution(evaluate={"seeds": 3}), "evaluate.seeds"),
        (tiny_evolution(pairs={"control": "random"}), "pairs.control"),
    ):
        with pytest.raises(ConfigError, match=f"`{name}` was .*--redo"):
            evolve(changed, whole, Display(run=_nobody))
    assert (whole / "config.toml").read_bytes() == before


def test_a_plan_names_exactly_the_stages_that_a_change_touches(whole):
    def due(**sections: Any) -> list[str]:
        return [name for name, why in planned(tiny_evolution(**sections)).items() if why]

    assert due() == []
    assert due(train={"beta": 0.5}) == ["m1/train", "m1/evaluate"]
    assert due(evaluate={"seeds": 3}) == ["m0/evaluate", "m1/evaluate"]
    assert due(pairs={"control": "swapped"}) == ["m1/pairs", "m1/train", "m1/evaluate"]
    assert due(simulate={"max_turns": 4}) == STAGES[3:]
    assert due(personas={"seed": 1}) == [name for name in STAGES if name != "m0/model"]
    # How fast, and where, is free; and so is how far.
    assert due(simulate={"concurrency": 2}, train={"threads": 2}) == []
    assert due(iterations=2) == ["m2/simulate", "m2/pairs", "m2/train", "m2/evaluate"]
    assert due(evaluate={"by": "dialogue"}) == []


def test_gates_are_judged_anew_and_stop_with_their_reason(whole, tmp_path):
    with _borrowed(whole) as out:
        config = tiny_evolution(iterations=3, gates={"words": 0.01})
        ledger = evolve(config, out, Display(run=_nobody))
        assert ledger.state == "stopped"
        assert [entry.promoted for entry in ledger.entries] == [True, False]
        assert ledger.best.t == 0
        assert "words: words over those of M_0 is" in ledger.outcome
        assert "not at most 0.01" in ledger.outcome
        assert read_ledger(out) == ledger


@contextlib.contextmanager
def _borrowed(run: Path) -> Iterator[Path]:
    """The run, whose ledger and settings are put back afterwards."""
    kept = {path: path.read_bytes() for path in run.glob("*.*")}
    try:
        yield run
    finally:
        for path, content in kept.items():
            path.write_bytes(content)


def test_a_ledger_never_claims_what_is_to_be_made_again(whole):
    with _borrowed(whole):
        forget_from(whole, 1)
        ledger = read_ledger(whole)
        assert [entry.t for entry in ledger.entries] == [0]
        assert ledger.state == "running"
        assert "Not finished" in (whole / "ledger.md").read_text()


def test_a_ledger_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "ledger.json").write_text('{"version": "1", "config_hash": "x", "bla": 1}')
    with pytest.raises(RunFolderError, match=r"ledger.json' is no ledger of this version: `bla`"):
        read_ledger(tmp_path)
    (tmp_path / "ledger.json").write_text("{")
    with pytest.raises(RunFolderError, match="is no ledger of this version"):
        read_ledger(tmp_path)


@pytest.mark.parametrize("redo", [False, True])
def test_a_held_out_person_who_comes_into_what_trains_later_is_refused(whole, tmp_path, redo):
    """The people were frozen before: their stage is not done again."""
    held_out = load_personas(whole / "personas/held_out.jsonl")[0]
    lines = [("seeker", "I lost my job."), ("supporter", "Oh."), ("seeker", "Yes.")]
    dialog = [{"speaker": speaker, "content": text} for speaker, text in lines]
    talk = {"situation": held_out.situation, "dialog": dialog}
    (tmp_path / "recorded.jsonl").write_text(json.dumps(talk) + "\n")
    config = tiny_evolution(simulate={"replay": str(tmp_path / "recorded.jsonl")})
    before = (whole / "config.toml").read_bytes()
    with pytest.raises(ConfigError, match=r"held-out person .* which trains"):
        evolve(config, whole, Display(run=_nobody), redo)
    assert (whole / "config.toml").read_bytes() == before


def test_two_processes_do_not_share_a_run(whole):
    from attunement.simulator.frame import locked

    with locked(whole), pytest.raises(RunFolderError, match="by another process"):
        evolve(tiny_evolution(), whole)


# ---- the lint -----------------------------------------------------------------------------------


def test_pairs_are_linted_and_refused_by_their_finding(home, tmp_path):
    small_run(tmp_path / "m1/simulate", dialogues=40, plain_draft=True)
    made = Done(name="m1/simulate", settings={}, reads={}, output="h")
    model = Model(0, str(home / "model"), "h")

    def pairs(check: bool, **sections: Any) -> Making:
        rest = {"source": "refined", "stronger": None, "filters": {}}
        config = tiny_evolution(pairs=rest | sections, train={"check": check})
        work = Evolution(config, tmp_path, Stages(tmp_path, redo=True))
        folder = tmp_path / make_pairs(work, model, made).name
        return Making.model_validate_json((folder / MADE).read_bytes())

    # However long the refinements are, that alone refuses nothing: it is said.
    strict = {"thresholds": {"length-effect": 0.0, "longer-share": 0.0}}
    assert [said.partition(":")[0] for said in pairs(True, **strict).lint] == list(WATCHED)
    worse = {"thresholds": {"strategy-share": 0.0}}
    with pytest.raises(UserError, match=r"fails the lint: .*strategy-share.*\[pairs.thresholds\]"):
        pairs(True, **worse)
    assert "m1/pairs" not in {done.name for done in Stages(tmp_path).done()}
    assert any("strategy-share" in said for said in pairs(False, **worse).lint)
    # Of what is to be retained there is at least one call, however few are asked for.
    assert pairs(False, retain=1e-6).pairs
    assert len((tmp_path / "m1/pairs/retained/calls/train.jsonl").read_text().splitlines()) == 1
    # A control may look as bad as it is.
    assert any("stock-phrases" in said for said in pairs(True, control="swapped").lint)
