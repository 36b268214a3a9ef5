"""`attune --help`: how long it takes, and that nothing heavy is imported for it."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Line

BUDGET = 0.3
HEAVY = ("torch", "langgraph", "langchain_core")


def measure(quick: bool) -> list[Line]:
    """Wall time of the console script, beside the bare interpreter; and what it imports."""
    script = Path(sys.executable).parent / "attune"
    command = [str(script), "--help"]
    times = _times(command, 5 if quick else 15)
    middle = statistics.median(times)
    bare = statistics.median(_times([sys.executable, "-c", "pass"], 5))
    found = [name for name in HEAVY if name in _imported(script)]
    return [
        Line(
            "`attune --help`", middle, "s", f"under {BUDGET} s", middle < BUDGET,
            f"median of {len(times)}, {min(times):.2f} to {max(times):.2f} s; "
            f"the bare interpreter takes {bare:.2f} s",
        ),
        Line(
            f"of {', '.join(HEAVY)} imported for it", len(found), "", "0", not found,
            ", ".join(found),
        ),
    ]  # fmt: skip


def _times(command: list[str], repeats: int) -> list[float]:
    """Wall times of a command, after one run that warms the disk's cache."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return times[1:]


def _imported(script: Path) -> set[str]:
    """Top-level names of all modules that `attune --help` imports."""
    command = [sys.executable, "-X", "importtime", str(script), "--help"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
