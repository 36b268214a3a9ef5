"""The probe: what a model really does with what it is asked, found out by asking.

A server may take a request field and not heed it. So each field is tried by its effect: an answer
that only a constraint can bring about, the same answer for the same seed, one answer for all seeds
where the likeliest token alone is allowed. Some two dozen short calls, once for a run.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import orjson

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend, Decoding
from attunement.core.errors import ModelError
from attunement.core.records import Record

if TYPE_CHECKING:
    from attunement.agents.models.openai import OpenAIChat
    from attunement.agents.models.wire import Sent

LENGTH = 24
"""Tokens of a probe's answer."""
_WORDS = [{"role": "user", "content": "Write ten words that have nothing to do with each other."}]
_AGAIN = [{"role": "user", "content": "Write the word yes twenty times, with a space between."}]
_JSON = [{"role": "user", "content": "Say good morning in one sentence. No JSON, please."}]
_FREE = Decoding(temperature=1.0, top_p=1.0, max_tokens=LENGTH)
_GREEDY = Decoding(temperature=0.0, top_p=1.0, max_tokens=LENGTH)


class Password(Record):
    """A record that no model writes by itself."""

    password: Literal["k7-quince-93"]


async def _texts(backend: ChatBackend, decoding: Decoding, *seeds: int) -> list[str] | None:
    """The answers to one question under several seeds; None where one is refused."""
    asks = [Ask(_WORDS, seed=seed, decoding=decoding) for seed in seeds]
    return await _all_texts(backend, asks)


async def _all_texts(backend: ChatBackend, asks: list[Ask]) -> list[str] | None:
    found = await asyncio.gather(*map(backend.answer, asks), return_exceptions=True)
    for answer in found:
        if isinstance(answer, BaseException) and not isinstance(answer, ModelError):
            raise answer
    texts = [answer.text for answer in found if isinstance(answer, Answer)]
    return texts if len(texts) == len(asks) else None


async def heeds_seeds(backend: ChatBackend) -> bool | None:
    """Whether seeds decide the answer; None where all answers are the same anyway."""
    found = await _texts(backend, _FREE, 11, 11, 12, 13)
    if found is None:
        return None
    first, second, other, another = found
    if first != second:
        return False
    return None if first == other == another else True


def is_password(text: str) -> bool:
    """Whether an answer is the `Password`, or a beginning of it that ran out of tokens."""
    bare = "".join(text.split())
    return len(bare) > 1 and Password(password="k7-quince-93").model_dump_json().startswith(bare)


async def ignored_sampling(backend: ChatBackend, refused: tuple[str, ...]) -> tuple[str, ...]:
    """The sampling fields that a backend takes and does not heed.

    A field that narrows the choice to one token must make all seeds answer alike; where they do so
    anyway, nothing can be seen, and nothing is said.
    """
    free = await _texts(backend, _FREE, 11, 12, 13)
    if free is None:
        return ()
    if len(set(free)) == 1:
        return ("temperature",) if await _is_greedy(backend) else ()
    narrow = {
        "temperature": _GREEDY,
        "top_p": _FREE.model_copy(update={"top_p": 1e-6}),
        "top_k": _FREE.model_copy(update={"top_k": 1}),
    }
    ignored = [
        name
        for name, decoding in narrow.items()
        if name not in refused and len(set(await _texts(backend, decoding, 11, 12, 13) or ())) > 1
    ]
    # Only two greedy answers can be compared.
    greedy = not {"temperature", "repetition_penalty"} & {*refused, *ignored}
    if greedy and await _heeds_penalty(backend) is False:
        ignored.append("repetition_penalty")
    return tuple(ignored)


async def _is_greedy(backend: ChatBackend) -> bool:
    """Whether even the highest temperature changes nothing."""
    hot = Decoding(temperature=2.0, top_p=1.0, max_tokens=LENGTH)
    return len(set(await _texts(backend, hot, 11, 12, 13) or ())) == 1


async def _heeds_penalty(backend: ChatBackend) -> bool | None:
    asks = [
        Ask(_AGAIN, decoding=_GREEDY.model_copy(update={"repetition_penalty": penalty}))
        for penalty in (1.0, 2.0)
    ]
    found = await _all_texts(backend, asks)
    return None if found is None else found[0] != found[1]


# ---- servers ------------------------------------------------------------------------------------


