"""`hf:PATH[+ADAPTER]`: a model of transformers in this process, with a LoRA adapter or without.

Calls that wait together share forward passes, each with its own decoding and seed. Chats over one
PATH share one base model in memory, and so do rows of different adapters in a batch.
"""

import asyncio
from importlib.util import find_spec
from pathlib import Path

from pydantic import PrivateAttr

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend, Engine
from attunement.agents.models.hf_engine import (
    SharedEngine,
    close_engine,
    open_engine,
    resolved,
)
from attunement.core.errors import ConfigError, StoppedError


class HFChat(ChatBackend):
    """A model folder, or a model's name on the hub, loaded at the first answer."""

    path: str
    adapter: str | None = None
    engine: Engine = Engine()
    _shared: SharedEngine | None = PrivateAttr(default=None)
    _stopped: bool = PrivateAttr(default=False)

    def __init__(self, path: str, adapter: str | None = None, engine: Engine | None = None) -> None:
        """`ConfigError` for a missing package, or a folder that holds no model or adapter."""
        _check_packages("torch", "transformers", *(["peft"] if adapter else []))
        _check_folder("model", path, "config.json")
        if adapter:
            _check_folder("adapter", adapter, "adapter_config.json")
        super().__init__(path=path, adapter=adapter, engine=engine or Engine())

    @property
    def spec(self) -> str:
        return f"hf:{self.path}" + (f"+{self.adapter}" if self.adapter else "")

    @property
    def batches(self) -> int:
        """Forward loops that the engine has run for this chat and its neighbours."""
        return self._shared.batches if self._shared else 0

    async def answer(self, ask: Ask) -> Answer:
        """Answer one request.

        `ModelError` for one that is longer than the model's context, that its chat template
        refuses, or that fails; `ConfigError` for a model or adapter that cannot be loaded.
        """
        if self._stopped:
            raise StoppedError(f"{self.spec} was stopped")
        adapter = resolved(self.adapter) if self.adapter else None
        return await self._open().answer(ask, adapter, self)

    async def capabilities(self) -> Capabilities:
        """Told from tokenizer and config; no weights are loaded. `ConfigError` as in `answer`."""
        reader = await asyncio.to_thread(self._open().read)
        return Capabilities(
            structured="json_schema" if reader.guides else None,
            seeds=True, logprobs=False, usage=True, context_length=reader.context,
        )  # fmt: skip

    def stop(self) -> None:
        self._stopped = True
        if self._shared:
            self._shared.stop(self)

    async def aclose(self) -> None:
        """Free the model, if this is the last chat that uses it. Waiting calls are stopped."""
        self.stop()
        shared, self._shared = self._shared, None
        if shared:
            await asyncio.to_thread(close_engine, shared)
        self._stopped = False

    def _open(self) -> SharedEngine:
        if self._shared is None:
            self._shared = open_engine(self.path, self.engine)
        return self._shared


def _check_packages(*names: str) -> None:
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"`hf:` models need {', '.join(missing)}; install with: pip install 'attunement[hf]'"
        )


def _check_folder(kind: str, name: str, file: str) -> None:
    """A path must hold `file`; what cannot be a path is a name on the hub."""
    path = Path(name).expanduser()
    if (path / file).is_file():
        return
    if path.exists():
        raise ConfigError(
            f"`{kind}` {name!r} holds no {file}; name a folder made by save_pretrained"
        )
    if path.is_absolute() or name.startswith((".", "~")) or len(path.parts) > 2:
        raise ConfigError(f"`{kind}` {name!r} is not there; name a folder or a model on the hub")
