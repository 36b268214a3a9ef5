"""A server that speaks OpenAI chat completions with a fixed latency, and next to no cost.

    python -m benchmarks.latency_server 0.2      prints its port; ends when its input ends

It knows the role by the first words of the system prompt and answers with prebuilt bytes.
`GET /stats` tells its requests, their size, its processor time, and the latency that it kept.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import orjson

from attunement.agents.prompting import packaged_prompts
from attunement.core.records import Role
from benchmarks.canned import canned
from benchmarks.measure import ROOT

VARIANTS = 64
"""Different answers a role; they come round one after the other."""
_FIRST_WORDS = 20
"""Characters of a system prompt that tell its role."""


def _http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _completion(role: Role, number: int) -> bytes:
    text = canned(role, number)
    usage = {"prompt_tokens": 900, "completion_tokens": len(text) // 4}
    usage["total_tokens"] = sum(usage.values())
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return orjson.dumps(
        {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 0, "model": "latency",
         "choices": [choice], "usage": usage}
    )  # fmt: skip


class _Desk:
    """What all connections share: the answers, the latency, the figures."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.loop = asyncio.get_running_loop()
        self.answers = {
            prompt.skeleton[0]["content"][:_FIRST_WORDS].encode(): cycle(
                [_http("200 OK", _completion(role, number)) for number in range(VARIANTS)]
            )
            for role, prompt in packaged_prompts().items()
        }
        self._begin()

    def _begin(self) -> None:
        self.requests = self.received = 0
        self.waited = 0.0
        self.began = time.process_time()

    def stats(self) -> bytes:
        figures = {
            "requests": self.requests,
            "mean_bytes": self.received / max(self.requests, 1),
            "mean_latency": self.waited / max(self.requests, 1),
            "cpu": time.process_time() - self.began,
        }
        self._begin()
        return _http("200 OK", orjson.dumps(figures))


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, read by hand: one request after the other."""

    def __init__(self, desk: _Desk) -> None:
        self.desk = desk
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            if buffer.startswith(b"GET /stats"):
                self.transport.write(self.desk.stats())
                length = 0
            else:
                _, _, rest = buffer[:end].lower().partition(b"content-length:")
                length = int(rest.partition(b"\r\n")[0])
                if len(buffer) < end + 4 + length:
                    break
                self._answer(buffer[end + 4 : end + 4 + length])
            buffer = buffer[end + 4 + length :]
        self.buffer = buffer

    def _answer(self, body: bytes) -> None:
        desk = self.desk
        start = body.find(b'"content"')
        start = body.find(b'"', body.find(b":", start)) + 1
        answers = desk.answers.get(body[start : start + _FIRST_WORDS])
        if answers is None:
            self.transport.write(_http("400 Bad Request", b'{"error":"whose prompt is this?"}'))
            return
        desk.requests += 1
        desk.received += len(body)
        desk.loop.call_later(desk.latency, self._send, next(answers), desk.loop.time())

    def _send(self, response: bytes, asked: float) -> None:
        self.desk.waited += self.desk.loop.time() - asked
        if not self.transport.is_closing():
            self.transport.write(response)


async def _serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    desk = _Desk(latency)
    server = await loop.create_server(lambda: _Connection(desk), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # whoever started us closes it, or is gone


@dataclass(frozen=True, slots=True)
class Server:
    """A running latency server, seen from its client."""

    base_url: str

    def stats(self) -> dict[str, float]:
        """Its figures since it started or was asked last."""
        address = self.base_url.removesuffix("/v1") + "/stats"
        with urllib.request.urlopen(address) as response:
            figures: dict[str, float] = json.load(response)
            return figures


@contextmanager
def started(latency: float) -> Iterator[Server]:
    """A latency server in a process of its own, for the time of the block."""
    command = [sys.executable, "-m", "benchmarks.latency_server", str(latency)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the latency server did not start; see above")
        yield Server(f"http://127.0.0.1:{port}/v1")
        process.stdin.close()


def main() -> None:
    """Serve until the input ends."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(float(sys.argv[1])))


if __name__ == "__main__":
    main()
