"""Where a run's processor time goes, by looking at the main thread every few milliseconds."""

import gc
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from benchmarks.measure import ROOT


class Sampler:
    """Processor time by group: looks every few milliseconds at what the main thread is doing.

    A look is weighed with the processor time of the main thread since the look before; the garbage
    collector's passes are timed apart. Other threads: langgraph hands synchronous functions to a
    pool.

    `groups`: parts of a file's path, and what it counts as; the first that fits. Code that fits
    nowhere, such as the standard library, counts as whoever called it.
    """

    EVERY = 0.002

    def __init__(self, groups: Mapping[str, str]) -> None:
        self.groups = groups
        self.seconds: dict[str, float] = defaultdict(float)
        self._in_collector = False
        self._of_file: dict[str, str | None] = {}

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
        self._book("garbage collector" if self._in_collector else self._group(frame))

    def _collector(self, phase: str, _: dict[str, int]) -> None:
        if threading.current_thread() is threading.main_thread():
            self._book("garbage collector" if phase == "stop" else self._group(sys._getframe(1)))
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

    def _group(self, frame: FrameType | None) -> str:
        while frame is not None:
            file = frame.f_code.co_filename
            if file not in self._of_file:
                self._of_file[file] = self._group_of(file)
            if name := self._of_file[file]:
                return name
            frame = frame.f_back
        return "other"

    def _group_of(self, file: str) -> str | None:
        path = Path(file)
        if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
            file = f"/attunement/{path.relative_to(ROOT)}"  # the checkout is the package's folder
        return next((name for part, name in self.groups.items() if part in file), None)
