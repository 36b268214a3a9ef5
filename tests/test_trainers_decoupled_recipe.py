"""Recipe B from a dozen recorded dialogues to its table, on a base of 0.2 million parameters."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from attunement.core.errors import ConfigError
from attunement.core.strategies import Strategy
from attunement.evaluation.strategy import score_strategies
from attunement.trainers.decoupled.answering import read_answers
from attunement.trainers.decoupled.config import STEPS, DecoupledConfig, check_decoupled
from attunement.trainers.decoupled.recipe import plan, run_decoupled
from attunement.trainers.decoupled.report import markdown, read_decoupled_report, tables
from attunement.trainers.decoupled.testing import Outputs, answers_folder
from attunement.trainers.decoupled.turns import read_turns, strategies_of
from attunement.trainers.evolve.work import Display
from tests.helpers import journal_of, small_run, write_recorded

pytest.importorskip("trl")
pytest.importorskip("nltk")

SIX = (
    "joint sft", "joint dpo", "planner sft + responder sft", "planner sft + responder dpo",
    "planner dpo + responder sft", "planner dpo + responder dpo",
)  # fmt: skip


def small_config(recorded, **changes) -> DecoupledConfig:
    quick = {"threads": 1, "report_to": ["none"], "max_length": 192, "epochs": 50}
    lora = quick | {"check": False, "batch_size": 4, "accumulation": 1}
    return check_decoupled(
        {
            "recorded": str(recorded), "split": "10:3:3",
            "base": {"scratch": {
                "hidden": 64, "layers": 2, "heads": 2, "vocabulary": 600, "context": 320,
                "train": quick | {"max_steps": 80, "batch_size": 8, "learning_rate": 7e-3},
            }},
            "sft": {"all": lora | {"max_steps": 6, "learning_rate": 7e-3}},
            "dpo": {"all": lora | {"max_steps": 3, "learning_rate": 1e-2}},
            "mining": {"decoding": {"max_tokens": 14}}, "test": {"decoding": {"max_tokens": 14}},
        } | changes
    )  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Sixteen talks of the embedded model, as a file of recorded ones."""
    folder = tmp_path_factory.mktemp("talks")
    small_run(folder / "run", graph="decoupled", dialogues=16, max_turns=4, seed=3)
    journal = journal_of(folder / "run")
    write_recorded(folder / "talks.jsonl", journal.dialogues())
    journal.close()
    return folder / "talks.jsonl"


@pytest.fixture(scope="module")
def done(recorded, tmp_path_factory):
    """A finished run: its folder, configuration and report."""
    out = tmp_path_factory.mktemp("recipe") / "b"
    config = small_config(recorded)
    return out, config, run_decoupled(config, out)


def test_six_systems_the_upper_bound_and_the_baselines_are_measured_on_the_test_split(done):
    out, _, report = done
    assert tuple(system.name for system in report.systems[:6]) == SIX
    assert [s.name.split(" + ")[0] for s in report.systems[6:]] == ["recorded strategy"] * 2
    assert report.dialogues == {"train": 10, "validation": 3, "test": 3}
    turns = read_turns(out / "corpus", "test")
    assert report.turns == len(turns) > 5
    for system in report.systems:
        assert system.replies.replies == len(turns)
        assert (system.strategies is None) == system.name.startswith("recorded")
        assert system.strategies is None or system.strategies.turns == len(turns)
    assert set(report.baselines) == {"most_frequent", "prior", "transition", "transition_sampled"}
    assert {s.turns for s in report.baselines.values()} == {len(turns)}
    assert set(report.likelihood) == {"planner sft", "planner dpo", "joint sft", "joint dpo"}
    assert {s.unreadable for s in report.likelihood.values()} == {0}
    assert report.mined.keys() == {"strategy", "response", "joint"}
    assert all(counts["kept"] > 0 for counts in report.mined.values())


def test_a_planners_choice_is_the_same_whoever_replies_to_it(done):
    _, _, report = done
    by_name = {system.name: system for system in report.systems}
    for step in STEPS:
        one, other = (by_name[f"planner {step} + responder {r}"] for r in STEPS)
        assert one.strategies == other.strategies
        assert one.strategies.by_strategy.keys() == set(Strategy)


def test_preference_learning_starts_from_each_parts_own_model_and_moves_it(done):
    from safetensors.torch import load_file

    out, _, report = done
    for part in ("planner", "responder", "joint"):
        trained = report.trainings[f"dpo/{part}"]
        assert trained.reference == "start"
        adapters = [load_file(out / step / part / "adapter/adapter_model.safetensors")
                    for step in STEPS]  # fmt: skip
        assert any(
            adapters[0][name].shape != weight.shape or (adapters[0][name] != weight).any()
            for name, weight in adapters[1].items()
        )


