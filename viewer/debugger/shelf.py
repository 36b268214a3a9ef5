"""The runs that are open for reading, each under a short key."""

import os
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from attunement.core.errors import AttunementError, RunFolderError, UserError
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.frame import CONFIG, JOURNAL, open_run
from attunement.viewer.debugger.figures import Named, run_card, run_page
from attunement.viewer.debugger.filling import Filler
from attunement.viewer.debugger.finding import NotFound
from attunement.viewer.debugger.index import Index
from attunement.viewer.debugger.jobs import Jobs
from attunement.viewer.debugger.listing import Asked, Lists
from attunement.viewer.debugger.records import DialogueList, ReplyList, RunCard, RunPage
from attunement.viewer.debugger.replies import AskedReplies, Replies

_DEPTH = 3
"""Levels below a folder of runs on which runs are looked for."""
_RECENT = 5.0
"""Seconds after a change in which a run counts as being written."""
_PATIENCE = 5.0
"""Seconds that a page waits for the first rows of a run's list."""
_KEPT, _NAMED = 200, 100
"""Changes that are remembered, and dialogues that one of them names."""


class Reading:
    """A run that is open: its journal, and what was made of it so far."""

    def __init__(self, named: Named, folder: Path) -> None:
        config, self.journal = open_run(folder)
        self.named, self.folder, self.jobs = named, folder, Jobs(folder)
        self.index = Index()
        try:
            self.filler = Filler(folder / JOURNAL, self.index)
        except BaseException:
            self.index.close()
            self.journal.close()
            raise
        self.lists = Lists(self.journal, self.index)
        self.replies = Replies(self.journal, self.index)
        self.asked = 0.0
        """When somebody has last asked for it."""
        self._stamp = _stamp(folder / JOURNAL)
        self._config, self._config_stamp = config, _times(folder / CONFIG)
        self._written = time.monotonic() - (0 if _fresh(folder / JOURNAL) else 2 * _RECENT)
        self._was_writing = self.writing
        self._changes: list[tuple[int, frozenset[int] | None]] = []

    @property
    def config(self) -> RunConfig:
        """As it is now: forking adds models to it."""
        stamp = _times(self.folder / CONFIG)
        if stamp != self._config_stamp:
            self._config, self._config_stamp = read_config(self.folder / CONFIG), stamp
        return self._config

    @property
    def writing(self) -> bool:
        """Whether something was written in the last seconds."""
        return time.monotonic() - self._written < _RECENT

    @property
    def replaced(self) -> bool:
        """Whether another journal, or none, stands where this one was."""
        return _stamp(self.folder / JOURNAL) != self._stamp

    def card(self) -> RunCard:
        """The run in a list."""
        self.index.ready.wait(_PATIENCE)
        return run_card(self.named, self.config, self.index, self.writing)

    def page(self) -> RunPage:
        """The run in figures."""
        self.index.ready.wait(_PATIENCE)
        return run_page(self.named, self.config, self.index, self.writing)

    def listed(self, asked: Asked) -> DialogueList:
        """Dialogues that fit what is asked for."""
        self.index.ready.wait(_PATIENCE)
        return self.lists.page(asked)

    def replied(self, asked: AskedReplies) -> ReplyList:
        """Replies that fit what is asked for."""
        self.index.ready.wait(_PATIENCE)
        return self.replies.page(asked)

    def keep_up(self) -> bool:
        """Take in some of what is new; returns whether anything has changed. One thread's."""
        if self.filler.changed() and self.index.revision:
            self._written = time.monotonic()
        touched = self.filler.step() if self.filler.behind else set()
        was_writing, self._was_writing = self._was_writing, self.writing
        if not touched and was_writing == self._was_writing:
            return False
        self.index.revision += 1
        kept = frozenset(touched) if len(touched) <= _NAMED else None
        self._changes.append((self.index.revision, kept))
        del self._changes[:-_KEPT]
        return True

    def since(self, revision: int) -> tuple[int, ...]:
        """The dialogues that have changed since; empty where they are too many to name."""
        later = [touched for number, touched in list(self._changes) if number > revision]
        if len(later) < self.index.revision - revision or None in later:
            return ()
        found = frozenset[int]().union(*(touched for touched in later if touched))
        return tuple(sorted(found)) if len(found) <= _NAMED else ()

    def close(self) -> None:
        """Let go of its files."""
        self.filler.close()
        self.index.close()
        self.journal.close()