async def probe_server(chat: "OpenAIChat") -> Capabilities:
    """Find out what an OpenAI-compatible server does. `ModelError` where it does not answer."""
    length, plain = await _first(chat)
    refused = await _refused(chat, length)
    chat.known = Capabilities(refused=refused, length_field=length)
    try:
        structured = await _structured(chat, refused)
        seeds = None if "seed" in refused else await heeds_seeds(chat)
        ignored = await ignored_sampling(chat, refused)
        if seeds is False:
            ignored = (*ignored, "seed")
        listed = await _listed(chat)
        return Capabilities(
            structured=structured,
            seeds=False if "seed" in refused else seeds,
            logprobs=await _logprobs(chat, refused),
            usage=_counts(plain),
            adapters=_adapters(chat.model, listed),
            context_length=_context_length(chat.model, listed),
            refused=refused,
            ignored=ignored,
            length_field=length,
        )
    finally:
        chat.known = None


async def _post(chat: "OpenAIChat", **fields: Any) -> "Sent":
    """A short request with these fields; sent again where a server is busy."""
    body = orjson.dumps({"model": chat.model, "messages": _WORDS, **fields})
    return await chat.wire.send_until_answered(body)


async def _first(chat: "OpenAIChat") -> tuple[Literal["max_tokens", "max_completion_tokens"], Any]:
    """What the server calls the longest answer, and the body of its first answer."""
    sent = await _post(chat, max_tokens=LENGTH)
    if sent.answer:
        return "max_tokens", sent.payload
    if sent.status == 400 or sent.status == 422:
        other = await _post(chat, max_completion_tokens=LENGTH)
        if other.answer:
            return "max_completion_tokens", other.payload
    hint = "; does its address end in /v1?" if sent.status in (404, 405) else ""
    raise ModelError(f"{chat.spec} at {sent.url}: {sent.why}{hint}")


_FIELDS: Mapping[str, Any] = {
    "temperature": 0.9, "top_p": 0.8, "seed": 11, "top_k": 50, "repetition_penalty": 1.2,
    "logprobs": True,
}  # fmt: skip


async def _refused(chat: "OpenAIChat", length: str) -> tuple[str, ...]:
    """The request fields that the server answers with an error, each tried alone."""
    sent = await asyncio.gather(
        *(_post(chat, **{length: LENGTH, name: value}) for name, value in _FIELDS.items())
    )
    return tuple(
        name
        for name, s in zip(_FIELDS, sent, strict=True)
        if s.answer is None and s.sign != "refused"
    )


async def _structured(
    chat: "OpenAIChat", refused: tuple[str, ...]
) -> Literal["json_schema", "json_object"] | None:
    modes: tuple[Literal["json_schema", "json_object"], ...] = ("json_schema", "json_object")
    for mode in modes:
        chat.known = Capabilities(
            structured=mode, refused=refused,
            length_field=chat.known.length_field if chat.known else "max_tokens",
        )  # fmt: skip
        try:
            answer = await chat.answer(
                Ask(_JSON, decoding=Decoding(temperature=0.0, max_tokens=256), schema=Password)
            )
        except ModelError:
            continue
        if is_password(answer.text) if mode == "json_schema" else _is_object(answer.text):
            return mode
    return None


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except ValueError:
        return False


async def _logprobs(chat: "OpenAIChat", refused: tuple[str, ...]) -> bool:
    if "logprobs" in refused:
        return False
    length = chat.known.length_field if chat.known else "max_tokens"
    sent = await _post(chat, logprobs=True, **{length: LENGTH})
    return bool(sent.payload and sent.payload["choices"][0].get("logprobs"))


def _counts(payload: Mapping[str, Any]) -> bool:
    usage = payload.get("usage") or {}
    return bool(usage.get("prompt_tokens"))


async def _listed(chat: "OpenAIChat") -> list[dict[str, Any]]:
    """What the first server that lists anything readable lists under `/models`; mostly one row."""
    for url in chat.urls:
        try:
            status, body = await chat.wire.get(url, "/models")
            if status == 200:
                return [row for row in orjson.loads(body)["data"] if isinstance(row, dict)]
        except (ModelError, ValueError, LookupError, TypeError):
            continue
    return []


def _adapters(model: str, listed: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(str(row.get("id")) for row in listed if row.get("parent") == model)


def _context_length(model: str, listed: list[dict[str, Any]]) -> int | None:
    """As vLLM, llama.cpp or others state it for this model, or for the base of this adapter."""
    row = next((row for row in listed if row.get("id") == model), {})
    parent = next((r for r in listed if r.get("id") == row.get("parent")), {})
    meta = row.get("meta") or {}
    stated = (row.get("max_model_len"), parent.get("max_model_len"),
              row.get("context_length"), meta.get("n_ctx"), meta.get("n_ctx_train"))  # fmt: skip
    return next((n for n in stated if isinstance(n, int) and n > 0), None)
