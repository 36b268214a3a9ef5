"""Does a model stay itself over iterations: margin, drift, diversity, length, stock phrases.

    found = stability(comparison, margins={"M_1": 2.1, "M_2": 0.3})
    found.warnings     # what has gone past a threshold, in sentences

The runs are read in their order, the first one is what all others are held against. Diversity is
of all replies together and falls with their number: only systems with as many dialogues compare.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from pydantic import Field

from attunement.core.records import Dialogue, Record
from attunement.evaluation.comparison import Comparison, Row
from attunement.evaluation.encoder import Encoder, drift
from attunement.evaluation.figures import Findings

WORDS, STOCK = "words", "stock openers"
DISTINCT_1, DISTINCT_2, SELF_BLEU = "Distinct-1", "Distinct-2", "self-BLEU"
"""Names of figures of the family `text`."""
EMBEDDED = 2_000
"""Replies of a system that are embedded for its drift, about."""
_BATCH = 256
SIZES = 1.2
"""Dialogues of one system over those of the first, from which on diversity is not compared."""


class Thresholds(Record):
    """From where on a change is warned of. All are against the first iteration."""

    words_most: float = Field(default=1.5, gt=1)
    """Times the first one's mean words a reply: the known way in which DPO drifts."""
    words_least: float = Field(default=0.5, gt=0, lt=1)
    distinct_2_least: float = Field(default=0.8, gt=0, lt=1)
    """Times the first one's Distinct-2."""
    self_bleu_most: float = Field(default=1.25, gt=1)
    """Times the first one's self-BLEU."""
    stock_most: float = Field(default=10, gt=0)
    """What the percentage of replies with a stock phrase may rise by."""
    margin_least: float = Field(default=0.25, gt=0, lt=1)
    """Times the margin of the first training: pairs that are told apart no longer teach."""
    drift_most: float = Field(default=0.15, gt=0)
    """Cosine distance of the mean embedding of all replies."""


class Step(Record):
    """One iteration. None where a figure is not there."""

    name: str
    dialogues: int
    margin: float | None = None
    """Mean reward margin of chosen over rejected on the validation pairs of its training."""
    drift: float | None = None
    """1 minus the cosine of its mean embedding and the first one's."""
    words: float | None = None
    """Mean a reply."""
    stock: float | None = None
    """Percent, as are all below."""
    distinct_1: float | None = None
    distinct_2: float | None = None
    self_bleu: float | None = None


class DriftMeter:
    """Embeds replies, those of the first dialogues, and keeps their mean."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: list[str] = []
        self._sum: np.ndarray | None = None
        self.replies = 0
        """Embedded so far."""

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Read a finished dialogue; what was spoken counts, but for crisis hand-offs."""
        if self.replies + len(self._waiting) >= EMBEDDED:
            return
        self._waiting += [
            turn.reply.text for turn in dialogue.turns if turn.reply and turn.spoken != "hand_off"
        ]
        if len(self._waiting) >= _BATCH:
            self._embed()

    def findings(self) -> Findings:
        """None: what it keeps means something beside another's alone."""
        return Findings()

    def mean(self) -> np.ndarray:
        """The mean embedding, shape (1, d); (0, 0) without a reply."""
        self._embed()
        return np.zeros((0, 0)) if self._sum is None else self._sum[None] / self.replies

    def _embed(self) -> None:
        if self._waiting:
            found = self._encoder.embed(self._waiting).sum(0)
            self._sum = found if self._sum is None else self._sum + found
            self.replies += len(self._waiting)
            self._waiting = []


