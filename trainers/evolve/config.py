"""What a self-evolution is told: a TOML file, every section with its defaults and their source."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from attunement.agents.models.base import Decoding, Engine
from attunement.agents.models.registry import TIMEOUT
from attunement.agents.reading import explain
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Record, Role
from attunement.evaluation.outcomes import Unit
from attunement.personas.preprocessing import Preprocessing
from attunement.simulator.config import RunConfig, Spec
from attunement.trainers.corpora.filters import Filters
from attunement.trainers.corpora.making import USUAL
from attunement.trainers.corpora.splits import parse_split
from attunement.trainers.evolve.gates import Gates
from attunement.trainers.learning.settings import TrainConfig, check_settings
from attunement.trainers.lint.registry import parse_thresholds
from attunement.trainers.pocket.config import PocketConfig

Settings = dict[str, Any]
_OURS = ("method", "model", "adapter", "reference", "corpus", "set", "retain", "merge")
"""What the loop decides for each training."""
_GAMMA = TrainConfig.model_fields["gamma"].default
RECIPES = ("self_evolution", "decoupled")
PAPER = Decoding(temperature=0.9, top_p=0.8, top_k=50, repetition_penalty=1.2)
"""Recipe A's sampling when pairs are made (arXiv 2505.16610)."""


class First(Record):
    """M_0: a pocket model, or a model that is taken as it is, or fine-tuned on a corpus first."""

    pocket: PocketConfig | None = None
    """Settings of `attune train pocket`; an empty table for its defaults."""
    model: str | None = Field(default=None, min_length=1)
    """A model's folder, or its name on the hub."""
    corpus: str | None = Field(default=None, min_length=1)
    """A corpus of examples to fine-tune `model` on, made by `attune corpus import`."""
    train: Settings = Field(default_factory=dict)
    """Settings of that fine-tuning, as for `attune train sft`."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.pocket is None) == (self.model is None):
            raise ValueError("M_0 needs either `pocket` or `model`, and not both")
        if self.corpus is not None and self.model is None:
            raise ValueError("`corpus` fine-tunes a `model`; name one, or leave it out")
        if self.train and self.corpus is None:
            raise ValueError("`train` is for a `corpus` to fine-tune on; name one")
        check_settings("sft", self.train, _OURS)
        return self


class People(Record):
    """Who comes: to make pairs, and others to evaluate with, who are chosen first."""

    source: str = Field(default="drawn", min_length=1)
    """`drawn` by a seed, the packaged `library`, or a file of cards."""
    train: int | None = Field(default=None, ge=1)
    """Cards to make pairs with; None: all that are left, or 500 drawn ones."""
    held_out: int = Field(default=40, ge=1)
    """Cards to evaluate with; nothing that trains ever reads them."""
    seed: int = Field(default=0, ge=0, lt=2**63)


class Simulation(Record):
    """How pairs are made: drafts, reflections, refinements."""

    dialogues: int = Field(default=200, ge=0)
    """In each iteration. In a replay 0 is every recorded dialogue."""
    max_turns: int = Field(default=8, ge=1, le=1000)
    concurrency: int = Field(default=64, ge=1, le=10_000)
    plain_draft: bool = True
    """The draft answers the plain task prompt, without a planner (recipe A)."""
    models: dict[Role, Spec] = Field(default_factory=dict)
    """Models of single roles that are not M_t's; a live seeker is `rehearsal` unless named."""
    decoding: Decoding = PAPER
    decoding_for: dict[Role, Settings] = Field(default_factory=dict)
    engine: Engine = Engine()
    base_url: tuple[str, ...] = ()
    timeout: float = Field(default=TIMEOUT, gt=0)
    replay: str | None = None
    """A file of recorded dialogues whose supporter turns are drafted and refined, in place of live
    dialogues."""
    preprocessing: Preprocessing = "merged"
    """How recorded dialogues are prepared; `self_evolution` is recipe A's way."""

    @field_validator("decoding", mode="before")
    @classmethod
    def _on_top_of_the_paper(cls, given: object) -> object:
        return PAPER.model_dump() | given if isinstance(given, dict) else given


class Pairs(Record):
    """What becomes of the turns."""

    source: Literal["refined", "recorded", "stronger"] = "refined"
    """What is set against the draft: its refinement by M_t; in a replay the human's reply; or the
    refinement of a `stronger` model (the pair-source ablation of recipe A)."""
    stronger: Spec | None = None
    """Reflects and refines in M_t's place."""
    control: Literal["none", "swapped", "random"] = "none"
    """Pairs that must not help: the two sides swapped, or both sides of another turn's pair in an
    order drawn by the seed."""
    retain: float = Field(default=0.0, ge=0)
    """For each pair so many of M_t's own reflections and refinements, whose likelihood M_{t+1}
    learns as well: a small model forgets what its pairs do not speak of. The paper has none. With a
    `stronger` model the calls are that one's: M_{t+1} then learns them from it. They are taught by
    the likelihood term alone, which `train.gamma` weighs."""
    split: str | None = None
    """As in `attune pairs`: train:validation by persona."""
    filters: Filters = Filters()
    thresholds: dict[str, float] = Field(default_factory=dict)
    """Of the lint, by the names of `attune lint --threshold list`."""

    @model_validator(mode="after")
    def _stronger_is_named(self) -> Self:
        if (self.source == "stronger") != (self.stronger is not None):
            raise ValueError("`source` 'stronger' and a model under `stronger` go together")
        parse_split(self.split or USUAL)
        parse_thresholds(f"{name}={value}" for name, value in self.thresholds.items())
        return self


