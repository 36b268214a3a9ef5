"""Endpoints: how many calls a server bears at a time, and whether it is there at all.

A server's capacity is not known: it shows in refusals. Each endpoint has a limit that grows while
calls succeed at it and shrinks on 429, 503 and timeouts (additive increase, multiplicative
decrease: Chiu and Jain 1989), down to what the server was holding when it refused. A server that
does not answer at all is left alone by a circuit breaker until it does.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from attunement.core.errors import StoppedError

START = 512.0
"""Calls that a new endpoint is trusted with. What it cannot bear it refuses, once."""
REFUSED, SLOW = 0.95, 0.5
"""What is left of the limit after a refusal, and after a timeout."""
GROWTH = 0.05
"""Share by which the limit grows in the time of one answer; by one call at least."""
BREAK = 8
"""Failures in a row after which an endpoint counts as dead."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two looks at a dead endpoint, doubled each time."""

Ticket = tuple[int, int]
"""When a call was sent, in cuts of the limit and in outages."""
Sign = Literal["answered", "refused", "slow", "failed", "other", "gone"]
"""How a call ended, for its endpoint: an answer; too many calls; none in time; a broken
connection or server; something else that shows that it is there; cancelled by the caller."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """One server."""

    url: str
    limit: float = START
    in_flight: int = 0
    cuts: int = 0
    """Times that the limit was cut: a call sent before a cut does not cut it again."""
    outages: int = 0
    """Times that it was dead: a call sent before one says nothing about the time after it."""
    floor: float = 1.0
    """How far the refusals of one burst may press the limit."""
    doubling: bool = True
    """Whether the limit still doubles, because nothing has been refused yet."""
    failures: int = 0
    """In a row."""
    down: bool = False
    proven: bool = False
    """Whether it has answered since it was last down."""
    pause: float = FIRST_PAUSE
    reason: str = ""
    next_look: float = 0.0

    @property
    def free(self) -> bool:
        """Whether it takes one more call."""
        return not self.down and self.in_flight < max(1, int(self.limit))

    @property
    def load(self) -> float:
        """Calls in flight as a share of the limit."""
        return self.in_flight / self.limit

    @property
    def ticket(self) -> "Ticket":
        """What a call takes along, to say when it was sent."""
        return self.cuts, self.outages

    def ended(self, sign: Sign, ticket: "Ticket", full: bool) -> None:
        """Learn from a call that was sent with `ticket` and has just left the endpoint.

        `full`: whether the limit was what held more calls back.
        """
        cuts, outages = ticket
        if sign == "answered":
            self.proven, self.down, self.pause = True, False, FIRST_PAUSE
            if full:
                step = 1.0 if self.doubling else max(1.0, GROWTH * self.limit) / self.limit
                self.limit += step
        elif sign in ("refused", "slow"):
            self._cut(REFUSED if sign == "refused" else SLOW, cuts)
        # A server that holds nothing and still refuses is not there.
        idle = sign == "refused" and not self.in_flight
        if sign in ("answered", "other"):
            self.failures = 0
        elif (idle or sign in ("failed", "slow")) and outages == self.outages:
            self.failures += 1

    def _cut(self, share: float, cuts: int) -> None:
        # What it holds now, without the refused call, is what it bears. But a burst that is refused
        # as a whole leaves nothing in flight and says less: it halves the limit at most.
        if cuts == self.cuts:
            self.cuts += 1
            self.floor = max(1.0, self.limit / 2)
            self.limit *= share
        self.limit = max(self.floor, min(self.limit, self.in_flight))
        self.doubling = False


@dataclass(slots=True)
class Pool:
    """The endpoints of one model: the least busy takes the next call, first come first served."""

    endpoints: Sequence[Endpoint]
    look: Callable[[str], Awaitable[bool]]
    """Whether the server at an address answers at all."""
    _waiting: deque[asyncio.Future[Endpoint]] = field(default_factory=deque)
    _looking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, avoid: Endpoint | None = None) -> Endpoint:
        """A place at an endpoint, at another one than `avoid` if there is one free; give it back
        with `give_back`. `StoppedError` after `stop`."""
        if self._stopped.is_set():
            raise StoppedError("the run is stopping")
        if not self._waiting and (endpoint := self._least_busy(avoid)):
            endpoint.in_flight += 1
            return endpoint
        place: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and not place.exception():
                place.result().in_flight -= 1
                self._hand_on()
            raise

    def give_back(self, endpoint: Endpoint, sign: Sign, ticket: Ticket, reason: str = "") -> bool:
        """A call has ended. True if its failure says nothing about the call.

        That is one on an endpoint that had worked and is now down: the call may be sent again when
        it is back, and the failed sending does not count as a try.
        """
        full = bool(self._waiting) or endpoint.in_flight >= int(endpoint.limit)
        endpoint.in_flight -= 1
        endpoint.ended(sign, ticket, full)
        if endpoint.failures >= BREAK and not endpoint.down:
            self._break(endpoint, reason)
        before = ticket[1] < endpoint.outages
        excused = sign in ("failed", "refused") and (before or (endpoint.down and endpoint.proven))
        self._hand_on()
        return excused

    async def wait(self, seconds: float) -> None:
        """Sleep, unless the run is to stop: then `StoppedError`."""
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return
        raise StoppedError("the run is stopping")

    def stop(self) -> None:
        """End every call that waits for a place or for its next try."""
        self._stopped.set()
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(StoppedError("the run is stopping"))

    async def aclose(self) -> None:
        """Stop looking after dead endpoints, and end what waits."""
        self.stop()
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)
        self._looking.clear()

    @property
    def trouble(self) -> str:
        """Which endpoints are down, and when the next look is; mostly nothing."""
        now = time.monotonic()
        return "; ".join(
            f"{e.url} does not answer ({e.reason}): paused, "
            f"next look in {max(0.0, e.next_look - now):.0f} s"
            for e in self.endpoints
            if e.down
        )

    def _least_busy(self, avoid: Endpoint | None = None) -> Endpoint | None:
        if len(self.endpoints) == 1:  # the usual case, on every call's way
            return self.endpoints[0] if self.endpoints[0].free else None
        free = (e for e in self.endpoints if e.free)
        return min(free, key=lambda e: (e is avoid, e.load), default=None)

    def _hand_on(self) -> None:
        while self._waiting and (endpoint := self._least_busy()):
            place = self._waiting.popleft()
            if not place.done():
                endpoint.in_flight += 1
                place.set_result(endpoint)

    def _break(self, endpoint: Endpoint, reason: str) -> None:
        endpoint.down, endpoint.reason = True, reason
        endpoint.next_look = time.monotonic() + endpoint.pause
        if before := self._looking.get(endpoint.url):
            before.cancel()
        self._looking[endpoint.url] = asyncio.create_task(self._until_back(endpoint))

    async def _until_back(self, endpoint: Endpoint) -> None:
        back = False
        while not back:
            endpoint.next_look = time.monotonic() + endpoint.pause
            await asyncio.sleep(endpoint.pause)
            endpoint.pause = min(2 * endpoint.pause, LONGEST_PAUSE)
            back = not endpoint.down or await self.look(endpoint.url)
        if not endpoint.down:  # a late answer has shown it already
            return
        # One more failure closes it again; whether it really works, the next answer shows.
        endpoint.down, endpoint.proven, endpoint.failures = False, False, BREAK - 1
        endpoint.outages += 1
        self._hand_on()
