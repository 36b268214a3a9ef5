"""Running the branches that pages fork, one after another, while the pages go on."""

import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from attunement.core.errors import AttunementError, RunFolderError
from attunement.core.records import Change
from attunement.simulator.forking import fork
from attunement.simulator.frame import being_run
from attunement.simulator.recorder import Tally
from attunement.simulator.run import run
from attunement.viewer.debugger.records import Forked

_END = -1
_PATIENCE = 10.0
"""Seconds in which calls in flight may finish when the pages are closed."""


class Jobs:
    """The branches of one run folder that wait, run, or have stopped before their end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: SimpleQueue[int] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._unfinished = 0
        self._tally = Tally()
        self._closed = False
        self._problems: dict[int, str] = {}

    def fork(self, dialogue: int, turn: int, change: Change) -> Forked:
        """Lay down a branch, and have it run. `UserError` for what cannot be forked."""
        with self._lock:
            held = self._unfinished > 0
            self._unfinished += 1
            try:
                laid = fork(self._folder, str(dialogue), turn, change, held=held)
            except BaseException as error:
                self._unfinished -= 1
                if isinstance(error, OSError):
                    why = f"run {str(self._folder)!r} cannot be changed: {error.strerror}"
                    raise RunFolderError(why) from None
                raise
            self._waiting.put(laid.index)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="branches", daemon=True)
                self._thread.start()
        return Forked(index=laid.index, id=laid.id)

    def held_elsewhere(self) -> bool:
        """Whether another process runs the folder now."""
        return not self._unfinished and being_run(self._folder)

    def problem(self, dialogue: int) -> str:
        """Why the running of a branch has stopped before its end; empty where nothing did."""
        return self._problems.get(dialogue, "")

    def wait(self, seconds: float | None = None) -> None:
        """Take no more, and wait until those that are forked have run."""
        if self._thread:
            self._waiting.put(_END)
            self._thread.join(seconds)

    def close(self) -> None:
        """Stop as Ctrl-C stops a run: calls in flight finish, `attune resume` does the rest."""
        self._closed = True
        until = time.monotonic() + _PATIENCE
        self.wait(0)
        # Again and again, since a branch may be about to start.
        while self._thread and self._thread.is_alive() and time.monotonic() < until:
            with suppress(RuntimeError):  # it has ended meanwhile
                self._tally.stop("the pages were closed")
            self._thread.join(0.1)

    def _work(self) -> None:
        while (index := self._waiting.get()) != _END:
            if not self._closed:
                self._run(index)
            with self._lock:
                self._unfinished -= 1

    def _run(self, index: int) -> None:
        self._tally = tally = Tally()
        try:
            if not run(self._folder, only=[index], tally=tally):
                again = f"go on with: attune resume {self._folder}"
                self._problems[index] = f"stopped by {tally.stopped_by}; {again}"
        except AttunementError as error:
            self._problems[index] = str(error)
        except Exception as error:  # whatever a model's library raises: the page shows it
            self._problems[index] = f"{type(error).__name__}: {error}"
