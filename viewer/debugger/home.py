"""A folder for what a viewing writes: it goes with the viewing, or with the next one."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from tempfile import gettempdir

from filelock import FileLock, Timeout

_PREFIX = "attunement-viewing-"


class Home:
    """A folder of one process, locked for as long as that lives."""

    def __init__(self) -> None:
        _sweep()
        self.folder = Path(gettempdir(), _PREFIX + secrets.token_hex(8))
        # Locked before it is there: nobody takes it for one that was left behind.
        self._lock = _lock_of(self.folder)
        self._lock.acquire()
        self.folder.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        try:
            _remove(self.folder)
        finally:
            self._lock.release()


def _sweep() -> None:
    """Remove what viewings left behind that were killed: it has words of people's talks."""
    me = os.getuid() if hasattr(os, "getuid") else 0
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
        # Those in use are locked, and some may go while this looks.
        with suppress(Timeout, OSError):
            found = folder.lstat()
            if S_ISDIR(found.st_mode) and found.st_uid == me:
                with _lock_of(folder):
                    _remove(folder)


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):  # whoever clears up temporary files was here
        shutil.rmtree(folder)
    with suppress(OSError):  # an empty file: where it cannot go yet, it may stay
        folder.with_name(f"{folder.name}.lock").unlink()
