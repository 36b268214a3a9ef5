"""The ledger of a self-evolution: for each model where it comes from, its figures, the decision.

`ledger.json` is for programs, `ledger.md` for people. An entry stands there only once its model has
been measured; both files are always whole.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from attunement.agents.reading import explain
from attunement.core.errors import RunFolderError
from attunement.core.records import Record
from attunement.evaluation.bootstrap import Interval
from attunement.evaluation.outcomes import GroupScore
from attunement.personas.files import write_atomically
from attunement.trainers.evolve.gates import Decision
from attunement.trainers.evolve.making import Making
from attunement.trainers.evolve.stages import write_json
from attunement.trainers.learning.report import TrainReport

JSON, TABLE = "ledger.json", "ledger.md"
State = Literal["running", "done", "stopped"]
"""`stopped`: by a gate."""


class Entry(Record):
    """One model."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    t: int
    model: str
    """Its folder, or its name on the hub."""
    model_hash: str
    start: str | None = None
    """The model that its training began with, as a path; None for M_0."""
    reference: str | None = None
    """DPO's reference model."""
    personas: dict[str, str]
    """`train` and `held_out` -> hash of the cards."""
    prompts: dict[str, str]
    """Role -> version of the prompt file."""
    corpus: str | None = None
    corpus_hash: str | None = None
    seeds: dict[str, int]
    """By what they decide."""
    making: Making | None = None
    """How the model before made the pairs that this one was trained from."""
    training: TrainReport | None = None
    scores: GroupScore
    """On the held-out people."""
    gains: dict[str, Interval] = Field(default_factory=dict)
    """Over the model before, in pairs."""
    gains_over_first: dict[str, Interval] = Field(default_factory=dict)
    """Over M_0, in pairs."""
    decision: Decision | None = None
    """None for M_0, which nothing is held against."""
    seconds: dict[str, float]
    """By stage, of the attempt that finished it."""

    @property
    def promoted(self) -> bool:
        """Whether the loop goes on with this model."""
        return self.decision is None or self.decision.promoted


class Ledger(Record):
    """What became of M_0."""

    recipe: str = "self_evolution"
    version: str
    """Of the package."""
    config_hash: str
    state: State = "running"
    entries: tuple[Entry, ...] = ()

    @property
    def best(self) -> Entry | None:
        """The last model that was promoted."""
        return next((entry for entry in reversed(self.entries) if entry.promoted), None)

    @property
    def outcome(self) -> str:
        """How it ended, in a sentence."""
        last = self.entries[-1] if self.entries else None
        if self.state == "stopped" and last and last.decision:
            return f"Stopped by a gate: M_{last.t} was not promoted ({last.decision.reason})."
        if self.state == "running":
            return f"Not finished: {len(self.entries)} models measured so far."
        return f"Done: M_{last.t} was promoted." if last else "Done."


def read_ledger(folder: Path) -> Ledger | None:
    """The ledger of a run folder; None where there is none.

    `RunFolderError` for one that is broken, or of a version that wrote other fields.
    """
    path = folder / JSON
    if not path.exists():
        return None
    try:
        return Ledger.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunFolderError(
            f"{str(path)!r} is no ledger of this version: {explain(error)}; remove it, and "
            "`attune evolve` writes it again from what is done"
        ) from None


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Write both files."""
    write_json(folder / JSON, ledger.model_dump(mode="json"))
    write_atomically(folder / TABLE, as_markdown(ledger).encode(), RunFolderError)


def forget_from(folder: Path, t: int) -> None:
    """Take M_t and all after it out of a folder's ledger, before they are made again or for the
    first time."""
    ledger = read_ledger(folder)
    if ledger is not None:
        kept = tuple(entry for entry in ledger.entries if entry.t < t)
        update = {"entries": kept, "state": "running"}
        write_ledger(folder, ledger.model_copy(update=update))


# ---- for people ---------------------------------------------------------------------------------


def figures(entry: Entry) -> dict[str, str]:
    """A model's figures by name: what the tables in Markdown and on the terminal show."""
    s, made, trained = entry.scores, entry.making, entry.training
    return {
        "relief": interval(s.relief),
        "gain": interval(entry.gains.get("relief"), "+.2f"),
        "fit": interval(s.fit),
        "harm": interval(s.harm),
        "rating": interval(s.rating),
        "words": interval(s.words, ".1f"),
        "Distinct-2": number(s.distinct_2),
        "stock": interval(s.stock),
        "failed": f"{s.left_out} of {s.n + s.left_out}",
        "emotion read": interval(made.reflection) if made else "-",
        "pairs": f"{made.pairs} of {made.pairs + sum(made.dropped.values())}" if made else "-",
        "set aside": str(sum(made.set_aside.values())) if made else "-",
        "margin": number(trained.metrics.get("margin") if trained else None),
        "decision": decided(entry),
    }


