"""What all stages of a self-evolution share: its settings, its folder, its models, its display."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import AttunementError, StoppedError
from attunement.core.records import Record
from attunement.core.seeds import content_hash
from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.export import turn_rows
from attunement.simulator.frame import locked, open_run, write_config
from attunement.simulator.run import create_run
from attunement.simulator.run import run as run_folder
from attunement.trainers.evolve.config import EvolveConfig
from attunement.trainers.evolve.people import HELD_OUT, TRAIN
from attunement.trainers.evolve.stages import Say, Stages, sigterm_kept
from attunement.trainers.learning.report import Watch, silent

PEOPLE = "personas"
_SPEED = ("concurrency", "timeout", "base_url", "engine")
"""Settings that change how fast a run is, and where, but not what it is about."""


@dataclass(frozen=True, slots=True)
class Display:
    """How the work is shown. As it stands: not at all."""

    say: Say = lambda _: None
    """Takes a line for each stage."""
    run: Callable[[Path], bool] = run_folder
    """Runs a run folder; False if it was told to stop."""
    training: Watch = silent


@dataclass(frozen=True, slots=True)
class Model:
    """M_t."""

    t: int
    path: str
    """Its folder, or its name on the hub."""
    hash: str
    """Of its weights and its tokenizer."""

    @property
    def name(self) -> str:
        return f"M_{self.t}"


@dataclass(frozen=True, slots=True)
class Evolution:
    """A self-evolution in its run folder."""

    config: EvolveConfig
    out: Path
    stages: Stages
    display: Display = field(default_factory=Display)

    @property
    def train_cards(self) -> Path:
        """The people that pairs are made with."""
        return self.out / PEOPLE / TRAIN

    @property
    def held_out_cards(self) -> Path:
        """The people that models are measured with. Only `measuring` opens them."""
        return self.out / PEOPLE / HELD_OUT

    def spec(self, model: Model) -> str:
        """The model as a run names it."""
        return f"{self.config.backend}:{model.path}"


def named(prefix: str, settings: Record | Mapping[str, Any], *without: str) -> dict[str, Any]:
    """Settings by dotted names, as they stand in the file: `train.beta`."""
    plain = settings.model_dump(mode="json") if isinstance(settings, Record) else dict(settings)
    found: dict[str, Any] = {}
    for name, value in plain.items():
        if name in without:
            continue
        if isinstance(value, Mapping) and value:
            found |= named(f"{prefix}.{name}", value)
        else:
            found[f"{prefix}.{name}"] = value
    return found


def usual(prefix: str, settings: Record) -> frozenset[str]:
    """The names of `named` whose values are the defaults."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    return frozenset(named(prefix, settings).keys() - named(prefix, given).keys())


def run_settings(prefix: str, settings: Record) -> dict[str, Any]:
    """What a run's result depends on, with the prompts that it is asked with."""
    return named(prefix, settings, *_SPEED) | {"prompts": prompts_hash()}


def prompts_hash() -> str:
    """A hash of all prompt files: another prompt is another experiment."""
    versions = {role: prompt.version for role, prompt in packaged_prompts().items()}
    return content_hash(orjson.dumps(versions, option=orjson.OPT_SORT_KEYS))


def carry_out(folder: Path, config: RunConfig, display: Display) -> None:
    """Run a run folder to its end, or go on with it.

    `StoppedError` if it was told to stop, `AttunementError` if more than half of the dialogues
    failed: nothing should be learnt or judged from the rest. Those are tried again next time.
    """
    if folder.exists():
        _same_speed(folder, config)
        _try_again(folder)
    else:
        create_run(folder, config, cast_for(config))
    with sigterm_kept():
        whole = display.run(folder)
    if not whole:
        raise StoppedError(f"run {str(folder)!r} was stopped")
    _, journal = open_run(folder)
    with closing(journal):
        counts = journal.counts()
        failed, total = counts["failed"], sum(counts.values())
        if 2 * failed > total:
            error = next(d.error for d in journal.dialogues() if d.error)
            raise AttunementError(
                f"{failed:,} of {total:,} dialogues of {str(folder)!r} failed, the first with: "
                f"{error}; mend what is wrong and go on: they are tried again"
            )


def _try_again(folder: Path) -> None:
    """A run that was not accepted is to have another chance with its failed dialogues."""
    _, journal = open_run(folder)
    with locked(folder), closing(journal):
        counts = journal.counts()
        if 2 * counts["failed"] > sum(counts.values()):
            journal.reopen_failed()


def _same_speed(folder: Path, config: RunConfig) -> None:
    """What was begun goes on as fast as it is wanted now, or on the servers there are now."""
    old, journal = open_run(folder)
    journal.close()
    changed = {name: getattr(config, name) for name in _SPEED}
    if not config.base_url:
        changed.pop("base_url")
    write_config(folder, old.model_copy(update=changed))


def run_hash(folder: Path) -> str:
    """A hash of all turns of a run, without clock values. `AttunementError` if some are missing."""
    digest = blake2b(digest_size=16)
    _, journal = open_run(folder)
    with closing(journal):
        if journal.counts()["open"]:
            raise AttunementError(f"run {str(folder)!r} is not finished")
        for row in turn_rows(journal):
            digest.update(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return digest.hexdigest()
