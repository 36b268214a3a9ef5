"""Controls: the same pairs with their meaning taken away, to show that it is what helps.

- `swapped`: what was refined is rejected, what was drafted is chosen: must get worse.
- `random`: each prompt gets both sides of another turn's pair, in an order drawn by the seed. What
  is chosen is then neither fitted to this seeker nor better written: must not improve.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attunement.core.errors import UserError
from attunement.core.seeds import derive_seed
from attunement.trainers.corpora.report import CorpusReport
from attunement.trainers.corpora.rows import PairRow
from attunement.trainers.evolve.rewriting import rewritten

_SIDED = (
    ("chosen", "rejected"), ("strategy", "rejected_strategy"), ("chosen_model", "rejected_model"),
    ("chosen_prompt_version", "rejected_prompt_version"), ("chosen_words", "rejected_words"),
)  # fmt: skip
"""The columns that say something about one side."""
_NOTES = {
    "swapped": "A control: chosen and rejected were swapped. Train nothing on it that is meant to "
    "be used.",
    "random": "A control: each prompt stands with the two sides of another turn's pair, in an "
    "order drawn by a seed. Train nothing on it that is meant to be used.",
}


def swapped(row: PairRow) -> PairRow:
    """The row with its sides swapped."""
    update: dict[str, Any] = {}
    for one, other in _SIDED:
        update |= {one: getattr(row, other), other: getattr(row, one)}
    return row.model_copy(update=update)


def shuffled(rows: Sequence[PairRow], seed: int) -> list[PairRow]:
    """Each row with the sides of another row, half of them swapped. `UserError` for one row."""
    if len(rows) < 2:
        raise UserError(f"`control` 'random' needs two pairs or more in a split, got {len(rows)}")
    random = np.random.default_rng(seed)
    order = random.permutation(len(rows))
    taken = np.empty_like(order)
    taken[order] = np.roll(order, 1)  # a ring, so that no row keeps its own
    coins = random.integers(0, 2, len(rows))
    others = [swapped(rows[i]) if coin else rows[i] for i, coin in zip(taken, coins, strict=True)]
    return [_with_sides(row, other) for row, other in zip(rows, others, strict=True)]


def _with_sides(row: PairRow, other: PairRow) -> PairRow:
    names = [name for pair in _SIDED for name in pair] + ["edit_distance", "source"]
    return row.model_copy(update={name: getattr(other, name) for name in names})


def controlled(corpus: Path, out: Path, control: str, seed: int) -> CorpusReport:
    """Write the controlled copy of a corpus of pairs (JSON lines) to `out`."""

    def change(rows: list[PairRow], split: str) -> list[PairRow]:
        if control == "swapped":
            return [swapped(row) for row in rows]
        return shuffled(rows, derive_seed(seed, split))

    return rewritten(corpus, out, change, _NOTES[control], {"control": control})
