"""What recipe B is told: a TOML file whose first line is `recipe = "decoupled"`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from attunement.agents.models.base import Decoding, Engine
from attunement.agents.models.registry import TIMEOUT
from attunement.agents.reading import explain
from attunement.core.errors import ConfigError
from attunement.core.records import Record
from attunement.simulator.config import SAMPLED, RunConfig, Spec
from attunement.trainers.corpora.filters import Filters
from attunement.trainers.corpora.mining import mining_config
from attunement.trainers.evolve.config import Settings, read_toml
from attunement.trainers.learning.settings import TrainConfig, check_settings

Part = Literal["planner", "responder", "joint"]
PARTS: tuple[Part, ...] = get_args(Part)
"""The three adapters of one base; `joint` is the baseline."""
Step = Literal["sft", "dpo"]
STEPS: tuple[Step, ...] = get_args(Step)
_OURS = ("method", "model", "adapter", "reference", "corpus", "set", "full", "merge")
"""What the recipe decides for each training."""
_NAME = 16
"""Tokens that a strategy's name has at most."""
PAPER = Decoding(**SAMPLED)
"""Recipe B's sampling (arXiv 2505.16995)."""


class Subsample(Record):
    """How many dialogues of each split are used; None is all of them."""

    train: int | None = Field(default=None, ge=1)
    validation: int | None = Field(default=None, ge=1)
    test: int | None = Field(default=None, ge=1)


class FromScratch(Record):
    """A small Llama of its own tokenizer, trained on the train split's dialogues alone."""

    hidden: int = Field(default=192, ge=16)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=6, ge=1)
    vocabulary: int = Field(default=4096, ge=300)
    """Tokens of the byte-level BPE tokenizer, at most."""
    context: int = Field(default=1024, ge=64)
    """Tokens of prompt and answer together."""
    train: Settings = Field(default_factory=dict)
    """Settings of its training, as for `attune train sft`; every parameter is trained."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError(
                f"`hidden` {self.hidden} must be a multiple of twice `heads` ({self.heads})"
            )
        check_settings("sft", self.train, _OURS)
        return self


class Base(Record):
    """The model that the three adapters are for: one that is there, or one made from scratch."""

    model: str | None = Field(default=None, min_length=1)
    """A model's folder, or its name on the hub."""
    scratch: FromScratch | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.model is None) == (self.scratch is None):
            raise ValueError("the base needs either `model` or `scratch`, and not both")
        return self


class Trainings(Record):
    """Settings of the three trainings of a step: those of all, and of one part on top of them."""

    all: Settings = Field(default_factory=dict)
    planner: Settings = Field(default_factory=dict)
    responder: Settings = Field(default_factory=dict)
    joint: Settings = Field(default_factory=dict)

    def of(self, part: Part) -> Settings:
        """The settings of one part."""
        own: Settings = getattr(self, part)
        return self.all | own


class Mining(Record):
    """How preferences are mined from the train split."""

    dialogues: int | None = Field(default=None, ge=1)
    """Of the train split; None is all of them."""
    judge: Spec = "rehearsal"
    """Who filters response pairs by their psychological errors."""
    split: str | None = None
    """Of the pairs: train:validation, by dialogue. None: 9:1, and a set with few pairs may have no
    validation."""
    filters: Filters = Filters()
    """What is no pair; as published, of any length ratio."""
    decoding: Decoding = PAPER
    concurrency: int = Field(default=64, ge=1, le=10_000)
    engine: Engine = Engine()
    base_url: tuple[str, ...] = ()
    """Servers of the judge."""
    timeout: float = Field(default=TIMEOUT, gt=0)

    @field_validator("decoding", mode="before")
    @classmethod
    def _on_top_of_the_paper(cls, given: object) -> object:
        return PAPER.model_dump() | given if isinstance(given, dict) else given

    @field_validator("filters")
    @classmethod
    def _of_recorded_seekers(cls, filters: Filters) -> Filters:
        if filters.realistic:
            raise ValueError("`realistic` looks at simulated seekers, and mining has recorded ones")
        return filters


class Testing(Record):
    """How the systems are measured: on recorded histories of the test split."""

    decoding: Decoding = PAPER
    engine: Engine = Engine()
    batch: int = Field(default=16, ge=1)
    """Prompts whose eight strategies are weighed together."""

    @field_validator("decoding", mode="before")
    @classmethod
    def _on_top_of_the_paper(cls, given: object) -> object:
        return PAPER.model_dump() | given if isinstance(given, dict) else given


class DecoupledConfig(Record):
    """Everything that decides what recipe B comes to."""

    recipe: Literal["decoupled"] = "decoupled"
    recorded: tuple[str, ...] = Field(min_length=1)
    """Files of recorded dialogues with strategies."""
    split: str = "1040:130:130"
    """Shares by dialogue (the paper's), `published` for ESConv's own, or `files`."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    subsample: Subsample = Subsample()
    backend: Literal["hf", "vllm"] = "hf"
    """What samples from the models."""
    base: Base
    sft: Trainings = Trainings()
    dpo: Trainings = Trainings()
    mining: Mining = Mining()
    test: Testing = Testing()

    @field_validator("recorded", mode="before")
    @classmethod
    def _one_or_many(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given

    @field_validator("sft", "dpo")
    @classmethod
    def _trains(cls, given: Trainings, info: Any) -> Trainings:
        for part in PARTS:
            check_settings(info.field_name, given.of(part), _OURS)
        return given

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        for part in PARTS:
            if self.history(part) < 48:
                raise ValueError(
                    f"`max_length` {self.training('sft', part).max_length} of the {part} leaves "
                    "no room for a prompt beside its answer; raise it, or lower `max_tokens` of "
                    "`mining.decoding` and `test.decoding`"
                )
        return self

    def history(self, part: Part) -> int:
        """Tokens that a prompt may have when a part is asked, so that prompt and answer are as long
        as what it was trained on; what is longer loses its oldest messages whole."""
        longest = max(self.mining.decoding.max_tokens, self.test.decoding.max_tokens)
        room = _NAME if part == "planner" else longest
        return self.training("sft", part).max_length - room

    def training(self, step: Step, part: Part, **ours: Any) -> TrainConfig:
        """The training of a part; what is not named yet stands as `-`.

        Preference learning is plain DPO, as published: `gamma` is 0 unless it is given.
        """
        given = (self.sft if step == "sft" else self.dpo).of(part)
        own = {"model": "-", "corpus": "-", "seed": self.seed % 2**32}
        plain = {"gamma": 0.0} if step == "dpo" else {}
        return TrainConfig.model_validate({**own, **plain, **given, "method": step, **ours})

    def mined(self, source: Path, models: Mapping[Part, str]) -> RunConfig:
        """The run that mines `source` with the models of the parts."""
        given = self.mining.model_dump(exclude={"judge", "split", "filters"}, exclude_none=True)
        others = {part: spec for part, spec in models.items() if part != "joint"}
        return mining_config(source, **given, model=models["joint"], models=others, seed=self.seed)

    def dump(self) -> str:
        """The configuration as TOML, unset fields left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def read_decoupled(path: Path) -> DecoupledConfig:
    """The configuration of a file. `ConfigError` with one sentence where it does not hold."""
    _, settings = read_toml(path)
    return check_decoupled(settings, f"config file {str(path)!r}")


def check_decoupled(settings: Settings, where: str = "the settings") -> DecoupledConfig:
    """Settings as a configuration; `ConfigError` says where they do not hold."""
    try:
        return DecoupledConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error)}") from None
