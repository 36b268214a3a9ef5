"""Options about models, their sampling and their cost, as a user meets them."""

import json
import tomllib

import pytest

from attunement.cli.options import decodings, prices, roles
from attunement.core.errors import ConfigError
from attunement.simulator.config import read_config
from tests.inside import attune
from tests.servers import embedded, in_a_thread


def test_sampling_is_set_for_all_roles_and_for_one():
    flags = decodings(["temperature=0.5", "planner.temperature=0", "planner.top_k=20"])
    config = read_config(None, **flags)
    assert config.sampling_for("seeker").temperature == 0.5
    planner = config.sampling_for("planner")
    assert (planner.temperature, planner.top_k, planner.top_p) == (0, 20, 0.8)


def test_a_roles_sampling_keeps_what_the_file_says_for_all(tmp_path):
    (tmp_path / "c.toml").write_text(
        "[decoding]\ntop_p = 0.95\n[decoding_for.planner]\ntemperature = 0.1\n"
    )
    config = read_config(tmp_path / "c.toml", **decodings(["planner.max_tokens=64"]))
    planner = config.sampling_for("planner")
    assert (planner.temperature, planner.top_p, planner.max_tokens) == (0.1, 0.95, 64)
    assert config.decoding.temperature == 0.9
    (tmp_path / "again.toml").write_text(config.dump())
    assert read_config(tmp_path / "again.toml") == config


@pytest.mark.parametrize(
    ("read", "given", "says"),
    [(decodings, "temperature", "must be [ROLE.]NAME=VALUE, got 'temperature'"),
     (decodings, "temperature=warm", "`--decoding` temperature: 'warm' is no number"),
     (roles, "planner", "must be ROLE=SPEC, got 'planner'"),
     (prices, "openai:x=1", "must be SPEC=PROMPT,COMPLETION[,CACHED], got openai:x='1'"),
     (prices, "openai:x=1,free", "`--price` openai:x: 'free' is no number")],
)  # fmt: skip
def test_an_option_that_cannot_be_read_says_what_it_should_be(read, given, says):
    with pytest.raises(ConfigError) as error:
        read([given])
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("flags", "says"),
    [(decodings(["warmth=1"]), "`decoding.warmth`"),
     (decodings(["top_k=0"]), "`decoding.top_k`"),
     (decodings(["clown.top_k=2"]), "unknown role 'clown'"),
     ({"budget": {"usd": -1.0}}, "`budget.usd`"),
     ({"keys": {"OPENAI_API_KEY": "sk-real"}}, "must hold no key")],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(flags, says):
    with pytest.raises(ConfigError) as error:
        read_config(None, **flags)
    assert says in str(error.value)
    assert "sk-real" not in str(error.value)


def test_a_price_with_an_equals_sign_in_its_spec():
    assert prices(["openai:a=b@http://h/v1=0.5,1.5,0.1"]) == {
        "openai:a=b@http://h/v1": {"prompt": 0.5, "completion": 1.5, "cached": 0.1}
    }


def test_a_bound_stops_the_run_and_a_wider_one_lets_it_finish(tmp_path):
    result = attune("simulate", "--dialogues", 40, "--max-tokens", 60_000, "--out", "r",
                    cwd=tmp_path)  # fmt: skip
    assert result.returncode == 3
    assert "Stopped by --max-tokens 60000; nothing is lost." in result.stderr
    again = attune("resume", "r", cwd=tmp_path)
    assert again.returncode == 3, "the run's own bound still holds"
    wide = attune("resume", "r", "--max-tokens", 10**9, "--json", cwd=tmp_path)
    assert wide.returncode == 0
    assert json.loads(wide.stdout)["done"] == 40


