"""`vllm:PATH[+ADAPTER]`: vLLM under this process, with its prefix cache, one engine per model.

Specs over one PATH share an engine. It is started at the first answer, which takes up to a minute,
and ends with the last of its users, or with this process.
"""

import asyncio
import json
import threading
from importlib.util import find_spec
from pathlib import Path

from pydantic import PrivateAttr

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend, Engine
from attunement.agents.models.vllm_engine import LOOK, Host
from attunement.core.errors import ConfigError, ModelError, StoppedError


class VLLMChat(ChatBackend):
    """A local model behind vLLM, with or without a LoRA adapter.

    `ConfigError` for a path that holds none, or without vLLM. Make all backends over one path
    before the first answer: an engine has room for the adapters that it was started with.
    """

    path: str
    adapter: str | None
    engine: Engine
    _shared: "_Shared" = PrivateAttr()
    _stopped: bool = PrivateAttr(default=False)

    def __init__(self, path: str, adapter: str | None = None, engine: Engine | None = None) -> None:
        super().__init__(path=path, adapter=adapter, engine=engine or Engine())
        _check(path, "config.json", "model")
        if adapter is not None:
            _check(adapter, "adapter_config.json", "adapter")
        if find_spec("vllm") is None:
            raise ConfigError("`vllm:` models need vLLM: pip install 'attunement[vllm]'")
        key = _whole(path), self.engine
        self._shared = _SHARED.setdefault(key, _Shared(*key))
        if adapter is not None:
            self._shared.learn(_whole(adapter))

    @property
    def spec(self) -> str:
        return f"vllm:{self.path}" + (f"+{self.adapter}" if self.adapter else "")

    @property
    def trouble(self) -> str:
        return self._shared.host.trouble if self._shared.host else ""

    async def capabilities(self) -> Capabilities:
        return Capabilities(
            structured="json_schema", seeds=True, logprobs=True, usage=True,
            context_length=self.engine.context_length or _context_length(self.path),
        )  # fmt: skip

    async def answer(self, ask: Ask) -> Answer:
        host = await self._started()
        try:
            return await host.answer(ask, self.adapter and _whole(self.adapter))
        except ModelError as error:
            raise ModelError(f"{self.spec}: {error}") from error

    async def _started(self) -> Host:
        # Looked at, not waited for: neither `stop` nor a cancelled call may end a shared start.
        while not self._stopped:
            host = self._shared.join(self)
            if host.ready.done():
                return host
            await asyncio.sleep(LOOK)
        raise StoppedError(f"{self.spec}: stopped before the call was sent")

    def stop(self) -> None:
        self._stopped = True

    async def aclose(self) -> None:
        self._stopped = False
        if (host := self._shared.leave(self)) is not None:
            await asyncio.to_thread(host.close)


class _Shared:
    """What the backends over one path and with the same engine settings have in common."""

    def __init__(self, path: str, engine: Engine) -> None:
        self.path, self.engine = path, engine
        self.host: Host | None = None
        self._adapters: list[str] = []
        self._users: set[int] = set()
        self._last: Host | None = None
        self._lock = threading.Lock()

    def learn(self, adapter: str) -> None:
        if adapter not in self._adapters:
            self._adapters.append(adapter)

    def join(self, user: VLLMChat) -> Host:
        """The running engine, or one that is being started."""
        with self._lock:
            self._users.add(id(user))
            if self.host is None:
                adapters = tuple(self._adapters)
                self.host = Host(self.path, self.engine, adapters, self._last)
            return self.host

    def leave(self, user: VLLMChat) -> Host | None:
        """Give the engine back; its last user gets it to close."""
        with self._lock:
            self._users.discard(id(user))
            if self._users or self.host is None:
                return None
            self._last, self.host = self.host, None
            return self._last


_SHARED: dict[tuple[str, Engine], _Shared] = {}


def _whole(path: str) -> str:
    return str(Path(path).resolve())


def _check(path: str, file: str, what: str) -> None:
    if not (Path(path) / file).is_file():
        raise ConfigError(
            f"`{what}` {path!r} has no {file}; name the folder of a Hugging Face {what}"
        )


def _context_length(path: str) -> int | None:
    config = json.loads((Path(path) / "config.json").read_text())
    length = config.get("text_config", config).get("max_position_embeddings")
    return length if isinstance(length, int) else None
