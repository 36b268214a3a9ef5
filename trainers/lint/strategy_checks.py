"""Checks of strategies: known ones, in their place, and not always the same."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import ClassVar

from rapidfuzz.distance import Levenshtein

from attunement.core.errors import UserError
from attunement.core.strategies import Strategy, parse_strategy, split_joint
from attunement.trainers.lint.checks import (
    ENOUGH,
    Bound,
    Bounds,
    Check,
    Kind,
    RowCheck,
    Scope,
    Tally,
    shortened,
)
from attunement.trainers.lint.report import Finding
from attunement.trainers.lint.shapes import Sample

NAMES = frozenset(strategy.value for strategy in Strategy)
ALL_EXPECTED = 200
"""Rows from which on each of the eight should occur; the rarest are some 6 % of human replies."""
_NEARLY = 0.8
"""Similarity in letters from which on a name was meant to be one of the eight."""
_COLUMNS = {
    "chosen": ("strategy", "chosen_strategy"), "rejected": ("rejected_strategy",),
    "completion": ("strategy",),
}  # fmt: skip
_TAG = re.compile(r"\s*\[([^\[\]\n]{1,60})\]")


def kind_of(name: str, samples: Sequence[Sample]) -> Kind:
    """What a set's completions are: by its name if it is one of ours, else by its first rows."""
    last = name.rpartition("/")[2]
    if last in ("strategy", "sft_planner"):
        return "strategy"
    if last in ("joint", "sft_joint"):
        return "joint"
    if last in ("response", "sft_direct", "sft_responder") or not samples:
        return "response"
    texts = [text for sample in samples for text in sample.texts.values()]
    if 2 * sum(text.strip() in NAMES for text in texts) > len(texts):
        return "strategy"
    return "joint" if 2 * sum(split_joint(t)[0] is not None for t in texts) > len(texts) else (
        "response"
    )  # fmt: skip


def judged(sample: Sample) -> list[str]:
    """The sides whose strategy is judged: a mined pair rejects a sample as a model wrote it."""
    mined = sample.raw.get("source") == "mined"
    return [side for side in sample.texts if not (mined and side == "rejected")]


def named(sample: Sample, side: str, kind: Kind) -> str | None:
    """The strategy that a side stands for, as it is spelled; None where nothing says it."""
    text = sample.texts[side]
    if kind == "strategy":
        return text.strip()
    if kind == "joint":
        tag = _TAG.match(text)
        return tag[1] if tag else None
    for column in _COLUMNS[side]:
        if isinstance(value := sample.raw.get(column), str):
            return value
    return None


class UnknownStrategy(RowCheck):
    """Names that are none of the eight, in a column, a completion or a tag."""

    name = "unknown-strategy"
    what = "strategies that are none of the eight"
    remedy = "Spell them as ESConv does, or leave these rows out."

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._said = Tally()
        """Rows at fault by what their sides say, whatever their columns hold."""
        self._ours = False
        self._foreign = self._mined = 0

    def see(self, sample: Sample) -> None:
        """Look at a row; whether its columns are about our strategies shows at the end."""
        sides = judged(sample)
        self._mined += any(
            self._unknown(sample, side) for side in sample.texts if side not in sides
        )
        said = next(filter(None, (self._unknown(sample, side) for side in sides)), None)
        column = self.fault(sample)
        if said:
            self._said.add(sample.place, said)
        if fault := said or column:
            self.tally.add(sample.place, fault)

    def fault(self, sample: Sample) -> str | None:
        """A name in a column, and the right spelling where one is meant."""
        wrong = None
        for column in (column for side in judged(sample) for column in _COLUMNS[side]):
            value = sample.raw.get(column)
            if not isinstance(value, str):
                continue
            self._ours = self._ours or _meant(value)
            if value not in NAMES and wrong is None:
                wrong = f"{_about(value)} in column `{column}`"
        self._foreign += wrong is not None
        return wrong

    def _unknown(self, sample: Sample, side: str) -> str | None:
        """What a side says, where that is none of the eight."""
        if self.scope.kind == "response":
            return None
        spelled = named(sample, side, self.scope.kind)
        return None if spelled is None or spelled in NAMES else f"{_about(spelled)} in `{side}`"

    def findings(self) -> Iterator[Finding]:
        """Columns count only where they are about these strategies at all."""
        if not self._ours:
            self.tally = self._said
        yield from super().findings()

    def notes(self) -> Iterator[str]:
        """What was not judged."""
        if self._foreign and not self._ours:
            yield (
                f"strategies: the columns of {self._foreign:,} rows not judged, since nothing in "
                "them is one of the eight"
            )
        if self._mined:
            yield (
                f"strategies: {self._mined:,} rejected sides of mined pairs name none of the "
                "eight; they are samples as a model wrote them, and not judged"
            )


