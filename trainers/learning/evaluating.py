"""Figures on validation, exactly: of each row, then their means."""

from typing import Any

import numpy as np

from attunement.trainers.learning.settings import TrainConfig


def pair_figures(
    config: TrainConfig, scores: np.ndarray, reference: np.ndarray
) -> dict[str, float]:
    """DPO's loss and what it is made of, from scores [rows, 2, 3] (see `reference.score`) and the
    reference's log-probabilities [rows, 2] (Rafailov et al. 2023, eq. 7)."""
    logps = scores[:, :, 0]
    ratios = logps - reference
    margins = config.beta * (ratios[:, 0] - ratios[:, 1])
    nll = -scores[:, 0, 0].sum() / scores[:, 0, 1].sum()
    return _floats({
        "loss": np.logaddexp(0, -margins).mean() + config.gamma * nll,
        "margin": margins.mean(), "accuracy": (margins > 0).mean(), "nll": nll,
        "chosen": logps[:, 0].mean(), "rejected": logps[:, 1].mean(),
    })  # fmt: skip


def example_figures(scores: np.ndarray) -> dict[str, float]:
    """SFT's loss: the mean negative log-likelihood of a completion's token; scores [rows, 1, 3]."""
    total, tokens, right = scores.sum((0, 1))
    loss = -total / tokens
    return _floats({"loss": loss, "perplexity": np.exp(loss), "accuracy": right / tokens})


def _floats(values: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
