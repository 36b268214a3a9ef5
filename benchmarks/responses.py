"""The server's HTTP responses as bytes: chat completions, refusals, faults."""

from collections.abc import Mapping

import orjson

from attunement.core.records import Role
from benchmarks.canned import canned
from benchmarks.faults import Fate, spoilt

MODEL = "latency"
CONTEXT_LENGTH = 32_768


def http(status: str, body: bytes, headers: str = "") -> bytes:
    """A whole response; further `headers` end with a line break each."""
    length = f"Content-Length: {len(body)}"
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}{length}"
    return f"{head}\r\n\r\n".encode() + body


def error(status: str, why: str, headers: str = "") -> bytes:
    """An error as OpenAI words it."""
    return http(status, orjson.dumps({"error": {"message": why, "code": status}}), headers)


def too_many(retry_after: float) -> bytes:
    """The refusal of a request for now."""
    return error("429 Too Many Requests", "too many requests", f"Retry-After: {retry_after:g}\r\n")


def models() -> bytes:
    """The answer to `GET /v1/models`."""
    card = {"id": MODEL, "object": "model", "created": 0, "owned_by": "attunement",
            "max_model_len": CONTEXT_LENGTH}  # fmt: skip
    return http("200 OK", orjson.dumps({"object": "list", "data": [card]}))


def completion(number: int, text: str, finish: str = "stop") -> bytes:
    """A chat completion's JSON."""
    usage = {"prompt_tokens": 900, "completion_tokens": len(text) // 4}
    usage["total_tokens"] = sum(usage.values())
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return orjson.dumps(
        {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 0, "model": MODEL,
         "choices": [choice], "usage": usage}
    )  # fmt: skip


def good(role: Role, number: int) -> bytes:
    """The good answer of a role with that number, always the same."""
    return http("200 OK", completion(number, canned(role, number)))


def without_answer(retry_after: float) -> Mapping[str, bytes]:
    """What faults of transport send; of `reset` only half goes out."""
    whole = completion(0, "This answer never arrives whole. " * 8)
    return {
        "429": too_many(retry_after),
        "500": error("500 Internal Server Error", "the engine stumbled"),
        "503": error("503 Service Unavailable", "no replica is up"),
        "dead": error("500 Internal Server Error", "this request always fails"),
        "reset": http("200 OK", whole),
        "utf8": http("200 OK", whole.replace(b"arrives", b"\xff\xfe\xc3")),
    }


MALFORMED = (
    b"<html><body>504 Gateway Time-out</body></html>",
    b'{"object": "error", "message": "the worker was restarted"}',
    b'{"object": "chat.completion", "choices": []}',
)
"""Bodies that are no chat completion: no JSON, no choices, none in the list."""


def of_fate(fate: Fate, kind: str) -> bytes:
    """The answer for good of a fate that `kind` has spoilt, and every malformed body."""
    if kind == "malformed":
        return http("200 OK", MALFORMED[(fate.number + fate.sent) % len(MALFORMED)])
    text, finish = spoilt(kind, fate.role, canned(fate.role, fate.number))
    return http("200 OK", completion(fate.number, text, finish))
