"""Endpoints find a server's capacity, leave a dead one alone, and serve in order: no real time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from attunement.agents.models.endpoint import (
    BREAK,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    START,
    Endpoint,
    Pool,
    Sign,
)
from attunement.core.errors import StoppedError
from benchmarks.adaptive import BUDGET, LATENCY, NEAR, OFFERED, RETRY_AFTER, off, settled


class LeapingSelector(selectors.SelectSelector):
    """Does not wait: whatever comes next comes at once, and the clock leaps there."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for ever"
        self.now += max(0.0, timeout)
        return super().select(0)


def in_no_time(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine on a clock of its own, which starts at 0."""

    def new_loop() -> asyncio.AbstractEventLoop:
        selector = LeapingSelector()
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now  # type: ignore[method-assign]
        return loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work())


def now() -> float:
    return asyncio.get_running_loop().time()


async def never(url: str) -> bool:
    raise AssertionError(f"nobody has a reason to look after {url}")


# ---- a server's capacity ------------------------------------------------------------------------


@dataclass
class Served:
    """A server that refuses what is more than its capacity."""

    capacity: int
    in_flight: int = 0
    refused: int = 0
    answered: int = 0

    async def answer(self) -> Sign:
        await asyncio.sleep(0.001)  # a refusal, too, comes when its caller's loop has gone on
        if self.in_flight >= self.capacity:
            self.refused += 1
            return "refused"
        self.in_flight += 1
        await asyncio.sleep(LATENCY)
        self.in_flight -= 1
        self.answered += 1
        return "answered"


async def call_for_ever(pool: Pool, servers: dict[str, Served]) -> None:
    while True:
        endpoint = await pool.take()
        ticket = endpoint.ticket
        sign = await servers[endpoint.url].answer()
        pool.give_back(endpoint, sign, ticket)
        if sign == "refused":
            await asyncio.sleep(RETRY_AFTER)


async def limits_over(pool: Pool, seconds: float) -> list[tuple[int, ...]]:
    """The limits of all endpoints, twenty times a second."""
    looks = []
    for _ in range(int(seconds * 20)):
        await asyncio.sleep(0.05)
        looks.append(tuple(int(endpoint.limit) for endpoint in pool.endpoints))
    return looks


def check_settled(limits: Sequence[int], capacity: int) -> None:
    place = settled(limits, capacity)
    assert place is not None
    assert place / 20 < BUDGET
    errors = [off(limit, capacity) for limit in limits[place:]]
    assert sum(errors) / len(errors) < NEAR / 2


@pytest.mark.parametrize(
    ("limit", "capacity"), [(256, 40), (4, 100), (4, 12), (256, 12), (40, 40), (1, 300)]
)
def test_a_limit_finds_the_capacity_from_above_and_below(limit: int, capacity: int):
    async def work() -> None:
        server = Served(capacity)
        pool = Pool([Endpoint("a", limit)], never)
        callers = [asyncio.create_task(call_for_ever(pool, {"a": server})) for _ in range(OFFERED)]
        check_settled([limits[0] for limits in await limits_over(pool, 40)], capacity)
        assert server.answered * LATENCY > 0.8 * 40 * capacity
        assert server.refused < 0.1 * server.answered + START
        for caller in callers:
            caller.cancel()

    in_no_time(work)


def test_a_limit_follows_a_capacity_that_changes():
    async def work() -> None:
        server = Served(100)
        pool = Pool([Endpoint("a")], never)
        callers = [asyncio.create_task(call_for_ever(pool, {"a": server})) for _ in range(OFFERED)]
        for capacity in (100, 30, 100):
            server.capacity = capacity
            check_settled([limits[0] for limits in await limits_over(pool, 40)], capacity)
        for caller in callers:
            caller.cancel()

    in_no_time(work)


def test_each_server_has_its_own_limit():
    async def work() -> None:
        servers = {"large": Served(80), "small": Served(20)}
        pool = Pool([Endpoint(url) for url in servers], never)
        callers = [asyncio.create_task(call_for_ever(pool, servers)) for _ in range(OFFERED)]
        looks = await limits_over(pool, 40)
        check_settled([large for large, _ in looks], 80)
        check_settled([small for _, small in looks], 20)
        for caller in callers:
            caller.cancel()

    in_no_time(work)


def test_a_limit_that_holds_nothing_back_does_not_grow():
    endpoint = Endpoint("a", limit=10, in_flight=3)
    endpoint.ended("answered", (0, 0), full=False)
    assert endpoint.limit == 10
    endpoint.ended("answered", (0, 0), full=True)
    assert endpoint.limit > 10


def test_calls_sent_before_a_cut_do_not_cut_again():
    endpoint = Endpoint("a", limit=100, in_flight=99)
    endpoint.ended("slow", (0, 0), full=True)
    once = endpoint.limit
    assert once < 99
    for _ in range(20):
        endpoint.ended("slow", (0, 0), full=True)
    assert endpoint.limit == once
    endpoint.ended("slow", endpoint.ticket, full=True)
    assert endpoint.limit < once


def test_no_limit_falls_below_one_call():
    endpoint = Endpoint("a", limit=2, in_flight=0)
    for _ in range(10):
        endpoint.ended("refused", endpoint.ticket, full=True)
    assert endpoint.limit == 1
    assert endpoint.free


@pytest.mark.parametrize("sign", ["failed", "other"])
def test_what_is_no_sign_of_too_much_leaves_the_limit(sign: Sign):
    endpoint = Endpoint("a", limit=10, in_flight=9)
    endpoint.ended(sign, (0, 0), full=True)
    assert endpoint.limit == 10


# ---- a dead server ------------------------------------------------------------------------------


async def fail(pool: Pool, times: int, sign: Sign = "failed") -> bool:
    """So many calls that fail; whether the last one was excused."""
    excused = False
    for _ in range(times):
        endpoint = await pool.take()
        excused = pool.give_back(endpoint, sign, endpoint.ticket, "connection refused")
    return excused


async def succeed(pool: Pool) -> None:
    endpoint = await pool.take()
    pool.give_back(endpoint, "answered", endpoint.ticket)


@pytest.mark.parametrize("sign", ["failed", "slow"])
def test_a_server_that_fails_again_and_again_is_left_alone_until_it_is_back(sign: Sign):
    async def work() -> None:
        looks: list[float] = []

        async def look(url: str) -> bool:
            looks.append(now())
            return len(looks) == 7

        (endpoint,) = endpoints = [Endpoint("a")]
        pool = Pool(endpoints, look)
        await fail(pool, BREAK - 1, sign)
        assert not pool.trouble
        await fail(pool, 1, sign)
        assert "a does not answer (connection refused)" in pool.trouble
        waiting = asyncio.create_task(pool.take())
        await asyncio.sleep(80)
        assert not waiting.done()
        assert await waiting is endpoint
        assert not pool.trouble
        pauses = [later - sooner for sooner, later in zip([0.0, *looks], looks, strict=False)]
        assert pauses == pytest.approx(
            [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(7)], abs=0.01
        )

    in_no_time(work)


def test_one_failure_closes_a_server_that_has_not_answered_since_it_was_back():
    async def work() -> None:
        pool = Pool([Endpoint("a")], back_at_once)
        await fail(pool, BREAK + 1)
        assert pool.trouble
        await succeed(pool)
        await fail(pool, BREAK - 1)
        assert not pool.trouble
        await pool.aclose()

    in_no_time(work)


async def back_at_once(url: str) -> bool:
    return True


def test_an_answer_between_failures_shows_that_a_server_is_there():
    async def work() -> None:
        pool = Pool([Endpoint("a")], never)
        for sign in ("answered", "other"):
            await fail(pool, BREAK - 1)
            endpoint = await pool.take()
            pool.give_back(endpoint, sign, endpoint.ticket)
        await fail(pool, BREAK - 1)
        assert not pool.trouble

    in_no_time(work)


def test_calls_are_excused_where_a_server_broke_down_that_had_worked():
    async def work() -> None:
        pool = Pool([Endpoint("a")], back_at_once)
        await succeed(pool)
        assert not await fail(pool, BREAK - 1)
        assert await fail(pool, 1)
        # It is back for a look and fails at once: nothing shows that it is not the call's fault.
        assert not await fail(pool, 1)
        await pool.aclose()

    in_no_time(work)


def test_the_other_server_takes_the_calls_of_a_dead_one():
    async def work() -> None:
        async def gone(url: str) -> bool:
            return False

        dead, alive = endpoints = [Endpoint("dead"), Endpoint("alive")]
        pool = Pool(endpoints, gone)
        for _ in range(10 * BREAK):
            endpoint = await pool.take()
            sign: Sign = "failed" if endpoint is dead else "answered"
            pool.give_back(endpoint, sign, endpoint.ticket, "gone")
        assert dead.down
        assert not alive.down
        assert all([await pool.take() is alive for _ in range(20)])
        await pool.aclose()

    in_no_time(work)


# ---- whose turn it is ---------------------------------------------------------------------------


def test_the_least_busy_server_takes_the_next_call():
    async def work() -> None:
        pool = Pool([Endpoint("small", 2), Endpoint("large", 6)], never)
        taken = [(await pool.take()).url for _ in range(8)]
        assert (taken.count("small"), taken.count("large")) == (2, 6)
        assert sorted(taken[:4]) == ["large", "large", "large", "small"]

    in_no_time(work)


def test_first_come_first_served():
    async def work() -> None:
        pool = Pool([Endpoint("a", 1)], never)
        await pool.take()
        served = []

        async def call(number: int) -> None:
            endpoint = await pool.take()
            served.append(number)
            pool.give_back(endpoint, "other", endpoint.ticket)

        calls = [asyncio.create_task(call(number)) for number in range(5)]
        await asyncio.sleep(0.1)
        assert served == []
        pool.give_back(pool.endpoints[0], "other", (0, 0))
        await asyncio.gather(*calls)
        assert served == [0, 1, 2, 3, 4]
        assert pool.endpoints[0].in_flight == 0

    in_no_time(work)


@pytest.mark.parametrize("handed_on", [False, True])
def test_a_call_that_is_given_up_while_it_waits_loses_no_place(handed_on: bool):
    async def work() -> None:
        pool = Pool([Endpoint("a", 1)], never)
        endpoint = await pool.take()
        given_up = asyncio.create_task(pool.take())
        after = asyncio.create_task(pool.take())
        await asyncio.sleep(0.1)
        if handed_on:  # it has its place, and has not run since
            pool.give_back(endpoint, "other", (0, 0))
            given_up.cancel()
        else:
            given_up.cancel()
            pool.give_back(endpoint, "other", (0, 0))
        assert await after is endpoint
        assert given_up.cancelled()
        assert endpoint.in_flight == 1

    in_no_time(work)


def test_stopping_ends_what_waits_and_takes_nothing_new():
    async def work() -> None:
        pool = Pool([Endpoint("a", 1)], never)
        await pool.take()
        waits = [asyncio.create_task(pool.take()), asyncio.create_task(pool.wait(1000))]
        await asyncio.sleep(0.1)
        pool.stop()
        ended = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(error) for error in ended] == [StoppedError, StoppedError]
        assert now() < 1
        with pytest.raises(StoppedError):
            await pool.take()

    in_no_time(work)


def test_a_wait_ends_after_its_time():
    async def work() -> None:
        await Pool([Endpoint("a")], never).wait(7.5)
        assert now() == pytest.approx(7.5, abs=0.01)

    in_no_time(work)


def test_what_was_sent_before_an_outage_says_nothing_about_the_time_after_it():
    async def work() -> None:
        (endpoint,) = endpoints = [Endpoint("a")]
        pool = Pool(endpoints, back_at_once)
        await succeed(pool)
        old = [(await pool.take(), endpoint.ticket) for _ in range(3 * BREAK)]
        await fail(pool, BREAK)
        assert endpoint.down
        await succeed_again(pool)
        for _, ticket in old:
            assert pool.give_back(endpoint, "failed", ticket, "an old connection")
        assert not endpoint.down
        await pool.aclose()

    in_no_time(work)


async def succeed_again(pool: Pool) -> None:
    """Wait until it is looked at again, and answer."""
    endpoint = await pool.take()
    pool.give_back(endpoint, "answered", endpoint.ticket)


def test_a_late_answer_shows_that_a_server_is_there():
    async def work() -> None:
        (endpoint,) = endpoints = [Endpoint("a")]
        pool = Pool(endpoints, never)
        await succeed(pool)
        await pool.take()
        ticket = endpoint.ticket
        await fail(pool, BREAK)
        assert endpoint.down
        waiting = asyncio.create_task(pool.take())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        pool.give_back(endpoint, "answered", ticket)
        assert await waiting is endpoint
        assert endpoint.pause == FIRST_PAUSE
        await asyncio.sleep(100)
        assert not endpoint.down
        await pool.aclose()

    in_no_time(work)


def test_a_server_that_holds_nothing_and_still_refuses_is_down():
    """As one is that restarts behind a gateway: 503 to everything."""

    async def work() -> None:
        (endpoint,) = endpoints = [Endpoint("a")]
        pool = Pool(endpoints, never)
        await succeed(pool)
        assert await fail(pool, BREAK, "refused"), "no try is used up"
        assert endpoint.down
        await pool.aclose()

    in_no_time(work)


def test_a_refusal_beside_calls_in_flight_is_no_sign_of_death():
    async def work() -> None:
        (endpoint,) = endpoints = [Endpoint("a")]
        pool = Pool(endpoints, never)
        await pool.take()
        await fail(pool, BREAK, "refused")
        assert not endpoint.down

    in_no_time(work)


def test_a_burst_that_is_refused_as_a_whole_halves_the_limit_at_most():
    endpoint = Endpoint("a", limit=64, in_flight=64)
    ticket = endpoint.ticket
    for _ in range(64):
        endpoint.in_flight -= 1
        endpoint.ended("refused", ticket, full=False)
    assert endpoint.limit == 32


def test_calls_that_wait_for_a_dead_server_end_when_the_pool_is_closed():
    async def work() -> None:
        pool = Pool([Endpoint("a")], never)
        await fail(pool, BREAK)
        waiting = asyncio.create_task(pool.take())
        await asyncio.sleep(0.1)
        await pool.aclose()
        with pytest.raises(StoppedError):
            await waiting

    in_no_time(work)
