"""A server that speaks OpenAI chat completions with a fixed latency, and next to no cost.

    python -m benchmarks.server 0.2      prints its port; ends when its input ends

It knows the role by the first words of the system prompt and answers with prebuilt bytes; where
there is no system prompt, with a few sentences. It takes all other fields of a request without a
word. With a capacity it refuses what is too much, with faults it fails as real servers do
(`faults.py`); then a request decides alone what it is answered.

`GET /stats` tells what came and went since it was asked last, `GET /in_flight` how much it holds.
`POST /forget` lets the same requests meet the same faults once more, `POST /capacity/30` changes
the capacity.
"""

import argparse
import asyncio
import socket
import struct
import sys
import time
from collections import Counter
from itertools import cycle
from typing import Any

import orjson

from attunement.agents.prompting import packaged_prompts
from attunement.core.records import Role
from benchmarks.faults import CONTENT, KINDS, VARIANTS, Fate, Faults
from benchmarks.responses import error, good, http, models, of_fate, too_many, without_answer

_FIRST_WORDS = 20
"""Characters of a system prompt that tell its role."""
_STATUSES = {"429": "429", "500": "500", "503": "503", "dead": "500"}
"""Of faults; `reset` and `hang` have none, and all else is 200."""
_FOR_GOOD = ("good", *CONTENT)


