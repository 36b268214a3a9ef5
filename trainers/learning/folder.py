"""A training's folder: laid out, found again, and its checkpoints."""

import json
import shutil
from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError
from attunement.trainers.learning.prints import WEIGHTS_READ, prints_of
from attunement.trainers.learning.report import (
    CHECKPOINTS,
    REPORT,
    SETTINGS,
    TrainReport,
    write_whole,
)
from attunement.trainers.learning.rows import hash_of
from attunement.trainers.learning.settings import TrainConfig, train_config

FREE = (
    "threads", "device", "report_to", "check", "save_every", "keep_checkpoints", "log_every",
    "gradient_checkpointing", "share_prompts", "precompute",
)  # fmt: skip
"""Settings that change how a training is carried out, but not what it is about: they may change
between two sittings, and nothing that is made of its weights has to be made again for them."""
_READ = ("corpus", "retain", *WEIGHTS_READ)
"""Settings that name what is read: its contents count, not the path to them."""
FACTS = "facts.json"
STATE = "trainer_state.json"
_WHAT = {name: f"what `{name}` holds" for name in WEIGHTS_READ} | {
    "corpus_hash": "what `corpus` (and `retain`, where it is set) holds"
}
"""What facts tell of, by their names."""


def check_folder(config: TrainConfig, out: Path, resume: bool) -> None:
    """`ConfigError` where the folder stands already, or another training in it is to be resumed."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigError(f"`out` {str(out)!r} is a file; name a folder that does not exist")
    if not resume and any(out.iterdir()):
        how = "is finished" if (out / REPORT).exists() else "may be gone on with: --resume"
        raise ConfigError(f"folder {str(out)!r} exists; choose another, or remove it (it {how})")
    if resume and (out / SETTINGS).exists():
        _check_same(train_config(out / SETTINGS), config)


def _check_same(before: TrainConfig, now: TrainConfig) -> None:
    for name in TrainConfig.model_fields:
        old, new = getattr(before, name), getattr(now, name)
        elsewhere = name in _READ and old is not None and new is not None
        if name not in FREE and not elsewhere and old != new:
            raise ConfigError(
                f"`{name}` was {_shown(old)} when this training began, now it is {_shown(new)}; "
                "resume it with the settings that it began with, or begin another one"
            )


def _shown(value: Any) -> str:
    return repr(value.model_dump() if hasattr(value, "model_dump") else value)


def check_finished(config: TrainConfig, out: Path, done: TrainReport) -> None:
    """`ConfigError` where the settings point elsewhere than those of a finished training did, and
    what is there is not the same."""
    before = train_config(out / SETTINGS) if (out / SETTINGS).exists() else config
    if all(getattr(before, name) == getattr(config, name) for name in _READ):
        return
    now = {"corpus_hash": hash_of(config), **prints_of(config)}
    _check_facts({"corpus_hash": done.corpus_hash, **done.prints}, now)


def check_facts(out: Path, facts: dict[str, Any]) -> None:
    """`ConfigError` where what the settings point to is no longer what it was."""
    path = out / CHECKPOINTS / FACTS
    if path.exists():
        _check_facts(json.loads(path.read_text("utf-8")), facts)


def _check_facts(before: dict[str, Any], now: dict[str, Any]) -> None:
    for name, new in now.items():
        if name in before and before[name] != new:
            what = _WHAT.get(name, f"`{name}`")
            raise ConfigError(
                f"{what} was {before[name]!r} when this training began, now it is {new!r}; bring "
                "back what it was, or begin another training"
            )


def check_there(kind: str, name: str) -> None:
    """`ConfigError` for a path that is no folder; what cannot be a path is a name on the hub."""
    path = Path(name).expanduser()
    if path.is_dir():
        return
    if path.exists() or path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise ConfigError(f"`{kind}`: there is no folder {name!r}; name a model's folder")


def lay_out(config: TrainConfig, out: Path, facts: dict[str, Any]) -> None:
    """The folder with its settings and the facts that a resumed training must find again."""
    (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    write_whole(out / SETTINGS, config.dump().encode())
    write_whole(out / CHECKPOINTS / FACTS, (json.dumps(facts, indent=2) + "\n").encode())


def newest_checkpoint(out: Path) -> Path | None:
    """The last one that was written to its end: its state is what the trainer writes last."""
    found = [path for path in (out / CHECKPOINTS).glob("checkpoint-*") if state_of(path)]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def state_of(checkpoint: Path) -> dict[str, Any] | None:
    """A checkpoint's state; None where it was not written to its end."""
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return state


def mend(checkpoint: Path) -> None:
    """Let a checkpoint find the best one beside it, where the folder was moved in between."""
    state = state_of(checkpoint) or {}
    best = state.get("best_model_checkpoint")
    here = str(checkpoint.parent / Path(best).name) if best else best
    if here == best:
        return
    mended = json.dumps(state | {"best_model_checkpoint": here}, indent=2) + "\n"
    write_whole(checkpoint / STATE, mended.encode())


def drop_broken(out: Path) -> None:
    """Checkpoints that a kill has left unfinished."""
    for path in (out / CHECKPOINTS).glob("checkpoint-*"):
        if state_of(path) is None:
            shutil.rmtree(path)
