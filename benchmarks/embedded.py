"""The embedded model with the journal on, on one core: calls a second, and where the time goes."""

import gc
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
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
    "/site-packages/sqlalchemy/": "journal's database",
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
    from benchmarks.runs import carry_out, unwatched

    sampler = Sampler()
    with tempfile.TemporaryDirectory() as folder:
        around = sampler.around if profile else unwatched
        run = carry_out(Path(folder) / "run", RunConfig(dialogues=dialogues), around=around)
    return {"pinned": pinned, "calls": run.calls, "wall": run.wall, "cpu": run.cpu,
            "shares": sampler.shares()}  # fmt: skip


class Sampler:
    """Processor time by group: looks every few milliseconds at what the main thread is doing.

    A look is weighed with the processor time of the main thread since the look before; the garbage
    collector's passes are timed apart. Other threads: langgraph hands synchronous functions to a
    pool.
    """

    EVERY = 0.002

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._in_collector = False

    def around(self, work: Callable[[], bool]) -> bool:
        """Do `work` and watch it."""
        before = time.process_time() - time.thread_time()
        self._last = time.thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, self.EVERY, self.EVERY)
        gc.callbacks.append(self._collector)
        try:
            return work()
        finally:
            gc.callbacks.remove(self._collector)
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.seconds["other threads"] += time.process_time() - time.thread_time() - before

    def _look(self, _: int, frame: FrameType | None) -> None:
        self._book("garbage collector" if self._in_collector else _group(frame))

    def _collector(self, phase: str, _: dict[str, int]) -> None:
        if threading.current_thread() is threading.main_thread():
            self._book("garbage collector" if phase == "stop" else _group(sys._getframe(1)))
            self._in_collector = phase == "start"

    def _book(self, name: str) -> None:
        now = time.thread_time()
        self.seconds[name] += now - self._last
        self._last = now

    def shares(self) -> list[tuple[str, float]]:
        """(group, share of all processor time), the largest first."""
        total = sum(self.seconds.values())
        ordered = sorted(self.seconds.items(), key=lambda item: -item[1])
        return [(name, seconds / total) for name, seconds in ordered]


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
