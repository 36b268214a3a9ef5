"""How likely a model holds the sides of rows: the reference of DPO, and figures on validation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attunement.trainers.learning.heads import autocast
from attunement.trainers.learning.models import Precision
from attunement.trainers.learning.rows import Row

Told = Callable[[int], None]
Scores = np.ndarray
"""Floats [rows, sides, 3]: the sum of a side's log-probabilities, its tokens, and how many of them
the model held for the likeliest."""


def score(
    model: Any, rows: Sequence[Row], batch: int, precision: Precision, told: Told = lambda _: None
) -> Scores:
    """The scores of rows, in their order, by a model that has a head (`put_head`).

    Batches are of equal lengths, as far as there are any.
    """
    order = sorted(range(len(rows)), key=lambda i: rows[i].length)
    found = np.zeros((len(rows), len(rows[0].sides) if rows else 1, 3))
    training = model.training
    model.eval()
    try:
        for start in range(0, len(order), batch):
            places = order[start : start + batch]
            found[places] = _batch(model, [rows[i] for i in places], precision)
            told(start + len(places))
    finally:
        model.train(training)
    return found


def _batch(model: Any, rows: Sequence[Row], precision: Precision) -> Scores:
    batch = collate(rows, precision.device)
    with torch.no_grad(), autocast(precision):
        out = model(**batch, fused_lm_head=True)
    learnt = batch["labels"][:, 1:] != -100
    right = out.is_top1.bool() & learnt
    sums = [out.log_probs.double().sum(1), learnt.sum(1).double(), right.sum(1).double()]
    flat = torch.stack(sums, -1).cpu().numpy()
    return flat.reshape(-1, len(rows), 3).swapaxes(0, 1)


def collate(rows: Sequence[Row], device: torch.device) -> dict[str, Tensor]:
    """Ids, mask and labels [sides * rows, width]: all first sides, then all second ones."""
    flat = [
        (row.prompt, side) for sides in zip(*(row.sides for row in rows), strict=True)
        for row, side in zip(rows, sides, strict=True)
    ]  # fmt: skip
    ids = torch.zeros((len(flat), max(len(p) + len(s) for p, s in flat)), dtype=torch.long)
    seen, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, (prompt, side) in enumerate(flat):
        end = len(prompt) + len(side)
        ids[i, :end] = torch.tensor(prompt + side)
        seen[i, :end] = 1
        labels[i, len(prompt) : end] = ids[i, len(prompt) : end]
    return {
        "input_ids": ids.to(device), "attention_mask": seen.to(device), "labels": labels.to(device)
    }  # fmt: skip
