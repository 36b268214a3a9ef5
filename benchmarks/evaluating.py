"""`attune evaluate` over 1,000 dialogues: seconds and peak memory, against reading them alone.

Live dialogues of the embedded model, and a replay of ESConv where it is at hand (ATTUNEMENT_DATA,
or shared/data beside the checkout). Everything that is measured without a judge or an encoder, with
its intervals, its report and its plots; two systems are compared in pairs besides.
"""

import os
import tempfile
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from attunement.simulator.config import RunConfig
from benchmarks.measure import ROOT, Cost, Line, as_child, child
from benchmarks.memory import peak_mb
from benchmarks.runs import carry_out

CONSTANT = 1.5
"""What four times as many dialogues may multiply the peak by, to be called constant."""


def measure(quick: bool) -> list[Line]:
    """One run, two runs in pairs, a quarter of it for the memory, and a replay."""
    dialogues = 100 if quick else 1_000
    corpus = _esconv()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        for name, graph, n in (
            ("live", "self_refine", dialogues),
            ("other", "direct", dialogues),
            ("quarter", "self_refine", dialogues // 4),
        ):
            carry_out(folder / name, RunConfig(dialogues=n, graph=graph))
        lines = _lines(folder, "live", ["live"], f"{dialogues:,} live dialogues")
        lines += _lines(
            folder, "both", ["other", "live"], f"two systems of {dialogues:,}, in pairs"
        )
        lines.append(_memory(folder, dialogues))
        if corpus is None:
            note = "no ESConv.json; name its folder with ATTUNEMENT_DATA"
            return [*lines, Line("replay of ESConv", None, note=note)]
        carry_out(folder / "replay", RunConfig(dialogues=dialogues, replay=str(corpus)))
        return lines + _lines(folder, "replay", ["replay"], f"{dialogues:,} ESConv dialogues")


def _lines(folder: Path, out: str, runs: list[str], what: str) -> list[Line]:
    """What evaluating costs, and what reading the same journals does."""
    found = _child(folder, "evaluate", runs, out)
    read = _child(folder, "read", runs)
    ratio = found["seconds"] / read["seconds"]
    note = f"{ratio:.1f} x reading the journal alone ({read['seconds']:.1f} s)"
    return [
        Line(f"evaluate {what}", found["seconds"], "s", note=note),
        Line("  peak memory", found["peak_mb"], "MB", note=f"{read['peak_mb']:.0f} MB reading"),
    ]


def _memory(folder: Path, dialogues: int) -> Line:
    """The peak of the meters alone, at all dialogues against a quarter of them."""
    large = _child(folder, "meters", ["live"])["peak_mb"]
    small = _child(folder, "meters", ["quarter"])["peak_mb"]
    return Line(
        f"peak of reading and metering, {dialogues:,} against {dialogues // 4:,}", large / small,
        "x", f"at most {CONSTANT} x", large <= CONSTANT * small,
        f"{large:.0f} MB and {small:.0f} MB",
    )  # fmt: skip


def _child(folder: Path, work: str, runs: list[str], out: str = "") -> dict[str, Any]:
    paths = [str(folder / run) for run in runs]
    return child("benchmarks.evaluating", work=work, runs=paths, out=str(folder / f"report-{out}"))


def _esconv() -> Path | None:
    named = os.environ.get("ATTUNEMENT_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    path = folder / "esconv" / "ESConv.json"
    return path if path.exists() else None


# ---- in a process of its own --------------------------------------------------------------------


def _work(work: str, runs: list[str], out: str) -> dict[str, Any]:
    with Cost() as cost, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        if work == "evaluate":
            _evaluate(runs, out)
        elif work == "meters":
            _meter(runs)
        else:
            _read(runs)
    return {"seconds": cost.wall, "cpu": cost.cpu, "peak_mb": peak_mb()}


def _evaluate(runs: list[str], out: str) -> None:
    from attunement.cli.app import app

    app(["evaluate", *runs, "--out", out], standalone_mode=False)


def _meter(runs: list[str]) -> None:
    from attunement.evaluation.systems import FAMILIES, measure, meters_for, named_systems

    for system in named_systems(runs):
        measure(system, meters_for(FAMILIES))


def _read(runs: list[str]) -> None:
    from attunement.simulator.frame import open_run

    for run in runs:
        journal = open_run(Path(run))[1]
        with closing(journal):
            for _ in journal.dialogues():
                pass


if __name__ == "__main__":
    as_child(_work)