@lru_cache(maxsize=1 << 10)
def _meant(spelled: str) -> bool:
    """Whether a value is one of the eight, or nearly."""
    try:
        return bool(parse_strategy(spelled))
    except UserError:
        similarity = partial(Levenshtein.normalized_similarity, spelled.lower())
        return any(similarity(name.lower()) >= _NEARLY for name in NAMES)


def _about(spelled: str) -> str:
    try:
        return f"{spelled!r}, which should be {parse_strategy(spelled).value!r},"
    except UserError:
        return f"{shortened(spelled, 60)!r}"


class StrategyTag(RowCheck):
    """A `[Strategy]` tag where there should be none, or none where there should be one."""

    name = "strategy-tag"
    what = "a [Strategy] tag on one side only, or where none belongs"
    remedy = "Tag both sides in a joint set, and neither where replies are compared."

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._mined = 0

    def fault(self, sample: Sample) -> str | None:
        """Which sides have one."""
        sides = judged(sample)
        wrong = self._wrong({side: sample.texts[side] for side in sides})
        if len(sides) < len(sample.texts) and not wrong:
            self._mined += bool(self._wrong(sample.texts))
        return wrong

    def _wrong(self, texts: Mapping[str, str]) -> str | None:
        tagged = [side for side, text in texts.items() if split_joint(text)[0]]
        sides = " and ".join(f"`{side}`" for side in tagged)
        if self.scope.kind == "joint":
            bare = [side for side, text in texts.items() if not _TAG.match(text)]
            return f"no tag in `{bare[0]}`" if bare else None
        if len(tagged) < len(texts) and tagged:
            return f"a tag in {sides} only"
        return f"a tag in {sides} of a {self.scope.kind} set" if tagged else None

    def notes(self) -> Iterator[str]:
        """What was not judged."""
        if self._mined:
            which = "have no" if self.scope.kind == "joint" else "begin with a"
            yield (
                f"tags: {self._mined:,} rejected sides of mined pairs {which} [Strategy] tag; they "
                "are samples as a model wrote them, and not judged"
            )


class StrategyBalance(Check):
    """How often each strategy stands on each side."""

    name = "strategy-share"
    what = "strategies out of balance"
    remedy = "Add rows of the rare strategies or leave out some of the commonest."
    bounds: ClassVar[Bounds] = {
        "strategy-share": Bound(0.5, "share of the commonest strategy on a side that is learnt"),
        "strategy-missing": Bound(0, f"strategies that never occur in {ALL_EXPECTED} rows or more"),
    }

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._counts: dict[str, Counter[str]] = {}

    def see(self, sample: Sample) -> None:
        """Count the strategy of each side."""
        for side in sample.texts:
            spelled = named(sample, side, self.scope.kind)
            if spelled in NAMES:
                self._counts.setdefault(side, Counter())[spelled] += 1

    def statistics(self) -> dict[str, float]:
        """Every strategy's share on each side."""
        return {
            f"{strategy.value}, {side}": counts[strategy.value] / counts.total()
            for side, counts in self._counts.items()
            for strategy in Strategy
        }

    def findings(self) -> Iterator[Finding]:
        """One that crowds out the others; ones that never occur. Of the sides that are learnt."""
        for side, counts in self._counts.items():
            total = counts.total()
            if side == "rejected" or total < ENOUGH:
                continue
            (common, most), *_ = counts.most_common(1)
            if most > self.limits["strategy-share"] * total:
                detail = f"{common!r} is {most / total:.0%} of `{side}`"
                yield self.above("strategy-share", most / total, most, total, detail)
            absent = [s.value for s in Strategy if s.value not in counts]
            if total >= ALL_EXPECTED and len(absent) > self.limits["strategy-missing"]:
                detail = f"never in `{side}`: {', '.join(absent)}"
                yield self.above("strategy-missing", len(absent), 0, total, detail)

    def notes(self) -> Iterator[str]:
        """Too few rows."""
        rows = max((counts.total() for counts in self._counts.values()), default=0)
        if 0 < rows < ENOUGH:
            yield f"strategy balance: not judged, {rows} rows are too few (from {ENOUGH} on)"


def every() -> Iterator[type[Check]]:
    """The checks of this file, in order."""
    yield from (UnknownStrategy, StrategyTag, StrategyBalance)
