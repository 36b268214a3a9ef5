"""Checks across rows: what stands twice, and what stands in two splits.

Only 64-bit hashes are kept, some 40 bytes a row: two different texts of a million rows are taken
for one in fewer than one corpus of ten million.
"""

from array import array
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

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
from attunement.trainers.lint.files import SPLITS
from attunement.trainers.lint.report import FIRST, Finding
from attunement.trainers.lint.shapes import Sample

PERSONA = "persona_id"
NO_PERSONA = "leakage of personas: not judged, no row says whose it is; see --persona-column"
GREETING = 3
"""Words of a first message, by `str.split()`, that may well be everybody's."""
Hashes = NDArray[np.int64]
Rows = NDArray[np.bool_]


def _hashes(values: "array[int]") -> Hashes:
    return np.frombuffer(values, dtype=np.int64) if values else np.empty(0, np.int64)


class Seen:
    """Hashes of one thing with the split and number of each row: 13 bytes a row."""

    def __init__(self) -> None:
        self._values, self._splits, self._numbers = array("q"), array("B"), array("I")

    def add(self, value: object, sample: Sample) -> None:
        """Take note of a row's value."""
        self._values.append(hash(value))
        self._splits.append(SPLITS.index(sample.split))
        self._numbers.append(sample.number)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def values(self) -> Hashes:
        """One hash a row."""
        return _hashes(self._values)

    @property
    def splits(self) -> NDArray[np.uint8]:
        """One place in `SPLITS` a row."""
        return np.frombuffer(self._splits, dtype=np.uint8)

    def number(self, index: int) -> int:
        """The row's number within its set."""
        return self._numbers[index]


def again(values: Hashes) -> Rows:
    """Which values have stood before."""
    found = np.ones(len(values), np.bool_)
    found[np.unique(values, return_index=True)[1]] = False
    return found


def elsewhere(values: Hashes, splits: NDArray[np.uint8]) -> Rows:
    """Which values have stood first in another split."""
    _, first, of = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(splits != splits[first][of], np.bool_)


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
        rows, prompts, splits = _hashes(self._rows), self._prompts.values, self._prompts.splits
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
        tally = _tally(self._prompts, rows, values, self.scope, detail)
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


def _tally(seen: Seen, rows: Rows, values: Hashes, scope: Scope, detail: str) -> Tally:
    """The rows as a tally; the example names where the first one's value stood first."""
    tally = Tally(count=int(rows.sum()))
    for index in np.flatnonzero(rows)[:FIRST].tolist():
        if not tally.rows:
            first = int(np.argmax(values == values[index]))
            tally.example = detail.format(scope.places.at(seen.number(first)))
        tally.rows.append(scope.places.at(seen.number(index)))
    return tally


# ---- people -------------------------------------------------------------------------------------


class _AcrossSplits(Check):
    """One column's values that stand in two splits."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._seen = Seen()

    def column(self) -> str:
        """Its name."""
        raise NotImplementedError

    def see(self, sample: Sample) -> None:
        """Remember the value."""
        value: Any = sample.raw.get(self.column())
        if isinstance(value, str | int) and value != "":
            self._seen.add(str(value), sample)

    def findings(self) -> Iterator[Finding]:
        """The rows whose value stood first in another split."""
        if not self._seen:
            return
        values = self._seen.values
        rows = elsewhere(values, self._seen.splits)
        detail = f"the `{self.column()}` of {{}}; {len(np.unique(values[rows])):,} such in all"
        tally = _tally(self._seen, rows, values, self.scope, detail)
        yield from of_rows(self.defect, tally, len(self._seen), self.limits[self.name])


class PersonaAcrossSplits(_AcrossSplits):
    """The same seeker in two splits."""

    name = "persona-across-splits"
    what = "seekers who stand in two splits"
    remedy = "Split by persona, so that held-out dialogues are of people never met."
    bounds: ClassVar[Bounds] = {"persona-across-splits": SHARE}

    def column(self) -> str:
        """`persona_id`, or the one that was named."""
        return self.scope.persona_column

    def notes(self) -> Iterator[str]:
        """No such column."""
        if not self._seen:
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
