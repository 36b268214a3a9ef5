"""`provider:name` through LangChain's own clients, against a real server on this machine."""

import asyncio
import json
import re
import sys
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

pytest.importorskip("langchain")
pytest.importorskip("langchain_deepseek")
pytest.importorskip("langchain_ollama")

from langchain_core.messages import AIMessage

from attunement.agents.models.base import Answer, Ask, Decoding
from attunement.agents.models.provider import ProviderChat, _read
from attunement.core.errors import ConfigError, ModelError, StoppedError
from attunement.core.records import Plan

MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi 🙂"}]
KEY = "sk-4f9a77e2"
DECODING = Decoding(temperature=0.3, top_p=0.7, top_k=20, repetition_penalty=1.2, max_tokens=9)

ASK = Ask(MESSAGES, seed=5, decoding=DECODING)


@asynccontextmanager
async def serving(*answers):
    """A server that gives its answers in turn (the last one for ever); yields (url, requests)."""
    requests = []

    async def complete(request: web.Request) -> web.StreamResponse:
        requests.append((request.path, await request.json()))
        answer = answers[min(len(requests), len(answers)) - 1]
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        if isinstance(body, list):
            lines = "".join(json.dumps(line) + "\n" for line in body)
            return web.Response(text=lines, content_type="application/x-ndjson")
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/{path:.*}", complete)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}", requests
    finally:
        await runner.cleanup()


def completion(text="Hello é", reason="stop", cached=None):
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    if cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    message = {"role": "assistant", "content": text}
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": "tiny", "usage": usage,
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
    }  # fmt: skip


def streamed(*parts, reason="stop"):
    head = {"model": "tiny", "created_at": "2025-01-01T00:00:00Z"}
    lines = [head | {"message": {"role": "assistant", "content": p}, "done": False} for p in parts]
    counts = {"prompt_eval_count": 7, "eval_count": 2, "done": True, "done_reason": reason}
    return [*lines, head | {"message": {"role": "assistant", "content": ""}} | counts]


def refusal(message):
    return 400, {"error": {"message": message, "type": "invalid_request_error"}}


@pytest.fixture
def ask(monkeypatch):
    """Ask `spec` each of the `asks` in turn; returns (answers, requests, backend)."""
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)

    def run(spec, *answers, asks=(ASK,)):
        async def go():
            async with serving(*answers) as (url, requests):
                monkeypatch.setenv("DEEPSEEK_API_BASE", url)
                monkeypatch.setenv("OLLAMA_HOST", url)
                backend = ProviderChat(spec)
                try:
                    return [await backend.answer(a) for a in asks], requests, backend
                finally:
                    await backend.aclose()

        return asyncio.run(go())

    return run


# ---- what is sent and read ----------------------------------------------------------------------


def test_an_openai_like_provider_gets_its_fields_and_counts(ask):
    (answer,), ((path, body),), backend = ask("deepseek:tiny", completion(cached=4))
    assert answer == Answer("Hello é", 7, 2, 4)
    assert path == "/chat/completions"
    assert body["messages"] == MESSAGES
    wanted = {"model": "tiny", "temperature": 0.3, "top_p": 0.7, "seed": 5, "max_tokens": 9}
    assert {key: body[key] for key in wanted} == wanted
    assert not {"top_k", "repetition_penalty"} & body.keys()
    found = asyncio.run(backend.capabilities())
    assert set(found.refused) == {"top_k", "repetition_penalty"}
    assert found.structured is None
    assert backend.spec == "deepseek:tiny"


def test_ollama_gets_the_same_fields_by_its_own_names(ask):
    (answer,), ((path, body),), backend = ask("ollama:tiny:7b", streamed("Hel", "lo é"))
    assert answer == Answer("Hello é", 7, 2)
    assert (path, body["model"], body["messages"]) == ("/api/chat", "tiny:7b", MESSAGES)
    assert body["options"] == {
        "temperature": 0.3, "top_p": 0.7, "top_k": 20, "repeat_penalty": 1.2, "num_predict": 9,
        "seed": 5,
    }  # fmt: skip
    assert asyncio.run(backend.capabilities()).refused == ()
    assert backend.spec == "ollama:tiny:7b"


