"""The chat backends by spec, from `rehearsal` to any provider that LangChain knows."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from attunement.agents.models.base import Capabilities, ChatBackend, Engine
from attunement.core.errors import ConfigError, unknown

SPECS = (
    "rehearsal", "openai:NAME[@URL]", "hf:PATH[+ADAPTER]", "vllm:PATH[+ADAPTER]",
    "PROVIDER:NAME (a provider that LangChain knows)",
)  # fmt: skip
_OURS = ("rehearsal", "openai", "hf", "vllm")
TIMEOUT = 120.0
"""Seconds that a server may take for one answer."""


def make_backend(
    spec: str,
    base_url: str | Sequence[str] | None = None,
    *,
    timeout: float = TIMEOUT,
    engine: Engine | None = None,
    capabilities: Capabilities | None = None,
) -> ChatBackend:
    """The backend that a spec names. `ConfigError` lists the known specs.

    `base_url`, `timeout` and known `capabilities` are for servers, `engine` for models in this
    process.
    """
    kind, _, name = spec.partition(":")
    if spec == "rehearsal":
        from attunement.agents.models.rehearsal import RehearsalChat

        return RehearsalChat()
    if not name or not kind or kind == "rehearsal":
        raise ConfigError(unknown("model", spec, SPECS))
    if kind == "openai":
        from attunement.agents.models.openai import OpenAIChat

        model, urls = split_address(name)
        return OpenAIChat(
            model, urls or base_url, timeout=timeout, capabilities=capabilities, spec=spec
        )
    if kind == "hf":
        from attunement.agents.models.hf import HFChat

        return HFChat(*split_adapter(name), engine or Engine())
    if kind == "vllm":
        from attunement.agents.models.vllm import VLLMChat

        return VLLMChat(*split_adapter(name), engine or Engine())
    if meant := get_close_matches(kind.lower(), _OURS, n=1, cutoff=0.8):
        raise ConfigError(f"unknown model {spec!r}; did you mean {meant[0]}:{name}?")
    from attunement.agents.models.provider import ProviderChat

    return ProviderChat(spec)


def split_address(name: str) -> tuple[str, tuple[str, ...]]:
    """`NAME@URL,URL` as the model's name and its servers' addresses, mostly none."""
    model, at, urls = name.partition("@http")
    if name.endswith("@"):
        raise ConfigError(f"`openai:{name}` names no address behind its @")
    return model, tuple(f"http{urls}".split(",")) if at else ()


def without_address(spec: str) -> str:
    """The spec without its servers' addresses: what tells one model from another."""
    kind, colon, name = spec.partition(":")
    return f"{kind}:{split_address(name)[0]}" if colon and kind == "openai" else spec


def split_adapter(name: str) -> tuple[str, str | None]:
    """`PATH+ADAPTER` as its two parts; the adapter is mostly None."""
    if Path(name).exists():
        return name, None
    path, plus, adapter = name.rpartition("+")
    return (path, adapter) if plus and path and adapter else (name, None)