def test_a_bound_in_money_needs_a_price(tmp_path):
    result = attune("simulate", "--model", "openai:x", "--base-url", "http://example.com/v1",
                    "--max-usd", 1, "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 2
    assert "`--max-usd` needs the price of 'openai:x'" in result.stderr
    assert not (tmp_path / "r").exists()


def test_an_estimate_says_how_to_go_on(tmp_path):
    result = attune("simulate", "--dialogues", 30, "--estimate", "--out", "r", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Run r: 30 dialogues, by 8 of them" in result.stdout
    assert "Go on with: attune resume r" in result.stdout
    found = json.loads(
        attune("simulate", "--dialogues", 30, "--estimate", "--json", cwd=tmp_path).stdout
    )
    assert found["probes"] == 8
    assert found["usd"]["expected"] == 0


def test_the_cost_is_shown_by_role_and_model(tmp_path):
    with in_a_thread(embedded) as (url, _):
        result = attune("simulate", "--graph", "direct", "--model-for", "responder=openai:x",
                        "--base-url", url, "--price", "openai:x=2,10", "--dialogues", 2,
                        "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Cost" in result.stdout
    assert "uncounted" in result.stdout
    shown = json.loads(attune("show", "r", "--json", cwd=tmp_path).stdout)
    assert {(row["role"], row["model"]) for row in shown["spent"]} == {
        ("responder", "openai:x"), ("seeker", "rehearsal"),
    }  # fmt: skip
    kept = tomllib.loads((tmp_path / "r/config.toml").read_text())
    assert kept["capabilities"]["openai:x"]["usage"] is False


def test_what_a_server_ignores_is_said_and_kept(tmp_path):
    with in_a_thread(embedded) as (url, _):
        result = attune("doctor", "--probe", "openai:x", "--base-url", url, "--json", cwd=tmp_path)
    probe = json.loads(result.stdout)["probe"]
    assert probe["answer"] == "Good morning."
    assert probe["capabilities"]["structured"] is None
    assert "temperature" in probe["capabilities"]["ignored"]


def test_the_prefix_report_of_a_run(tmp_path):
    attune("simulate", "--dialogues", 3, "--out", "r", cwd=tmp_path)
    result = attune("show", "r", "--prefix", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "responder" in result.stdout
    assert "cacheable" in result.stdout
    assert attune("show", "r", "0", "--prefix", cwd=tmp_path).returncode == 2


def test_a_server_that_no_model_asks_is_a_mistake(tmp_path):
    result = attune("simulate", "--base-url", "http://127.0.0.1:8000/v1", "--out", "r",
                    cwd=tmp_path)  # fmt: skip
    assert result.returncode == 2
    assert "is asked by no model of this run; name one with --model openai:NAME" in result.stderr
    assert not (tmp_path / "r").exists()
    assert attune("doctor", "--base-url", "http://h/v1", cwd=tmp_path).returncode == 2


def test_settings_without_effect_are_named(tmp_path):
    result = attune("simulate", "--graph", "direct", "--dialogues", 1, "--out", "r",
                    "--decoding", "planner.temperature=0", "--price", "openai:typo=1,2",
                    "--max-usd", 5, cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0
    assert "Note: the planner takes no part in this run" in result.stderr
    assert "Note: openai:typo has a price, but no part in this run" in result.stderr
    assert "Note: the run costs nothing" in result.stderr


@pytest.mark.parametrize(
    ("spec", "says"),
    [("opnai:gpt", "did you mean openai:gpt?"), ("HF:folder", "did you mean hf:folder?"),
     ("openai:gpt@", "names no address behind its @")],
)  # fmt: skip
def test_a_misspelt_spec_is_set_right(spec, says, tmp_path):
    result = attune("simulate", "--model", spec, cwd=tmp_path)
    assert result.returncode == 2
    assert says in result.stderr


@pytest.mark.parametrize("port", [99999, "abc", ""])
def test_an_address_that_is_none_is_refused_before_anything_is_asked(port, tmp_path):
    url = f"http://127.0.0.1:{port} /v1" if port == "" else f"http://127.0.0.1:{port}/v1"
    result = attune("simulate", "--model", "openai:x", "--base-url", url, cwd=tmp_path)
    assert result.returncode == 2
    assert "`base_url` must be like" in result.stderr


def test_a_key_that_can_be_none_is_refused_and_not_shown(tmp_path):
    (tmp_path / ".env").write_text('OPENAI_API_KEY="sk-one\nsk-two"\n')
    result = attune("doctor", "--probe", "openai:x", "--base-url", "http://127.0.0.1:9/v1",
                    cwd=tmp_path)  # fmt: skip
    assert result.returncode == 2
    assert "`OPENAI_API_KEY` holds a line break" in result.stderr
    assert "sk-" not in result.stderr + result.stdout


def test_one_of_two_servers_that_is_down_does_not_keep_a_run_from_starting(tmp_path):
    with in_a_thread(embedded) as (url, _):
        result = attune("simulate", "--graph", "direct", "--model-for", "responder=openai:x",
                        "--base-url", "http://127.0.0.1:9/v1", "--base-url", url,
                        "--dialogues", 2, "--max-turns", 2, "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "2 done" in result.stdout
