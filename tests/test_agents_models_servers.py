"""One model on several servers, servers that die and come back, and runs that stop meanwhile."""

import asyncio
import signal
import threading
import time

import pytest
from aiohttp import web

from attunement.agents.models import endpoint
from attunement.agents.models.base import Ask, Capabilities
from attunement.agents.models.openai import OpenAIChat
from attunement.core.errors import ConfigError, ModelError, StoppedError
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, open_run, run
from tests.helpers import PERSONA, exported
from tests.servers import GOOD, embedded, in_a_thread, reset, role_of, serving, status

ASK = Ask([{"role": "user", "content": "Hi"}])
KNOWN = Capabilities(usage=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("attunement.agents.models.wire.FIRST_WAIT", 0.001)
    monkeypatch.setattr(endpoint, "FIRST_PAUSE", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


async def until(happened):
    """Wait for something that only time brings; the test's own limit is the patience."""
    while not happened():  # noqa: ASYNC110  # what is waited for is no event of ours
        await asyncio.sleep(0.001)


async def many(chat, count):
    return await asyncio.gather(*(chat.answer(ASK) for _ in range(count)), return_exceptions=True)


def test_several_servers_share_the_calls():
    async def go():
        async with serving(GOOD) as (one, first), serving(GOOD) as (two, second):
            chat = OpenAIChat("tiny", [one, two])
            await many(chat, 40)
            await chat.aclose()
            return len(first), len(second)

    assert asyncio.run(go()) == (20, 20)


def test_a_slow_server_gets_fewer_calls_than_a_quick_one():
    over = []

    async def slow(request):
        await until(lambda: over)
        return web.json_response(GOOD)

    async def go():
        async with serving(slow) as (one, first), serving(GOOD) as (two, second):
            chat = OpenAIChat("tiny", [one, two])
            waiting = asyncio.create_task(many(chat, 4))
            await until(lambda: len(first) == 2)
            for _ in range(20):
                await chat.answer(ASK)
            seen = len(first), len(second)
            over.append(True)
            await waiting
            await chat.aclose()
            return seen

    assert asyncio.run(go()) == (2, 22)


def test_a_dead_server_is_left_alone_while_another_lives():
    async def go():
        async with serving(GOOD) as (alive, requests):
            chat = OpenAIChat("tiny", ["http://127.0.0.1:9/v1", alive])
            answers = await many(chat, 60)
            trouble = chat.trouble
            await chat.aclose()
            return answers, trouble, len(requests)

    answers, trouble, served = asyncio.run(go())
    assert [a for a in answers if isinstance(a, Exception)] == []
    assert served == 60
    assert "http://127.0.0.1:9/v1 does not answer" in trouble


async def calm(request):
    return web.json_response({"data": []})


def test_a_server_that_dies_is_waited_for_and_the_calls_go_on_by_themselves():
    """While it is down no try is used up: a call survives far more failures than it has tries."""
    state = {"dead": False, "deaths": 0}

    async def mortal(request):
        if state["dead"]:
            state["deaths"] += 1
            return await reset(request)
        return web.json_response(GOOD)

    async def listing(request):
        return web.Response(status=503) if state["dead"] else await calm(request)

    async def go():
        async with serving(mortal, models=listing) as (url, _):
            chat = OpenAIChat("tiny", url)
            await chat.answer(ASK)
            state["dead"] = True
            waiting = asyncio.create_task(many(chat, 30))
            await until(lambda: "does not answer" in chat.trouble)
            await asyncio.sleep(0.1)  # several looks, all of them in vain
            deaths = state["deaths"]
            assert not waiting.done()
            state["dead"] = False
            answers = await waiting
            assert chat.trouble == ""
            await chat.aclose()
            return answers, deaths

    answers, deaths = asyncio.run(go())
    assert [a.text for a in answers] == ["Hello é"] * 30
    assert 8 <= deaths <= 30


def test_a_server_that_only_looks_alive_fails_the_call_for_good():
    async def go():
        async with serving(GOOD, reset, models=calm) as (url, _):
            chat = OpenAIChat("tiny", url)
            await chat.answer(ASK)
            answers = await many(chat, 10)
            await chat.aclose()
            return answers

    assert {type(a) for a in asyncio.run(go())} == {ModelError}


def test_stopping_ends_what_waits_and_leaves_what_was_sent():
    over = []

    async def slow(request):
        await until(lambda: over)
        return web.json_response(GOOD)

    async def go():
        async with serving(slow) as (url, requests):
            chat = OpenAIChat("tiny", url)
            chat.wire.pool.endpoints[0].limit = 2
            waiting = asyncio.create_task(many(chat, 5))
            await until(lambda: len(requests) == 2)
            chat.stop()
            over.append(True)
            answers = await waiting
            await chat.aclose()
            again = await chat.answer(ASK)
            await chat.aclose()
            return answers, again, len(requests)

    answers, again, requests = asyncio.run(go())
    assert sorted(type(a).__name__ for a in answers) == ["Answer"] * 2 + ["StoppedError"] * 3
    assert again.text == "Hello é"
    assert requests == 3


def test_a_call_between_two_tries_is_ended_by_stopping(monkeypatch):
    async def go():
        async with serving(status(429, {"Retry-After": "3000"})) as (url, requests):
            chat = OpenAIChat("tiny", url)
            waiting = asyncio.create_task(chat.answer(ASK))
            await until(lambda: requests)
            await asyncio.sleep(0.05)
            chat.stop()
            with pytest.raises(StoppedError):
                await waiting
            await chat.aclose()

    asyncio.run(go())


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://secret@host/v1"])
def test_a_password_in_an_address_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigError, match="must hold no name or password") as error:
        OpenAIChat("tiny", url)
    assert "secret" not in str(error.value)


def test_a_key_that_a_server_repeats_is_hidden(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")

    async def go():
        async with serving(status(401, text="bad key sk-very-secret")) as (url, _):
            chat = OpenAIChat("tiny", url)
            try:
                await chat.answer(ASK)
            finally:
                await chat.aclose()

    with pytest.raises(ModelError, match=r"bad key \*\*\*"):
        asyncio.run(go())


def test_a_run_whose_server_dies_goes_on_when_it_is_back(tmp_path):
    """And says so meanwhile."""
    state = {"answered": 0, "dead": False}
    seen = []

    async def mortal(request):
        if role_of(await request.json()):
            state["answered"] += 1
            state["dead"] = state["dead"] or state["answered"] == 20
        if state["dead"]:
            return await reset(request)
        return await embedded(request)

    async def listing(request):
        return web.Response(status=503) if state["dead"] else await calm(request)

    tally = Tally()

    def watch():
        while not seen:
            if found := tally.trouble():
                seen.append(found)
                state["dead"] = False
                state["answered"] = 1000
            time.sleep(0.001)

    watcher = threading.Thread(target=watch, daemon=True)
    with in_a_thread(mortal, models=listing) as (url, _):
        config = RunConfig(model="openai:tiny", base_url=(url,), dialogues=12)
        create_run(tmp_path / "r", config, Cast([PERSONA], [0] * 12))
        watcher.start()
        assert run(tmp_path / "r", tally=tally)
    watcher.join()
    assert f"{url} does not answer" in seen[0]
    assert tally.failed == tally.failed_calls == 0
    assert tally.done == 12


def test_a_run_with_a_dead_server_stops_at_once_and_resumes(tmp_path):
    """Calls that wait for a server hold no stop up; they were never made."""
    state = {"answered": 0, "dead": False}

    async def mortal(request):
        state["answered"] += bool(role_of(await request.json()))
        if state["dead"] or state["answered"] > 20:
            state["dead"] = True
            return await reset(request)
        return await embedded(request)

    async def listing(request):
        return web.Response(status=503) if state["dead"] else await calm(request)

    tally = Tally()

    def stop():
        while not tally.trouble():
            time.sleep(0.001)
        signal.raise_signal(signal.SIGINT)

    with in_a_thread(mortal, models=listing) as (url, _):
        config = RunConfig(model="openai:tiny", base_url=(url,), dialogues=12)
        create_run(tmp_path / "r", config, Cast([PERSONA], [0] * 12))
        stopper = threading.Thread(target=stop, daemon=True)
        stopper.start()
        assert not run(tmp_path / "r", tally=tally)
        stopper.join()
        assert tally.stopped_by == "a signal"
        assert tally.failed == 0
        state.update(dead=False, answered=-100_000)
        assert run(tmp_path / "r")
    assert open_run(tmp_path / "r")[1].counts()["done"] == 12
    assert b'"error":"' not in exported(tmp_path / "r")


def test_an_outage_with_503_uses_up_no_tries():
    state = {"dead": False}

    async def mortal(request):
        return web.Response(status=503) if state["dead"] else web.json_response(GOOD)

    async def listing(request):
        return web.Response(status=503) if state["dead"] else await calm(request)

    async def go():
        async with serving(mortal, models=listing) as (url, _):
            chat = OpenAIChat("tiny", url)
            await chat.answer(ASK)
            state["dead"] = True
            waiting = asyncio.create_task(many(chat, 64))
            await until(lambda: "does not answer" in chat.trouble)
            await asyncio.sleep(0.2)
            state["dead"] = False
            answers = await waiting
            await chat.aclose()
            return answers

    assert {type(a).__name__ for a in asyncio.run(go())} == {"Answer"}


def test_a_quota_slows_a_server_down_and_fails_no_call():
    """Twenty answers, then 429 for a while, again and again."""
    state = {"left": 20}

    async def rationed(request):
        if state["left"] == 0:
            asyncio.get_running_loop().call_later(0.05, state.update, {"left": 20})
            state["left"] = -1
        if state["left"] < 0:
            return web.Response(status=429)
        state["left"] -= 1
        return web.json_response(GOOD)

    async def go():
        async with serving(rationed, models=calm) as (url, _):
            chat = OpenAIChat("tiny", url)
            answers = await many(chat, 128)
            await chat.aclose()
            return answers

    answers = asyncio.run(go())
    failed = [a for a in answers if isinstance(a, Exception)]
    assert failed == []


def test_a_key_that_a_spoilt_answer_repeats_is_hidden(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setattr("attunement.agents.models.wire.TRIES", 1)
    echo = status(200, text='{"headers": "' + "x" * 180 + 'Bearer sk-very-secret"}')

    async def go():
        async with serving(echo) as (url, _):
            chat = OpenAIChat("tiny", url)
            try:
                await chat.answer(ASK)
            finally:
                await chat.aclose()

    with pytest.raises(ModelError) as error:
        asyncio.run(go())
    assert "sk-" not in str(error.value)


def test_a_stranger_named_by_a_spec_is_not_shown_the_key_of_all(monkeypatch):
    from attunement.agents.models.secrets import key_for

    monkeypatch.setenv("OPENAI_API_KEY", "sk-all")
    assert key_for("https://api.stranger.com/v1", named=False) == ""
    assert key_for("https://api.stranger.com/v1") == "sk-all"
    assert key_for("http://10.0.0.7:8000/v1", named=False) == "sk-all"
    monkeypatch.setenv("OPENAI_API_KEY_API_STRANGER_COM", "sk-own")
    assert key_for("https://api.stranger.com/v1", named=False) == "sk-own"


@pytest.mark.parametrize("field", ["repetition_penalty", "top_p", "top_k", "temperature"])
def test_a_server_that_refuses_odd_values_can_still_be_used(field):
    """The probe asks for values that a run would not; only a plain question must be answered."""
    from attunement.agents.models.probe import probe_server

    usual = {"repetition_penalty": 1.2, "top_p": 0.8, "top_k": 50, "temperature": 0.9}

    async def picky(request):
        body = await request.json()
        if body.get(field, usual[field]) != usual[field]:
            return web.Response(status=400, text="out of range")
        return web.json_response(GOOD)

    async def go():
        async with serving(picky) as (url, _):
            chat = OpenAIChat("tiny", url)
            found = await probe_server(chat)
            await chat.aclose()
            return found

    assert field not in asyncio.run(go()).refused
