"""Stages of long work: each is done once, and skipped while what it was made of stays the same.

    stages = Stages(Path("runs/001"))
    corpus = stages.run(Stage("m1/pairs", make, settings={"pairs.split": "9:1"}, reads={...}))

A stage's name is its folder below the run folder. It stands in `stages.json` only once it has
finished, with the settings that it was made by and the outputs that it read, so that:

- nothing changed and its output is whole: it is skipped;
- an output that it read is another one now: it is done again, from nothing;
- a setting is another one now: `ConfigError` names it, or with `redo` it is done again;
- it was stopped in the middle: its work finds what the last attempt left, and goes on with it, by
  the same rules: another setting is refused, another input begins it from nothing.

A setting that a run folder does not know, since an older version began it, is no change as long as
it stands at its default.
"""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, ValidationError

from attunement.core.errors import AttunementError, ConfigError, RunFolderError
from attunement.core.records import Record
from attunement.personas.files import write_atomically

FILE = "stages.json"
UNKNOWN = "?"
"""Output of a stage that a dry run has not done."""
Say = Callable[[str], None]
Work = Callable[[Path], None]
_WHOLE = 1 << 28
"""Bytes of a file that are read for its hash; of a larger one its size, beginning and end."""
_END = 1 << 20
_SCRATCH = (".run-*", ".corpus-*", ".people-*", ".model-*", ".lessons-*", ".part-*")
"""Where stages make what is to be whole or not there."""


def folder_hash(path: Path, without: str | None = None) -> str:
    """A hash of a file, or of all files below a folder that are not hidden: names, sizes, contents.

    Files named `without` do not count. Of files above 256 MiB the first and last MiB are read.
    """
    digest = blake2b(digest_size=16)
    for file in _files(path):
        if file.name == without:
            continue
        size = file.stat().st_size
        digest.update(f"{file.relative_to(path).as_posix()}\0{size}\0".encode())
        with file.open("rb") as data:
            if size > _WHOLE:
                digest.update(data.read(_END))
                data.seek(-_END, 2)
            while block := data.read(_END):
                digest.update(block)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise RunFolderError(f"there is no {str(path)!r}; check the path")
    if path.is_file():
        yield path
    for file in sorted(path.rglob("*")):
        if file.is_file() and not any(n.startswith(".") for n in file.relative_to(path).parts):
            yield file


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of long work."""

    name: str
    """Its folder below the run folder."""
    work: Work
    """Does it in the folder that it is given: one that is not there, or that holds what an attempt
    with the same settings and inputs left."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What it is made by, under the names that the user knows: plain JSON values."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Hashes of what it is made of."""
    output: Callable[[Path], str] = folder_hash
    """A hash of what it made; raises where that is not whole."""
    usual: Set[str] = frozenset()
    """Names of the settings that stand at their defaults."""


class Begun(Record):
    """What a stage was begun with."""

    name: str
    settings: dict[str, Any]
    reads: dict[str, str]


class Done(Begun):
    """A stage that has finished, or in a dry run is still to be done."""

    output: str
    """Hash of what it made."""
    seconds: float = 0.0
    """Of the attempt that finished it."""

    @property
    def known(self) -> bool:
        """Whether it has been done; false only in a dry run."""
        return self.output != UNKNOWN


class _Book(Record):
    """What `stages.json` holds."""

    recipe: str = ""
    done: tuple[Done, ...] = ()
    begun: dict[str, Begun] = Field(default_factory=dict)
    """Stages that were begun and have not finished, by name."""


class Planned(Record):
    """What a dry run says about a stage."""

    name: str
    skipped: bool
    why: str
    """Why it is not skipped; for a skipped one nothing."""


class Stages:
    """The stages of one run folder."""

    def __init__(
        self, folder: Path, *, redo: bool = False, dry: bool = False, say: Say = lambda _: None
    ) -> None:
        """`redo` does stages again whose settings have changed; `dry` only says what it would do.

        `RunFolderError` for a `stages.json` that cannot be read.
        """
        self.folder, self.redo, self.dry, self.say = folder, redo, dry, say
        self.plan: list[Planned] = []
        """In a dry run: what became of the stages, in order."""
        self._book = book = _read(folder / FILE)
        self._done = {done.name: done for done in book.done}
        self._begun = dict(book.begun)

    def run(self, stage: Stage) -> Done:
        """Do a stage, unless it stands as it is. What its work raises leaves it undone."""
        now = Done(
            name=stage.name, settings=_plain(stage.settings), reads=dict(stage.reads),
            output=UNKNOWN,
        )  # fmt: skip
        why = self._why(stage, now)
        if self.dry:
            self.plan.append(Planned(name=stage.name, skipped=not why, why=why))
        elif not why:
            self.say(f"{stage.name}: done before, skipped")
        if not why:
            return self._done[stage.name]
        return now if self.dry else self._do(stage, now, why)

    def done(self) -> tuple[Done, ...]:
        """The stages that have finished, in the order in which they did."""
        return tuple(self._done.values())

    def _why(self, stage: Stage, now: Done) -> str:
        """Why a stage has to be done; nothing if it stands. `ConfigError` for a changed setting."""
        done, folder = self._done.get(stage.name), self.folder / stage.name
        known = done or self._begun.get(stage.name)
        if known is None or (done is None and not _holds_any(folder)):
            return "to do"
        if changed := _changed_setting(known, now, stage.usual):
            if not self.redo:
                raise ConfigError(_refusal(changed, known, now))
            return f"again, since `{changed}` has changed"
        if UNKNOWN in now.reads.values():
            return "again, behind a stage that is to be done"
        if changed := _changed(known.reads, now.reads):
            return f"again, since its {changed} is another one"
        if done is None:
            return "goes on"
        try:
            whole = stage.output(folder) == done.output
        except (OSError, AttunementError):
            whole = False
        return "" if whole else "again, since its output is not whole"

    def _do(self, stage: Stage, now: Done, why: str) -> Done:
        folder = self.folder / stage.name
        self._begin(stage, now, folder)
        self.say(f"{stage.name}: {why}")
        started = time.monotonic()
        with sigterm_kept():
            stage.work(folder)
        seconds = round(time.monotonic() - started, 2)
        done = now.model_copy(update={"output": stage.output(folder), "seconds": seconds})
        self._done[stage.name] = done
        self._begun.pop(stage.name)
        self._write()
        return done

    def _begin(self, stage: Stage, now: Done, folder: Path) -> None:
        """Leave in the folder only what an attempt with the same settings and inputs left."""
        begun = self._begun.get(stage.name)
        if begun is None or _differs(begun, now, stage.usual):
            # Forgotten before it is removed: nothing is ever claimed that is not there.
            self._done.pop(stage.name, None)
            self._begun.pop(stage.name, None)
            self._write()
            shutil.rmtree(folder, ignore_errors=True)
            self._begun[stage.name] = Begun(name=now.name, settings=now.settings, reads=now.reads)
            self._write()
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        _sweep(folder)

    def _write(self) -> None:
        update = {"done": tuple(self._done.values()), "begun": self._begun}
        write_json(self.folder / FILE, self._book.model_copy(update=update).model_dump(mode="json"))


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Put back who hears SIGTERM: a run of dialogues leaves the system's default behind it."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        # Another thread may not set it, and what was not set from Python cannot be.
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def claim(folder: Path, recipe: str) -> None:
    """Make a run folder a recipe's own, new or to go on with.

    `RunFolderError` where it holds something else, `ConfigError` where it is another recipe's.
    """
    path = folder / FILE
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunFolderError(
                f"{str(folder)!r} holds something else; choose another run folder with --out"
            )
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, _Book(recipe=recipe).model_dump(mode="json"))
    elif (found := _read(path).recipe) != recipe:
        raise ConfigError(
            f"`recipe` was {found!r} when run {str(folder)!r} began, and is {recipe!r} now; "
            "begin another run with --out"
        )


def _sweep(folder: Path) -> None:
    """Remove what an attempt that was killed left half made."""
    for name in _SCRATCH:
        for left in folder.glob(name):
            shutil.rmtree(left, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that the file is the old one or the new one. `AttunementError` if it cannot."""
    content = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    try:
        write_atomically(path, content, RunFolderError)
    except RunFolderError as error:  # a full disk is no mistake of the user's
        raise AttunementError(str(error)) from None


