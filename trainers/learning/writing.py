"""What a training leaves behind: adapter, whole model, card."""

import shutil
from pathlib import Path
from typing import Any

import torch
import transformers

from attunement.trainers.learning.adapters import join, note_base
from attunement.trainers.learning.heads import take_head
from attunement.trainers.learning.models import loading
from attunement.trainers.learning.report import ADAPTER, MERGED
from attunement.trainers.learning.settings import TrainConfig
from attunement.trainers.learning.trainers import sharded

_hf: Any = transformers  # typed by halves


def write_model(config: TrainConfig, out: Path, trainer: Any, tokenizer: Any) -> None:
    """The adapter, and the whole model where it is wanted; the main process writes."""
    spread = sharded(trainer)
    take_head(trainer.accelerator.unwrap_model(trainer.model))
    if config.full:
        _write_full(config, out / MERGED, trainer, tokenizer)
        return
    _emptied(out / ADAPTER, trainer.args.should_save)
    trainer.save_model(str(out / ADAPTER))
    if not trainer.args.should_save:
        return
    # The card is ours; the arguments are a pickle, which is nothing to hand on.
    for name in ("README.md", "training_args.bin"):
        (out / ADAPTER / name).unlink(missing_ok=True)
    if config.adapter:
        join(Path(config.adapter), out / ADAPTER, config.model)
    note_base(out / ADAPTER, config.model)
    if config.merge:
        model = _from_disk(config, out) if spread else trainer.model.merge_and_unload()
        _write_whole(config, model, out / MERGED, tokenizer)


def _write_full(config: TrainConfig, folder: Path, trainer: Any, tokenizer: Any) -> None:
    _emptied(folder, trainer.args.should_save)
    if sharded(trainer):
        trainer.save_model(str(folder))
        (folder / "training_args.bin").unlink(missing_ok=True)
    elif trainer.args.should_save:
        _write_whole(config, trainer.accelerator.unwrap_model(trainer.model), folder, tokenizer)


def _write_whole(config: TrainConfig, model: Any, folder: Path, tokenizer: Any) -> None:
    """In the numbers that the start model is stored in."""
    with loading("model", config.model):
        stored = _hf.AutoConfig.from_pretrained(config.model).dtype
    _emptied(folder, True)
    model.to(stored or torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _from_disk(config: TrainConfig, out: Path) -> Any:
    """The model and its new adapter merged on the processor: no process holds all the weights."""
    from peft import PeftModel

    model = _hf.AutoModelForCausalLM.from_pretrained(config.model)
    return PeftModel.from_pretrained(model, str(out / ADAPTER)).merge_and_unload()


def _emptied(folder: Path, mine: bool) -> None:
    if mine and folder.exists():  # of a sitting that ended while it wrote
        shutil.rmtree(folder)


def count_parameters(model: Any) -> tuple[int, int]:
    """Those that are trained, and all of the model without its adapter."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    every = sum(p.numel() for name, p in model.named_parameters() if "lora_" not in name)
    return trained, every
