"""Peak memory of a run: constant in the number of its dialogues."""

import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, as_child, child

BUDGET = 400
"""MB at the larger number of dialogues."""
CONSTANT = 1.1
"""What a tenfold number of dialogues may multiply the peak by, to be called constant."""


def measure(quick: bool) -> list[Line]:
    """Peak of a process that lays out and carries out a run, at N and at 10 N dialogues."""
    few, many = (100, 1_000) if quick else (1_000, 10_000)
    small, large = (child("benchmarks.memory", dialogues=n)["peak_mb"] for n in (few, many))
    ratio = large / small
    each = (large - small) / (many - few) * 1024
    return [
        Line(
            f"peak memory, {many:,} dialogues", large, "MB", f"under {BUDGET} MB", large < BUDGET,
            "embedded model, 2 turns each, one process from start to end",
        ),
        Line(
            f"the same against {few:,} dialogues", ratio, "x", f"at most {CONSTANT} x",
            ratio <= CONSTANT, f"{small:.0f} MB there; {each:.2f} KB for each dialogue more",
        ),
    ]  # fmt: skip


def _work(dialogues: int) -> dict[str, Any]:
    from attunement.simulator.config import RunConfig
    from benchmarks.runs import carry_out

    with tempfile.TemporaryDirectory() as folder:
        carry_out(Path(folder) / "run", RunConfig(dialogues=dialogues, max_turns=2))
    return {"peak_mb": peak_mb()}


def peak_mb() -> float:
    """This process's own peak; `ru_maxrss` would begin with the parent's on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    as_child(_work)
