"""`provider:name`: any model that LangChain's `init_chat_model` knows, e.g. `anthropic:NAME`.

Keys and addresses come from the environment, under the names that each provider documents.
"""

import asyncio
import inspect
import os
import re
import threading
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import PrivateAttr, ValidationError

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend, Decoding
from attunement.agents.reading import explain
from attunement.core.errors import ConfigError, ModelError, StoppedError

T = TypeVar("T")

FIELDS = {
    "seed": ("seed", "random_seed"),
    "repetition_penalty": ("repetition_penalty", "repeat_penalty"),
    "top_k": ("top_k",),
    "top_p": ("top_p",),
    "temperature": ("temperature",),
    "max_tokens": (
        "max_tokens", "max_output_tokens", "num_predict", "max_completion_tokens",
        "max_new_tokens",
    ),
}  # fmt: skip
"""What the providers' classes call the fields of a request; first to last to be given up."""
_ENDS = ("finish_reason", "done_reason", "stop_reason", "stopReason")
_CUT = ("length", "max_tokens", "model_length")
_UNSUPPORTED = re.compile("support|both|deprecated|permitted|recogni[sz]|unknown", re.IGNORECASE)
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)(_|$)", re.IGNORECASE)


class ProviderChat(ChatBackend):
    """A model behind LangChain's own client for its provider, with that client's own retries.

    `ConfigError` where a package or a key is missing. A record is asked for in words: what
    `with_structured_output` does differs from provider to provider.
    """

    model: str
    _client: BaseChatModel = PrivateAttr()
    _fields: dict[str, str] = PrivateAttr()
    """The fields that this provider takes, and its names for them."""
    _decoding: dict[Decoding, BaseChatModel] = PrivateAttr(default_factory=dict)
    _stopped: bool = PrivateAttr(default=False)

    def __init__(self, spec: str) -> None:
        super().__init__(model=spec)
        self._client = _client(spec)
        known = type(self._client).model_fields
        names = {
            ours: [name for name in theirs if name in known] for ours, theirs in FIELDS.items()
        }
        self._fields = {ours: theirs[0] for ours, theirs in names.items() if theirs}

    @property
    def spec(self) -> str:
        return self.model

    async def answer(self, ask: Ask) -> Answer:
        if self._stopped:
            raise StoppedError("the run is stopping")
        return await _elsewhere(self._answer(ask))

    async def capabilities(self) -> Capabilities:
        """What the provider's class takes, less what its server has refused so far."""
        seeds = None if "seed" in self._fields else False
        return Capabilities(seeds=seeds, refused=tuple(f for f in FIELDS if f not in self._fields))

    def stop(self) -> None:
        self._stopped = True

    async def aclose(self) -> None:
        self._stopped = False
        if await _elsewhere(_close(self._client)):
            self._client = _client(self.spec)
            self._decoding.clear()

    async def _answer(self, ask: Ask) -> Answer:
        while True:
            sent = tuple(self._fields)
            try:
                return _read(await self._for(ask).ainvoke([*ask.messages]))
            except Exception as error:
                if not self._give_up(error, sent):
                    # From None: a traceback with the provider's own error could show a key.
                    raise ModelError(f"{self.spec}: {_said(error)}") from None

    def _for(self, ask: Ask) -> BaseChatModel:
        """The client for this request: a shallow copy with its fields set.

        Not bound arguments: Ollama's class passes those on to a function that takes none of them.
        One is kept for each decoding: some classes make a connection pool on first use.
        """
        if ask.decoding not in self._decoding:
            self._decoding[ask.decoding] = self._client.model_copy(update=self._settings(ask))
        model = self._decoding[ask.decoding]
        seed = self._fields.get("seed")
        return model.model_copy(update={seed: ask.seed & 0x7FFFFFFF}) if seed else model

    def _settings(self, ask: Ask) -> dict[str, Any]:
        wanted = ask.decoding.model_dump(exclude_none=True)
        return {theirs: wanted[ours] for ours, theirs in self._fields.items() if ours in wanted}

    def _give_up(self, error: Exception, sent: tuple[str, ...]) -> bool:
        """Whether the model does not take a field that was sent, so that it is sent no more.

        Some models take no temperature, or either temperature or top-p: only their server knows.
        """
        status = getattr(error, "status_code", None)
        if status not in (400, 422) or not _UNSUPPORTED.search(str(error)):
            return False
        for ours in sent:
            names = "|".join({ours, *FIELDS[ours]})
            if ours != "max_tokens" and re.search(rf"\b({names})\b", str(error)):
                # Another call may have given it up meanwhile: then this one is just sent again.
                self._fields.pop(ours, None)
                self._decoding.clear()
                return True
        return False


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """An event loop of its own thread, for all providers.

    LangChain's clients share connections for the life of the process and never close them; a
    caller's loop may end before that.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="providers", daemon=True).start()
    return loop


async def _elsewhere(work: Coroutine[Any, Any, T]) -> T:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


async def _close(client: BaseChatModel) -> bool:
    """Close the connections that are this client's own; whether it had any.

    Some providers' packages share connections between all of a class's clients (OpenAI's and
    Anthropic's, in a class of their own): closed once, they would fail every later client.
    """
    parts = [*vars(client).values(), *(client.__pydantic_private__ or {}).values()]
    closing = [getattr(part, "aclose", None) or getattr(part, "close", None) for part in parts]
    own = [
        close
        for part, close in zip(parts, closing, strict=True)
        if close and not type(getattr(part, "_client", None)).__module__.startswith("langchain")
    ]
    for close in own:
        if inspect.isawaitable(done := close()):
            await done
    return bool(own)


def _client(spec: str) -> BaseChatModel:
    provider, _, name = spec.partition(":")
    if not provider or not name:
        raise ConfigError(f"`model` must be like provider:name, got {spec!r}")
    try:
        from langchain.chat_models import init_chat_model
    except ImportError:
        raise ConfigError(
            f"`{spec}` needs langchain and the provider's package; "
            f"install them with: pip install langchain langchain-{provider.replace('_', '-')}"
        ) from None
    try:
        return init_chat_model(name, model_provider=provider)
    except ValidationError as error:
        raise ConfigError(f"`{spec}`: {_clean(explain(error))}") from None
    except Exception as error:  # each provider has its own for a missing key
        raise ConfigError(f"`{spec}`: {_clean(str(error))}") from None


def _read(message: BaseMessage) -> Answer:
    usage = getattr(message, "usage_metadata", None) or {}
    ends = [str(message.response_metadata.get(key, "")).lower() for key in _ENDS]
    return Answer(
        str(message.text),
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        (usage.get("input_token_details") or {}).get("cache_read"),
        cut=any(end in _CUT for end in ends),
    )


def _said(error: Exception) -> str:
    return _clean(f"{type(error).__name__}: {error}".rstrip(": "))


def _clean(text: str) -> str:
    """One line of at most 500 characters, without what is secret in the environment."""
    secrets = [value for name, value in os.environ.items() if _SECRET.search(name)]
    # The longest first: one may be part of another. A few letters are no secret, but many words.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) > 3:
            text = text.replace(secret, "***")
    return " ".join(text.split())[:500]
