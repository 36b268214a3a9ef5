"""Whole runs on real models: tiny and random, so that what they say is noise, but real."""

import pytest

from attunement.agents.models.registry import make_backend
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run
from tests.backends import tiny_adapter, tiny_model
from tests.helpers import PERSONA, exported, journal_of

pytest.importorskip("llguidance")


def settings(**changes) -> RunConfig:
    model = f"hf:{tiny_model()}"
    sampling = {"temperature": 1.0, "top_p": 0.9, "top_k": 50, "repetition_penalty": 1.1,
                "max_tokens": 160}  # fmt: skip
    return RunConfig.model_validate(
        {"model": model, "models": {"responder": f"{model}+{tiny_adapter()}"}, "max_turns": 1,
         "decoding": sampling, "seed": 5,
         "decoding_for": {"seeker": {"max_tokens": 240}, "reflector": {"max_tokens": 600}},
         **changes}
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of `self_refine` on the model, its responder with an adapter."""
    folder = tmp_path_factory.mktemp("real") / "run"
    create_run(folder, settings(), Cast([PERSONA], [0] * 8))
    tally = Tally()
    assert run(folder, tally=tally)
    return folder, tally


def test_every_role_speaks_and_is_held_to_its_record(done):
    folder, tally = done
    journal = journal_of(folder)
    assert tally.failed_calls == 0
    assert tally.done + tally.failed == 8
    assert tally.done > 2, "a random model under a schema writes records, but for cut ones"
    roles = {row.role for row in journal.usage()}
    assert roles == {"seeker", "planner", "responder", "reflector", "refiner"}
    said = [turn for dialogue in journal.dialogues() for turn in dialogue.turns]
    assert any(turn.plan and turn.reflection and turn.refined for turn in said)
    for row in journal.usage():
        assert row.prompt_tokens > 100 * row.calls
        assert row.completion_tokens > 0


def test_the_adapter_answers_as_the_responder_alone(done):
    folder, _ = done
    model = f"hf:{tiny_model()}"
    assert {(row.role, row.model) for row in journal_of(folder).usage()} == {
        ("seeker", model), ("planner", model), ("reflector", model), ("refiner", model),
        ("responder", f"{model}+{tiny_adapter()}"),
    }  # fmt: skip


def test_the_same_run_says_the_same_again_whatever_the_batches(done, tmp_path):
    folder, _ = done
    create_run(tmp_path / "again", settings(concurrency=2), Cast([PERSONA], [0] * 8))
    assert run(tmp_path / "again")
    assert exported(tmp_path / "again") == exported(folder)


def test_what_the_model_can_do_stands_in_the_config(done):
    folder, _ = done
    kept = (folder / "config.toml").read_text()
    assert 'structured = "json_schema"' in kept
    assert "context_length = 2048" in kept


def test_a_backend_that_is_not_used_loads_nothing():
    chat = make_backend(f"hf:{tiny_model()}")
    assert chat.batches == 0
