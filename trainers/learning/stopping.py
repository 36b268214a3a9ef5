"""Ctrl-C and SIGTERM: the first lets a training save its state and end, the second ends it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether the training is to end."""

    def __init__(self) -> None:
        self.asked = False
        """Whether this process was."""

    def ask(self) -> None:
        """End after this step."""
        self.asked = True

    def wanted(self) -> bool:
        """Whether any process was asked; every process of a training asks this in every step."""
        import torch.distributed as dist

        if not (dist.is_available() and dist.is_initialized()):
            return self.asked
        import torch

        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        asked = torch.tensor(int(self.asked), device=device)
        dist.all_reduce(asked, op=dist.ReduceOp.MAX)
        return bool(asked.item())


@contextmanager
def heeding_signals() -> Iterator[Stop]:
    """A `Stop` that signals ask, in the main thread; elsewhere nobody asks it."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def asked(number: int, frame: FrameType | None) -> None:
        stop.ask()
        signal.signal(number, before[signal.Signals(number)])

    for number in SIGNALS:
        signal.signal(number, asked)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
