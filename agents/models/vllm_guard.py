"""Ends an engine's processes when this one is gone, however it went: they would not notice."""

import multiprocessing
import subprocess
import sys
from typing import Any

_CODE = """
import os, sys
for pid in sys.stdin.read().split():
    try:
        os.kill(int(pid), 9)
    except OSError:
        continue
"""
"""Runs beside this process: its standard input ends when this process does."""


class Guard:
    """Watches over the processes of one engine."""

    def __init__(self) -> None:
        self._others: set[int] | None = None
        self._known: dict[int, Any] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CODE],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # out of the reach of Ctrl-C
        )

    def begin(self) -> None:
        """What processes there are from now on are the engine's."""
        self._others = {child.pid or 0 for child in multiprocessing.active_children()}

    def look(self) -> None:
        """Take note of new processes."""
        if self._others is None:
            return
        assert self._process.stdin is not None
        for child in multiprocessing.active_children():
            new = child.pid not in self._others and child.pid not in self._known
            if new and child.pid and child.name.startswith("EngineCore"):
                self._known[child.pid] = child
                self._process.stdin.write(f"{child.pid}\n")
                self._process.stdin.flush()

    def kill(self) -> None:
        """End the engine's processes that are left; those that they started notice."""
        for child in self._known.values():
            child.kill()

    def release(self) -> None:
        """Nothing is left to guard."""
        self._process.kill()
        self._process.communicate()
