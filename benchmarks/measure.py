"""What every measurement shares: a line of the table, the machine, a child process."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent
"""The checkout: children run here, so that they find this folder."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    value: float | None
    """None where it could not be measured; `note` says why."""
    unit: str = ""
    budget: str = ""
    met: bool | None = None
    """None where there is no budget."""
    note: str = ""

    @property
    def measured(self) -> str:
        """The value with its unit, three digits of it."""
        if self.value is None:
            return "-"
        size = abs(self.value)
        digits = 0 if size >= 100 or self.value == round(size) else 1 if size >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()


class Cost:
    """Wall time and processor time of a block, all threads of this process."""

    wall = cpu = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._began[0]
        self.cpu = time.process_time() - self._began[1]


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def child(module: str, **settings: object) -> dict[str, Any]:
    """Do a measurement's work in a process of its own: `module` is run with `as_child`."""
    command = [sys.executable, "-m", module, json.dumps(settings)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} ended with exit code {done.returncode}; see above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def as_child(work: Callable[..., dict[str, Any]]) -> None:
    """The other end of `child`: call `work` with its settings and print what it found."""
    print(json.dumps(work(**json.loads(sys.argv[1]))))
