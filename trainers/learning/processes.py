"""Several processes of one training: who this one is, and what all of them found."""

import os
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")


def count() -> int:
    """How many there are; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which one this is, from 0; that is the main one, which writes and talks."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Which one of this machine's this is, and so its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def spread() -> bool:
    """Whether the launcher spreads the weights over the processes (FSDP, DeepSpeed)."""
    names = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")
    return any(os.environ.get(name, "").lower() == "true" for name in names)


def share(rows: Sequence[_T]) -> Sequence[_T]:
    """This process's part."""
    return rows[rank() :: count()]


def joined(part: np.ndarray, rows: int) -> np.ndarray:
    """The parts of all processes in the order of the rows."""
    if count() == 1:
        return part
    import torch.distributed as dist

    parts: list[np.ndarray] = [part] * count()
    dist.all_gather_object(parts, part)
    shape = next(p.shape[1:] for p in parts if len(p))
    whole = np.zeros((rows, *shape))
    for i, one in enumerate(parts):
        if len(one):
            whole[i :: count()] = one
    return whole


def wait() -> None:
    """Until all are here."""
    if count() > 1:
        import torch.distributed as dist

        dist.barrier()