class _Answers:
    """The good answers of one role, by number; in plain service they come round in a cycle."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.by_number = [good(role, number) for number in range(VARIANTS)]
        self.in_turn = cycle(self.by_number)


class _Desk:
    """What all connections share: the answers, the latency, the faults, the figures."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.latency: float = options.latency
        self.capacity: int = options.capacity or sys.maxsize
        self.faults = _faults_of(options)
        self.loop = asyncio.get_running_loop()
        self.answers = {
            prompt.skeleton[0]["content"][:_FIRST_WORDS].encode(): _Answers(role)
            for role, prompt in packaged_prompts().items()
        }
        self.free_text = _Answers("responder")
        self.refusal = too_many(options.retry_after)
        self.without_answer = without_answer(options.retry_after)
        self.fates: dict[int, Fate] = {}
        self.in_flight = 0
        self._begin()

    def _begin(self) -> None:
        self.requests = self.received = self.answered = self.refused = 0
        self.doubled = self.given_up = 0
        self.peak = self.in_flight
        self.waited = 0.0
        self.kinds: Counter[str] = Counter()
        self.began = time.process_time()

    def fate(self, body: bytes, answers: _Answers, faults: Faults) -> Fate:
        """The fate of a request, which was seen before or is drawn now."""
        key = hash(body)
        fate = self.fates.get(key)
        if fate is None:
            fate = self.fates[key] = faults.fate(body, answers.role)
        elif fate.answered and not fate.doubled:
            fate.doubled = True
            self.doubled += 1
        return fate

    def response(self, fate: Fate, kind: str, answers: _Answers) -> bytes:
        """What is sent for a kind of fault, or for none."""
        if kind == "good":
            return answers.by_number[fate.number]
        return self.without_answer.get(kind) or of_fate(fate, kind)

    def stats(self) -> bytes:
        statuses = Counter({"200": self.answered, "429": self.refused})
        for kind, number in self.kinds.items():
            if kind in _STATUSES:
                statuses[_STATUSES[kind]] += number
        figures = {
            "requests": self.requests,
            "mean_bytes": self.received / max(self.requests, 1),
            "mean_latency": self.waited / max(self.requests - self.refused, 1),
            "cpu": time.process_time() - self.began,
            "statuses": {status: number for status, number in statuses.items() if number},
            "faults": dict(self.kinds),
            "peak": self.peak,
            "refused": self.refused,
            "doubled": self.doubled,
            "given_up": self.given_up,
        }
        self._begin()
        return http("200 OK", orjson.dumps(figures))

    def other(self, line: bytes) -> bytes:
        """The answer to a request line that asks for no chat completion."""
        path = line.split(b" ")[1]
        if path == b"/stats":
            return self.stats()
        if path == b"/in_flight":
            return http("200 OK", b"%d" % self.in_flight)
        if path == b"/v1/models":
            return models()
        if path == b"/forget":
            self.fates.clear()
            return http("200 OK", b"{}")
        if path.startswith(b"/capacity/"):
            self.capacity = int(path.removeprefix(b"/capacity/")) or sys.maxsize
            return http("200 OK", b"{}")
        return error("404 Not Found", f"no {path.decode(errors='replace')} here")


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, read by hand: one request after the other."""

    def __init__(self, desk: _Desk) -> None:
        self.desk = desk
        self.buffer = b""
        self.silent = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self.desk.in_flight -= self.silent

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            _, _, rest = buffer[:end].lower().partition(b"content-length:")
            length = int(rest.partition(b"\r\n")[0] or 0)
            if len(buffer) < end + 4 + length:
                break
            if buffer.startswith(b"POST /v1/chat/completions "):
                self._answer(buffer[end + 4 : end + 4 + length])
            else:
                self.transport.write(self.desk.other(buffer.partition(b"\r\n")[0]))
            buffer = buffer[end + 4 + length :]
        self.buffer = buffer

    def _answer(self, body: bytes) -> None:
        desk = self.desk
        start = body.find(b'"content"', body.find(b'"messages"'))
        start = body.find(b'"', body.find(b":", start)) + 1
        answers = desk.answers.get(body[start : start + _FIRST_WORDS])
        if answers is None:
            if b'"system"' in body:
                self.transport.write(error("400 Bad Request", "whose prompt is this?"))
                return
            answers = desk.free_text
        desk.requests += 1
        desk.received += len(body)
        if desk.in_flight >= desk.capacity:
            desk.refused += 1
            self.transport.write(desk.refusal)
            return
        desk.in_flight += 1
        if desk.in_flight > desk.peak:
            desk.peak = desk.in_flight
        if desk.faults is None:
            response = next(answers.in_turn)
            desk.loop.call_later(desk.latency, self._send, response, desk.loop.time())
        else:
            self._meet(desk.fate(body, answers, desk.faults), answers)

    def _meet(self, fate: Fate, answers: _Answers) -> None:
        """Answer as the request's fate has it."""
        desk, kind = self.desk, fate.next_kind()
        if kind != "good":
            desk.kinds[kind] += 1
        if kind == "hang":
            self.silent += 1
            return
        response = desk.response(fate, kind, answers)
        if kind == "reset":
            desk.loop.call_later(desk.latency, self._reset, response[: len(response) // 2])
            return
        desk.loop.call_later(desk.latency, self._send, response, desk.loop.time(), fate, kind)

    def _send(
        self, response: bytes, asked: float, fate: Fate | None = None, kind: str = "good"
    ) -> None:
        desk = self.desk
        desk.in_flight -= 1
        desk.waited += desk.loop.time() - asked
        if self.transport.is_closing():
            desk.given_up += 1
            return
        if fate is None or kind not in _STATUSES:
            desk.answered += 1
        if fate is not None and kind in _FOR_GOOD:
            fate.answered = True
        self.transport.write(response)

    def _reset(self, half: bytes) -> None:
        self.desk.in_flight -= 1
        if not self.transport.is_closing():
            self.transport.write(half)
            # Closing a socket that does not linger sends a reset instead of an end.
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    desk = _Desk(options)
    server = await loop.create_server(lambda: _Connection(desk), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # whoever started us closes it, or is gone


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.server", description="Chat completions with a fixed latency."
    )
    add = parser.add_argument
    add("latency", type=float, metavar="SECONDS", help="from a request to its answer")
    add("--capacity", type=int, metavar="K", help="refuse what is more than K in flight")
    add("--retry-after", type=float, default=0.0, metavar="SECONDS", help="what a refusal says")
    add("--faults", type=float, metavar="P", help="share of faults in all, every kind alike")
    add("--fault", action="append", default=[], metavar="KIND=P",
        help=f"share of one kind: {', '.join(KINDS)}")  # fmt: skip
    add("--dead", type=float, default=0.0, metavar="P", help="share of requests that always fail")
    add("--seed", type=int, metavar="N", help="of the faults; answers go by request even if none")
    return parser.parse_args()


def _faults_of(options: argparse.Namespace) -> Faults | None:
    """What faults the options ask for; None for plain service."""
    if options.faults is options.seed is None and not options.fault and not options.dead:
        return None
    each = dict(Faults.even(options.faults or 0.0).each)
    for given in options.fault:
        kind, _, share = given.partition("=")
        each[kind] = float(share)
    return Faults(each, options.dead, options.seed or 0)


def main() -> None:
    """Serve until the input ends."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(_options()))


if __name__ == "__main__":
    main()
