"""LoRA adapters on disk: which base they are made for, putting one in, joining two."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from attunement.core.errors import ConfigError
from attunement.trainers.learning.models import loading
from attunement.trainers.learning.prints import base_print

BASE, CONFIG, WEIGHTS = "base.json", "adapter_config.json", "adapter_model.safetensors"


def note_base(adapter: Path, model: str) -> None:
    """Write beside an adapter which base it was made for."""
    value = {"model": model, "print": base_print(Path(model))}
    (adapter / BASE).write_text(json.dumps(value, indent=2) + "\n", "utf-8")


def check_base(adapter: str, model: str) -> None:
    """`ConfigError` for an adapter that says it was made for another base."""
    path = Path(adapter) / BASE
    if not path.is_file():
        return
    made_for = json.loads(path.read_text("utf-8"))
    here = base_print(Path(model))
    if here and made_for["print"] and here != made_for["print"]:
        raise ConfigError(
            f"`adapter` {adapter!r} was made for another base than {model!r} (for "
            f"{made_for['model']!r}, as it was then); name that one as `model`"
        )


def put_in(model: Any, adapter: str, name: str) -> Any:
    """The model with the adapter merged into its weights.

    `ConfigError` for one that is no LoRA adapter, or does not fit the base called `name`.
    """
    from peft import PeftConfig, get_peft_model

    check_base(adapter, name)
    with loading("adapter", adapter):
        config = PeftConfig.from_pretrained(adapter)
    if config.peft_type != "LORA":
        raise ConfigError(
            f"`adapter` {adapter!r} is a {config.peft_type} adapter; only LORA ones can be used"
        )
    try:
        with loading("adapter", adapter):
            adapted: Any = get_peft_model(model, config)
            loaded = adapted.load_adapter(adapter, "default")
    except ConfigError as error:
        raise ConfigError(f"`adapter` {adapter!r} does not fit {name!r}: {error}") from error
    if strange := [*loaded.missing_keys, *loaded.unexpected_keys]:
        raise ConfigError(f"`adapter` {adapter!r} does not fit {name!r}: {strange[0]} has no match")
    return adapted.merge_and_unload()


def join(first: Path, second: Path, model: str) -> None:
    """Make `second`, which was trained on `model` with `first` merged in, one for `model` alone.

    The sum of two updates of ranks r and s is one of rank r + s, exactly: their factors side by
    side. A module that only one of them has gets zeros for the other.
    """
    configs = [json.loads((folder / CONFIG).read_text("utf-8")) for folder in (first, second)]
    parts = [
        _factors(folder, config) for folder, config in zip((first, second), configs, strict=True)
    ]
    ranks = [max(a.shape[0] for a, _ in part.values()) for part in parts]
    weights: dict[str, Tensor] = {}
    for module in sorted({*parts[0], *parts[1]}):
        known = next(part[module] for part in parts if module in part)
        pairs = [_padded(part.get(module), known, r) for part, r in zip(parts, ranks, strict=True)]
        weights[f"{module}.lora_A.weight"] = torch.cat([a for a, _ in pairs]).contiguous()
        weights[f"{module}.lora_B.weight"] = torch.cat([b for _, b in pairs], 1).contiguous()
    rank = sum(ranks)
    changed = {
        "r": rank, "lora_alpha": rank, "use_rslora": False, "rank_pattern": {},
        "alpha_pattern": {}, "base_model_name_or_path": model,
        "target_modules": sorted({module.rpartition(".")[2] for module in {*parts[0], *parts[1]}}),
    }  # fmt: skip
    save_file(weights, second / WEIGHTS, metadata={"format": "pt"})
    (second / CONFIG).write_text(json.dumps(configs[1] | changed, indent=2) + "\n", "utf-8")


Factors = dict[str, tuple[Tensor, Tensor]]
"""Module -> A [rank, in], B [out, rank], the scale in B."""


def _factors(folder: Path, config: dict[str, Any]) -> Factors:
    if (
        config.get("use_dora")
        or config.get("modules_to_save")
        or config.get("bias", "none") != "none"
    ):
        raise ConfigError(
            f"`adapter` {str(folder)!r} has more than low-rank factors (DoRA, biases or whole "
            "modules); merge it into its base first, and name that as `model`"
        )
    weights = load_file(folder / WEIGHTS)
    found = {}
    for key in weights:
        if key.endswith(".lora_A.weight"):
            module = key.removesuffix(".lora_A.weight")
            a, b = weights[key].float(), weights[f"{module}.lora_B.weight"].float()
            found[module] = a, b * _scale(config, module, a.shape[0])
    return found


def _scale(config: dict[str, Any], module: str, rank: int) -> float:
    patterns = config.get("alpha_pattern") or {}
    named = [alpha for name, alpha in patterns.items() if module.endswith(name)]
    alpha = named[0] if named else config["lora_alpha"]
    return float(alpha / (rank**0.5 if config.get("use_rslora") else rank))


def _padded(
    own: tuple[Tensor, Tensor] | None, known: tuple[Tensor, Tensor], rank: int
) -> tuple[Tensor, Tensor]:
    a, b = own or (known[0][:0], known[1][:, :0])
    fill_a, fill_b = (
        a.new_zeros(rank - a.shape[0], a.shape[1]),
        b.new_zeros(b.shape[0], rank - b.shape[1]),
    )
    return torch.cat([a, fill_a]), torch.cat([b, fill_b], 1)