def _read(path: Path) -> _Book:
    if not path.exists():
        return _Book()
    try:
        return _Book.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise RunFolderError(f"{str(path)!r} is no list of stages: {first}") from None


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they come back from JSON, so that they compare."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(dict(settings)))
    return plain


def _holds_any(folder: Path) -> bool:
    """Whether an attempt left anything: without, no work is lost by other settings."""
    return folder.is_file() or (folder.is_dir() and any(folder.iterdir()))


def _differs(before: Begun, now: Begun, usual: Set[str]) -> bool:
    changed = _changed_setting(before, now, usual) or _changed(before.reads, now.reads)
    return changed is not None


def _changed_setting(before: Begun, now: Begun, usual: Set[str]) -> str | None:
    """The first setting that differs; a new one at its default does not."""
    new = usual - before.settings.keys()
    return _changed(before.settings, {n: v for n, v in now.settings.items() if n not in new})


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first name whose value differs or that only one side has."""
    missing = object()
    names = dict.fromkeys([*now, *before])
    return next((n for n in names if before.get(n, missing) != now.get(n, missing)), None)


def _refusal(name: str, before: Begun, now: Begun) -> str:
    was, given = before.settings.get(name), now.settings.get(name)
    what = "done" if isinstance(before, Done) else "begun"
    return (
        f"`{name}` was {was!r} when stage {now.name!r} was {what}, and is {given!r} now; set it "
        "back, begin another run with --out, or pass --redo to do again what it touches"
    )
