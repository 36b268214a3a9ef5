"""Settings as TRL's arguments, and the rhythm of steps, evaluations and checkpoints."""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from attunement.core.errors import ConfigError, unknown
from attunement.trainers.learning.models import Precision
from attunement.trainers.learning.settings import TrainConfig

ROWS = 200
"""Rows of history.jsonl, about, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Optimiser steps: how many, and after how many something is done."""

    steps: int
    evaluate_every: int
    save_every: int
    log_every: int
    watches: bool
    """Whether the validation loss chooses the weights and ends the training."""


def plan_of(config: TrainConfig, rows: int, validation: int, processes: int) -> Plan:
    """As accelerate counts: every process gets equally many batches."""
    batches = math.ceil(rows / (config.batch_size * processes))
    epoch = math.ceil(batches / config.accumulation)
    steps = math.ceil(config.passes * epoch)
    steps = min(steps, config.max_steps or steps)
    epoch = min(epoch, steps)
    return Plan(
        steps, config.evaluate_every or epoch, config.save_every or epoch,
        config.log_every or max(1, steps // ROWS),
        watches=bool(validation and config.patience),
    )  # fmt: skip


def arguments_of(
    config: TrainConfig, plan: Plan, precision: Precision, checkpoints: Path, evaluates: bool
) -> Any:
    """TRL's arguments: a `DPOConfig` or an `SFTConfig`."""
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.sft_config import SFTConfig

    on_gpu = precision.device.type != "cpu"
    checkpointing = (
        on_gpu if config.gradient_checkpointing is None else config.gradient_checkpointing
    )
    # Weights that were chosen by evaluations have to have been saved at them.
    save = plan.evaluate_every if plan.watches else plan.save_every
    common: dict[str, Any] = {
        "output_dir": str(checkpoints), "use_cpu": not on_gpu, "seed": config.seed,
        "bf16": precision.compute == "bf16", "fp16": precision.compute == "fp16",
        "activation_checkpointing": checkpointing, "max_steps": plan.steps,
        "num_train_epochs": config.passes, "learning_rate": config.rate,
        "lr_scheduler_type": _schedule(config),
        "warmup_steps": int(config.warmup * plan.steps),
        "weight_decay": config.weight_decay, "max_grad_norm": config.max_grad_norm,
        "per_device_train_batch_size": config.batch_size,
        "per_device_eval_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulation,
        "logging_strategy": "steps", "logging_steps": plan.log_every,
        "logging_nan_inf_filter": False, "disable_tqdm": True,
        "save_strategy": "steps", "save_steps": save, "save_total_limit": 2,
        "eval_strategy": "steps" if evaluates else "no", "eval_steps": plan.evaluate_every,
        "load_best_model_at_end": plan.watches, "greater_is_better": False,
        "metric_for_best_model": "loss" if plan.watches else None,
        "restore_callback_states_from_checkpoint": True,
        "report_to": [name for name in config.report_to if name not in ("tensorboard", "none")],
        "max_length": None, "dataloader_pin_memory": on_gpu,
    }  # fmt: skip
    if config.method == "sft":
        return SFTConfig(**common)
    kinds = {"sigmoid": 1.0} | ({"sft": config.gamma} if config.gamma else {})
    # For an adapter the trainer is told later that the rows bring the reference: here it would
    # first hash the model's weights, which takes a minute with eight billion of them.
    # TRL would still the adapter's dropout with the model's own, which `Start` does alone.
    return DPOConfig(
        **common, disable_dropout=False, beta=config.beta, loss_type=list(kinds),
        loss_weights=list(kinds.values()), precompute_ref_log_probs=config.full,
    )  # fmt: skip


def _schedule(config: TrainConfig) -> str:
    return "constant_with_warmup" if config.schedule == "constant" else config.schedule


def lora_of(config: TrainConfig, model: Any) -> Any:
    """The adapter's settings. `ConfigError` for a module that the model has not."""
    from peft import LoraConfig

    lora = config.lora
    target = [lora.target] if isinstance(lora.target, str) else list(lora.target)
    if target == ["all-linear"]:
        wanted: str | list[str] = "all-linear"
    else:
        _check_modules(target, model)
        wanted = target
    return LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=wanted,
        task_type="CAUSAL_LM",
    )  # fmt: skip


def _check_modules(names: list[str], model: Any) -> None:
    head = model.get_output_embeddings()
    known = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    }
    for name in names:
        if name.rpartition(".")[2] not in known:
            raise ConfigError(
                f"`lora.target`: {unknown('module', name, [*sorted(known), 'all-linear'])}"
            )


def check_report_to(names: tuple[str, ...]) -> None:
    """`ConfigError` for a place to report to whose package is not here."""
    for name in names:
        if name == "tensorboard" and importlib.util.find_spec("tensorboard") is None:
            raise ConfigError(
                "`report_to` 'tensorboard' needs a package that is not here; "
                "pip install 'attunement[train]', or pass --report-to none"
            )


def threads(wanted: int | None) -> int:
    """Set torch's threads, and say how many there were."""
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(wanted)
    return before
