"""TRL's trainers, on rows that are tokens already and with our head, order and checks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset  # type: ignore[import-untyped]
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.sft_trainer import SFTTrainer

from attunement.core.errors import TrainingError
from attunement.trainers.learning.heads import base_of, put_head
from attunement.trainers.learning.rows import Row
from attunement.trainers.learning.sampling import Buckets


class _Ours:
    """What both trainers do otherwise than TRL's."""

    buckets: Buckets

    def _prepare_dataset(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        """Nothing: the rows are tokens, and fit."""
        return dataset

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None with checkpoints: the finished model has its own."""

    def _get_train_sampler(self, *_: Any, **__: Any) -> Buckets:
        return self.buckets

    def training_step(self: Any, *given: Any, **named: Any) -> torch.Tensor:
        """`TrainingError` for a loss that is no number: nothing can be learnt behind it."""
        loss: torch.Tensor = super().training_step(*given, **named)  # type: ignore[misc]
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} in step {self.state.global_step + 1}; take a lower "
                f"`learning_rate` than {self.args.learning_rate:g}, or look the corpus over: "
                "attune lint"
            )
        return loss


class PairTrainer(_Ours, DPOTrainer):
    """DPO beside the likelihood of the chosen side."""

    def _precompute_ref_logps(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        """Nothing: the rows bring them."""
        return dataset


class ExampleTrainer(_Ours, SFTTrainer):
    """SFT on completions."""


def pair_columns(rows: Sequence[Row], reference: np.ndarray | None) -> Dataset:
    """Pairs as TRL wants them; `reference` are log-probabilities [rows, 2]."""
    columns: dict[str, Any] = {
        "prompt_ids": [row.prompt for row in rows],
        "chosen_ids": [row.sides[0] for row in rows],
        "rejected_ids": [row.sides[1] for row in rows],
    }
    if reference is not None:
        columns["ref_chosen_logps"] = reference[:, 0].astype(np.float32)
        columns["ref_rejected_logps"] = reference[:, 1].astype(np.float32)
    return Dataset.from_dict(columns)


def example_columns(rows: Sequence[Row]) -> Dataset:
    """Examples as TRL wants them: the completion alone is learnt."""
    return Dataset.from_dict({
        "input_ids": [row.prompt + row.sides[0] for row in rows],
        "labels": [[-100] * len(row.prompt) + row.sides[0] for row in rows],
    })  # fmt: skip


def sharded(trainer: Any) -> bool:
    """Whether the weights are spread over the processes."""
    return bool(trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled)


def fit_head(trainer: Any, share: bool) -> None:
    """Our head over the one that the trainer has put on its model; spread weights need TRL's."""
    routed = hasattr(base_of(trainer.model).config.get_text_config(), "output_router_logits")
    if not sharded(trainer) and not routed:
        put_head(trainer.model, share)
