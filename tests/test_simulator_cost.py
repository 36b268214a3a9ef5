"""Costs: what tokens are priced at, what a run has spent, and the bound that stops it."""

import asyncio
import json
import re
from importlib import resources

import pytest
from pydantic import ValidationError

from attunement.agents.models.base import Answer, Ask
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import ConfigError
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import (
    FREE,
    Budget,
    Price,
    Purse,
    Reserve,
    check_priced,
    packaged_prices,
    price_of,
)
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run
from tests.helpers import ANSWERS, PERSONA, exported, journal_of

PRICE = Price(prompt=2, completion=10, cached=1)
PROMPT, CACHED, COMPLETION = 100, 40, 10
TOKENS = PROMPT + COMPLETION
"""Of each call that `CountingChat` answers."""
USD = (60 * 2 + 40 * 1 + 10 * 10) / 1e6
"""What such a call costs at `PRICE`."""
DIALOGUES, CONCURRENCY, CALLS = 12, 4, 12 * (5 * 2 + 1)
"""A run of two turns, five calls each and the seeker's opening."""
RESERVE = 16
"""What is set aside for one call, in calls: these answers count fewer tokens than they have."""


class CountingChat(ScriptedChat):
    """Good answers that depend on the seed; every call has the same tokens."""

    spec_: str = "scripted"

    def __init__(self, spec: str = "scripted") -> None:
        super().__init__([])
        self.spec_ = spec

    @property
    def spec(self) -> str:
        return self.spec_

    async def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        await asyncio.sleep(0)  # so that all dialogues have a call in flight
        found = ANSWERS[ask.role]
        text = f"{found} {ask.seed}" if isinstance(found, str) else json.dumps(found)
        return Answer(text, PROMPT, COMPLETION, CACHED)


def lay_out(folder, chat, **settings):
    config = RunConfig(
        model=chat.spec,
        max_turns=2,
        concurrency=CONCURRENCY,
        dialogues=DIALOGUES,
        decoding={"max_tokens": COMPLETION},
        **settings,
    )
    create_run(folder, config, Cast([PERSONA], [0] * DIALOGUES), check_models=False)
    return folder


def spent(folder):
    """(calls, tokens) that a run's journal holds."""
    journal = journal_of(folder)
    rows = journal.usage()
    journal.close()
    return sum(r.calls for r in rows), sum(r.prompt_tokens + r.completion_tokens for r in rows)


# The table


@pytest.mark.parametrize("key", sorted(packaged_prices()))
def test_a_row_of_the_packaged_table_is_found_and_costs_something(key):
    price = packaged_prices()[key]
    assert price.prompt > 0
    assert price.completion > 0
    assert price.cached is None or 0 < price.cached <= price.prompt
    host, _, model = key.partition(":")
    spec = f"openai:{model}@https://{host}/v1" if "." in host else key
    assert price_of(spec, {}) == price


def test_the_packaged_table_says_of_which_day_it_is():
    text = (resources.files("attunement.simulator") / "prices.toml").read_text("utf-8")
    head = text.partition("[prices]")[0]
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", head)
    assert "--price" in head


@pytest.mark.parametrize("row", [{"prompt": -1, "completion": 1}, {"prompt": 1},
                                 {"prompt": 1, "completion": 1, "cached": -1},
                                 {"prompt": 1, "completion": 1, "output": 1}])  # fmt: skip
def test_what_is_no_price(row):
    with pytest.raises(ValidationError):
        Price.model_validate(row)


def test_a_price_of_tokens():
    assert PRICE.of(PROMPT, CACHED, COMPLETION) == pytest.approx(USD)
    assert PRICE.of(1_000_000, 0, 1_000_000) == 12
    assert Price(prompt=2, completion=10).of(1_000_000, 400_000, 0) == 2
    assert FREE.of(PROMPT, CACHED, COMPLETION) == 0


def test_more_cached_tokens_than_prompt_earn_nothing():
    assert Price(prompt=2, completion=0, cached=0).of(100, 300, 0) == 0


# Whose price


def test_the_users_own_price_comes_first():
    for spec in ("rehearsal", "openai:gpt-4o-mini", "openai:m@http://127.0.0.1:1/v1", "x:y"):
        assert price_of(spec, {spec: PRICE}) == PRICE
        assert price_of(spec, {"another": PRICE}) != PRICE


