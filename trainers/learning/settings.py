"""What a training is told: model, corpus, method and its numbers, with where they come from."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from attunement.agents.reading import explain
from attunement.core.errors import ConfigError
from attunement.core.records import Record

Method = Literal["sft", "dpo"]
Precision = Literal["auto", "float32", "bf16", "fp16"]


class Lora(Record):
    """A low-rank adapter (Hu et al. 2021). Rank and alpha are recipe A's; its targets are open."""

    r: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target: str | tuple[str, ...] = "all-linear"
    """Names of the modules that get an adapter, or `all-linear` for every one but the head."""


class TrainConfig(Record):
    """Everything that decides what a training makes of a corpus."""

    method: Method
    model: str = Field(min_length=1)
    """The model to begin with: a folder, or a name on the hub."""
    adapter: str | None = None
    """A LoRA adapter of `model` to go on from: it is merged into the model before training, and the
    new one, which is trained on top, is joined with it afterwards: one adapter for `model`, whose
    rank is the sum of both."""
    reference: str | None = None
    """DPO: the folder of the reference model; None is the model that the training begins with,
    which costs no second model: the adapter is disabled."""
    corpus: str = Field(min_length=1)
    """A folder made by `attune pairs` or `attune corpus import`."""
    set: str | None = None
    """Which set of the corpus; None for `response` (DPO) or `sft_direct` (SFT), else the only one
    of the method's kind."""
    retain: str | None = None
    """DPO: a corpus of examples that the model must go on to know (its other roles, say). Their
    likelihood is learnt beside that of the chosen sides, weighted by `gamma` as those are: one mean
    over all chosen tokens of a batch, theirs included. DPO's term is a mean over all rows of it; to
    it they are pairs of equal sides, which no model prefers (but for the noise of a dropout). The
    `margin`, `accuracy` and rewards that are logged while it trains count them as such ties and so
    come out smaller; validation has none of them, so that its figures, and the report's, are of
    pairs alone."""
    lora: Lora = Lora()
    full: bool = False
    """Train every parameter instead of an adapter."""
    merge: bool = False
    """Write the whole model beside the adapter."""

    beta: float = Field(default=0.1, gt=0)
    """DPO's inverse temperature (recipe A)."""
    gamma: float = Field(default=1.0, ge=0)
    """Weight of the mean negative log-likelihood of the chosen tokens beside DPO (recipe A);
    0 is plain DPO."""
    learning_rate: float | None = Field(default=None, gt=0)
    """None: 5e-6 for DPO (recipe A), 1e-4 for SFT (open in the paper)."""
    epochs: float | None = Field(default=None, gt=0)
    """None: 2 for SFT (recipe A), 1 for DPO (open)."""
    max_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps at most."""
    batch_size: int = Field(default=4, ge=1)
    """Rows in a forward pass, on each device (recipe A)."""
    accumulation: int = Field(default=2, ge=1)
    """Forward passes for each optimiser step (recipe A)."""
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps over which the rate rises (open), rounded down to whole steps."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    max_length: int = Field(default=1024, ge=32)
    """Tokens of prompt and completion together. A longer history loses its oldest messages whole;
    a row that does not fit even so is left out and counted: nothing is ever cut."""

    patience: int | None = Field(default=3, ge=0)
    """Evaluations without improvement after which the training stops (recipe A); needs a
    validation split. 0 never stops (and so does None, which TOML cannot say)."""
    evaluate_every: int | None = Field(default=None, ge=1)
    """Steps; None is once an epoch."""
    precompute: bool = True
    """DPO: ask the reference once before training, not in every step."""
    precision: Precision = "auto"
    """`auto` is bf16 where the device has it, and float32 on a processor."""
    gradient_checkpointing: bool | None = None
    """Less memory for more time; None is on a GPU only."""
    device: Literal["auto", "cpu"] = "auto"
    threads: int | None = Field(default=None, ge=1)
    """Processor threads of torch; None leaves it to torch."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    save_every: int | None = Field(default=None, ge=1)
    """Steps between checkpoints; None is once an epoch."""
    keep_checkpoints: bool = False
    """Leave the checkpoints behind when the training has finished."""
    log_every: int | None = Field(default=None, ge=1)
    """Steps between rows of history.jsonl; None makes about two hundred rows."""
    share_prompts: bool | None = None
    """DPO: read a pair's prompt once for both of its sides. None does so where the model gives the
    same figures either way: its attention has no window below `max_length`, and the shortest and
    the longest rows, which are tried before training, come out alike."""
    report_to: tuple[str, ...] = ("tensorboard",)
    """Where figures go; `none` alone for nowhere."""
    check: bool = True
    """Refuse a corpus that the lint refuses."""

    @field_validator("patience", mode="before")
    @classmethod
    def _patience(cls, value: Any) -> Any:
        return 0 if value is None else value

    @model_validator(mode="after")
    def _fits_the_method(self) -> "TrainConfig":
        if self.method == "sft" and self.reference is not None:
            raise ValueError("`reference` is for DPO; leave it out for SFT")
        if self.method == "sft" and self.retain is not None:
            raise ValueError("`retain` is for DPO; put the examples into the corpus for SFT")
        if self.retain is not None and not self.gamma:
            raise ValueError(
                "`retain` is learnt by the likelihood term that `gamma` weighs; set `gamma` above "
                "0, or leave `retain` out"
            )
        return self

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.learning_rate or (1e-4 if self.method == "sft" else 5e-6)

    @property
    def passes(self) -> float:
        """Epochs."""
        return self.epochs or (2.0 if self.method == "sft" else 1.0)

    def dump(self) -> str:
        """The settings as TOML, unset fields left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def check_settings(method: Method, given: Mapping[str, Any], decided: Collection[str]) -> None:
    """A training's settings inside a recipe's: `ValueError` for one that the recipe has `decided`,
    and where they do not hold."""
    for name in given:
        if name in decided:
            raise ValueError(f"`{name}` is decided by the recipe; leave it out")
    try:
        TrainConfig.model_validate({"method": method, "model": "-", "corpus": "-", **given})
    except ValidationError as error:
        raise ValueError(explain(error)) from None


def train_config(path: Path | None = None, **settings: Any) -> TrainConfig:
    """Settings of a TOML file, if any, with those that are not None on top of them.

    `ConfigError` with one sentence where they do not hold.
    """
    where = f"`{path}`" if path else "the training's options"
    try:
        base = tomllib.loads(path.read_text("utf-8")) if path else {}
        given = {name: value for name, value in settings.items() if value is not None}
        _check_method(where, base, given)
        if isinstance(lora := given.get("lora"), dict):
            given["lora"] = base.get("lora", {}) | lora
        return TrainConfig.model_validate(base | given)
    except FileNotFoundError:
        raise ConfigError(f"no config file {str(path)!r}; check the path") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {str(path)!r} cannot be read: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error)}") from None


def _check_method(where: str, base: dict[str, Any], given: dict[str, Any]) -> None:
    written, wanted = base.get("method"), given.get("method")
    if written and wanted and written != wanted:
        raise ConfigError(f"{where}: `method` is {written!r}; run: attune train {written}")
