"""Checks across rows: what stands twice, and what stands in two splits; some 50 bytes a row."""

from abc import abstractmethod
from array import array
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from attunement.trainers.lint.checks import (
    SHARE,
    Bound,
    Bounds,
    Check,
    Defect,
    Scope,
    Tally,
    of_rows,
)
from attunement.trainers.lint.crisis_check import seeker_lines
from attunement.trainers.lint.report import FIRST, Finding
from attunement.trainers.lint.seen import Hashes, Rows, Seen, again, as_hashes, elsewhere
from attunement.trainers.lint.shapes import Sample

PERSONA = "persona_id"
NO_PERSONA = "leakage of personas: not judged, no row says whose it is; see --persona-column"
GREETING = 3
"""Words of a first message, by `str.split()`, that may well be everybody's."""


class Duplicates(Check):
    """Equal rows, and equal prompts within a split and across them."""

    name = "identical-rows"
    what = "rows that stand more than once (prompt and sides)"
    remedy = "Keep one of each: the others only count it more often."
    bounds: ClassVar[Bounds] = {
        # Human corpora repeat themselves when people say hello: ESConv, 0.2 % and 0.03 %.
        "identical-rows": Bound(0.005, SHARE.meaning),
        "repeated-prompt": Bound(0.05, SHARE.meaning),
        "prompt-across-splits": Bound(0.001, SHARE.meaning),
    }

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._rows, self._prompts = array("q"), Seen()

    def see(self, sample: Sample) -> None:
        """Remember the row, and its prompt if it tells more than a greeting."""
        told = sample.prompt and not _greeting(sample)
        prompt = hash(sample.prompt) if told else hash(("nothing told", sample.number))
        self._rows.append(hash((sample.prompt, *sample.sides.values())))
        self._prompts.add(prompt, sample)

    def findings(self) -> Iterator[Finding]:
        """Equal rows; among the others, equal prompts in a split; equal prompts in two splits."""
        rows, prompts, splits = as_hashes(self._rows), self._prompts.values, self._prompts.splits
        equal = again(rows)
        yield from self._finding(self.defect, equal, rows, "the same as {}")
        kept = np.flatnonzero(~equal)
        repeated = np.zeros(len(prompts), np.bool_)
        # An odd factor keeps the prompts of different splits apart.
        mixed = prompts[kept] ^ (splits[kept].astype(np.int64) * 0x1E3779B97F4A7C15)
        repeated[kept[again(mixed)]] = True
        yield from self._finding(_REPEATED, repeated, prompts, "the same prompt as {}")
        across = elsewhere(prompts, splits)
        yield from self._finding(_ACROSS, across, prompts, "the prompt of {}")

    def _finding(
        self, defect: Defect, rows: Rows, values: Hashes, detail: str
    ) -> Iterator[Finding]:
        tally = _tally(self._prompts, rows, values, detail)
        yield from of_rows(defect, tally, len(rows), self.limits[defect.name])


def _greeting(sample: Sample) -> bool:
    """Whether all that was said so far is a few words, as hundreds of dialogues begin."""
    spoken = [text for role, text in sample.prompt if role != "system"]
    if len(spoken) != 1 or sample.plain:
        return False
    lines = seeker_lines(spoken[0])
    return len(lines) == 1 and len(lines[0].split()) <= GREETING


_REPEATED = Defect(
    "repeated-prompt",
    "prompts (greetings aside) that stand more than once in a split, with other sides",
    "Keep few pairs a prompt: each of them counts it again.",
)
_ACROSS = Defect(
    "prompt-across-splits",
    "prompts (greetings aside) that stand in two splits",
    "Move them into one split: what was trained on cannot be held out.",
)


def _tally(seen: Seen, rows: Rows, values: Hashes, detail: str) -> Tally:
    """The rows as a tally; the example names where the first one's value stood first."""
    tally = Tally(count=int(rows.sum()))
    for index in np.flatnonzero(rows)[:FIRST].tolist():
        if not tally.rows:
            first = int(np.argmax(values == values[index]))
            tally.example = detail.format(seen.places.at(first))
        tally.rows.append(seen.places.at(index))
    return tally


# ---- people -------------------------------------------------------------------------------------


class _AcrossSplits(Check):
    """One column's values that stand in two splits."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._seen = self.table()
        self._start = len(self._seen)

    def table(self) -> Seen:
        """Where the values stand."""
        return Seen()

    @abstractmethod
    def column(self) -> str:
        """Its name."""

    def see(self, sample: Sample) -> None:
        """Remember the value."""
        value: Any = sample.raw.get(self.column())
        if isinstance(value, str | int) and value != "":
            self._seen.add(str(value), sample)

    @property
    def rows(self) -> int:
        """How many of this set have a value."""
        return len(self._seen) - self._start

    def findings(self) -> Iterator[Finding]:
        """The rows whose value stood first in another split."""
        if not self.rows:
            return
        values = self._seen.values
        rows = elsewhere(values, self._seen.splits)
        rows[: self._start] = False
        detail = f"the `{self.column()}` of {{}}; {len(np.unique(values[rows])):,} such in all"
        tally = _tally(self._seen, rows, values, detail)
        yield from of_rows(self.defect, tally, self.rows, self.limits[self.name])


class PersonaAcrossSplits(_AcrossSplits):
    """The same seeker in two splits, of one set or of two: sets are trained on together."""

    name = "persona-across-splits"
    what = "seekers who stand in two splits"
    remedy = "Split by persona, so that held-out dialogues are of people never met."
    bounds: ClassVar[Bounds] = {"persona-across-splits": SHARE}

    def table(self) -> Seen:
        """One for all sets of a corpus."""
        return self.scope.people

    def column(self) -> str:
        """`persona_id`, or the one that was named."""
        return self.scope.persona_column

    def notes(self) -> Iterator[str]:
        """No such column."""
        if not self.rows:
            yield NO_PERSONA


class DialogueAcrossSplits(_AcrossSplits):
    """The same dialogue in two splits."""

    name = "dialogue-across-splits"
    what = "dialogues that stand in two splits"
    remedy = "Keep all turns of a dialogue in one split: later turns hold the earlier ones."
    bounds: ClassVar[Bounds] = {"dialogue-across-splits": SHARE}

    def column(self) -> str:
        """`dialogue_id`."""
        return "dialogue_id"


def every() -> Iterator[type[Check]]:
    """The checks of this file, in order."""
    yield from (Duplicates, PersonaAcrossSplits, DialogueAcrossSplits)
