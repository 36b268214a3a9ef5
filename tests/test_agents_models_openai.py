"""The OpenAI-compatible client against a real server on this machine, kind and unkind."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from attunement.agents.models.base import Ask, Decoding
from attunement.agents.models.endpoint import Pool
from attunement.agents.models.openai import OpenAIChat
from attunement.agents.models.registry import make_backend
from attunement.core.errors import ConfigError, ModelError
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.run import create_run, open_run, run
from tests.helpers import PERSONA, exported
from tests.servers import (
    GOOD,
    embedded,
    garbage,
    half,
    in_a_thread,
    reset,
    role_of,
    serving,
    status,
)

MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi 🙂"}]


def ask(*answers, key="", tries=1, monkeypatch=None, wanted=None):
    """Ask once per try; returns (last answer, requests)."""

    async def go():
        async with serving(*answers) as (url, requests):
            chat = OpenAIChat("tiny", url)
            try:
                for _ in range(tries):
                    answer = await chat.answer(wanted or Ask(MESSAGES, seed=5))
                return answer, requests
            finally:
                await chat.aclose()

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("attunement.agents.models.wire.FIRST_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def test_an_answer_with_its_token_counts():
    answer, requests = ask(GOOD)
    assert (answer.text, answer.prompt_tokens, answer.completion_tokens) == ("Hello é", 7, 2)
    headers, body = requests[0]
    assert body["messages"] == MESSAGES
    assert (body["model"], body["seed"]) == ("tiny", 5)
    assert "Authorization" not in headers


def test_decoding_reaches_the_server():
    decoding = Decoding(temperature=0.3, top_p=0.5, max_tokens=9)
    _, requests = ask(GOOD, wanted=Ask(MESSAGES, decoding=decoding))
    sent = requests[0][1]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.3, 0.5, 9)


def test_the_key_comes_from_the_environment_and_is_shown_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    _, requests = ask(GOOD)
    assert requests[0][0]["Authorization"] == "Bearer sk-secret"
    chat = OpenAIChat("tiny", "http://127.0.0.1:1/v1")
    assert "sk-secret" not in repr(chat) + str(chat.model_dump())


@pytest.mark.parametrize(
    "fault",
    [status(500), status(529), status(503), status(429, {"Retry-After": "0"}), reset, half, garbage,
     status(429, {"Retry-After": "soon"}), status(200, text="[]"),
     status(200, text='{"choices":[]}'),
     status(200, text='{"choices":[{"message":{"content":["a"]}}]}'),
     status(200, text='{"choices":[{"message":{"content":5}}]}')],
    ids=["500", "529", "503", "429", "reset", "half", "html", "odd-retry-after", "list",
         "no-choice", "parts", "number"],
)  # fmt: skip
def test_a_passing_fault_is_tried_again(fault):
    answer, requests = ask(fault, fault, GOOD)
    assert answer.text == "Hello é"
    assert len(requests) == 3


def soon(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 7.7), ("in 50 minutes", 2000, 3300), ("0.5", 0.5, 0.55), ("inf", 3600, 3960),
     ("-3", 0, 0.002), ("soon", 0, 0.002)],
)  # fmt: skip
def test_retry_after_is_honoured(monkeypatch, header, least, most):
    waits = []
    header = soon(3000) if header == "in 50 minutes" else header

    async def note(self, seconds):
        waits.append(seconds)

    monkeypatch.setattr(Pool, "wait", note)
    ask(status(429, {"Retry-After": header}), GOOD)
    assert len(waits) == 1
    assert least <= waits[0] <= most


def test_a_lasting_fault_fails_with_its_reason():
    with pytest.raises(ModelError, match=r"openai:tiny at http://127.*HTTP 503: overloaded"):
        ask(status(503, text="overloaded"))


def test_a_refused_request_is_not_repeated():
    async def go():
        async with serving(status(404, text="no such model")) as (url, requests):
            chat = OpenAIChat("tiny", url)
            with pytest.raises(ModelError, match="no such model"):
                await chat.answer(Ask(MESSAGES))
            await chat.aclose()
            return len(requests)

    assert asyncio.run(go()) == 1


def test_a_server_that_is_not_there_fails_with_its_address():
    chat = OpenAIChat("tiny", "http://127.0.0.1:9/v1")

    async def go():
        try:
            await chat.answer(Ask(MESSAGES))
        finally:
            await chat.aclose()

    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
        asyncio.run(go())


def test_empty_content_is_an_empty_answer():
    answer, _ = ask({"choices": [{"message": {"content": None}}]})
    assert answer.text == ""
    assert answer.prompt_tokens is None


@pytest.mark.parametrize("count", [2**64 - 1, -1, "7", {"a": 1}, 1.5, True])
def test_an_odd_token_count_is_no_count(count):
    odd = GOOD | {"usage": {"prompt_tokens": count, "completion_tokens": 2}}
    answer, _ = ask(odd)
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, 2)


def test_openai_itself_needs_a_key():
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        make_backend("openai:gpt")


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://x/v1", "http://", "http://[::1/v1"])
def test_an_address_without_scheme_or_host_is_refused(url):
    with pytest.raises(ConfigError, match="base_url"):
        make_backend("openai:gpt", url)


@pytest.mark.parametrize("spec", ["", "openai", "openai:", "gpt-4", ":x", "rehearsal:2"])
def test_an_unknown_spec_names_the_known_ones(spec):
    with pytest.raises(ConfigError, match=r"known: rehearsal, openai:NAME"):
        make_backend(spec, "http://127.0.0.1:1/v1")


def test_it_is_a_langchain_chat_model():
    async def go():
        async with serving(GOOD) as (url, requests):
            chat = OpenAIChat("tiny", url)
            message = await chat.ainvoke([("system", "Be kind."), ("human", "Hi 🙂")])
            await chat.aclose()
            return message, requests

    message, requests = asyncio.run(go())
    assert message.content == "Hello é"
    assert message.usage_metadata["total_tokens"] == 9
    assert requests[0][1]["messages"] == MESSAGES


def test_a_run_over_a_real_server_end_to_end(tmp_path):
    cast = Cast([PERSONA], [0, 0])
    with in_a_thread(embedded) as (url, requests):
        config = RunConfig(model="openai:tiny", base_url=(url,), dialogues=2)
        create_run(tmp_path / "http", config, cast)
        assert run(tmp_path / "http")
    turns = exported(tmp_path / "http", calls=False).splitlines()
    calls = exported(tmp_path / "http").splitlines()[len(turns) :]
    assert all(json.loads(turn)["error"] is None for turn in turns)
    assert len(turns) > 4
    assert len(calls) == sum(role_of(body) is not None for _, body in requests)
    assert {json.loads(call)["model"] for call in calls} == {"openai:tiny"}


def test_what_a_server_can_do_is_asked_once_and_kept(tmp_path):
    with in_a_thread(embedded) as (url, requests):
        config = RunConfig(model="openai:tiny", base_url=(url,), dialogues=1)
        create_run(tmp_path / "r", config, Cast([PERSONA], [0]))
        run(tmp_path / "r")
        probes = sum(role_of(body) is None for _, body in requests)
        assert probes > 5
        found = open_run(tmp_path / "r")[0].capabilities["openai:tiny"]
        assert (found.structured, found.logprobs, found.usage) == (None, False, False)
        assert run(tmp_path / "r")
        assert sum(role_of(body) is None for _, body in requests) == probes