def interval(found: Interval | None, style: str = ".2f") -> str:
    """A figure with its bounds; a dash where there is none."""
    if found is None:
        return "-"
    return f"{found.value:{style}} [{found.low:{style}}, {found.high:{style}}]"


def number(value: float | None) -> str:
    """A figure without bounds; a dash where there is none."""
    return "-" if value is None else f"{value:.3g}"


def decided(entry: Entry) -> str:
    """What was decided, in a word."""
    if entry.decision is None:
        return "first"
    return "promoted" if entry.decision.promoted else "not promoted"


def as_markdown(ledger: Ledger) -> str:
    """The ledger as a Markdown page."""
    lines = ["# Ledger", "", ledger.outcome, ""]
    table = {f"M_{entry.t}": figures(entry) for entry in ledger.entries}
    header = ["model", *next(iter(table.values()), {})]
    lines += [_line(header), _line(["---"] * len(header))]
    lines += [_line([name, *row.values()]) for name, row in table.items()] + [""]
    lines += [
        "Relief in points (first minus last intensity of the seeker), with 95 % bootstrap bounds; "
        "`gain` is the paired difference to the model before, and `failed` are dialogues that none "
        "of these figures knows of. `emotion read`, `pairs` and `set "
        "aside` are of the run in which the model before made this one's pairs.",
        "",
    ]
    for entry in ledger.entries:
        lines += [f"## M_{entry.t}", "", *_details(entry), ""]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _details(entry: Entry) -> Iterator[str]:
    yield f"- model: `{entry.model}` ({entry.model_hash})"
    if entry.start is not None:
        yield f"- trained from `{entry.start}`, reference `{entry.reference}`"
    if entry.corpus is not None:
        yield f"- pairs: `{entry.corpus}` ({entry.corpus_hash})"
    yield f"- people: {_named(entry.personas)}"
    yield f"- prompts: {_named(entry.prompts)}"
    yield f"- seeds: {_named(entry.seeds)}"
    if entry.making:
        yield f"- set aside: {_named(entry.making.set_aside)}"
        yield f"- no pair: {_named(entry.making.dropped)}"
        for finding in entry.making.lint:
            yield f"- lint: {finding}"
        if reward := entry.making.reward:
            yield (
                f"- learned reward: foretold against given ratings of people held back "
                f"{interval(reward.correlation)}; {reward.ranked} turns ranked, mean gain "
                f"{number(reward.gain)}"
            )
    if entry.training:
        yield f"- on validation pairs: {_named(entry.training.metrics)}"
    for name, gain in entry.gains_over_first.items():
        yield f"- {name}, over M_0: {interval(gain, '+.3f')} of {gain.n}"
    if entry.decision:
        yield f"- {decided(entry)}: {entry.decision.reason}"
    yield f"- seconds: {_named(entry.seconds)}"


def _named(values: Mapping[str, object]) -> str:
    shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
    return ", ".join(shown) or "none"