class Evaluation(Record):
    """How a model is measured: its direct replies to people that no training has seen."""

    seeds: int = Field(default=5, ge=1)
    """Dialogues with each held-out person, each with a seed of its own."""
    max_turns: int = Field(default=8, ge=1, le=1000)
    concurrency: int = Field(default=64, ge=1, le=10_000)
    decoding: Decoding = Decoding()
    seeker: Spec = "rehearsal"
    """The model that plays the held-out people."""
    base_url: tuple[str, ...] = ()
    timeout: float = Field(default=TIMEOUT, gt=0)
    engine: Engine = Engine()
    by: Unit = "persona"
    """What intervals resample: people with all their dialogues, or dialogues as if no two were of
    one person, which makes them too narrow where there are several seeds."""


class RewardConfig(Record):
    """A learned reward in place of the principles' first word: each draft is refined several times,
    and a reward that is learned from the seekers' ratings chooses (the paper's second open
    question)."""

    refinements: int = Field(default=4, ge=2, le=64)
    """Of each draft, the run's own among them."""
    against: Literal["draft", "worst"] = "draft"
    """What the best refinement is preferred to."""
    ridge: float = Field(default=1.0, gt=0)
    """Regularisation: the larger, the nearer every reply is to the mean rating."""


class EvolveConfig(Record):
    """Everything that decides what becomes of M_0."""

    recipe: Literal["self_evolution"] = "self_evolution"
    iterations: int = Field(default=2, ge=1, le=100)
    """The paper stops at two; more are watched for drift."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    backend: Literal["hf", "vllm"] = "hf"
    """What runs M_t."""
    start: Literal["previous", "first"] = "previous"
    """The model that each training begins with; its reference is M_t either way."""
    first: First
    personas: People = People()
    simulate: Simulation = Simulation()
    pairs: Pairs = Pairs()
    reward: RewardConfig | None = None
    """None: the first refinement is chosen, as in the paper."""
    train: Settings = Field(default_factory=dict)
    """Settings of each training, as for `attune train dpo`."""
    evaluate: Evaluation = Evaluation()
    gates: Gates = Gates()

    @field_validator("train")
    @classmethod
    def _trains(cls, given: Settings) -> Settings:
        check_settings("dpo", given, _OURS)
        return given

    @model_validator(mode="after")
    def _runs_hold(self) -> Self:
        """What a run would refuse is refused before the first one."""
        self.making("-", "-", 0)
        self.measuring("-", "-")
        if self.pairs.source == "recorded" and self.simulate.replay is None:
            raise ValueError("`pairs.source` 'recorded' needs a `simulate.replay`")
        if not (self.simulate.replay or self.simulate.dialogues):
            raise ValueError("`simulate.dialogues` may be 0, which is all, only in a replay")
        if self.pairs.retain and not self.train.get("gamma", _GAMMA):
            raise ValueError(
                "`pairs.retain` is learnt by the likelihood term, which `train.gamma` 0 leaves "
                "out; raise `train.gamma`, or set `pairs.retain` to 0"
            )
        if self.reward and (self.simulate.replay or self.pairs.source == "recorded"):
            raise ValueError("`reward` is learned from ratings, which recorded seekers do not give")
        return self

    def making(self, model: str, personas: str, seed: int) -> RunConfig:
        """The run that makes pairs with a model, by its spec."""
        given = self.simulate.model_dump(exclude_none=True)
        given["dialogues"] = given["dialogues"] or None
        live = self.simulate.replay is None
        models: dict[str, str] = {"seeker": "rehearsal"} if live else {}
        if self.pairs.stronger:
            models |= dict.fromkeys(("reflector", "refiner"), self.pairs.stronger)
        return _run(
            given, model=model, models=models | given["models"], seed=seed,
            graph="self_refine", personas=personas if live else None,
        )  # fmt: skip

    def measuring(self, model: str, personas: str) -> RunConfig:
        """The run that a model is measured in: direct replies, the same seeds for every model."""
        given = self.evaluate.model_dump(exclude={"seeds", "seeker", "by"})
        dialogues = self.evaluate.seeds * self.personas.held_out
        return _run(
            given, model=model, models={"seeker": self.evaluate.seeker}, graph="direct",
            personas=personas, dialogues=dialogues, seed=self.seed,
        )  # fmt: skip

    def dump(self) -> str:
        """The configuration as TOML, unset fields left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _run(given: Mapping[str, Any], **settings: Any) -> RunConfig:
    try:
        return RunConfig.model_validate({**given, **settings})
    except ValidationError as error:
        raise ValueError(explain(error)) from None


def read_toml(path: Path) -> tuple[str, Settings]:
    """The recipe of a file and its settings. `ConfigError` for a file that is none."""
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no config file {str(path)!r}; check the path") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {str(path)!r} cannot be read: {error}") from None
    recipe = settings.get("recipe", RECIPES[0])
    if recipe not in RECIPES:
        raise ConfigError(f"config file {str(path)!r}: {unknown('recipe', recipe, RECIPES)}")
    return recipe, settings


def read_evolution(path: Path) -> EvolveConfig:
    """The configuration of a self-evolution. `ConfigError` with one sentence where it fails."""
    _, settings = read_toml(path)
    return check_evolution(settings, f"config file {str(path)!r}")


def check_evolution(settings: Settings, where: str = "the settings") -> EvolveConfig:
    """Settings as a configuration; `ConfigError` says where they do not hold."""
    try:
        return EvolveConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error)}") from None
