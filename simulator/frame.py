"""What all work on a run folder shares: its files, its lock, signals, budget and event loop."""

import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from attunement.agents.models.base import ChatBackend
from attunement.core.errors import RunFolderError
from attunement.simulator.backends import prices_for, with_capabilities
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.cost import Budget, Purse, check_priced
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Desk, Gate, Tally, slots_for

JOURNAL, CONFIG, LOCK = "journal.db", "config.toml", "run.lock"
Watch = Callable[[Tally, Journal], contextlib.AbstractContextManager[None]]
"""Is entered around the work, to display its tally."""


def open_run(folder: Path) -> tuple[RunConfig, Journal]:
    """The configuration and the journal of a run folder. `RunFolderError` if it is none."""
    if not folder.is_dir():
        raise RunFolderError(f"no run folder {str(folder)!r}; check the path")
    journal = Journal.open(folder / JOURNAL)
    return read_config(folder / CONFIG), journal


_PATIENCE = 0.3
"""Seconds in which somebody who only looks whether a run is held lets go again."""
_CONFIGS = threading.Lock()
"""Held while a configuration is read and written again: forks and a running branch may both."""


def change_config(folder: Path, change: Callable[[RunConfig], RunConfig]) -> RunConfig:
    """Change what a run's configuration is now; returns it as it then is."""
    with _CONFIGS:
        before = read_config(folder / CONFIG)
        after = change(before)
        if after != before:
            write_config(folder, after)
        return after


def write_config(folder: Path, config: RunConfig) -> None:
    """Write a run's configuration; the file is the old one or the new one, never half of it."""
    part = folder / f".{CONFIG}.part"
    part.write_bytes(config.dump().encode("utf-8", "replace"))
    part.replace(folder / CONFIG)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder. `RunFolderError` where another process does."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=_PATIENCE, poll_interval=0.02)
    except Timeout:
        raise RunFolderError(f"run {str(folder)!r} is being run by another process") from None
    try:
        yield
    finally:
        lock.release()


def being_run(folder: Path) -> bool:
    """Whether a process holds a run folder. The lock is tried for an instant, nothing is written;
    False where it cannot be told."""
    try:
        import fcntl

        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # no such locks here; never run, or not ours to read
        return False
    return False


def by_spec(backends: Iterable[ChatBackend]) -> dict[str, ChatBackend]:
    """Backends by the spec that they answer to."""
    return {backend.spec: backend for backend in backends}


def carry_out(
    folder: Path,
    config: RunConfig,
    journal: Journal,
    backends: Mapping[str, ChatBackend],
    purse: Purse,
    work: Callable[[Desk], Awaitable[None]],
    watch: Watch | None = None,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> bool:
    """Do `work` on a run folder that is locked; False if it was told to stop.

    `watch` is entered around the work. `on_stop` is called when a signal asks it to stop: calls in
    flight then finish first. `tally.stopped_by` says what ended the work.
    """
    tally = tally or Tally()
    with (
        asyncio.Runner(loop_factory=_fast_loop()) as runner,
        watch(tally, journal) if watch else contextlib.nullcontext(),
    ):
        slots = slots_for(config, backends)
        desk = Desk(config, backends, journal.prompts(), journal, Gate(), tally, slots, purse)
        return runner.run(_carry_out(folder, desk, work, on_stop))


def purse_for(
    config: RunConfig,
    journal: Journal,
    bounds: Mapping[str, float | None] | None,
    afresh: bool = False,
) -> Purse:
    """The run's budget with other bounds where given, less what was spent before; `afresh`: these
    bounds alone, for what comes now."""
    budget = Budget() if afresh else config.budget
    budget, prices = budget.bounded(bounds or {}), prices_for(config)
    check_priced(budget, prices)
    purse = Purse(budget, prices)
    for row in () if afresh else journal.usage():
        counts = (row.prompt_tokens, row.cached_tokens, row.completion_tokens)
        purse.put_down(row.model, *(count or 0 for count in counts))
    return purse


async def _carry_out(
    folder: Path, desk: Desk, work: Callable[[Desk], Awaitable[None]], on_stop: Callable[[], None]
) -> bool:
    backends = desk.backends.values()
    desk.tally.trouble = lambda: "; ".join(b.trouble for b in backends if b.trouble)
    loop = asyncio.get_running_loop()
    desk.tally.stop = lambda reason: loop.call_soon_threadsafe(desk.stop, reason)
    try:
        learned = await with_capabilities(desk.config, desk.backends, desk.lost)
        if learned != desk.config:
            found = learned.capabilities
            change_config(folder, lambda config: config.learning(found))
        desk = replace(desk, config=learned)
        with _stopping_on_signals(desk, on_stop), _stopping_in_time(desk), _calm_collector():
            await work(desk)
    finally:
        for backend in backends:
            await backend.aclose()
        await desk.journal.close_writer()
    return not desk.gate.stopping


@contextmanager
def _calm_collector() -> Iterator[None]:
    """Let the garbage collector look less often, and never at what was there before the run.

    A run makes few cycles and much short-lived data: at its usual pace the collector takes an
    eighth of the processor time.
    """
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for this platform; the standard loop does the same, slower
        return None
    return uvloop.new_event_loop


@contextmanager
def _stopping_in_time(desk: Desk) -> Iterator[None]:
    """Stop when the budget's minutes are over."""
    minutes = desk.purse.budget.minutes
    if minutes is None:
        yield
        return
    reason = f"--max-minutes {minutes:g}"
    timer = asyncio.get_running_loop().call_later(60 * minutes, desk.stop, reason)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _stopping_on_signals(desk: Desk, on_stop: Callable[[], None]) -> Iterator[None]:
    """On the first Ctrl-C or SIGTERM finish what is in flight; a second Ctrl-C ends at once."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        desk.stop("a signal")
        on_stop()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        # Only the main thread may watch signals; elsewhere a run cannot be stopped by one.
        with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, stop, number)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
