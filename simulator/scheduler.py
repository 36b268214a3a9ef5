"""The scheduler: dialogues in flight up to a limit, each at its own pace, no batches."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig

from attunement.core.errors import AttunementError, ConfigError, JournalError, ModelError
from attunement.graphs.state import Context, Feed, Graph, supporter_turns
from attunement.graphs.supporting import recursion_limit
from attunement.simulator.backends import graph_for, specs_of
from attunement.simulator.heritage import desk_of_branch
from attunement.simulator.journal import Task
from attunement.simulator.recorder import Desk, Recorder

_Item = TypeVar("_Item")


async def run_open_dialogues(desk: Desk, only: Sequence[int] | None = None) -> None:
    """Run every open dialogue of the journal, or `only` some, until all are closed or the gate
    stops.

    A dialogue that fails is closed with its error and the run goes on. `JournalError` ends the
    run: what cannot be kept is not used; so does `ConfigError`: no dialogue could mend it.
    """
    graph = graph_for(desk.config)

    async def work(task: Task) -> None:
        try:
            await run_dialogue(desk, graph, task)
        except (JournalError, ConfigError):
            raise
        except AttunementError as error:
            await _fail(desk, task, str(error))
        except Exception as error:
            await _fail(desk, task, f"{type(error).__name__}: {error}")

    await keep_in_flight(desk, desk.journal.open_tasks(only), work)


async def keep_in_flight(
    desk: Desk, tasks: Iterator[_Item], work: Callable[[_Item], Awaitable[None]]
) -> None:
    """Work on as many tasks at a time as the run may have in flight, until all are done or the
    gate stops. What `work` raises ends it."""

    async def worker() -> None:
        while not desk.gate.stopping and (task := next(tasks, None)) is not None:
            await work(task)

    workers = [asyncio.create_task(worker()) for _ in range(desk.config.concurrency)]
    everybody: asyncio.Future[Any] = asyncio.gather(*workers)
    stopped: asyncio.Future[Any] = asyncio.create_task(desk.gate.quiet())
    try:
        await asyncio.wait([everybody, stopped], return_when=asyncio.FIRST_COMPLETED)
        if everybody.done():
            everybody.result()
    finally:
        for task in (*workers, stopped):
            task.cancel()
        await asyncio.gather(everybody, *workers, stopped, return_exceptions=True)


async def _fail(desk: Desk, task: Task, error: str) -> None:
    async with desk.gate:
        await desk.journal.write_failure(task.index, error)
    desk.tally.failed += 1


async def run_dialogue(desk: Desk, graph: Graph, task: Task) -> None:
    """Run one dialogue from its last committed turn to its end."""
    heritage = None
    if task.fork:
        branch = desk_of_branch(desk, task)
        desk, heritage = branch.desk, branch.heritage
        for spec in specs_of(desk.config) & desk.lost.keys():
            raise ModelError(desk.lost[spec])
    recorder = Recorder(desk, task, heritage)
    config = desk.config
    context = Context(recorder.chat, recorder.commit, config.max_turns, config.named_strategies)
    feed: Feed = {"persona": task.persona, "turns": list(task.turns)}
    turns = desk.config.max_turns
    if task.recorded is not None:
        feed["recorded"] = task.recorded
        turns = len(supporter_turns(task.recorded))
    limit = RunnableConfig(recursion_limit=recursion_limit(turns))
    await recorder.begin_computing()
    try:
        # The turns are in the journal. `ainvoke` would read every channel after every step for
        # them, which costs a tenth of the run's processor time; a stream of nothing does not.
        async for _ in graph.astream(feed, limit, context=context, stream_mode=[]):
            raise AssertionError("a stream of nothing yielded something")
    finally:
        recorder.end_computing()
