"""A run: its folder, its lock, starting it, resuming it, stopping it."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from attunement.agents.models.base import ChatBackend
from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import RunFolderError
from attunement.graphs.registry import build_graph
from attunement.simulator.backends import (
    backends_for,
    prices_for,
    with_capabilities,
    with_servers,
)
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.cost import Purse, check_priced
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Desk, Gate, Tally, slots_for
from attunement.simulator.scheduler import run_open_dialogues

JOURNAL, CONFIG, LOCK = "journal.db", "config.toml", "run.lock"


def create_run(folder: Path, config: RunConfig, cast: Cast, check_models: bool = True) -> None:
    """Lay out a new run folder. `RunFolderError` if it exists; it is whole or not there.

    `check_models=False` leaves specs unchecked, for backends that only the caller has.
    """
    build_graph(config.graph, config.plain_draft)
    if check_models:
        backends_for(config)
        check_priced(config.budget, prices_for(config))
    refuse_existing(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".run-") as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        _write_config(part, with_servers(config))
        prompts = packaged_prompts()
        Journal.create(part / JOURNAL, cast.personas, cast.rows(), prompts).close()
        refuse_existing(folder)
        part.rename(folder)


def _write_config(folder: Path, config: RunConfig) -> None:
    part = folder / f".{CONFIG}.part"
    part.write_bytes(config.dump().encode("utf-8", "replace"))
    part.replace(folder / CONFIG)


def refuse_existing(folder: Path) -> None:
    """`RunFolderError` where a run folder cannot be laid out, because something is there."""
    if folder.is_dir():
        raise RunFolderError(
            f"run folder {str(folder)!r} exists; choose another with --out, "
            f"or go on with it: attune resume {folder}"
        )
    if folder.exists():
        raise RunFolderError(f"{str(folder)!r} is a file; choose another run folder with --out")


def open_run(folder: Path) -> tuple[RunConfig, Journal]:
    """The configuration and the journal of a run folder. `RunFolderError` if it is none."""
    if not folder.is_dir():
        raise RunFolderError(f"no run folder {str(folder)!r}; check the path")
    journal = Journal.open(folder / JOURNAL)
    return read_config(folder / CONFIG), journal


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunFolderError(f"run {str(folder)!r} is being run by another process") from None
    try:
        yield
    finally:
        lock.release()


def run(
    folder: Path,
    watch: Callable[[Tally, Journal], contextlib.AbstractContextManager[None]] | None = None,
    backends: Iterable[ChatBackend] | None = None,
    retry_failed: bool = False,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
    bounds: Mapping[str, float | None] | None = None,
    only: Sequence[int] | None = None,
) -> bool:
    """Run what is open in a run folder; True if it ran to its end, False if it was stopped.

    `watch` is entered around the run, to display its `tally`. `backends` replace those that the
    configuration names (they answer to their own `spec`). `on_stop` is called when a signal asks
    the run to stop: calls in flight then finish first. `bounds` replace those of the
    configuration's budget; `tally.stopped_by` says which one ended the run. `only` runs these
    dialogues alone.
    """
    config, journal = open_run(folder)
    with _locked(folder), contextlib.closing(journal):
        chosen = {b.spec: b for b in backends} if backends else backends_for(config)
        prices = prices_for(config)
        budget = config.budget.bounded(bounds or {})
        check_priced(budget, prices)
        if retry_failed:
            journal.reopen_failed()
        tally = tally or Tally()
        purse = Purse(budget, prices)
        for row in journal.usage():
            counts = (row.prompt_tokens, row.cached_tokens, row.completion_tokens)
            purse.put_down(row.model, *(count or 0 for count in counts))
        with (
            asyncio.Runner(loop_factory=_fast_loop()) as runner,
            watch(tally, journal) if watch else contextlib.nullcontext(),
        ):
            slots = slots_for(config, chosen)
            prompts = journal.prompts()
            desk = Desk(config, chosen, prompts, journal, Gate(), tally, slots, purse)
            return runner.run(_run(folder, desk, on_stop, only))


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


async def _run(
    folder: Path, desk: Desk, on_stop: Callable[[], None], only: Sequence[int] | None
) -> bool:
    journal, backends = desk.journal, desk.backends.values()
    desk.tally.trouble = lambda: "; ".join(b.trouble for b in backends if b.trouble)
    try:
        learned = await with_capabilities(desk.config, desk.backends)
        if learned != desk.config:
            _write_config(folder, learned)
        desk = replace(desk, config=learned)
        with _stopping_on_signals(desk, on_stop), _stopping_in_time(desk), _calm_collector():
            await run_open_dialogues(desk, only)
    finally:
        for backend in backends:
            await backend.aclose()
        await journal.close_writer()
    return not desk.gate.stopping or not journal.counts()["open"]


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
