"""`openai:NAME`: any OpenAI-compatible server, over one aiohttp session.

A thin client on purpose: the stock clients cost 2.5 to 4.7 ms of processor time a call, this one
about 0.2, and a simulator lives on throughput.
"""

import asyncio
import os
import random
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import PrivateAttr

from attunement.agents.models.base import Answer, Ask, ChatBackend
from attunement.core.errors import ConfigError, ModelError

try:
    import aiohttp
except ImportError:
    raise ConfigError(
        "`openai:` models need aiohttp; install it with: pip install 'attunement[openai]'"
    ) from None

HOSTED = "https://api.openai.com/v1"
TRIES = 5
"""Times that one call is sent before it fails for good."""
TIMEOUT = 120.0
"""Seconds that a server may take for one answer."""
FIRST_WAIT = 0.5
"""Seconds before the second try; each further wait is twice as long, with jitter."""
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
_LONGEST_WAIT = 60.0


class OpenAIChat(ChatBackend):
    """A model behind an OpenAI-compatible `/chat/completions`.

    The address is `base_url`, else `OPENAI_BASE_URL`, else OpenAI's own; the key is
    `OPENAI_API_KEY`. A server of one's own may need no key; OpenAI's does.
    """

    model: str
    url: str
    _session: aiohttp.ClientSession | None = PrivateAttr(default=None)
    _loop: asyncio.AbstractEventLoop | None = PrivateAttr(default=None)
    _key: str = PrivateAttr()

    def __init__(self, model: str, base_url: str | None = None) -> None:
        base = (base_url or os.environ.get("OPENAI_BASE_URL") or HOSTED).rstrip("/")
        if not _is_address(base):
            raise ConfigError(f"`base_url` must be like http://127.0.0.1:8000/v1, got {base!r}")
        super().__init__(model=model, url=f"{base}/chat/completions")
        self._key = os.environ.get("OPENAI_API_KEY", "")
        if base == HOSTED and not self._key:
            raise ConfigError(
                "`OPENAI_API_KEY` is not set; export it, or name your own server with --base-url"
            )

    @property
    def spec(self) -> str:
        return f"openai:{self.model}"

    async def answer(self, ask: Ask) -> Answer:
        body = orjson.dumps(
            {
                "model": self.model,
                "messages": ask.messages,
                "temperature": ask.decoding.temperature,
                "top_p": ask.decoding.top_p,
                "max_tokens": ask.decoding.max_tokens,
                "seed": ask.seed,
            }
        )
        for attempt in range(1, TRIES + 1):
            answer, why, wait = await self._send(body)
            if answer:
                return answer
            if wait is None or attempt == TRIES:
                raise ModelError(f"{self.spec} at {self.url}: {why}")
            pause = max(wait, FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            await asyncio.sleep(min(pause, _LONGEST_WAIT))
        raise AssertionError("unreachable")

    async def _send(self, body: bytes) -> tuple[Answer | None, str, float | None]:
        """(answer, what went wrong, seconds to wait before the next try or None for no try)."""
        try:
            async with self._open().post(self.url, data=body) as response:
                payload = await response.read()
                if response.status == 200:
                    return _read(payload)
                why = f"HTTP {response.status}: {payload[:300].decode(errors='replace')}"
                wait = _retry_after(response.headers) if response.status in _AGAIN else None
                return None, why, wait
        except (aiohttp.ClientError, TimeoutError) as error:
            return None, f"{type(error).__name__}: {error}".rstrip(": "), 0.0

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                headers=headers,
            )
            self._loop = loop
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _read(payload: bytes) -> tuple[Answer | None, str, float | None]:
    try:
        data: dict[str, Any] = orjson.loads(payload)
        text = data["choices"][0]["message"]["content"]
        usage = data.get("usage") or {}
        counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
        return Answer("" if text is None else text, *counts), "", None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return None, f"not a chat completion ({type(error).__name__}): {payload[:200]!r}", 0.0


def _retry_after(headers: Any) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0
