"""A training's folder: laid out, found again, and its checkpoints."""

import json
import shutil
from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError
from attunement.trainers.learning.report import CHECKPOINTS, REPORT, SETTINGS
from attunement.trainers.learning.settings import TrainConfig, train_config

_FREE = ("threads", "report_to", "check", "keep_checkpoints", "log_every")
"""Settings that may change between two sittings: they do not change the weights."""
FACTS = "facts.json"
STATE = "trainer_state.json"


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
        if name not in _FREE and old != new:
            raise ConfigError(
                f"`{name}` was {_shown(old)} when this training began, now it is {_shown(new)}; "
                "resume it with the settings that it began with, or begin another one"
            )


def _shown(value: Any) -> str:
    return repr(value.model_dump() if hasattr(value, "model_dump") else value)


def check_facts(out: Path, facts: dict[str, Any]) -> None:
    """`ConfigError` where what the settings point to is no longer what it was."""
    path = out / CHECKPOINTS / FACTS
    if not path.exists():
        return
    before = json.loads(path.read_text("utf-8"))
    for name, new in facts.items():
        if before[name] != new:
            raise ConfigError(
                f"`{name}` was {before[name]!r} when this training began, now it is {new!r}; bring "
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
    (out / SETTINGS).write_text(config.dump(), "utf-8")
    (out / CHECKPOINTS / FACTS).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


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
    part = checkpoint / f".{STATE}"
    part.write_text(json.dumps(state | {"best_model_checkpoint": here}, indent=2) + "\n", "utf-8")
    part.replace(checkpoint / STATE)


def drop_broken(out: Path) -> None:
    """Checkpoints that a kill has left unfinished."""
    for path in (out / CHECKPOINTS).glob("checkpoint-*"):
        if state_of(path) is None:
            shutil.rmtree(path)
