"""Adaptive concurrency: how soon a client finds a server's hidden capacity, and how well it keeps.

The server answers after a fixed latency and refuses what is more than its capacity. The client is
offered more calls than that at any time, and starts with a limit far above, or far below.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.measure import Line, as_child, child
from benchmarks.serving import Server, started

LATENCY = 0.2
RETRY_AFTER = 1.0
BUDGET = 30.0
"""Seconds until the limit stays within `NEAR` of the capacity."""
NEAR = 0.1
OFFERED = 400
"""Calls that wait for a place or an answer at any time."""
LOOK = 0.05
"""Seconds between two looks at the limit."""
STARTS = ((256, 40), (4, 100))
"""The limit at first, and the capacity: far above, far below."""
CHANGES = (100, 30, 100)
"""A capacity that changes in the middle."""


class _Look(NamedTuple):
    """What was seen at a moment."""

    second: float
    limit: int
    answered: int


def measure(quick: bool) -> list[Line]:
    """From above, from below, and while the capacity changes."""
    seconds, phase = (8, 8) if quick else (20, 10)
    lines = []
    for limit, capacity in STARTS:
        (found,) = _phases(limit, [capacity], seconds)
        lines += _lines(f"{limit} allowed at first, capacity {capacity}", found)
    for capacity, found in zip(CHANGES[1:], _phases(CHANGES[0], CHANGES, phase)[1:], strict=True):
        lines += _lines(f"capacity changes to {capacity}", found)
    return lines


def _phases(limit: int, capacities: Sequence[int], seconds: float) -> list[dict[str, Any]]:
    with started(LATENCY, capacity=capacities[0], retry_after=RETRY_AFTER) as server:
        found: list[dict[str, Any]] = child(
            "benchmarks.adaptive", base_url=server.base_url, limit=limit, capacities=capacities,
            seconds=seconds,
        )["phases"]  # fmt: skip
        return found


def _lines(what: str, found: dict[str, Any]) -> list[Line]:
    after = found["settled"]
    if after is None:
        return [Line(what, None, "s", f"under {BUDGET:.0f} s", False, "it never stayed near")]
    return [
        Line(
            f"{what}: within {NEAR:.0%} after", after, "s", f"under {BUDGET:.0f} s",
            after < BUDGET, f"{found['refused']:,} of {found['sent']:,} requests refused, "
            f"{found['failed']} calls failed",
        ),
        Line(
            "  mean error of the limit after that", 100 * found["error"], "%",
            note=f"{100 * found['busy']:.0f} % of the capacity in use, at {found['rate']:,.0f} "
            "answers/s",
        ),
    ]  # fmt: skip


def settled(limits: Sequence[float], capacity: float) -> int | None:
    """The place from which on all limits are near the capacity; None if the last one is not."""
    far = [place for place, limit in enumerate(limits) if off(limit, capacity) > NEAR]
    if not far:
        return 0
    return None if far[-1] == len(limits) - 1 else far[-1] + 1


def off(limit: float, capacity: float) -> float:
    """How far a limit is from the capacity, as a share of it."""
    return abs(limit - capacity) / capacity


def _work(base_url: str, limit: float, capacities: list[int], seconds: float) -> dict[str, Any]:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        phases = runner.run(_under_load(Server(base_url), limit, capacities, seconds))
    return {"phases": phases}


async def _under_load(
    server: Server, limit: float, capacities: list[int], seconds: float
) -> list[dict[str, Any]]:
    """Offer calls without end, and watch the limit for so many seconds at each capacity."""
    from attunement.agents.models.base import Ask, Capabilities
    from attunement.agents.models.openai import OpenAIChat
    from attunement.agents.prompting import packaged_prompts
    from attunement.core.errors import ModelError

    chat = OpenAIChat("latency", server.base_url, capabilities=Capabilities())
    chat.wire.pool.endpoints[0].limit = limit
    messages = packaged_prompts()["responder"].skeleton
    ended: Counter[str] = Counter()

    async def caller(number: int) -> None:
        while True:
            try:
                await chat.answer(Ask(messages, seed=number))
                ended["answered"] += 1
            except ModelError:
                ended["failed"] += 1

    callers = [asyncio.create_task(caller(number)) for number in range(OFFERED)]
    phases = []
    for capacity in capacities:
        await asyncio.to_thread(server.set_capacity, capacity)
        await asyncio.to_thread(server.stats)
        ended.clear()
        looks = await _watch(chat.wire.pool.endpoints[0], ended, seconds)
        stats = await asyncio.to_thread(server.stats)
        phases.append(
            _summary(looks, capacity)
            | {"failed": ended["failed"], "sent": stats["requests"], "refused": stats["refused"]}
        )
    for task in callers:
        task.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await chat.aclose()
    return phases


async def _watch(endpoint: Any, ended: Counter[str], seconds: float) -> list[_Look]:
    looks = []
    began = time.perf_counter()
    while (now := time.perf_counter() - began) < seconds:
        looks.append(_Look(now, int(endpoint.limit), ended["answered"]))
        await asyncio.sleep(LOOK)
    return looks


def _summary(looks: Sequence[_Look], capacity: int) -> dict[str, Any]:
    """When the limit came to stay near the capacity, and what was done from then on."""
    place = settled([look.limit for look in looks], capacity)
    if place is None:
        return {"settled": None}
    after, last = looks[place:], looks[-1]
    rate = (last.answered - after[0].answered) / (last.second - after[0].second)
    return {
        "settled": after[0].second,
        "error": statistics.fmean(off(look.limit, capacity) for look in after),
        "rate": rate,
        "busy": rate * LATENCY / capacity,
    }


if __name__ == "__main__":
    as_child(_work)
