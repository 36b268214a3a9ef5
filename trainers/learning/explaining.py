"""What goes wrong while a training runs, in a sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from attunement.core.errors import AttunementError, TrainingError
from attunement.trainers.learning.settings import TrainConfig

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SAID = ("No space left", "File too large", "os error 28")
_WRITERS = ("PytorchStreamWriter", "inline_container", "iostream error")
"""What torch says where it could not write; it does not say why."""


@contextmanager
def explained(config: TrainConfig, out: Path) -> Iterator[None]:
    """`TrainingError` for lack of memory or of room on the disk, with what to do."""
    try:
        yield
    except AttunementError:
        raise
    except Exception as error:
        if no_memory(error):
            raise TrainingError(_memory(config)) from error
        if no_room(error):
            raise TrainingError(
                f"{str(out)!r} cannot be written: {_first(error)}; make room, then go on with "
                "--resume"
            ) from error
        raise


def no_memory(error: BaseException) -> bool:
    """Whether a smaller batch might have gone well."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def no_room(error: BaseException) -> bool:
    """Whether a file could not be written to its end."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(name in str(error) for name in (*_SAID, *_WRITERS))


def _memory(config: TrainConfig) -> str:
    smaller = max(1, config.batch_size // 2)
    advice = []
    if config.batch_size > 1:
        advice.append(
            f"--batch-size {smaller} --accumulation "
            f"{config.accumulation * config.batch_size // smaller} (the same steps)"
        )
    if not config.gradient_checkpointing:
        advice.append("--gradient-checkpointing")
    if config.full:
        advice.append("an adapter instead of --full")
    advice.append("a smaller --max-length")
    return (
        f"out of memory with `batch_size` {config.batch_size} and `max_length` "
        f"{config.max_length}; try {', or '.join(advice)}"
    )


def _first(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if any(name in str(error) for name in _WRITERS):
        return "the disk is full, or fails"
    return str(error).strip().partition("\n")[0]
