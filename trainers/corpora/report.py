"""What a corpus holds, in figures: counts, reasons for dropping, lengths, strategies."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from attunement.core.records import Record
from attunement.trainers.corpora.rows import PairRow, Row, SetName

Layout = Literal["trl", "llama-factory"]
FileFormat = Literal["jsonl", "parquet"]


class Origin(Record):
    """Where a corpus comes from, as its card says it."""

    title: str
    how: tuple[str, ...]
    """How it was made, a paragraph each."""
    licences: tuple[str, ...] = ()
    """Of the sources, as they name it."""
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    """BCP 47 tags."""
    limits: tuple[str, ...] = ()
    """What the corpus must not be used or taken for, a sentence each."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The settings that made it."""


class Lengths(Record):
    """Words of one side."""

    mean: float
    median: int
    longest: int


class SetReport(Record):
    """One set in figures. A side is `chosen`, `rejected` or `completion`."""

    read: int
    """Supporter turns (or instructions) that were looked at."""
    kept: int
    dropped: dict[str, int]
    """Reason -> count."""
    splits: dict[str, int]
    """Rows by split."""
    personas: dict[str, int]
    """Distinct personas by split."""
    words: dict[str, Lengths]
    """By side."""
    strategies: dict[str, dict[str, int]]
    """By side; rows without a strategy are left out."""
    by_strategy: dict[str, dict[str, int]] = Field(default_factory=dict)
    """For mined sets: recorded strategy -> `kept` or a reason -> count."""
    longer: float | None = None
    """Share of pairs whose chosen side has more words."""
    length_effect: float | None = None
    """Cohen's d of the words of the chosen against the rejected side, pooled deviation."""
    edit_distance: float | None = None
    """Mean word-level edit distance of the two sides."""


class CorpusReport(Record):
    """A corpus in figures, as `corpus.json` keeps it."""

    title: str
    layout: Layout
    format: FileFormat
    splits: tuple[str, ...]
    """Those that were asked for; a small set may lack one."""
    sets: dict[SetName, SetReport]
    """Those that were asked for, empty ones too."""
    origin: Origin


@dataclass(slots=True)
class Figures:
    """Counts of one set while it is written: as large as its longest reply, never as its rows."""

    dropped: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    personas: dict[str, set[str]] = field(default_factory=dict)
    words: dict[str, Counter[int]] = field(default_factory=dict)
    strategies: dict[str, Counter[str]] = field(default_factory=dict)
    by_strategy: dict[str, Counter[str]] = field(default_factory=dict)
    longer: int = 0
    distance: float = 0.0

    def count(self, split: str, row: Row) -> None:
        """Count a row that is kept."""
        self.splits[split] += 1
        self.personas.setdefault(split, set()).add(row.persona_id)
        if isinstance(row, PairRow):
            self._side("chosen", row.chosen_words, row.strategy)
            self._side("rejected", row.rejected_words, row.rejected_strategy)
            self.longer += row.chosen_words > row.rejected_words
            self.distance += row.edit_distance
        else:
            self._side("completion", row.words, row.strategy)

    def count_strategy(self, strategy: str, outcome: str) -> None:
        """Count what became of a turn with this recorded strategy: `kept`, or a reason."""
        self.by_strategy.setdefault(strategy, Counter())[outcome] += 1

    def _side(self, side: str, words: int, strategy: str | None) -> None:
        self.words.setdefault(side, Counter())[words] += 1
        if strategy:
            self.strategies.setdefault(side, Counter())[strategy] += 1

    def report(self) -> SetReport:
        """The figures as a record."""
        kept, pairs = self.splits.total(), "chosen" in self.words
        return SetReport(
            read=kept + self.dropped.total(),
            kept=kept,
            dropped=dict(self.dropped.most_common()),
            splits=dict(self.splits),
            personas={split: len(ids) for split, ids in self.personas.items()},
            words={side: _lengths(counts) for side, counts in self.words.items()},
            strategies={side: dict(c.most_common()) for side, c in self.strategies.items()},
            by_strategy={s: dict(c.most_common()) for s, c in sorted(self.by_strategy.items())},
            longer=self.longer / kept if pairs else None,
            length_effect=cohens_d(self.words["chosen"], self.words["rejected"]) if pairs else None,
            edit_distance=self.distance / kept if pairs else None,
        )


def _lengths(counts: Counter[int]) -> Lengths:
    total, seen = counts.total(), 0
    for length in sorted(counts):
        seen += counts[length]
        if 2 * seen >= total:
            break
    return Lengths(mean=_moments(counts)[0], median=length, longest=max(counts))


def cohens_d(chosen: Counter[int], rejected: Counter[int]) -> float | None:
    """Cohen's d with the pooled deviation, from counts by value; None where nothing varies."""
    (first, one), (second, two) = _moments(chosen), _moments(rejected)
    degrees = chosen.total() + rejected.total() - 2
    if degrees < 1 or not one + two:
        return None
    return float((first - second) / ((one + two) / degrees) ** 0.5)


def _moments(counts: Counter[int]) -> tuple[float, float]:
    """Mean, and sum of squared deviations."""
    mean = sum(value * n for value, n in counts.items()) / counts.total()
    return mean, sum(n * (value - mean) ** 2 for value, n in counts.items())


def totals(reports: Iterable[SetReport]) -> int:
    """Rows of all sets together."""
    return sum(report.kept for report in reports)
