"""The embedded model with the journal on, on one core: calls a second, and where the time goes."""

import os
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.measure import ROOT, Line, as_child, child

BUDGET = 1_500
GROUPS = {
    "/attunement/agents/models/": "embedded model",
    "/attunement/agents/": "roles and prompts",
    "/attunement/graphs/": "graph nodes",
    "/attunement/simulator/": "simulator and journal",
    "/site-packages/langgraph/": "langgraph",
    "/site-packages/langchain_core/": "langchain_core",
    "/site-packages/langsmith/": "langchain_core",
    "/site-packages/pydantic/": "pydantic",
    "/site-packages/": "other packages",
    "/asyncio/": "event loop",
}
"""Parts of a file's path, and what it counts as; the first that fits. Code of the standard library
counts as whoever called it."""


def measure(quick: bool) -> list[Line]:
    """The median of several runs, and the profile of one more."""
    dialogues, repeats = (50, 1) if quick else (300, 3)
    runs = [child("benchmarks.embedded", dialogues=dialogues) for _ in range(repeats)]
    rates = [run["calls"] / run["wall"] for run in runs]
    rate = statistics.median(rates)
    shares = child("benchmarks.embedded", dialogues=dialogues, profile=True)["shares"]
    pinned = "pinned to one core" if runs[0]["pinned"] else "not pinned (this system cannot)"
    return [
        Line(
            "embedded model, journal on", rate, "calls/s", f"at least {BUDGET:,}", rate >= BUDGET,
            f"{pinned}, {runs[0]['calls']:,} calls; {min(rates):,.0f} to {max(rates):,.0f} "
            f"in {repeats} runs; {1000 * runs[0]['cpu'] / runs[0]['calls']:.2f} ms CPU a call",
        ),
        *(Line(f"  {name}", 100 * share, "%") for name, share in shares),
    ]  # fmt: skip


def _work(dialogues: int, profile: bool = False) -> dict[str, Any]:
    pinned = hasattr(os, "sched_setaffinity")
    if pinned:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from attunement.simulator.config import RunConfig
    from benchmarks.runs import carry_out

    sampler = Sampler()
    with tempfile.TemporaryDirectory() as folder:
        around = {"around": sampler.around} if profile else {}
        run = carry_out(Path(folder) / "run", RunConfig(dialogues=dialogues), **around)
    return {"pinned": pinned, "calls": run.calls, "wall": run.wall, "cpu": run.cpu,
            "shares": sampler.shares()}  # fmt: skip


class Sampler:
    """Processor time by group: looks every few milliseconds at what the main thread is doing.

    A look is weighed with the processor time of the main thread since the look before. What other
    threads take is the journal's writer, which is the only one.
    """

    EVERY = 0.002

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def around(self, work: Callable[[], bool]) -> bool:
        """Do `work` and watch it."""
        assert threading.current_thread() is threading.main_thread()
        before = time.process_time() - time.thread_time()
        self._last = time.thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, self.EVERY, self.EVERY)
        try:
            return work()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.seconds["journal's writer thread"] += (
                time.process_time() - time.thread_time() - before
            )

    def _look(self, _: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self.seconds[_group(frame)] += now - self._last
        self._last = now

    def shares(self) -> list[tuple[str, float]]:
        """(group, share of all processor time), the largest first."""
        total = sum(self.seconds.values())
        return [(name, seconds / total) for name, seconds in self.seconds.most_common()]


def _group(frame: FrameType | None) -> str:
    while frame is not None:
        if name := _group_of(frame.f_code.co_filename):
            return name
        frame = frame.f_back
    return "other"


@cache
def _group_of(file: str) -> str | None:
    path = Path(file)
    if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
        file = f"/attunement/{path.relative_to(ROOT)}"  # the checkout is the package's folder
    return next((name for part, name in GROUPS.items() if part in file), None)


if __name__ == "__main__":
    as_child(_work)
