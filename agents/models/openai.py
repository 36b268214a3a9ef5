"""`openai:NAME`: a model behind OpenAI-compatible servers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from pydantic import PrivateAttr

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend
from attunement.agents.models.registry import TIMEOUT
from attunement.agents.models.schema import json_schema
from attunement.agents.models.secrets import hosted_base_url
from attunement.agents.models.wire import Wire
from attunement.core.errors import ModelError
from attunement.core.records import Record


class OpenAIChat(ChatBackend):
    """A model behind an OpenAI-compatible `/chat/completions`, on one server or several.

    The address is `base_url`, else `OPENAI_BASE_URL`, else OpenAI's own; `secrets.py` says where
    the key comes from. What `capabilities` says that the server refuses is not sent.
    """

    model: str
    urls: tuple[str, ...]
    """Base addresses, each ending in e.g. `/v1`."""
    known: Capabilities | None = None
    """What the server is known to do; None: nobody has asked it."""
    named: str
    """The spec that a run knows this model by."""
    _wire: Wire = PrivateAttr()
    _formats: dict[type[Record], orjson.Fragment] = PrivateAttr(default_factory=dict)

    def __init__(
        self,
        model: str,
        base_url: str | Sequence[str] | None = None,
        *,
        timeout: float = TIMEOUT,
        capabilities: Capabilities | None = None,
        spec: str | None = None,
    ) -> None:
        """`ConfigError` for an address that is none, or OpenAI's own without a key."""
        given = [base_url] if isinstance(base_url, str) else base_url
        urls = tuple(dict.fromkeys(url.rstrip("/") for url in given or [hosted_base_url()]))
        wire = Wire(urls, timeout, named=spec is None or "@http" not in spec)
        super().__init__(
            model=model, urls=urls, known=capabilities, named=spec or f"openai:{model}"
        )
        self._wire = wire

    @property
    def spec(self) -> str:
        return self.named

    @property
    def trouble(self) -> str:
        return self._wire.pool.trouble

    @property
    def wire(self) -> Wire:
        """The way to the servers."""
        return self._wire

    async def capabilities(self) -> Capabilities:
        if self.known is None:
            from attunement.agents.models.probe import probe_server

            self.known = await probe_server(self)
        return self.known

    async def answer(self, ask: Ask) -> Answer:
        sent = await self._wire.send_until_answered(orjson.dumps(self.request(ask)))
        if sent.answer is None:
            raise ModelError(f"{self.named} at {sent.url}: {sent.why}", sent.tries)
        return sent.answer if sent.tries == 1 else replace(sent.answer, tries=sent.tries)

    def request(self, ask: Ask) -> dict[str, Any]:
        """The body of a request, without what the server is known to refuse."""
        known = self.known or _UNKNOWN
        decoding = ask.decoding
        fields = {
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "top_k": decoding.top_k,
            "repetition_penalty": decoding.repetition_penalty,
            "seed": ask.seed & 0x7FFFFFFF,  # as much as every server takes
            known.length_field: decoding.max_tokens,
        }
        body: dict[str, Any] = {"model": self.model, "messages": ask.messages}
        for name, value in fields.items():
            if value is not None and name not in known.refused:
                body[name] = value
        if ask.schema and known.structured:
            body["response_format"] = self._format(ask.schema, known.structured)
        return body

    def _format(self, record: type[Record], mode: str) -> orjson.Fragment:
        if record not in self._formats:
            self._formats[record] = orjson.Fragment(orjson.dumps(response_format(record, mode)))
        return self._formats[record]

    def stop(self) -> None:
        self._wire.pool.stop()

    async def aclose(self) -> None:
        await self._wire.aclose()


_UNKNOWN = Capabilities()


def response_format(record: type[Record], mode: str) -> dict[str, Any]:
    """What a server is told so that it holds its answer to a record."""
    if mode == "json_object":
        return {"type": mode}
    schema = {"name": record.__name__, "schema": json_schema(record), "strict": True}
    return {"type": mode, "json_schema": schema}
