"""What the pocket model is made from, and how large it is."""

from typing import Any

from pydantic import Field, ValidationError, model_validator

from attunement.agents.reading import explain
from attunement.core.errors import ConfigError
from attunement.core.records import Record

HEAD = 32
"""Size of an attention head: vLLM takes none that is smaller."""


class PocketConfig(Record):
    """A small Llama, and the simulated dialogues that it learns from."""

    dialogues: int = Field(default=2000, ge=10)
    """Simulated dialogues in all; each brings its persona, drawn by the seed."""
    max_turns: int = Field(default=6, ge=1, le=12)
    hidden: int = Field(default=128, ge=HEAD, le=1024)
    """Width of the model, a multiple of 32."""
    layers: int = Field(default=3, ge=1, le=24)
    context: int = Field(default=1024, ge=128)
    """Tokens of prompt and answer together."""
    words: int = Field(default=1000, ge=300)
    """Tokens of words and parts of words (byte-level BPE)."""
    phrases: int = Field(default=1000, ge=0)
    """At most so many whole phrases are tokens besides."""
    epochs: float = Field(default=4.0, gt=0)
    learning_rate: float = Field(default=3e-3, gt=0)
    batch_size: int = Field(default=24, ge=1)
    max_length: int = Field(default=384, ge=64)
    """Tokens of the longest example; longer ones are left out."""
    threads: int | None = Field(default=None, ge=1)
    """Processor threads; None leaves it to torch."""
    seed: int = Field(default=0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _heads_fit(self) -> "PocketConfig":
        if self.hidden % HEAD:
            raise ValueError(f"`hidden` must be a multiple of {HEAD}, got {self.hidden}; try 128")
        return self


def pocket_config(**settings: Any) -> PocketConfig:
    """The settings that are not None; `ConfigError` with one sentence where they do not hold."""
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        return PocketConfig.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"the pocket model's options: {explain(error)}") from None
