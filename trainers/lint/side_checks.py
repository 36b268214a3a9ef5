"""Checks of the two sides against each other: empty, equal, longer, more often by the book."""

from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import ClassVar

from rapidfuzz.distance import Levenshtein

from attunement.core.strategies import split_joint
from attunement.evaluation.stock import stock_phrase
from attunement.trainers.corpora.report import cohens_d
from attunement.trainers.lint.checks import ENOUGH, Bound, Bounds, Check, RowCheck, Scope, shortened
from attunement.trainers.lint.report import FIRST, Finding
from attunement.trainers.lint.shapes import Sample


class EmptySide(RowCheck):
    """Sides without a word."""

    name = "empty-side"
    what = "empty sides or prompts (nothing, or white space only)"
    remedy = "Leave these rows out: they teach silence, or that anything beats it."

    def fault(self, sample: Sample) -> str | None:
        """Which side; or the prompt, where nobody but the system says a word in it."""
        empty = next((side for side, text in sample.texts.items() if not text.strip()), None)
        if empty is None and sample.prompt:
            spoken = any(text.strip() for role, text in sample.prompt if role != "system")
            empty = None if spoken else "prompt"
        return f"`{empty}` is empty" if empty else None


class IdenticalSides(RowCheck):
    """Sides equal to the letter."""

    name = "identical-sides"
    what = "pairs whose sides are identical"
    remedy = "Leave these rows out: there is nothing to prefer."

    def fault(self, sample: Sample) -> str | None:
        """The text."""
        if not sample.pair or sample.texts["chosen"] != sample.texts["rejected"]:
            return None
        return f"both sides are {shortened(sample.texts['chosen'], 80)!r}"


class NearIdentical(RowCheck):
    """Sides that differ in hardly a word, which training then pushes to extremes."""

    name = "near-identical"
    what = "pairs whose sides are nearly identical"
    remedy = "Leave them out: the model would learn from a handful of words, or from noise."
    bounds: ClassVar[Bounds] = {
        "near-identical": Bound(0.95, "word-level similarity, 0 to 1, from which on")
    }

    def fault(self, sample: Sample) -> str | None:
        """How near."""
        if not sample.pair or sample.texts["chosen"] == sample.texts["rejected"]:
            return None
        bound = self.limits[self.name]
        one, two = (text.lower().split() for text in sample.texts.values())
        # No more words can be shared than the shorter side has.
        if not one or not two or min(len(one), len(two)) < bound * max(len(one), len(two)):
            return None
        alike = Levenshtein.normalized_similarity(one, two, score_cutoff=bound)
        return f"similarity {alike:.2f} in words" if alike >= bound else None


# ---- length -------------------------------------------------------------------------------------


class LengthRatio(RowCheck):
    """Chosen sides far longer than rejected ones (recipe A's filter)."""

    name = "length-ratio"
    what = "pairs whose chosen side is far longer"
    remedy = "Leave them out, as the published recipe does: length would be learnt first."
    bounds: ClassVar[Bounds] = {"length-ratio": Bound(2.0, "chosen words by rejected words")}

    @classmethod
    def applies(cls, scope: Scope) -> bool:
        """Not where the sides are names."""
        return scope.kind != "strategy"

    def fault(self, sample: Sample) -> str | None:
        """Both counts."""
        if not sample.pair:
            return None
        chosen, rejected = (len(text.split()) for text in sample.texts.values())
        if not rejected or chosen <= self.limits[self.name] * rejected:
            return None
        return f"{chosen} words chosen, {rejected} rejected"


