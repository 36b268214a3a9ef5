"""The chat backends by spec: `rehearsal`, `openai:NAME`."""

from attunement.agents.models.base import ChatBackend
from attunement.core.errors import ConfigError, unknown

SPECS = ("rehearsal", "openai:NAME")


def make_backend(spec: str, base_url: str | None = None) -> ChatBackend:
    """The backend that a spec names. `ConfigError` lists the known specs."""
    kind, _, name = spec.partition(":")
    if spec == "rehearsal":
        from attunement.agents.models.rehearsal import RehearsalChat

        return RehearsalChat()
    if kind == "openai" and name:
        from attunement.agents.models.openai import OpenAIChat

        return OpenAIChat(name, base_url)
    raise ConfigError(unknown("model", spec, SPECS))