def test_each_request_has_its_own_seed_and_decoding(ask):
    asks = [
        Ask(MESSAGES, seed=1, decoding=DECODING),
        Ask(MESSAGES, seed=2, decoding=DECODING, schema=Plan),
        Ask(MESSAGES, seed=3, decoding=Decoding(temperature=0)),
        Ask(MESSAGES, seed=4, decoding=DECODING),
    ]
    _, requests, _ = ask("ollama:tiny", streamed("x"), asks=asks)
    options = [body["options"] for _, body in requests]
    assert [o["seed"] for o in options] == [1, 2, 3, 4]
    assert [o["temperature"] for o in options] == [0.3, 0.3, 0, 0.3]
    assert [o.get("top_k") for o in options] == [20, 20, None, 20]


def test_an_answer_that_ran_into_the_limit_says_so(ask):
    assert ask("deepseek:tiny", completion(reason="length"))[0][0].cut
    assert ask("ollama:tiny", streamed("x", reason="length"))[0][0].cut
    assert not ask("ollama:tiny", streamed("x"))[0][0].cut


@pytest.mark.parametrize(
    "metadata", [{"stop_reason": "max_tokens"}, {"finish_reason": "MAX_TOKENS"}]
)
def test_text_parts_are_joined_and_every_providers_end_is_known(metadata):
    parts = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo"},
    ]
    usage = {
        "input_tokens": 3, "output_tokens": 1, "total_tokens": 4,
        "input_token_details": {"cache_read": 2},
    }  # fmt: skip
    message = AIMessage(parts, usage_metadata=usage, response_metadata=metadata)
    assert _read(message) == Answer("Hello", 3, 1, 2, cut=True)
    assert _read(AIMessage("x")) == Answer("x")