class LengthEffect(Check):
    """Whether length alone tells the sides apart."""

    name = "length-effect"
    what = "length tells the sides apart"
    remedy = "Balance it: leave out the longest chosen sides, or set --max-length-ratio lower."
    bounds: ClassVar[Bounds] = {
        "length-effect": Bound(0.5, "Cohen's d of the words of both sides, either way"),
        "longer-share": Bound(0.75, "share of pairs in which one side is longer, either way"),
    }
    applies = LengthRatio.applies

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._words = {"chosen": Counter[int](), "rejected": Counter[int]()}
        self._longer = self._shorter = 0

    def see(self, sample: Sample) -> None:
        """Count the words of both sides."""
        if not sample.pair:
            return
        chosen, rejected = (len(text.split()) for text in sample.texts.values())
        self._words["chosen"][chosen] += 1
        self._words["rejected"][rejected] += 1
        self._longer += chosen > rejected
        self._shorter += chosen < rejected

    def statistics(self) -> dict[str, float]:
        """Means, effect and shares."""
        pairs = self._words["chosen"].total()
        if not pairs:
            return {}
        means = {side: _mean(words) for side, words in self._words.items()}
        return {
            "mean words, chosen": means["chosen"],
            "mean words, rejected": means["rejected"],
            "length effect (Cohen's d)": self._effect(),
            "chosen is longer": self._longer / pairs,
            "rejected is longer": self._shorter / pairs,
        }

    def _effect(self) -> float:
        effect = cohens_d(self._words["chosen"], self._words["rejected"])
        if effect is None:  # nothing varies: no difference at all, or nothing but difference
            one, two = (_mean(words) for words in self._words.values())
            return 0.0 if one == two else inf if one > two else -inf
        return effect

    def findings(self) -> Iterator[Finding]:
        """The effect and the share, each against its bound."""
        pairs = self._words["chosen"].total()
        if pairs < ENOUGH:
            return
        effect, longer = self._effect(), max(self._longer, self._shorter)
        side = "chosen" if self._longer >= self._shorter else "rejected"
        if abs(effect) > self.limits["length-effect"]:
            yield self.above("length-effect", effect, longer, pairs, f"Cohen's d {effect:+.2f}")
        if longer > self.limits["longer-share"] * pairs:
            detail = f"{side} is longer in {longer:,} of {pairs:,} pairs"
            yield self.above("longer-share", longer / pairs, longer, pairs, detail)

    def notes(self) -> Iterator[str]:
        """Too few pairs."""
        if 0 < (pairs := self._words["chosen"].total()) < ENOUGH:
            yield f"length effect: not judged, {pairs} pairs are too few (from {ENOUGH} on)"


def _mean(counts: Counter[int]) -> float:
    return sum(value * count for value, count in counts.items()) / counts.total()


# ---- stock phrases ------------------------------------------------------------------------------


class StockPhrases(Check):
    """How often each side begins a sentence by the book."""

    name = "stock-phrases"
    what = "stock phrases on the side that is learnt"
    remedy = "Refine or leave out the rows that open by the book, or it will be learnt."
    bounds: ClassVar[Bounds] = {
        "stock-phrases": Bound(0.3, "share of chosen sides or completions that hold one"),
        "stock-excess": Bound(0.02, "share of chosen sides beyond that of the rejected ones"),
    }
    applies = LengthRatio.applies

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._seen: Counter[str] = Counter()
        self._stock: Counter[str] = Counter()
        self._phrases: Counter[str] = Counter()
        self._rows: list[str] = []

    def see(self, sample: Sample) -> None:
        """Look for one on each side."""
        for side, text in sample.texts.items():
            self._seen[side] += 1
            phrase = stock_phrase(split_joint(text)[1] if self.scope.kind == "joint" else text)
            if phrase is None:
                continue
            self._stock[side] += 1
            if side != "rejected":
                self._phrases[phrase] += 1
                if len(self._rows) < FIRST:
                    self._rows.append(sample.place)

    def _shares(self) -> dict[str, float]:
        return {side: self._stock[side] / count for side, count in self._seen.items()}

    def statistics(self) -> dict[str, float]:
        """The rate of each side."""
        return {f"stock phrases, {side}": share for side, share in self._shares().items()}

    def findings(self) -> Iterator[Finding]:
        """Too many on the side that is learnt, or more than on the other."""
        for side, share in self._shares().items():
            if side == "rejected" or self._seen[side] < ENOUGH:
                continue
            if share > self.limits["stock-phrases"]:
                yield self._finding("stock-phrases", share, side, f"{share:.0%} of `{side}`")
            excess = share - self._stock["rejected"] / max(1, self._seen["rejected"])
            if self._seen["rejected"] and excess > self.limits["stock-excess"]:
                detail = f"{share:.0%} of `chosen`, {share - excess:.0%} of `rejected`"
                yield self._finding("stock-excess", excess, side, detail)

    def _finding(self, name: str, value: float, side: str, detail: str) -> Finding:
        common = ", ".join(f"{phrase!r} {n:,}" for phrase, n in self._phrases.most_common(3))
        said = f"{detail}; most often {common}"
        return self.above(name, value, self._stock[side], self._seen[side], said, self._rows)

    def notes(self) -> Iterator[str]:
        """Too few rows."""
        if 0 < (rows := max(self._seen.values(), default=0)) < ENOUGH:
            yield f"stock phrases: not judged, {rows} rows are too few (from {ENOUGH} on)"


def every() -> Iterator[type[Check]]:
    """The checks of this file, in order."""
    yield from (EmptySide, IdenticalSides, NearIdentical, LengthRatio, LengthEffect, StockPhrases)