class Shelf:
    """Runs by key. Those that cannot be read stand among them, with the reason."""

    def __init__(self, runs: Sequence[Path], within: Path | None = None) -> None:
        self._within = within
        self._folders: dict[str, Path] = {}
        self._open: dict[str, Reading] = {}
        self._trouble: dict[str, str] = {}
        self._retired: list[Reading] = []
        self._hopeless: dict[str, object] = {}
        """The journals that could not be understood, as they were then."""
        self._lock = threading.Lock()
        for run in runs:
            self._add(run)
        self.look()

    def look(self) -> None:
        """Open what has come, and try again what could not be read."""
        with self._lock:
            for folder in runs_in(self._within) if self._within else ():
                self._add(folder)
            for key, folder in self._folders.items():
                if key not in self._open:
                    self._try(key, folder)

    def cards(self) -> tuple[RunCard, ...]:
        """All runs, in the sequence of their keys."""
        self.look()
        return tuple(self._card(key) for key in list(self._folders))

    def find(self, key: str) -> Reading:
        """The run of a key. `NotFound` if there is none, `UserError` if it cannot be read."""
        if key not in self._folders:
            raise NotFound(f"no run {key!r} is open here; the list of runs has the keys")
        if key not in self._open:
            self.look()
        if reading := self._open.get(key):
            reading.asked = time.monotonic()
            return reading
        raise UserError(self._trouble.get(key, "it cannot be read"))

    @property
    def troubles(self) -> dict[str, str]:
        """Why runs cannot be read, by key."""
        return dict(self._trouble)

    def readings(self) -> list[Reading]:
        """The runs that can be read, those that somebody has asked for last first."""
        return sorted(self._open.values(), key=lambda reading: -reading.asked)

    def drop(self, key: str, why: str, hopeless: bool = False) -> None:
        """Read a run no more; it is tried again when runs are next listed, or, where that is
        hopeless, when its journal has changed."""
        with self._lock:
            self._trouble[key] = why
            if hopeless:
                self._hopeless[key] = _state(self._folders[key])
            # Its files stay open until the end: a request may be reading them.
            if reading := self._open.pop(key, None):
                self._retired.append(reading)

    def everything(self) -> list[Reading]:
        """All that has been opened, what is read no more included."""
        return [*self._open.values(), *self._retired]

    def close(self) -> None:
        """Let go of all files."""
        with ExitStack() as closing:  # all of them, whatever goes wrong with one
            for reading in self.everything():
                closing.callback(reading.close)

    def _card(self, key: str) -> RunCard:
        try:
            if reading := self._open.get(key):
                return reading.card()
            why = self._trouble.get(key, "it cannot be read")
        except AttunementError as error:
            why = str(error)
        return RunCard(**self._named(key).model_dump(), trouble=why)

    def _named(self, key: str) -> Named:
        folder = self._folders[key]
        return Named(key=key, name=folder.resolve().name, folder=str(folder))

    def _add(self, folder: Path) -> None:
        if folder.resolve() not in {known.resolve() for known in self._folders.values()}:
            self._folders[str(len(self._folders))] = folder

    def _try(self, key: str, folder: Path) -> None:
        if key in self._hopeless and self._hopeless[key] == _state(folder):
            return
        try:
            self._open[key] = Reading(self._named(key), folder)
            self._trouble.pop(key, None)
        except (AttunementError, OSError) as error:
            self._trouble[key] = str(error)


def runs_in(folder: Path) -> list[Path]:
    """The run folders below a folder, in sequence; one that is being laid out is hidden."""
    found = []
    # Not by a glob: folders may go while it looks, which would be an error there.
    for here, below, files in os.walk(folder, followlinks=True):
        depth = len(Path(here).relative_to(folder).parts)
        below[:] = (name for name in below if depth < _DEPTH and not name.startswith("."))
        if depth and JOURNAL in files:
            found.append(Path(here))
    return sorted(found)


def shelf_for(runs: Sequence[Path], within: Path = Path("runs")) -> Shelf:
    """The runs that are named, or all below `within`. `RunFolderError` where there is none."""
    if runs:
        return Shelf(runs)
    if not runs_in(within):
        raise RunFolderError(
            f"no run below {str(within)!r}; make one with: attune simulate, or name a run folder"
        )
    return Shelf((), within)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What stays the same while a file is the same file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _times(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _state(run: Path) -> object:
    """What changes when something is written into a run's journal, or its log."""
    return _times(run / JOURNAL), _times(run / f"{JOURNAL}-wal")


def _fresh(journal: Path) -> bool:
    """Whether a journal's log holds something of the last seconds."""
    try:
        found = journal.with_name(f"{journal.name}-wal").stat()
    except OSError:
        return False
    return found.st_size > 0 and time.time() - found.st_mtime < _RECENT
