"""The server in a process of its own, seen from its client."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.faults import Faults
from benchmarks.measure import ROOT


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    base_url: str

    def stats(self) -> dict[str, Any]:
        """Its figures since it started or was asked last.

        `requests`, their `mean_bytes`, the `mean_latency` in seconds, `cpu` seconds; answers by
        `statuses`, `faults` by kind, the `peak` of requests in flight, those `refused` for lack of
        capacity, `doubled`: different requests that came again after they had been answered for
        good, `given_up`: answers whose client was gone.
        """
        figures: dict[str, Any] = json.loads(self._ask("/stats"))
        return figures

    def in_flight(self) -> int:
        """Requests that it has and has not answered."""
        return int(self._ask("/in_flight"))

    def forget(self) -> None:
        """Let requests that came before meet the same faults once more."""
        self._ask("/forget", b"")

    def set_capacity(self, capacity: int) -> None:
        """Change how many requests may be in flight; 0 for any number."""
        self._ask(f"/capacity/{capacity}", b"")

    def _ask(self, path: str, data: bytes | None = None) -> bytes:
        address = self.base_url.removesuffix("/v1") + path
        with urllib.request.urlopen(address, data) as response:
            body: bytes = response.read()
            return body


@contextmanager
def started(
    latency: float,
    *,
    capacity: int | None = None,
    retry_after: float = 0.0,
    faults: Faults | None = None,
) -> Iterator[Server]:
    """A server for the time of the block; `latency` and `retry_after` in seconds.

    With `faults`, be they none, each request decides by itself what it is answered.
    """
    command = [sys.executable, "-m", "benchmarks.server", str(latency)]
    command += [f"--retry-after={retry_after}"]
    command += [f"--capacity={capacity}"] if capacity else []
    if faults is not None:
        command += [f"--seed={faults.seed}", f"--dead={faults.dead}"]
        command += [f"--fault={kind}={share}" for kind, share in faults.each.items()]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the server did not start; see above")
        try:
            yield Server(f"http://127.0.0.1:{port}/v1")
        finally:
            process.stdin.close()
