"""An evolution's settings: what is shipped parses, what does not hold is refused in a sentence."""

from pathlib import Path

import pytest

from attunement.core.errors import ConfigError
from attunement.trainers.decoupled.config import check_decoupled
from attunement.trainers.evolve.config import (
    PAPER,
    check_evolution,
    read_evolution,
    read_toml,
)

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.toml"))
MODEL = {"model": "models/m"}


def recipes() -> dict[str, Path]:
    """The shipped configurations of `attune evolve`: those that name a recipe."""
    return {path.stem: path for path in CONFIGS if "recipe" in read_toml(path)[1]}


def test_every_shipped_recipe_parses():
    found = recipes()
    assert {"evolve-pocket", "evolve-8b", "smoke"} <= set(found)
    for path in found.values():
        recipe, settings = read_toml(path)
        check = check_decoupled if recipe == "decoupled" else check_evolution
        assert check(settings, path.name).recipe == recipe


def test_the_8b_recipe_has_the_papers_numbers():
    config = read_evolution(recipes()["evolve-8b"])
    run = config.making("vllm:m", "-", 0)
    assert run.decoding == PAPER
    assert (run.graph, run.plain_draft, run.preprocessing) == (
        "self_refine", True, "self_evolution",
    )  # fmt: skip
    expected = {"beta": 0.1, "gamma": 1.0, "learning_rate": 5e-6, "batch_size": 4}
    assert {name: config.train[name] for name in expected} == expected
    assert config.train["accumulation"] == 2
    assert config.pairs.filters.max_length_ratio == 2
    assert config.backend == "vllm"
    assert config.iterations == 2


def test_the_pocket_recipe_measures_with_five_seeds_and_no_reflection():
    config = read_evolution(recipes()["evolve-pocket"])
    run = config.measuring("hf:m", "held_out.jsonl")
    assert config.evaluate.seeds >= 5
    assert run.graph == "direct"
    assert run.dialogues == config.evaluate.seeds * config.personas.held_out


def test_what_is_written_reads_back(tmp_path):
    config = check_evolution({"first": MODEL, "train": {"beta": 0.2, "lora": {"r": 4}}})
    (tmp_path / "config.toml").write_text(config.dump())
    assert read_evolution(tmp_path / "config.toml") == config


def test_defaults_are_the_papers_and_partial_sampling_keeps_them():
    config = check_evolution({"first": MODEL, "simulate": {"decoding": {"max_tokens": 9}}})
    assert config.simulate.decoding == PAPER.model_copy(update={"max_tokens": 9})


def test_no_number_of_dialogues_in_a_replay_is_every_one_and_can_be_said_in_a_file(tmp_path):
    config = check_evolution({"first": MODEL, "simulate": {"replay": "f.json", "dialogues": 0}})
    assert config.making("hf:m", "-", 0).dialogues is None
    (tmp_path / "config.toml").write_text(config.dump())
    assert read_evolution(tmp_path / "config.toml") == config


def test_intervals_resample_people_unless_told_otherwise():
    assert check_evolution({"first": MODEL}).evaluate.by == "persona"


def test_a_stronger_model_reflects_and_refines():
    config = check_evolution({"first": MODEL, "pairs": {"source": "stronger", "stronger": "s"}})
    run = config.making("hf:m", "people.jsonl", 0)
    assert run.models == {"seeker": "rehearsal", "reflector": "s", "refiner": "s"}
    assert run.spec_for("responder") == "hf:m"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "first"),
        ({"first": {}}, "needs either `pocket` or `model`"),
        ({"first": {"pocket": {}} | MODEL}, "needs either `pocket` or `model`"),
        ({"first": {"pocket": {"hidden": 100}}}, "must be a multiple of 32"),
        ({"first": {"pocket": {}, "corpus": "c"}}, "`corpus` fine-tunes a `model`"),
        ({"first": MODEL | {"train": {"epochs": 1}}}, "for a `corpus` to fine-tune on"),
        ({"bla": 1}, "`bla`: there is no such name"),
        ({"train": {"beta": -1}}, "`beta`: must be more than 0"),
        ({"train": {"bela": 1}}, "`bela`: there is no such name"),
        ({"train": {"model": "m"}}, "`model` is decided by the recipe"),
        ({"simulate": {"dialogs": 1}}, "`simulate.dialogs`: there is no such name"),
        ({"simulate": {"decoding": {"temperature": 9}}}, "`simulate.decoding.temperature`"),
        ({"simulate": {"models": {"judgement": "x"}}}, "simulate.models"),
        ({"simulate": {"replay": "f", "models": {"seeker": "x"}}}, "no seeker model"),
        ({"pairs": {"control": "worse"}}, "`pairs.control`"),
        ({"pairs": {"source": "stronger"}}, "go together"),
        ({"pairs": {"source": "recorded"}}, "needs a `simulate.replay`"),
        ({"pairs": {"split": "9:x"}}, "must be parts such as 9:1"),
        ({"simulate": {"dialogues": 0}}, "`simulate.dialogues` may be 0, which is all, only in a"),
        ({"pairs": {"retain": 1}, "train": {"gamma": 0}}, "`train.gamma` 0 leaves"),
        ({"gates": {"words": "on"}}, "gates.words"),
        ({"evaluate": {"seeds": 0}}, "`evaluate.seeds`"),
        ({"backend": "ollama"}, "`backend`"),
        ({"personas": {"held_out": 0}}, "`personas.held_out`"),
    ],
)
def test_what_does_not_hold_is_refused(settings, said):
    whole = settings if "first" in settings or not settings else {"first": MODEL} | settings
    with pytest.raises(ConfigError) as refused:
        check_evolution(whole, "config file 'e.toml'")
    assert str(refused.value).startswith("config file 'e.toml': ")
    assert said in str(refused.value)


def test_a_file_that_is_none_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no config file"):
        read_evolution(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("iterations = ")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_evolution(tmp_path / "bad.toml")
    (tmp_path / "other.toml").write_text('recipe = "soup"')
    with pytest.raises(
        ConfigError, match="unknown recipe 'soup'; known: self_evolution, decoupled"
    ):
        read_toml(tmp_path / "other.toml")