def drifts(means: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How far each system's replies lie from the first one's; one without replies is left out."""
    first = next(iter(means.values()))
    found = {name: drift(first, mean) for name, mean in means.items()}
    return {name: value for name, value in found.items() if not np.isnan(value)}


class Stability(Record):
    """All iterations, and what is to be looked at."""

    steps: tuple[Step, ...]
    thresholds: Thresholds
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """Why a figure is not there."""

    @property
    def watched(self) -> list[str]:
        """The figures that an iteration has to hold against the first one's."""
        first, *later = self.steps
        trained = [step.margin for step in self.steps if step.margin is not None]
        alike = [step for step in later if _as_many(first, step)]
        found = ["margin"] if len(trained) > 1 else []
        found += ["drift"] if any(step.drift is not None for step in later) else []
        for names, steps in ((("words", "stock"), later), (("distinct_2", "self_bleu"), alike)):
            found += [
                name for name in names
                if getattr(first, name) is not None
                and any(getattr(step, name) is not None for step in steps)
            ]  # fmt: skip
        return found

    @property
    def calm(self) -> str:
        """What to say where there is no warning."""
        if self.watched:
            return "No warning: nothing has gone past a threshold."
        return "Nothing could be watched: no iteration has a figure to hold against another's."


def stability(
    comparison: Comparison,
    margins: Mapping[str, float] | None = None,
    moved: Mapping[str, float] | None = None,
    thresholds: Thresholds | None = None,
) -> Stability:
    """What became of a model over its iterations, which are the systems of a comparison.

    `margins` and `moved` (see `drifts`) by the system's name, where they are known.
    """
    margins, moved, held = margins or {}, moved or {}, thresholds or Thresholds()
    text = {r.measure.name: r for r in comparison.figures if r.measure.family == "text"}
    steps = tuple(
        Step(
            name=facts.name, dialogues=facts.dialogues, margin=margins.get(facts.name),
            drift=moved.get(facts.name), words=_of(text, WORDS, facts.name),
            stock=_of(text, STOCK, facts.name), distinct_1=_of(text, DISTINCT_1, facts.name),
            distinct_2=_of(text, DISTINCT_2, facts.name),
            self_bleu=_of(text, SELF_BLEU, facts.name),
        )
        for facts in comparison.systems
        if facts.is_run
    )  # fmt: skip
    return Stability(
        steps=steps, thresholds=held, warnings=tuple(_warnings(steps, held)),
        notes=tuple(_notes(steps)),
    )  # fmt: skip


def _of(text: Mapping[str, Row], name: str, system: str) -> float | None:
    return text[name].systems[system].value if name in text else None


def _warnings(steps: tuple[Step, ...], held: Thresholds) -> Iterator[str]:
    first, *later = steps
    trained = [step for step in steps if step.margin is not None]
    for step in later:
        yield from _of_length(first, step, held)
        yield from _of_diversity(first, step, held)
        if first.stock is not None and step.stock is not None:
            more = step.stock - first.stock
            if more > held.stock_most:
                yield (
                    f"{step.name}: {step.stock:.0f} % of its replies have a stock phrase, "
                    f"{first.stock:.0f} % of {first.name}'s (more by {held.stock_most:g} is warned "
                    "of)"
                )
        if step.drift is not None and step.drift > held.drift_most:
            yield (
                f"{step.name}: its replies have drifted {step.drift:.2f} from {first.name}'s "
                f"(cosine distance of mean embeddings; above {held.drift_most:g} is warned of)"
            )
    for step in trained[1:]:
        start = trained[0].margin
        if step.margin is not None and start and step.margin < held.margin_least * start:
            yield (
                f"{step.name}: margin {step.margin:.2f} after {start:.2f} of {trained[0].name} "
                f"(below {held.margin_least:g} times is warned of): its pairs teach little more"
            )


def _of_length(first: Step, step: Step, held: Thresholds) -> Iterator[str]:
    if not first.words or step.words is None:
        return
    times = step.words / first.words
    if not held.words_least <= times <= held.words_most:
        yield (
            f"{step.name}: {step.words:.1f} words a reply, {times:.2f} times {first.name}'s "
            f"{first.words:.1f} ({held.words_least:g} to {held.words_most:g} times is usual)"
        )


def _of_diversity(first: Step, step: Step, held: Thresholds) -> Iterator[str]:
    if not _as_many(first, step):
        return
    if first.distinct_2 and step.distinct_2 is not None:
        times = step.distinct_2 / first.distinct_2
        if times < held.distinct_2_least:
            yield (
                f"{step.name}: Distinct-2 is {times:.2f} times {first.name}'s (below "
                f"{held.distinct_2_least:g} is warned of): its replies repeat each other"
            )
    if first.self_bleu and step.self_bleu is not None:
        times = step.self_bleu / first.self_bleu
        if times > held.self_bleu_most:
            yield (
                f"{step.name}: self-BLEU is {times:.2f} times {first.name}'s (above "
                f"{held.self_bleu_most:g} is warned of): its replies resemble each other"
            )


def _as_many(first: Step, step: Step) -> bool:
    """Whether two systems have about as many dialogues."""
    return 1 / SIZES <= step.dialogues / first.dialogues <= SIZES


def _notes(steps: tuple[Step, ...]) -> Iterator[str]:
    first, *later = steps
    if not later:
        yield "one system only: name the iterations in their order"
    if all(step.margin is None for step in steps):
        yield "margin n/a: it stands in the ledger of attune evolve; give it with --evolution"
    if all(step.drift is None for step in steps):
        yield "drift n/a: embeddings need a local model; name its folder with --encoder"
    if all(step.words is None for step in steps):
        yield "words, stock phrases and diversity n/a: the family text was not measured"
    if odd := [step.name for step in later if not _as_many(first, step)]:
        yield (
            f"diversity of {', '.join(odd)} is not held against {first.name}'s: it falls with the "
            "number of replies, and theirs is another"
        )
