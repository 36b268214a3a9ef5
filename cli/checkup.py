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

from attunement.agents.models.base import Ask
from attunement.agents.models.registry import make_backend
from attunement.personas.cards import library

_BASE = ("langgraph", "langchain-core", "pydantic", "SQLAlchemy", "networkx", "matplotlib")
_EXTRAS = {
    "openai": ("aiohttp",),
    "train": ("torch", "transformers", "peft", "trl", "datasets", "accelerate"),
    "vllm": ("vllm",),
}


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
        *(_extra(name) for name in ("train", "vllm")),
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
    found = f"missing: {', '.join(missing)}" if missing else "installed"
    return Check(f"extra {name}", not missing, False, found, _remedy(name) if missing else "")


def _openai() -> Check:
    if _missing("openai"):
        return Check("model openai:NAME", False, False, "missing: aiohttp", _remedy("openai"))
    key = "key set" if os.environ.get("OPENAI_API_KEY") else "no OPENAI_API_KEY"
    url = os.environ.get("OPENAI_BASE_URL")
    ready = f"ready; {key}; {url or 'no OPENAI_BASE_URL'}"
    remedy = "" if url or "set" in key else "name a server with --base-url, or export the key"
    return Check("model openai:NAME", True, False, ready, remedy)


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


def probe_model(spec: str, base_url: str | None) -> str:
    """One question to a model, and what came back. `ModelError` if nothing did."""
    backend = make_backend(spec, base_url)

    async def ask() -> str:
        try:
            messages = [{"role": "user", "content": "I had a hard day. Say one kind sentence."}]
            return (await backend.answer(Ask(messages))).text
        finally:
            await backend.aclose()

    started = time.perf_counter()
    text = asyncio.run(ask())
    return f"{spec} answered in {time.perf_counter() - started:.2f} s: {text}"
