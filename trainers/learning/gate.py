"""The lint before a training: what it refuses is not learnt from."""

from pathlib import Path
from typing import Any

from attunement.core.errors import UserError
from attunement.trainers.learning.settings import TrainConfig
from attunement.trainers.lint.linting import Options, lint
from attunement.trainers.lint.report import Finding
from attunement.trainers.lint.tokens import ChatTokenizer

FIRST = 4
"""Findings that are told."""


def check_corpus(config: TrainConfig, name: str, tokenizer: Any) -> None:
    """`UserError` with the findings of a set that the lint refuses.

    Lengths are none of them: trimming mends those, and what it cannot mend is counted.
    """
    report = lint(Path(config.corpus), Options(tokenizer=ChatTokenizer(tokenizer)), name or None)
    over = [finding for one in report.sets for finding in one.findings if finding.over]
    if over:
        told = "; ".join(map(_told, over[:FIRST]))
        more = f"; and {len(over) - FIRST} more" if len(over) > FIRST else ""
        raise UserError(
            f"the lint refuses set {name!r} of {config.corpus!r}: {told}{more}. Look closer with: "
            f"attune lint {config.corpus} --tokenizer {config.model}; or train on it as it is with "
            "--no-check"
        )


def _told(finding: Finding) -> str:
    rows = f"{finding.rows[0]} and others; " if len(finding.rows) > 1 else ""
    bound = f"{finding.value:.3g}, tolerated {finding.threshold:g}"
    return f"{finding.what} ({rows}`{finding.check}` {bound})"
