"""A run's configuration: a TOML file, overridden by flags, written resolved into the run folder."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from attunement.agents.asking import explain
from attunement.agents.models.base import Decoding
from attunement.agents.prompting import ROLES_WITH_PROMPT
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Record, Role

Spec = Annotated[str, Field(min_length=1)]


class RunConfig(Record):
    """Everything that decides a run's result, and how wide it runs."""

    graph: str = "self_refine"
    plain_draft: bool = False
    """`self_refine` without a planner: the draft answers the plain task prompt (recipe A)."""
    model: Spec = "rehearsal"
    """Spec of the model behind every role."""
    models: dict[Role, Spec] = Field(default_factory=dict)
    """Specs for single roles. The guard has a model only if it is named here."""
    base_url: str | None = None
    """Address of an OpenAI-compatible server, for `openai:` specs."""
    personas: str | None = None
    """The persona set that was read; None for the packaged library."""
    replay: str | None = None
    """The file of recorded dialogues that is replayed; None for live dialogues."""
    dialogues: int | None = Field(default=None, ge=1, le=10_000_000)
    """None: a dozen from the library, every card of a given set, every dialogue of a recording."""
    max_turns: int = Field(default=8, ge=1, le=1000)
    """Supporter turns that a live dialogue may have."""
    concurrency: int = Field(default=64, ge=1, le=10_000)
    """Dialogues in flight. It changes the speed of a run, never its result."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    decoding: Decoding = Decoding()

    @field_validator("models", mode="before")
    @classmethod
    def _known_roles(cls, models: object) -> object:
        for role in models if isinstance(models, dict) else ():
            if role not in ROLES_WITH_PROMPT:
                raise ValueError(unknown("role", role, ROLES_WITH_PROMPT))
        return models

    @model_validator(mode="after")
    def _feed_fits(self) -> "RunConfig":
        if self.replay is not None and self.personas is not None:
            raise ValueError("`personas` and `replay` exclude each other: a replay brings its own")
        if self.replay is not None and "seeker" in self.models:
            raise ValueError("a replay has no seeker model; leave out --model-for seeker=…")
        return self

    def spec_for(self, role: Role) -> str | None:
        """The spec of the model behind a role; None for a guard that has no model."""
        return self.models.get(role) or (None if role == "guard" else self.model)

    def dump(self) -> str:
        """The configuration as TOML, unset fields left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def read_config(path: Path | None, **flags: Any) -> RunConfig:
    """The configuration of a file, if any, with the flags that are not None on top of it."""
    try:
        base = tomllib.loads(path.read_text("utf-8")) if path else {}
        given = {name: value for name, value in flags.items() if value is not None}
        if "models" in given and isinstance(base.get("models"), dict):
            given["models"] = base["models"] | given["models"]
        return RunConfig.model_validate(base | given)
    except FileNotFoundError:
        raise ConfigError(f"no config file {str(path)!r}; check the path") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {str(path)!r} cannot be read: {error}") from None
    except ValidationError as error:
        where = f"config file {str(path)!r}" if path else "the run's options"
        raise ConfigError(f"{where}: {explain(error)}") from None
