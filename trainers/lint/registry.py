"""Every check by name, and the thresholds that they know."""

from collections.abc import Iterable, Mapping

from attunement.core.errors import ConfigError, unknown
from attunement.trainers.lint import (
    leak_checks,
    shape_checks,
    side_checks,
    strategy_checks,
    token_checks,
)
from attunement.trainers.lint.checks import Bound, Check, Scope
from attunement.trainers.lint.crisis_check import Crisis
from attunement.trainers.lint.reader import BOUNDS

CHECKS: tuple[type[Check], ...] = (
    *shape_checks.every(), *side_checks.every(), *token_checks.every(), *leak_checks.every(),
    *strategy_checks.every(), Crisis,
)  # fmt: skip
"""In the order of the report."""


def bounds() -> dict[str, Bound]:
    """Every threshold by name."""
    return {**BOUNDS, **{name: bound for check in CHECKS for name, bound in check.bounds.items()}}


def make_checks(scope: Scope, tokenizer: bool) -> list[Check]:
    """The checks that have a meaning in a set."""
    return [
        check(scope)
        for check in CHECKS
        if check.applies(scope) and (tokenizer or not check.needs_tokenizer)
    ]


def parse_thresholds(pairs: Iterable[str]) -> Mapping[str, float]:
    """`NAME=VALUE` as numbers by name. `ConfigError` names the known ones."""
    known, found = bounds(), {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(
                f"`--threshold` must be NAME=VALUE, got {pair!r}; e.g. near-identical=0.9"
            )
        if name not in known:
            raise ConfigError(f"`--threshold`: {unknown('name', name, known)}")
        try:
            found[name] = float(value)
        except ValueError:
            raise ConfigError(f"`--threshold` {name}: {value!r} is no number") from None
        if found[name] != found[name] or found[name] < 0:
            raise ConfigError(f"`--threshold` {name} must be 0 or more, got {value!r}")
    return found
