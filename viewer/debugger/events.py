"""Telling pages what has changed, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from attunement.core.errors import AttunementError
from attunement.viewer.debugger.records import News
from attunement.viewer.debugger.shelf import Reading, Shelf

_HEARTBEAT = 15.0
"""Seconds without news after which a sign of life is sent."""
_APART = 0.4
"""Seconds between two rounds of news: what comes meanwhile is told together."""


class Bell:
    """Wakes whoever listens. What they missed they see from the revisions: nothing is queued, so a
    slow listener holds up nobody."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Event] = set()
        self.over = False

    def ring(self) -> None:
        """From any thread: there is news."""
        loop = self._loop
        if loop and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """From the loop: end every stream."""
        self.over = True
        self._wake()

    async def news(self, shelf: Shelf) -> AsyncIterator[bytes]:
        """News of all runs, at first of each one; ends when the server does."""
        self._loop = asyncio.get_running_loop()
        woken = asyncio.Event()
        self._listeners.add(woken)
        seen: dict[str, tuple[Reading, int]] = {}
        try:
            while not self.over:
                woken.clear()
                for news in await run_in_threadpool(_fresh, shelf, seen):
                    yield b"data: " + news.model_dump_json().encode() + b"\n\n"
                if not await _heard(woken, _HEARTBEAT):
                    yield b": still here\n\n"
                elif not self.over:
                    await asyncio.sleep(_APART)
        finally:
            self._listeners.discard(woken)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()


async def _heard(woken: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(woken.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _fresh(shelf: Shelf, seen: dict[str, tuple[Reading, int]]) -> list[News]:
    """What a listener who has `seen` these revisions does not know yet; `seen` is brought up."""
    found = []
    for reading in shelf.readings():
        key = reading.named.key
        before, known = seen.get(key, (None, -1))
        revision = reading.index.revision
        if before is reading and revision == known:
            continue
        dialogues = reading.since(known) if before is reading else ()
        seen[key] = reading, revision
        try:
            card = reading.card()
        except AttunementError:  # its configuration is broken: the list of runs says so
            continue
        found.append(News(run=key, revision=revision, dialogues=dialogues, card=card))
    return found