def test_figures_are_those_of_the_answers_that_were_kept(done):
    out, _, report = done
    turns = read_turns(out / "corpus", "test")
    outputs = Outputs(out, turns)
    assert report.systems[2].strategies == score_strategies(outputs.planned("sft"))
    assert report.systems[1].strategies == score_strategies(outputs.joint("dpo"))
    said = read_answers(answers_folder(out, "responder", "sft", "recorded"), [t.key for t in turns])
    words = sum(len(one.text.split()) for one in said) / len(said)
    assert report.systems[6].replies.words.value == pytest.approx(words)


def test_no_split_sees_anothers_dialogues(done, recorded):
    out, _, _ = done
    lines = {
        split: (out / "data" / f"{split}.jsonl").read_text().splitlines()
        for split in ("train", "validation", "test")
    }
    together = [json.loads(line) for split in lines.values() for line in split]
    originals = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert sorted(map(json.dumps, together)) == sorted(map(json.dumps, originals))
    assert set(strategies_of(out / "corpus", "test")) == {"test-0001", "test-0002", "test-0003"}
    mined = (out / "mining/pairs/strategy/train.jsonl").read_text().splitlines()
    assert all(json.loads(row)["dialogue_id"].partition("-")[2].startswith("train-")
               for row in mined)  # fmt: skip


def test_the_tables_name_every_system_and_both_conventions(done):
    _, _, report = done
    text = markdown(report)
    for name in (*SIX, "prior, expected", "planner, likeliest", "corpus level", "mean of single"):
        assert name in text
    for table in tables(report):
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_what_is_done_is_skipped_and_what_is_lost_is_made_again(done):
    out, config, report = done
    said: list[str] = []
    assert run_decoupled(config, out, Display(say=said.append)) == report
    assert said
    assert all(line.endswith("done before, skipped") for line in said)
    answers = out / "test/joint-dpo/answers.jsonl"
    whole = answers.read_bytes()
    answers.write_bytes(whole[: len(whole) // 2])  # as a stop leaves it
    said.clear()
    assert run_decoupled(config, out, Display(say=said.append)) == report
    again = [line for line in said if "skipped" not in line and "turns" not in line]
    assert [line.partition(":")[0] for line in again] == ["test/joint-dpo"]
    assert answers.read_bytes() == whole


def test_corpora_that_were_written_before_a_kill_are_taken_as_they_are(done):
    """It came between their last file and the list of stages."""
    out, config, report = done
    path = out / "stages.json"
    book = json.loads(path.read_text())
    for one in [one for one in book["done"] if one["name"] in ("corpus", "mining/pairs")]:
        book["done"].remove(one)
        book["begun"][one["name"]] = {key: one[key] for key in ("name", "settings", "reads")}
    path.write_text(json.dumps(book))
    said: list[str] = []
    assert run_decoupled(config, out, Display(say=said.append)) == report
    again = [line for line in said if not line.endswith("done before, skipped")]
    assert again == ["corpus: goes on", "mining/pairs: goes on"]


def test_a_changed_setting_is_refused_by_name_unless_redo(done, recorded):
    out, _, _ = done
    other = small_config(recorded, test={"decoding": {"max_tokens": 14, "temperature": 0.1}})
    with pytest.raises(ConfigError, match=r"`test.decoding.temperature` was 0.7 when stage 'test/"):
        run_decoupled(other, out)
    stages = {stage.name: stage for stage in plan(other, out)}
    assert stages["dpo/joint"].skipped
    assert not stages["test/joint-sft"].skipped
    assert stages["test/joint-sft-likelihood"].skipped


def test_the_verb_prints_the_tables_and_the_plan(done):
    from attunement.cli.app import app

    out, _, report = done
    run = CliRunner().invoke(app, ["evolve", str(out), "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["turns"] == report.turns
    shown = CliRunner().invoke(app, ["evolve", str(out)])
    assert "planner sft + responder dpo" in " ".join(shown.stdout.split())
    planned = CliRunner().invoke(app, ["evolve", str(out), "--dry-run"])
    assert "mining/pairs" in planned.stdout


def test_a_report_that_is_no_report_is_refused(done, tmp_path):
    from attunement.core.errors import UserError

    assert read_decoupled_report(tmp_path) is None
    shutil.copytree(done[0] / "report", tmp_path / "report")
    (tmp_path / "report/report.json").write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        read_decoupled_report(tmp_path)
