"""The order of rows: batches of equal lengths, drawn anew in every epoch from the seed."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

SPAN = 32
"""Batches that are sorted together: fewer would pad more, more would mix less."""


class Buckets(Sampler[int]):
    """Row numbers for batches of `unit` rows (of all processes together) of about equal lengths.

    The order follows from seed and epoch alone, so that a training that is resumed in the middle
    of an epoch finds the same one.
    """

    def __init__(self, lengths: Sequence[int], unit: int, seed: int) -> None:
        self._lengths, self._unit, self._seed = np.asarray(lengths), unit, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        draw = np.random.default_rng((self._seed, self.epoch))
        order = draw.permutation(len(self))
        whole: list[np.ndarray] = []
        rest = np.empty(0, dtype=order.dtype)
        span = SPAN * self._unit
        for start in range(0, len(order), span):
            part = order[start : start + span]
            part = part[np.argsort(-self._lengths[part], kind="stable")]
            # What fills no batch is any rows, and comes last.
            keep = len(part) - len(part) % self._unit
            whole += np.split(part[:keep], keep // self._unit) if keep else []
            rest = part[keep:]
        mixed = [whole[i] for i in draw.permutation(len(whole))]
        yield from (int(i) for batch in [*mixed, rest] for i in batch)
