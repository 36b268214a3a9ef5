"""A run: its folder, its lock, starting it, resuming it, stopping it."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from attunement.agents.models.base import ChatBackend
from attunement.agents.models.registry import make_backend
from attunement.agents.prompting import ROLES_WITH_PROMPT, packaged_prompts
from attunement.core.errors import RunFolderError
from attunement.graphs.registry import build_graph
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig, read_config
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
    _refuse_existing(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".run-") as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        text = _with_server(config).dump()
        (part / CONFIG).write_bytes(text.encode("utf-8", "replace"))
        prompts = packaged_prompts()
        Journal.create(part / JOURNAL, cast.personas, cast.rows(), prompts).close()
        _refuse_existing(folder)
        part.rename(folder)


def _refuse_existing(folder: Path) -> None:
    if folder.is_dir():
        raise RunFolderError(
            f"run folder {str(folder)!r} exists; choose another with --out, "
            f"or go on with it: attune resume {folder}"
        )
    if folder.exists():
        raise RunFolderError(f"{str(folder)!r} is a file; choose another run folder with --out")


def _with_server(config: RunConfig) -> RunConfig:
    """Keep the server's address in the run, so that resuming elsewhere asks the same one."""
    specs = [config.spec_for(role) or "" for role in ROLES_WITH_PROMPT]
    server = os.environ.get("OPENAI_BASE_URL")
    if config.base_url or not server or not any(s.startswith("openai:") for s in specs):
        return config
    return config.model_copy(update={"base_url": server})


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


def backends_for(config: RunConfig) -> dict[str, ChatBackend]:
    """One backend for each spec that the run's roles use."""
    specs = {spec for role in ROLES_WITH_PROMPT if (spec := config.spec_for(role))}
    return {spec: make_backend(spec, config.base_url) for spec in sorted(specs)}


def run(
    folder: Path,
    watch: Callable[[Tally, Journal], contextlib.AbstractContextManager[None]] | None = None,
    backends: Iterable[ChatBackend] | None = None,
    retry_failed: bool = False,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> bool:
    """Run what is open in a run folder; True if it ran to its end, False if it was stopped.

    `watch` is entered around the run, to display its `tally`. `backends` replace those that the
    configuration names (they answer to their own `spec`). `on_stop` is called when a signal asks
    the run to stop: calls in flight then finish first.
    """
    config, journal = open_run(folder)
    with _locked(folder), contextlib.closing(journal):
        chosen = {b.spec: b for b in backends} if backends else backends_for(config)
        if retry_failed:
            journal.reopen_failed()
        tally = tally or Tally()
        with (
            watch(tally, journal) if watch else contextlib.nullcontext(),
            asyncio.Runner(loop_factory=_fast_loop()) as runner,
        ):
            return runner.run(_run(config, journal, chosen, tally, on_stop))


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
    config: RunConfig,
    journal: Journal,
    backends: dict[str, ChatBackend],
    tally: Tally,
    on_stop: Callable[[], None] = lambda: None,
) -> bool:
    gate = Gate()
    slots = slots_for(config, backends)
    desk = Desk(config, backends, journal.prompts(), journal, gate, tally, slots)
    try:
        with _stopping_on_signals(gate, on_stop), _calm_collector():
            await run_open_dialogues(desk)
    finally:
        for backend in backends.values():
            await backend.aclose()
        await journal.close_writer()
    return not gate.stopping or not journal.counts()["open"]


@contextmanager
def _stopping_on_signals(gate: Gate, on_stop: Callable[[], None]) -> Iterator[None]:
    """On the first Ctrl-C or SIGTERM finish what is in flight; a second Ctrl-C ends at once."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        gate.stop()
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
