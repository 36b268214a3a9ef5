"""Checks under the real chat template: where the completion begins, whether it ends, what is cut.

What becomes of rows longer than `max_length` is what TRL 1.16 does with `truncation_mode` at its
default, `keep_start`: a row whose prompt fills it is dropped without a word, any other is cut at
the end. `tests/test_trainers_lint_trl.py` holds this against the trainers themselves.
"""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from attunement.trainers.lint.checks import Bounds, Check, RowCheck, Scope, remembered
from attunement.trainers.lint.report import Finding
from attunement.trainers.lint.shapes import Sample
from attunement.trainers.lint.tokens import Side, Tokens


class _TokenCheck(RowCheck):
    """A check that needs a tokenizer."""

    name = ""
    needs_tokenizer = True

    def fault(self, sample: Sample) -> str | None:
        """What is wrong with the tokens, if the template gave any."""
        return None if sample.tokens is None else self.wrong(sample.tokens)

    @abstractmethod
    def wrong(self, tokens: Tokens) -> str | None:
        """What is wrong with a row's tokens."""


class TemplateRefuses(RowCheck):
    """Rows that the chat template raises an error for."""

    name = "template-refuses"
    what = "rows that the chat template does not take"
    remedy = "Bring roles into the order that the template wants, or take another template."
    needs_tokenizer = True

    def fault(self, sample: Sample) -> str | None:
        """The template's own words."""
        return sample.refused or None


class TemplatePrefix(_TokenCheck):
    """Prompts that are rendered otherwise when a completion follows."""

    name = "template-prefix"
    what = "prompts whose tokens change when a completion follows"
    remedy = "Take a template that renders the prompt alike in both cases (TRL ships some)."

    def wrong(self, tokens: Tokens) -> str | None:
        """How many tokens of the prompt fall away, and which."""
        if tokens.kept == tokens.prompt:
            return None
        return f"the last {tokens.prompt - tokens.kept} tokens of the prompt, {tokens.lost!r}"


class EndToken(_TokenCheck):
    """Completions that do not teach where to stop."""

    name = "end-token"
    what = "completions without their end token right behind the text, or with more behind it"
    remedy = "Take a template that ends a reply with the tokenizer's `eos_token`, or set that one."

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._spaces: Counter[str] = Counter()

    def wrong(self, tokens: Tokens) -> str | None:
        """What stands behind the text instead."""
        for name, side in tokens.sides.items():
            if reason := self._ending(side):
                return f"{reason}, in `{name}`"
        return None

    def _ending(self, side: Side) -> str | None:
        end = self.scope.end_token
        before, found, behind = side.tail.partition(end)
        if not found or side.end is None:
            return f"no {end!r}; behind the text stands {side.tail[-40:]!r}"
        if before.strip():
            return f"{before[-40:]!r} stands between the text and {end!r}"
        if behind.strip():
            return f"{behind[:40]!r} is learnt behind {end!r}"
        if behind:
            self._spaces[behind] += 1
        return None

    def notes(self) -> Iterator[str]:
        """White space behind the end: learnt, and harmless."""
        for space, count in self._spaces.most_common(1):
            yield (
                f"end token: the template puts {space!r} behind it ({count:,} completions); it is "
                "learnt too, and does no harm since replies stop before it"
            )


class _Lengths(_TokenCheck):
    """A check that needs a longest length as well."""

    name = ""

    @classmethod
    def applies(cls, scope: Scope) -> bool:
        """Only with --max-length."""
        return scope.max_length is not None

    @property
    def longest(self) -> int:
        """--max-length."""
        assert self.scope.max_length is not None
        return self.scope.max_length


class Dropped(_Lengths):
    """Rows that a trainer leaves out without a word."""

    name = "dropped"
    what = "rows that the trainer drops in silence: the prompt alone fills --max-length"
    remedy = "Shorten them with --fit --out DIR, or raise the trainer's `max_length`."

    def wrong(self, tokens: Tokens) -> str | None:
        """How long the prompt is."""
        if not tokens.prompt or tokens.kept < self.longest:
            return None
        return f"prompt of {tokens.kept:,} tokens, --max-length {self.longest:,}: row dropped"


class Cut(_Lengths):
    """Rows whose end is cut off."""

    name = "cut"
    what = "rows that the trainer cuts at --max-length"
    remedy = "Shorten them with --fit --out DIR, or raise the trainer's `max_length`."

    def wrong(self, tokens: Tokens) -> str | None:
        """Which side, by how much, and whether it still ends."""
        if tokens.prompt and tokens.kept >= self.longest:
            return None  # dropped
        cut = {name: side for name, side in tokens.sides.items() if side.length > self.longest}
        lost = {name: side for name, side in cut.items() if not self._ends(side)}
        for name, side in (lost or cut).items():
            return (
                f"`{name}`: {side.length:,} tokens with the prompt's {tokens.prompt:,}, "
                f"--max-length {self.longest:,}: cut at the end, end token "
                f"{'lost' if lost else 'kept'}"
            )
        return None

    def _ends(self, side: Side) -> bool:
        return side.end is not None and side.end < self.longest


class SpecialTokens(RowCheck):
    """Texts that spell a special token, which is then read as one."""

    name = "special-tokens"
    what = "texts that spell special tokens of the tokenizer"
    remedy = "Strip them, or leave the rows out: they end turns or open ones of other speakers."
    needs_tokenizer = True

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        tokens = sorted(scope.special_tokens, key=len, reverse=True)
        search = re.compile("|".join(map(re.escape, tokens)) or r"(?!)").search
        self._spelled = remembered(lambda text: found[0] if (found := search(text)) else None)

    def fault(self, sample: Sample) -> str | None:
        """The token and who says it."""
        for turns in (sample.prompt, *sample.sides.values()):
            for role, text in turns:
                if token := self._spelled(text):
                    return f"{token!r} in a message of {role!r}"
        return None


class TokenLengths(Check):
    """How long rows are in tokens."""

    name = "token-lengths"
    what = "lengths in tokens"
    remedy = ""
    bounds: ClassVar[Bounds] = {}
    needs_tokenizer = True

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._lengths: Counter[int] = Counter()

    def see(self, sample: Sample) -> None:
        """Count the longest side."""
        if sample.tokens:
            self._lengths[sample.tokens.longest] += 1

    def findings(self) -> Iterator[Finding]:
        """None: these are figures."""
        yield from ()

    def statistics(self) -> dict[str, float]:
        """Median, 95th percentile and longest, in tokens with the longer side."""
        if not self._lengths:
            return {}
        names = {0.5: "tokens, median", 0.95: "tokens, 95th percentile", 1.0: "tokens, longest"}
        return {name: _quantile(self._lengths, share) for share, name in names.items()}


def _quantile(counts: Counter[int], share: float) -> float:
    seen, wanted = 0, share * counts.total()
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return float(value)
    raise AssertionError("a share is at most 1")


def every() -> Iterator[type[Check]]:
    """The checks of this file, in order."""
    yield from (TemplateRefuses, TemplatePrefix, EndToken, Dropped, Cut, SpecialTokens)
    yield TokenLengths
