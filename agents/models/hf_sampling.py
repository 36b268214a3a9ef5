"""Sampling for a batch whose rows each have their own decoding, seed, guide and end.

`generate` takes the best-scored token of each row; `RowSampler` makes the scores: the row's own
penalty, temperature, top-k and top-p, and Gumbel noise from the row's own seeded generator. The
argmax of log p + Gumbel noise is an exact draw from p (the Gumbel-max trick: Maddison, Tarlow and
Minka 2014, section 2); a row with temperature 0 goes without noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

NEVER = float("-inf")
_BITS = 32


class Guide(Protocol):
    """What holds one row to a grammar."""

    def allow(self, token: int | None) -> Tensor:
        """The tokens that may follow after `token` (None before the first), 32 to an int32.

        Shape: [vocabulary / 32, rounded up].
        """
        ...


@dataclass(slots=True)
class Row:
    """One answer in the making."""

    prompt: list[int]
    """Token ids."""
    limit: int
    """Tokens of the longest answer, its end token among them."""
    seed: int = 0
    temperature: float = 1.0
    """0 always takes the likeliest token."""
    top_p: float = 1.0
    top_k: int = 0
    """0 does nothing."""
    penalty: float = 1.0
    """Repetition penalty; 1 does nothing."""
    guide: Guide | None = None
    dropped: Callable[[], bool] = bool
    """Whether nobody waits for it any more: then it ends at the next step."""
    ended: bool = False
    """Whether it was dropped or reached its limit."""


class RowSampler:
    """A logits processor: scores of the next token whose argmax is each row's draw."""

    def __init__(self, rows: Sequence[Row], ends: Sequence[int], device: torch.device) -> None:
        self._rows, self._ends, self._device = rows, frozenset(ends), device
        self._width = max(len(row.prompt) for row in rows)
        self._guided = [i for i, row in enumerate(rows) if row.guide]
        self._seeded = {i: self._seeded_with(row) for i, row in enumerate(rows) if row.temperature}
        self._heat = self._column([row.temperature or 1.0 for row in rows])
        self._penalty = self._column([row.penalty for row in rows])
        # The likeliest token is in what top-k and top-p leave: a greedy row needs neither.
        self._kept = self._column([row.top_k if row.temperature else 0 for row in rows]).long()
        masses = [row.top_p if row.temperature else 1.0 for row in rows]
        self._spared = self._column([1 - mass if mass < 1 else -1.0 for mass in masses])
        self._narrows = bool(self._kept.any()) or min(masses) < 1
        self._penalises = any(row.penalty != 1 for row in rows)
        self._said: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """`input_ids` [rows, tokens so far], padded on the left; `scores` [rows, vocabulary]."""
        scores = self.warp(input_ids, scores.float())
        if not self._seeded:
            return scores
        # minus the log of an exponential draw is Gumbel noise; a greedy row's 1 makes none
        noise = torch.ones_like(scores)
        for i, generator in self._seeded.items():
            noise[i].exponential_(generator=generator)
        return scores - noise.clamp_min(torch.finfo(noise.dtype).tiny).log()

    def warp(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """The scores before the draw: their softmax is what each row samples from.

        To be called once a step: guides and penalties follow the newest tokens.
        """
        if self._guided:
            scores = scores.masked_fill(~self._allowed(input_ids, scores.shape[1]), NEVER)
        if self._penalises:
            lowered = torch.where(scores < 0, scores * self._penalty, scores / self._penalty)
            scores = torch.where(self._repeated(input_ids, scores), lowered, scores)
        scores = scores / self._heat
        return self._narrow(scores) if self._narrows else scores

    def _narrow(self, scores: Tensor) -> Tensor:
        """Top-k, then top-p in what is left, as transformers' warpers do (ties at k stay)."""
        size = scores.shape[1]
        rising, order = scores.sort(dim=-1)
        place = torch.where(self._kept > 0, (size - self._kept).clamp_min(0), 0)
        least = rising.gather(1, place)
        rising = rising.masked_fill(rising < least, NEVER)
        outside = rising.softmax(-1).cumsum(-1) <= self._spared
        outside[:, -1] = False
        outside = outside.scatter(1, order, outside)
        return scores.masked_fill(outside | (scores < least), NEVER)

    def _repeated(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Booleans [rows, vocabulary]: the tokens of prompt and answer, without the padding."""
        if self._said is None:
            self._said = torch.zeros_like(scores, dtype=torch.bool)
            for i, row in enumerate(self._rows):
                self._said[i, torch.tensor(row.prompt, device=self._device)] = True
        else:
            self._said.scatter_(1, input_ids[:, -1:], True)
        return self._said

    def _allowed(self, input_ids: Tensor, size: int) -> Tensor:
        """Booleans [rows, vocabulary]. A row that has ended may go on as it likes."""
        begins = input_ids.shape[1] == self._width
        newest = [None] * len(self._rows) if begins else input_ids[:, -1].tolist()
        self._guided = [
            i for i in self._guided if not self._rows[i].ended and newest[i] not in self._ends
        ]
        words = torch.full((len(self._rows), -(-size // _BITS)), -1, dtype=torch.int32)
        for i in self._guided:
            guide = self._rows[i].guide
            assert guide is not None
            words[i] = guide.allow(newest[i])[: words.shape[1]]
        bits = torch.arange(_BITS, dtype=torch.int32, device=self._device)
        unpacked = (words.to(self._device)[:, :, None] >> bits) & 1
        return unpacked.bool().flatten(1)[:, :size]

    def _seeded_with(self, row: Row) -> torch.Generator:
        return torch.Generator(self._device).manual_seed(row.seed)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self._device)[:, None]


class RowStops:
    """A stopping criterion: ends each row at its own limit, or as soon as nobody waits for it."""

    def __init__(self, rows: Sequence[Row], device: torch.device) -> None:
        self._rows, self._device = rows, device
        self._width = max(len(row.prompt) for row in rows)

    def __call__(self, input_ids: Tensor, scores: object, **_: object) -> Tensor:
        """Booleans [rows]."""
        step = input_ids.shape[1] - self._width
        for row in self._rows:
            row.ended = row.ended or row.dropped() or step >= row.limit
        return torch.tensor([row.ended for row in self._rows], device=self._device)