@pytest.mark.parametrize("spec", ["rehearsal", "scripted", "hf:models/small+mine",
                                  "vllm:models/small", "ollama:llama"])  # fmt: skip
def test_models_of_ones_own_machine_are_free(spec):
    assert price_of(spec, {}) == FREE


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "10.0.0.5",
                                  "172.16.0.3", "192.168.1.2:80", "gpu7:8000", "box.local",
                                  "box.internal"])  # fmt: skip
def test_servers_of_a_private_network_are_free(host):
    assert price_of("openai:gpt-4o-mini", {}, (f"http://{host}/v1",)) == FREE
    assert price_of(f"openai:gpt-4o-mini@http://{host}/v1", {}) == FREE


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]", "llm.example.com",
                                  "localhost.example.com"])  # fmt: skip
def test_other_servers_are_not(host):
    assert price_of(f"openai:gpt-4o-mini@http://{host}/v1", {}) is None


def test_hosted_models_are_priced_by_host_and_name(monkeypatch):
    table = packaged_prices()
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert price_of("openai:gpt-4o-mini", {}) == table["api.openai.com:gpt-4o-mini"]
    assert price_of("openai:deepseek-flash", {}) is None
    url = "https://api.deepseek.com"
    flash = table["api.deepseek.com:deepseek-flash"]
    assert price_of("openai:deepseek-flash", {}, (url,)) == flash
    assert price_of(f"openai:deepseek-flash@{url}", {}, ("http://127.0.0.1:1/v1",)) == flash
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert price_of("openai:deepseek-flash", {}) == flash
    assert price_of("openai:gpt-4o-mini", {}) is None


def test_one_hosted_server_among_ones_own_is_not_free():
    urls = ("https://api.openai.com/v1", "http://127.0.0.1:1/v1")
    price = packaged_prices()["api.openai.com:gpt-4o-mini"]
    assert price_of("openai:gpt-4o-mini", {}, urls) == price
    assert price_of("openai:gpt-4o-mini", {}, urls[::-1]) != FREE


def test_providers_are_priced_by_their_spec():
    spec = "anthropic:claude-haiku-4-5"
    assert price_of(spec, {}) == packaged_prices()[spec]
    assert price_of("anthropic:of-next-year", {}) is None
    assert price_of("nobody:knows", {}) is None


# The budget


def test_given_bounds_replace_those_of_a_budget():
    budget = Budget(usd=1, tokens=1000)
    assert budget.bounded({}) == budget
    assert budget.bounded({"usd": None, "tokens": None}) == budget
    assert budget.bounded({"tokens": 5, "minutes": 2.5}) == Budget(usd=1, tokens=5, minutes=2.5)


@pytest.mark.parametrize("bounds", [{"usd": 0}, {"usd": -1}, {"tokens": 0}, {"tokens": 1.5},
                                    {"minutes": 0}, {"euros": 1}])  # fmt: skip
def test_what_is_no_bound(bounds):
    with pytest.raises(ConfigError, match=f"the budget: .*{next(iter(bounds))}"):
        Budget().bounded(bounds)


def test_a_bound_in_money_needs_the_price_of_every_model():
    check_priced(Budget(usd=1), {"a": PRICE, "b": FREE})
    check_priced(Budget(tokens=1), {"a": PRICE, "x:y": None})
    with pytest.raises(ConfigError, match="--price x:y=PROMPT,COMPLETION"):
        check_priced(Budget(usd=1), {"a": PRICE, "x:y": None})


ANSWER = Answer("", PROMPT, COMPLETION, CACHED)
ROOM = {"characters": 3 * (PROMPT - 50), "longest": COMPLETION}
"""A call whose reserve is exactly what `ANSWER` takes, were nothing of it cached."""


def test_a_purse_counts_what_calls_took():
    async def go():
        purse = Purse(Budget(), {"a": PRICE, "b": None})
        purse.put_down("a", 7 * PROMPT, 7 * CACHED, 7 * COMPLETION)
        for spec in ("a", "b"):
            purse.close(await purse.open(spec, **ROOM), ANSWER)
        purse.close(await purse.open("a", **ROOM), None)
        assert (purse.tokens, purse.usd) == (9 * TOKENS, pytest.approx(8 * USD))

    asyncio.run(go())


