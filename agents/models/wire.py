"""The wire to OpenAI-compatible servers: one aiohttp session, tries, pauses, keys.

A thin client on purpose: the stock clients cost 2.5 to 4.7 ms of processor time a call, this one
about 0.2, and a simulator lives on throughput.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from attunement.agents.models.base import Answer
from attunement.agents.models.endpoint import Endpoint, Pool, Sign
from attunement.agents.models.secrets import key_for, redact
from attunement.core.errors import ConfigError, ModelError

try:
    import aiohttp
except ImportError:
    raise ConfigError(
        "`openai:` models need aiohttp; install it with: pip install 'attunement[openai]'"
    ) from None

TRIES = 5
"""Times that one call is sent before it fails for good."""
FIRST_WAIT = 0.5
"""Seconds before the second try; each further wait is twice as long, with jitter."""
_LONGEST_WAIT = 60.0
_LONGEST_RETRY_AFTER = 3600.0
_LOOK_TIMEOUT = 5.0
PATIENCE = 600.0
"""Seconds for which a server that works otherwise may refuse a call before that counts as a try."""
_AGAIN = {408, 409, 425, 429, *range(500, 600)} - {501, 505}
_SIGNS: dict[int, Sign] = {429: "refused", 503: "refused", 408: "slow", 504: "slow"}


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending a request once."""

    sign: Sign
    url: str
    answer: Answer | None = None
    payload: Any = None
    """The body of an answer, as it came."""
    why: str = ""
    wait: float | None = None
    """Seconds to wait before the next try; None where trying again is of no use."""
    status: int | None = None
    tries: int = 1


class Wire:
    """The way to one model's servers. Within one event loop at a time; `aclose` ends it."""

    def __init__(self, urls: Sequence[str], timeout: float, named: bool = True) -> None:
        """`named`: as in `key_for`. `ConfigError` for an address that is none, or OpenAI's own
        without a key."""
        for url in urls:
            check_address(url)
        self.urls, self.timeout = urls, timeout
        self._keys = {url: key_for(url, named) for url in urls}
        self._session: aiohttp.ClientSession | None = None
        self._retired: list[aiohttp.ClientSession] = []
        """Sessions that calls may still be using; no new one does."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self.pool = self._new_pool()

    async def send_until_answered(self, body: bytes) -> Sent:
        """Send a request body until there is an answer, or no use in trying again."""
        sendings, tries, failed = 0, 0, None
        began = time.monotonic()
        while True:
            sent, failed, excused = await self._try(body, failed)
            sendings += 1
            busy = sent.sign == "refused" and failed.proven
            tries += not (excused or (busy and time.monotonic() - began < PATIENCE))
            if sent.answer or sent.wait is None or tries == TRIES:
                return sent if sendings == 1 else replace(sent, tries=sendings)
            if not excused:
                await self.pool.wait(_pause(sendings, sent.wait))

    async def _try(self, body: bytes, avoid: Endpoint | None) -> tuple[Sent, Endpoint, bool]:
        """Send once; also to whom, and whether a failure is excused."""
        endpoint = await self.pool.take(avoid)
        ticket = endpoint.ticket
        sent, excused = Sent("gone", endpoint.url), False
        try:
            sent = await self.send(endpoint.url, body)
        finally:
            excused = self.pool.give_back(endpoint, sent.sign, ticket, sent.why)
        return sent, endpoint, excused

    async def send(self, url: str, body: bytes) -> Sent:
        """Post one request body to a server, once and at once."""
        key = self._keys[url]
        try:
            async with self._open().post(
                f"{url}/chat/completions", data=body, headers=_headers(key)
            ) as response:
                payload = await response.read()
                if response.status == 200:
                    return _read(url, payload, key)
                said = redact(payload.decode(errors="replace"), key)[:300]
                return Sent(
                    _SIGNS.get(response.status, "failed" if response.status >= 500 else "other"),
                    url,
                    why=f"HTTP {response.status}: {said}",
                    wait=_retry_after(response.headers) if response.status in _AGAIN else None,
                    status=response.status,
                )
        except TimeoutError:
            return Sent("slow", url, why=f"no answer in {self.timeout:g} s", wait=0.0)
        except aiohttp.ClientError as error:
            return Sent("failed", url, why=redact(_trouble(error), key), wait=0.0)

    async def get(self, url: str, path: str) -> tuple[int, bytes]:
        """(status, body) of what a server has at a path below its address. `ModelError` if it is
        silent."""
        headers = _headers(self._keys[url])
        limit = aiohttp.ClientTimeout(total=_LOOK_TIMEOUT)
        try:
            async with self._open().get(f"{url}{path}", headers=headers, timeout=limit) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ModelError(f"{url}{path}: {type(error).__name__}") from None

    async def _look(self, url: str) -> bool:
        """Whether a server is there: anything but silence or a gateway's excuse will do."""
        try:
            status, _ = await self.get(url, "/models")
        except ModelError:
            return False
        if status in (502, 503, 504):
            return False
        # The connections from before are dead, and each would show it only when it is used.
        if self._session is not None:
            self._retired.append(self._session)
            self._session = None
        if len(self._retired) > 2:  # whoever used it has timed out long ago, or soon will
            await self._retired.pop(0).close()
        return True

    def _new_pool(self) -> Pool:
        return Pool([Endpoint(url) for url in self.urls], self._look)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed or self._loop is not _running():
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=self.timeout),
            )
            self._loop = _running()
        return self._session

    async def aclose(self) -> None:
        """Close the connections. The wire may be used again afterwards."""
        await self.pool.aclose()
        self.pool = self._new_pool()
        for session in (self._session, *self._retired):
            if session is not None:
                await session.close()
        self._session = None
        self._retired.clear()


_JSON = {"Content-Type": "application/json"}
_running = asyncio.get_running_loop


def _headers(key: str) -> dict[str, str]:
    return _JSON | {"Authorization": f"Bearer {key}"} if key else _JSON


def check_address(url: str) -> None:
    """`ConfigError` for what is no http address, or holds a secret."""
    if "@" in url:
        raise ConfigError(
            "`base_url` must hold no name or password; put the key into OPENAI_API_KEY"
        )
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in url
        good = good and parts.port != 0  # a port that is none raises
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"`base_url` must be like http://127.0.0.1:8000/v1, got {url!r}")


def _read(url: str, payload: bytes, key: str) -> Sent:
    try:
        data: Mapping[str, Any] = orjson.loads(payload)
        choice = data["choices"][0]
        text = choice["message"]["content"]
        usage = data.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        answer = Answer(
            "" if text is None else text,
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
            details.get("cached_tokens"),
            choice.get("finish_reason") == "length",
        )
        return Sent("answered", url, answer, data)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        said = redact(payload.decode(errors="replace"), key)[:200]
        why = f"not a chat completion ({type(error).__name__}): {said!r}"
        return Sent("failed", url, why=why, wait=0.0, status=200)


def _trouble(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "no secure connection: is it https, and is its certificate good?"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {error.os_error.strerror or error.os_error}"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _pause(tried: int, asked: float) -> float:
    """Seconds before the next try: what the server asked for, or longer and longer, with jitter."""
    own: float = min(FIRST_WAIT * 2 ** (tried - 1), _LONGEST_WAIT)
    return max(asked * random.uniform(1.0, 1.1), own * random.uniform(0.5, 1.5))


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds, from a `Retry-After` in seconds or as a date; 0 where there is none to be read."""
    value = headers.get("Retry-After", "0")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER)
