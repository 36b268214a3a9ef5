"""Judges at work: their progress, and asking a panel what an evaluation wants to know."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from attunement.evaluation.judges.panel import Judging, Question
    from attunement.evaluation.systems import System
    from attunement.simulator.frame import Watch
    from attunement.simulator.judging import Instrument
    from attunement.simulator.recorder import Tally


def watch_judge(what: str = "replies", nothing: str = "") -> "Callable[[Instrument], Watch]":
    """Shows the progress of a judge on stderr: a bar on a terminal, plain lines elsewhere.

    `what` is judged; `nothing` is said where nothing is left to be, `{judge}` being its name.
    """
    from attunement.simulator.journal import Journal
    from attunement.simulator.judging import Instrument
    from attunement.simulator.recorder import Tally

    def watching(tool: Instrument) -> "Watch":
        @contextmanager
        def watch(tally: Tally, journal: Journal) -> Iterator[None]:
            from attunement.simulator.judging import left

            total = left(journal, tool)
            if not total and nothing:
                typer.echo(nothing.format(judge=tool.judge), err=True)
            with _shown(tally, total, what):
                yield

        return watch

    return watching


def watch_labels() -> "Callable[[Instrument], Watch]":
    """The progress of labelling."""
    return watch_judge("replies", "Every reply is labelled by {judge}.")


@contextmanager
def _shown(tally: "Tally", total: int, what: str) -> Iterator[None]:
    from threading import Event, Thread

    from rich.console import Console
    from rich.progress import Progress

    from attunement.cli.progress import PLAIN_EVERY

    over, console = Event(), Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(what, total=total)

    def show() -> None:
        while not over.wait(0.25 if console.is_terminal else PLAIN_EVERY):
            bar.update(task, completed=tally.labelled, description=tally.trouble() or what)
            if not console.is_terminal:
                typer.echo(_line(tally, total, what), err=True)

    thread = Thread(target=show, daemon=True)
    with bar:
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _line(tally: "Tally", total: int, what: str) -> str:
    parts = [f"{tally.labelled:,} of {total:,} {what}", f"{tally.calls:,} calls"]
    parts += [f"{tally.usd:.2f} USD"] if tally.usd else []
    return ", ".join([*parts, trouble] if (trouble := tally.trouble()) else parts)


def questions(names: Sequence[str] | None) -> "list[Question] | None":
    """`--ask reply,pairs` as questions; None where nothing is said. `ConfigError` for others."""
    from attunement.core.errors import ConfigError, unknown
    from attunement.evaluation.judges.panel import QUESTIONS

    wanted = [name.strip() for part in names or () for name in part.split(",") if name.strip()]
    for name in wanted:
        if name not in QUESTIONS:
            raise ConfigError(unknown("question", name, QUESTIONS) + "; choose with --ask")
    return [q for q in QUESTIONS if q in wanted] or None


def ask_judges(
    systems: "Sequence[System]",
    baseline: "System",
    judges: Sequence[str],
    asked: "Sequence[Question] | None",
    planner: str | None,
    base_url: Sequence[str],
    again: bool,
    prices: Mapping[str, Mapping[str, float]],
    bounds: Mapping[str, float | None],
    go_on: str,
) -> None:
    """Ask every judge what is not known yet; ends the program where it is stopped in the middle."""
    from attunement.agents.models.secrets import load_env_file
    from attunement.cli.running import end_stopped, say_stopping
    from attunement.evaluation.judges.panel import judgings
    from attunement.simulator.judging import judge_run
    from attunement.simulator.recorder import Tally

    load_env_file()
    left, began = dict(bounds), time.monotonic()
    for work in judgings(systems, baseline, judges, asked, planner):
        tally = Tally()
        url = base_url if work.judge.startswith("openai:") else ()
        instrument = partial(work.instrument, again=again)
        try:
            whole = judge_run(
                work.folder, work.judge, instrument, url, again, prices, watch_judge(_what(work)),
                tally=tally, on_stop=say_stopping, bounds=left, afresh=True,
            )  # fmt: skip
        except KeyboardInterrupt:  # before the work could watch for it, or for the second time
            whole = False
        if not whole:
            end_stopped(tally, go_on)
        left = _left(bounds, left, tally, began)


def _left(
    bounds: Mapping[str, float | None],
    left: Mapping[str, float | None],
    tally: "Tally",
    began: float,
) -> dict[str, float | None]:
    """What of the command's bounds is left for the next question; never quite nothing, so that a
    question that asks nothing any more is not held up by it."""
    spent = {"usd": tally.usd, "tokens": tally.prompt_tokens + tally.completion_tokens}
    rest = {
        name: None if bound is None else max(bound - spent.get(name, 0), _LEAST[name])
        for name, bound in left.items()
    }
    if (minutes := bounds.get("minutes")) is not None:
        rest["minutes"] = max(minutes - (time.monotonic() - began) / 60, _LEAST["minutes"])
    return rest


_LEAST = {"usd": 1e-6, "tokens": 1, "minutes": 1e-3}


def _what(work: "Judging") -> str:
    names = {
        "reply": "replies", "dialogue": "dialogues", "pairs": "pairs", "plan": "turns",
    }  # fmt: skip
    return f"{names[work.question]} of {work.folder.name} by {work.judge}"