@pytest.mark.parametrize("done", [0, 3, 9, 10, 12])
def test_calls_in_flight_hold_a_place_in_the_budget(done):
    """A bound of ten calls: the one that is one too many waits, and goes on or stops."""

    async def go():
        purse = Purse(Budget(tokens=10 * TOKENS), {"a": PRICE})
        purse.put_down("a", done * PROMPT, done * CACHED, done * COMPLETION)
        held = [await purse.open("a", **ROOM) for _ in range(10 - done)]
        more = asyncio.create_task(purse.open("a", **ROOM))
        await asyncio.sleep(0)
        assert more.done() == (not held)
        if held:
            purse.close(held.pop(), None)  # failed, so it took nothing
            assert isinstance(await more, Reserve)
            held.append(more.result())
        for reserve in held:
            purse.close(reserve, ANSWER)
        assert str(await purse.open("a", **ROOM)).startswith("--max-tokens 1100")

    asyncio.run(go())


def test_a_bound_in_money_holds_from_the_first_wave_on():
    async def go():
        dear = PRICE.of(PROMPT, 0, COMPLETION)
        purse = Purse(Budget(usd=10.001 * dear), {"dear": PRICE, "free": FREE})
        tasks = [asyncio.create_task(purse.open("dear", **ROOM)) for _ in range(100)]
        await asyncio.sleep(0)
        assert sum(task.done() for task in tasks) == 10
        assert isinstance(await purse.open("free", **ROOM), Reserve), "what is free always fits"
        for task in tasks:
            task.cancel()

    asyncio.run(go())


def test_what_nobody_counts_is_guessed_so_that_a_bound_holds():
    async def go():
        purse = Purse(Budget(tokens=1000), {"a": PRICE})
        made = 0
        while isinstance(reserve := await purse.open("a", **ROOM), Reserve):
            purse.close(reserve, Answer("thirty characters of an answer"))
            made += 1
        assert made == 9, "a hundred and ten tokens each"

    asyncio.run(go())


def test_the_reserve_learns_how_many_tokens_a_character_makes():
    async def go():
        purse = Purse(Budget(tokens=10**9), {"a": PRICE})
        first = await purse.open("a", 100, 0)
        purse.close(first, Answer("", 200, 0))
        second = await purse.open("a", 100, 0)
        assert (first.tokens, second.tokens) == (84, 200)

    asyncio.run(go())


# A run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The exports of the run without a bound."""
    folder = lay_out(tmp_path_factory.mktemp("whole") / "run", CountingChat())
    tally = Tally()
    assert run(folder, backends=[CountingChat()], tally=tally)
    assert tally.stopped_by == ""
    assert spent(folder) == (CALLS, CALLS * TOKENS)
    return exported(folder)


@pytest.mark.parametrize("bound", [1, 7, 40, 100])
@pytest.mark.parametrize("unit", ["tokens", "usd"])
def test_a_bound_stops_a_run_that_a_wider_one_finishes(tmp_path, whole, bound, unit):
    """`bound` in calls; every call costs the same."""
    chat = CountingChat()
    cost = {"tokens": TOKENS, "usd": USD}[unit]
    budget = {unit: bound * cost}
    folder = lay_out(tmp_path / "r", chat, prices={chat.spec: PRICE}, budget=budget)
    tally = Tally()
    assert not run(folder, backends=[chat], tally=tally)
    assert tally.stopped_by == f"--max-{unit} {bound * cost:g}"
    calls, tokens = spent(folder)
    assert tokens == calls * TOKENS
    assert tally.usd == pytest.approx(calls * USD)
    assert bound - RESERVE <= calls <= bound
    wider = Tally()
    assert run(folder, backends=[chat], tally=wider, bounds={unit: 2 * CALLS * cost})
    assert wider.stopped_by == ""
    assert wider.usd == pytest.approx(CALLS * USD)
    assert len(chat.asked) == CALLS
    assert exported(folder) == whole


def test_what_was_spent_before_counts_after_resuming(tmp_path):
    chat = CountingChat()
    folder = lay_out(tmp_path / "r", chat)
    for bound in (30, 60, 90):
        assert not run(folder, backends=[chat], bounds={"tokens": bound * TOKENS})
        assert bound - RESERVE <= spent(folder)[0] <= bound


def test_a_bound_in_money_on_an_unknown_price_stops_before_the_first_call(tmp_path):
    chat = CountingChat("openai:unheard-of@https://llm.example.com/v1")
    folder = lay_out(tmp_path / "r", chat)
    with pytest.raises(ConfigError, match="unheard-of"):
        run(folder, backends=[chat], bounds={"usd": 1})
    assert chat.asked == []
