"""The embedded model with the journal on, on one core: calls a second, and where the time goes."""

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, as_child, child

BUDGET = 1_500
GROUPS = {
    "/attunement/agents/models/": "embedded model",
    "/attunement/agents/": "roles and prompts",
    "/attunement/graphs/": "graph nodes",
    "/attunement/simulator/": "simulator and journal",
    "/site-packages/langgraph/": "langgraph",
    "/site-packages/langchain_core/": "langchain_core",
    "/site-packages/langsmith/": "langchain_core",
    "/site-packages/sqlalchemy/": "journal's database",
    "/site-packages/pydantic/": "pydantic",
    "/site-packages/": "other packages",
    "/asyncio/": "event loop",
}
"""What a file counts as, for the sampler."""


def measure(quick: bool) -> list[Line]:
    """The median of several runs, and the profile of one more."""
    dialogues, repeats = (50, 1) if quick else (300, 3)
    runs = [child("benchmarks.embedded", dialogues=dialogues) for _ in range(repeats)]
    rates = [run["calls"] / run["wall"] for run in runs]
    rate = statistics.median(rates)
    shares = child("benchmarks.embedded", dialogues=dialogues, profile=True)["shares"]
    pinned = "pinned to one core" if runs[0]["pinned"] else "not pinned (this system cannot)"
    return [
        Line(
            "embedded model, journal on", rate, "calls/s", f"at least {BUDGET:,}", rate >= BUDGET,
            f"{pinned}, {runs[0]['calls']:,} calls; {min(rates):,.0f} to {max(rates):,.0f} "
            f"in {repeats} runs; {1000 * runs[0]['cpu'] / runs[0]['calls']:.2f} ms CPU a call",
        ),
        *(Line(f"  {name}", 100 * share, "%") for name, share in shares),
    ]  # fmt: skip


def _work(dialogues: int, profile: bool = False) -> dict[str, Any]:
    pinned = hasattr(os, "sched_setaffinity")
    if pinned:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    from attunement.simulator.config import RunConfig
    from benchmarks.runs import carry_out, unwatched
    from benchmarks.sampler import Sampler

    sampler = Sampler(GROUPS)
    with tempfile.TemporaryDirectory() as folder:
        around = sampler.around if profile else unwatched
        run = carry_out(Path(folder) / "run", RunConfig(dialogues=dialogues), around=around)
    return {"pinned": pinned, "calls": run.calls, "wall": run.wall, "cpu": run.cpu,
            "shares": sampler.shares()}  # fmt: skip


if __name__ == "__main__":
    as_child(_work)