@pytest.mark.parametrize("spec", ["deepseek:tiny", "ollama:tiny"])
def test_many_calls_at_a_time_and_a_new_loop_and_use_after_closing(spec, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    reply = streamed("x") if spec.startswith("ollama") else completion("x")

    async def go(backend, count):
        answers = await asyncio.gather(
            *(backend.answer(Ask(MESSAGES, seed=seed)) for seed in range(count))
        )
        await backend.aclose()
        return [answer.text for answer in answers]

    async def all_of_it():
        async with serving(reply) as (url, requests):
            monkeypatch.setenv("DEEPSEEK_API_BASE", url)
            monkeypatch.setenv("OLLAMA_HOST", url)
            backend = ProviderChat(spec)
            for count in (20, 2):
                said = await asyncio.to_thread(asyncio.run, go(backend, count))
                assert said == ["x"] * count
            return requests

    assert len(asyncio.run(all_of_it())) == 22


def test_closing_one_backend_leaves_connections_to_others_that_share_them(monkeypatch):
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    async def go():
        async with serving(completion("x")) as (url, _):
            monkeypatch.setenv("OPENAI_API_BASE", url)
            first, second = ProviderChat("openai:tiny"), ProviderChat("openai:tiny")
            await first.answer(ASK)
            await first.aclose()
            return [(await backend.answer(ASK)).text for backend in (second, first)]

    assert asyncio.run(go()) == ["x", "x"]


def test_as_a_langchain_model_it_answers_twice_without_a_loop(monkeypatch, ask):
    async def go():
        async with serving(streamed("Hello.")) as (url, _):
            monkeypatch.setenv("OLLAMA_HOST", url)
            backend = ProviderChat("ollama:tiny")
            return [(await asyncio.to_thread(backend.invoke, "Hi")).text for _ in range(2)]

    assert asyncio.run(go()) == ["Hello.", "Hello."]


# ---- what a model does not take -----------------------------------------------------------------


def test_a_field_that_the_model_does_not_take_is_sent_no_more(ask):
    both = refusal("`temperature` and `top_p` cannot both be specified for this model.")
    asks = [Ask(MESSAGES, decoding=DECODING)] * 2
    answers, requests, backend = ask("deepseek:tiny", both, completion(), asks=asks)
    assert [a.text for a in answers] == ["Hello é", "Hello é"]
    assert ["top_p" in body for _, body in requests] == [True, False, False]
    assert all("temperature" in body for _, body in requests)
    assert "top_p" in asyncio.run(backend.capabilities()).refused


def test_the_length_is_never_given_up(ask):
    with pytest.raises(ModelError, match="max_tokens"):
        ask("deepseek:tiny", refusal("max_tokens 9 is not supported"))


def test_a_value_out_of_range_is_no_reason_to_drop_the_field(ask):
    with pytest.raises(ModelError, match="temperature must be"):
        ask("deepseek:tiny", refusal("temperature must be in [0, 0.2]"))


# ---- what goes wrong ----------------------------------------------------------------------------


def test_a_failure_is_a_model_error_with_type_and_words_and_no_key(ask):
    wrong = refusal(f"no such model; your key {KEY}\nis not for it")
    with pytest.raises(ModelError) as caught:
        ask("deepseek:tiny", wrong)
    said = str(caught.value)
    assert re.match(r"deepseek:tiny: \w+Error: Error code: 400 - no such model", said)
    assert "your key *** is not for it" in said
    assert KEY not in said
    with pytest.raises(ModelError, match=r"ollama:tiny: ResponseError: .*model not found"):
        ask("ollama:tiny", (404, {"error": "model not found"}))


def test_a_server_that_is_not_there_is_a_model_error(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="ollama:tiny: Connect"):
        asyncio.run(ProviderChat("ollama:tiny").answer(ASK))


def test_an_answer_that_is_no_text_is_a_model_error(ask):
    with pytest.raises(ModelError, match=r"deepseek:tiny: \w+Error: "):
        ask("deepseek:tiny", {"choices": []} | {"object": "error"})


def test_a_stopped_backend_sends_nothing_until_it_is_closed(monkeypatch):
    async def go():
        async with serving(streamed("x")) as (url, requests):
            monkeypatch.setenv("OLLAMA_HOST", url)
            backend = ProviderChat("ollama:tiny")
            backend.stop()
            with pytest.raises(StoppedError):
                await backend.answer(Ask(MESSAGES))
            assert not requests
            await backend.aclose()
            text = (await backend.answer(ASK)).text
            await backend.aclose()
            return text

    assert asyncio.run(go()) == "x"


def test_a_cancelled_call_is_dropped(monkeypatch):
    async def go():
        reached, ended = asyncio.Event(), asyncio.Event()

        async def hang(request: web.Request) -> web.Response:
            reached.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return web.Response()

        app = web.Application()
        app.router.add_post("/{path:.*}", hang)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{port}")
        backend = ProviderChat("ollama:tiny")
        call = asyncio.ensure_future(backend.answer(ASK))
        await reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await ended.wait()
        await backend.aclose()
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(go(), 30))


# ---- what cannot be made ------------------------------------------------------------------------


def test_a_missing_key_is_said_in_the_providers_words(monkeypatch):
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.delenv("DEEPSEEK_API_BASE", raising=False)
    with pytest.raises(ConfigError, match=r"`deepseek:tiny`: .*DEEPSEEK_API_KEY"):
        ProviderChat("deepseek:tiny")


def test_a_missing_package_is_named_with_its_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain_groq", None)
    with pytest.raises(ConfigError, match=r"`groq:tiny`: .*pip install langchain-groq"):
        ProviderChat("groq:tiny")
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(ConfigError, match="pip install langchain langchain-groq"):
        ProviderChat("groq:tiny")


def test_an_unknown_provider_is_said_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"`nobody:tiny`: .*nobody.*anthropic"):
        ProviderChat("nobody:tiny")
    for spec in ("deepseek:", ":tiny", "tiny"):
        with pytest.raises(ConfigError, match="must be like provider:name"):
            ProviderChat(spec)
