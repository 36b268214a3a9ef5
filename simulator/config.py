"""A run's configuration: a TOML file, overridden by flags, written resolved into the run folder."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from attunement.agents.models.base import Capabilities, Decoding, Engine
from attunement.agents.models.registry import TIMEOUT
from attunement.agents.models.secrets import HIDDEN
from attunement.agents.prompting import ROLES_WITH_PROMPT
from attunement.agents.reading import explain
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import MINED, MINING, Mined, Record, Role
from attunement.personas.preprocessing import Preprocessing
from attunement.simulator.cost import Budget, Price

Spec = Annotated[str, Field(min_length=1)]
SAMPLED = {"temperature": 0.7, "top_p": 0.95}
"""Recipe B's sampling."""


class RunConfig(Record):
    """Everything that decides a run's result, and how wide it runs."""

    graph: str = "self_refine"
    plain_draft: bool = False
    """`self_refine` without a planner: the draft answers the plain task prompt (recipe A)."""
    named_strategies: bool = False
    """The planner is asked for a strategy's bare name, as recipe B trains it; `ipm` always does."""
    mining: tuple[Mined, ...] = Field(default=MINED, min_length=1)
    """`ipm`: what is sampled."""
    model: Spec = "rehearsal"
    """Spec of the model behind every role."""
    models: dict[Role, Spec] = Field(default_factory=dict)
    """Specs for single roles. The guard has a model only if it is named here; the judge is the one
    that judged the run last."""
    judges: tuple[Spec, ...] = ()
    """Every judge that has labelled replies of this run."""
    assessors: tuple[Spec, ...] = ()
    """Every model that has rated, compared or planned again what was said in this run."""
    branch_models: tuple[Spec, ...] = ()
    """Every model that branches have asked besides."""
    base_url: tuple[str, ...] = ()
    """Addresses of OpenAI-compatible servers, for `openai:` specs that bring none of their own."""
    personas: str | None = None
    """The persona set that was read; None for the packaged library."""
    replay: str | None = None
    """The file of recorded dialogues that is replayed; None for live dialogues."""
    preprocessing: Preprocessing = "merged"
    """How recorded dialogues are prepared; `ipm` has `decoupled`, its paper's way."""
    dialogues: int | None = Field(default=None, ge=1, le=10_000_000)
    """None: a dozen from the library, every card of a given set, every dialogue of a recording."""
    max_turns: int = Field(default=8, ge=1, le=1000)
    """Supporter turns that a live dialogue may have."""
    concurrency: int = Field(default=64, ge=1, le=10_000)
    """Dialogues in flight. It changes the speed of a run, never its result."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    timeout: float = Field(default=TIMEOUT, gt=0)
    """Seconds that a server may take for one answer."""
    decoding: Decoding = Decoding()
    decoding_for: dict[Role, Decoding] = Field(default_factory=dict)
    """Other sampling for single roles; what one leaves out is as in `decoding`."""
    engine: Engine = Engine()
    budget: Budget = Budget()
    prices: dict[Spec, Price] = Field(default_factory=dict)
    """By spec. Models that the packaged table knows need none."""
    capabilities: dict[Spec, Capabilities] = Field(default_factory=dict)
    """What the run's servers were found to do, asked once before its first call."""
    keys: dict[str, str] = Field(default_factory=dict)
    """The environment variables that held keys, their values hidden."""

    @model_validator(mode="before")
    @classmethod
    def _as_mined(cls, data: Any) -> Any:
        """Recipe B's preparation and sampling, where a mining run does not say otherwise."""
        if not isinstance(data, dict) or data.get("graph") != MINING:
            return data
        sampling = data.get("decoding", {})
        if isinstance(sampling, dict):
            sampling = SAMPLED | sampling
        return {"preprocessing": "decoupled"} | data | {"decoding": sampling}

    @model_validator(mode="before")
    @classmethod
    def _other_sampling(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("decoding_for"), dict):
            return data
        base = data.get("decoding", {})
        base = base.model_dump() if isinstance(base, Decoding) else base
        if not isinstance(base, dict):
            return data
        roles = data["decoding_for"].items()
        return data | {
            "decoding_for": {r: base | d if isinstance(d, dict) else d for r, d in roles}
        }

    @field_validator("models", "decoding_for", mode="before")
    @classmethod
    def _known_roles(cls, models: object) -> object:
        for role in models if isinstance(models, dict) else ():
            if role not in ROLES_WITH_PROMPT:
                raise ValueError(unknown("role", role, ROLES_WITH_PROMPT))
        return models

    @field_validator("keys")
    @classmethod
    def _hidden(cls, keys: dict[str, str]) -> dict[str, str]:
        if any(value != HIDDEN for value in keys.values()):
            raise ValueError("`keys` must hold no key; export it or put it into .env")
        return keys

    @field_validator("base_url", mode="before")
    @classmethod
    def _one_or_many(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _feed_fits(self) -> "RunConfig":
        if self.replay is None and self.mines:
            raise ValueError("graph 'ipm' mines recorded dialogues; name them with --replay FILE")
        if self.replay is None and self.preprocessing != "merged":
            raise ValueError(
                f"`preprocessing` {self.preprocessing!r} prepares recorded dialogues; "
                "name them with --replay FILE"
            )
        if self.replay is not None and self.personas is not None:
            raise ValueError("`personas` and `replay` exclude each other: a replay brings its own")
        if self.replay is not None and "seeker" in self.models:
            raise ValueError("a replay has no seeker model; leave out --model-for seeker=…")
        return self

    @property
    def mines(self) -> bool:
        """Whether recorded dialogues are mined."""
        return self.graph == MINING

    def spec_for(self, role: Role) -> str | None:
        """The spec of the model behind a role; None for a role that asks no model."""
        if role == "seeker" and self.replay is not None:
            return None
        return self.models.get(role) or (None if role == "guard" else self.model)

    def sampling_for(self, role: Role) -> Decoding:
        """How a role's model samples."""
        return self.decoding_for.get(role, self.decoding)

    def learning(self, found: Mapping[str, Capabilities]) -> "RunConfig":
        """The configuration with what models were found to do."""
        return self.model_copy(update={"capabilities": {**self.capabilities, **found}})

    def dump(self) -> str:
        """The configuration as TOML, unset fields left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def read_config(path: Path | None, **flags: Any) -> RunConfig:
    """The configuration of a file, if any, with the flags that are not None on top of it."""
    try:
        base = tomllib.loads(path.read_text("utf-8")) if path else {}
        return RunConfig.model_validate(_over(base, flags))
    except FileNotFoundError:
        raise ConfigError(f"no config file {str(path)!r}; check the path") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {str(path)!r} cannot be read: {error}") from None
    except ValidationError as error:
        where = f"config file {str(path)!r}" if path else "the run's options"
        raise ConfigError(f"{where}: {explain(error)}") from None


def _over(base: Any, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the flags that are not None on top of them, tables entry by entry."""
    result = dict(base) if isinstance(base, dict) else {}
    for name, value in flags.items():
        if isinstance(value, Mapping):
            result[name] = _over(result.get(name), value)
        elif value is not None:
            result[name] = value
    return result
