"""What `attune doctor` looks at."""

import asyncio
import os
import platform
import sys
import time
from importlib import metadata, util
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.agents.models.base import Ask, Capabilities, Decoding
from attunement.agents.models.registry import make_backend
from attunement.personas.cards import library

_BASE = ("langgraph", "langchain-core", "pydantic", "SQLAlchemy", "networkx", "matplotlib")
_EXTRAS = {
    "openai": ("aiohttp",),
    "hf": ("torch", "transformers", "peft", "accelerate", "llguidance"),
    "vllm": ("vllm",),
    "providers": ("langchain",),
    "train": ("torch", "transformers", "peft", "trl", "datasets", "accelerate"),
}
_LABELS = {
    "hf": "model hf:PATH", "vllm": "model vllm:PATH", "providers": "model PROVIDER:NAME",
    "train": "training",
}  # fmt: skip
"""What an extra is for, as the table says it."""


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    ok: bool
    needed: bool
    """Whether the base install cannot do without it."""
    found: str
    remedy: str


def checks() -> list[Check]:
    """Look at Python, the packages, the extras and the environment."""
    version = platform.python_version()
    new_enough = sys.version_info >= (3, 11)
    return [
        Check("python", new_enough, True, version, "" if new_enough else "use Python 3.11 or up"),
        *(_package(name) for name in _BASE),
        Check("model rehearsal", True, True, "embedded, always there", ""),
        _openai(),
        *(_extra(name) for name in _LABELS),
        Check("persona library", True, True, f"{len(library())} cards", ""),
    ]


def _package(name: str) -> Check:
    try:
        return Check(name, True, True, metadata.version(name), "")
    except metadata.PackageNotFoundError:
        return Check(name, False, True, "missing", "pip install attunement")


def _missing(extra: str) -> list[str]:
    return [name for name in _EXTRAS[extra] if util.find_spec(name) is None]


def _extra(name: str) -> Check:
    missing = _missing(name)
    if missing:
        return Check(_LABELS[name], False, False, f"missing: {', '.join(missing)}", _remedy(name))
    found = f"ready; {_versions(name)}"
    if name in ("hf", "train"):
        found += f"; {_devices()}"
    elif name == "providers":
        found += f"; {_providers()}"
    return Check(_LABELS[name], True, False, found, "")


def _versions(extra: str) -> str:
    found = []
    for name in _EXTRAS[extra][:2]:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # installed under another name, as CPU builds are
            found.append(name)
    return ", ".join(found)


def _devices() -> str:
    import torch

    if torch.cuda.is_available():
        names = (torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return ", ".join(names)
    return "mps" if torch.backends.mps.is_available() else "no GPU, CPU only"


def _providers() -> str:
    packages = {d.name for d in metadata.distributions() if d.name.startswith("langchain-")}
    found = sorted(n for n in packages if n not in ("langchain-core", "langchain-protocol"))
    return ", ".join(found) or "no provider's package yet, e.g. pip install langchain-anthropic"


def _openai() -> Check:
    name = "model openai:NAME"
    if _missing("openai"):
        return Check(name, False, False, "missing: aiohttp", _remedy("openai"))
    url = os.environ.get("OPENAI_BASE_URL", "")
    url = f"***@{url.rpartition('@')[2]}" if "@" in url else url
    keys = sorted(n for n in os.environ if n.startswith("OPENAI_API_KEY"))
    shown = ", ".join(f"{n}=***" for n in keys) or "no OPENAI_API_KEY"
    remedy = "" if url or keys else "name a server with --base-url, or export the key"
    return Check(name, True, False, f"ready; {shown}; {url or 'no OPENAI_BASE_URL'}", remedy)


def _remedy(extra: str) -> str:
    return f"pip install 'attunement[{extra}]'"


def print_checks(found: list[Check]) -> None:
    """The checks as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("", "what", "found", "what to do"):
        table.add_column(name)
    for check in found:
        mark = "ok" if check.ok else "MISSING" if check.needed else "no"
        table.add_row(mark, check.name, check.found, Text(check.remedy))
    Console().print(table)


class Probe(NamedTuple):
    """What came of asking one model."""

    spec: str
    answer: str
    seconds: float
    capabilities: Capabilities


def probe_model(spec: str, base_url: list[str] | None) -> Probe:
    """One question to a model, and what it can do. `ModelError` if it does not answer."""
    backend = make_backend(spec, base_url)

    async def ask() -> Probe:
        messages = [{"role": "user", "content": "I had a hard day. Say one kind sentence."}]
        try:
            found = await backend.capabilities()
            started = time.perf_counter()
            answer = await backend.answer(Ask(messages, decoding=Decoding(max_tokens=64)))
            return Probe(spec, answer.text, time.perf_counter() - started, found)
        finally:
            await backend.aclose()

    return asyncio.run(ask())


def print_probe(probe: Probe) -> None:
    """What came of it, as a table."""
    console = Console()
    said = Text(f"{probe.spec} answered in {probe.seconds:.2f} s: {probe.answer}")
    console.print(said, soft_wrap=True)
    found = probe.capabilities
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    rows = {
        "structured answers": found.structured or "asked in words, and asked again",
        "seeds": _heeded(found.seeds),
        "log probabilities": _yes(found.logprobs),
        "token counts": _yes(found.usage),
        "adapters": ", ".join(found.adapters) or "none",
        "context length": f"{found.context_length:,}" if found.context_length else "not said",
        "refused, not sent": ", ".join(found.refused) or "nothing",
        "taken and ignored": ", ".join(found.ignored) or "nothing that could be seen",
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    console.print(table)


def _yes(found: bool | None) -> str:
    return {True: "yes", False: "no", None: "not known"}[found]


def _heeded(found: bool | None) -> str:
    return {True: "heeded", False: "not heeded", None: "not known: it always answers alike"}[found]
