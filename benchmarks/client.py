"""Client cost against a server with a fixed latency, beside clients that do less or the same.

Every client makes the calls of a live `self_refine` dialogue: seeker, plan, draft beside
reflection, refine; at the end the seeker once more. The ideal is the latency alone: four calls in
a row a turn and the closing one. Ours also renders its prompts, reads the answers as records and
journals each call before it uses the answer; the others (`rivals.py`) only send and receive.
"""

import json
import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, as_child, child
from benchmarks.rivals import RIVALS, missing
from benchmarks.serving import started

LATENCY = 0.2
CPU_BUDGET, CPU_AIM = 1.0, 0.6
"""Milliseconds a call."""
SHARE_BUDGETS = {64: 95.0, 256: 60.0}
"""Per cent of the ideal, by dialogues in flight."""
OURS = "attunement, all in"
PROFILED = 64
"""Dialogues in flight of the run whose processor time is split up."""
GROUPS = {
    "/attunement/agents/models/": "client and aiohttp",
    "/attunement/agents/": "prompts, and reading answers",
    "/attunement/graphs/": "graph",
    "/attunement/simulator/": "simulator and journal",
    "/attunement/core/": "records",
    "/site-packages/langgraph/": "graph",
    "/site-packages/langchain_core/": "graph",
    "/site-packages/langsmith/": "graph",
    "/site-packages/sqlalchemy/": "simulator and journal",
    "/site-packages/pydantic/": "records",
    "/site-packages/": "client and aiohttp",
    "/asyncio/": "event loop",
}
"""What a file counts as, for the sampler. uvloop's own work counts as asyncio, which calls it."""


def measure(quick: bool) -> list[Line]:
    """Processor time a call and share of the ideal, ours first, then the others."""
    max_turns, waves = (2, 1) if quick else (8, 2)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        requests = _requests(Path(folder), max_turns)
        for in_flight in SHARE_BUDGETS:
            load = _Load(in_flight, in_flight * waves, max_turns)
            lines += _both(OURS, "benchmarks.client", load, max_turns=max_turns)
            if in_flight == PROFILED:
                lines += _profile(load)
            for name in RIVALS:
                if lacking := missing(name):
                    lines.append(Line(f"{name}, {in_flight} in flight", None, note=lacking))
                    continue
                lines += _both(name, "benchmarks.rivals", load, requests=str(requests))
    return lines


def _requests(folder: Path, max_turns: int) -> Path:
    """A file with the requests that the others are to send."""
    from benchmarks.runs import requests_of_a_dialogue

    file = folder / "requests.json"
    file.write_text(json.dumps(requests_of_a_dialogue(folder / "run", max_turns)), "utf-8")
    return file


@dataclass(frozen=True, slots=True)
class _Load:
    """How much a client has to do, and how wide."""

    in_flight: int
    dialogues: int
    max_turns: int

    @property
    def calls(self) -> int:
        """Five a turn, and the seeker's closing words."""
        return self.dialogues * (5 * self.max_turns + 1)

    @property
    def ideal(self) -> float:
        """Seconds that latency alone takes: waves of dialogues, in each its calls in a row."""
        return ceil(self.dialogues / self.in_flight) * (4 * self.max_turns + 1) * LATENCY


def _profile(load: _Load) -> list[Line]:
    """Where our processor time goes, in a run of its own."""
    with started(LATENCY) as server:
        found = child(
            "benchmarks.client", name=OURS, base_url=server.base_url, in_flight=load.in_flight,
            dialogues=load.dialogues, max_turns=load.max_turns, profile=True,
        )  # fmt: skip
    each = 1000 * found["cpu"] / load.calls
    return [
        Line(f"  {name}, a call", share * each, "ms", note=f"{share:.0%} of a profiled run")
        for name, share in found["shares"]
    ]


def _both(name: str, module: str, load: _Load, **settings: object) -> list[Line]:
    in_flight, calls = load.in_flight, load.calls
    with started(LATENCY) as server:
        found = child(
            module, name=name, base_url=server.base_url, in_flight=in_flight,
            dialogues=load.dialogues, **settings,
        )  # fmt: skip
        stats = server.stats()
    if stats["requests"] != calls:
        raise RuntimeError(f"{name} made {stats['requests']} calls instead of {calls}")
    milliseconds = 1000 * found["cpu"] / calls
    share = 100 * load.ideal / found["wall"]
    ours = name == OURS
    budget = SHARE_BUDGETS[in_flight]
    return [
        Line(
            f"{name}, {in_flight} in flight: CPU a call", milliseconds, "ms",
            f"at most {CPU_BUDGET} ms, aim {CPU_AIM}" if ours else "",
            milliseconds <= CPU_BUDGET if ours else None,
            f"{calls:,} calls of {stats['mean_bytes'] / 1000:.1f} kB; the server took "
            f"{1000 * stats['cpu'] / calls:.2f} ms CPU a call and kept "
            f"{1000 * stats['mean_latency']:.1f} ms",
        ),
        Line(
            f"{name}, {in_flight} in flight: share of the ideal", share, "%",
            f"at least {budget:.0f} %" if ours else "",
            share >= budget if ours else None,
            f"{found['wall']:.1f} s, {calls / found['wall']:,.0f} calls/s; the process had "
            f"{found['cpu'] / found['wall']:.2f} cores busy",
        ),
    ]  # fmt: skip


def _work(
    name: str, base_url: str, in_flight: int, dialogues: int, max_turns: int, profile: bool = False
) -> dict[str, Any]:
    from attunement.simulator.config import RunConfig
    from benchmarks.runs import KNOWN, carry_out, unwatched
    from benchmarks.sampler import Sampler

    config = RunConfig(
        model="openai:latency", base_url=base_url, dialogues=dialogues, max_turns=max_turns,
        concurrency=in_flight, capabilities=KNOWN,
    )  # fmt: skip
    sampler = Sampler(GROUPS)
    with tempfile.TemporaryDirectory() as folder:
        around = sampler.around if profile else unwatched
        run = carry_out(Path(folder) / "run", config, around=around)
    return {"wall": run.wall, "cpu": run.cpu, "shares": sampler.shares()}


if __name__ == "__main__":
    as_child(_work)
