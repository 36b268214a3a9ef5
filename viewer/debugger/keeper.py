"""Keeping the indexes of all runs up with their journals, in a thread of its own."""

import threading
from collections.abc import Callable

from attunement.viewer.debugger.shelf import Reading, Shelf

_EVERY = 0.5
"""Seconds between two looks where nothing is known to be new."""
_AHEAD = 4
"""Steps that the run that was asked for last gets besides, while others wait."""


class Keeper(threading.Thread):
    """Looks at every run about twice a second; asking whether it has changed costs next to nothing.

    `told` is called, in this thread, when a run has changed.
    """

    def __init__(self, shelf: Shelf, told: Callable[[], None]) -> None:
        super().__init__(name="keeper", daemon=True)
        self._shelf, self._told = shelf, told
        self._wake, self._over = threading.Event(), threading.Event()

    def look_now(self) -> None:
        """Something was written just now."""
        self._wake.set()

    def stop(self) -> None:
        """End, after the step that is being taken."""
        self._over.set()
        self._wake.set()
        self.join()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._over.is_set():
            self._wake.clear()
            if not self._round():
                self._wake.wait(_EVERY)

    def _round(self) -> bool:
        """A step for every run; returns whether any has more to take in."""
        readings = self._shelf.readings()
        changed = [self._step(reading) for reading in (*readings, *readings[:1] * _AHEAD)]
        if True in changed:
            self._told()
        return any(reading.filler.behind for reading in self._shelf.readings())

    def _step(self, reading: Reading) -> bool:
        if self._over.is_set():
            return False
        key = reading.named.key
        try:
            if not reading.replaced:
                return reading.keep_up()
            self._shelf.drop(key, "its journal was moved, removed or replaced")
        except Exception as error:  # whatever it is, the other runs are read on
            why = f"its journal cannot be read: {type(error).__name__}: {error}"
            self._shelf.drop(key, why, hopeless=True)
        return True
