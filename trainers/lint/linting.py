"""The lint itself: one pass over each set of a corpus, in memory that grows by bytes a row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from attunement.core.errors import UserError
from attunement.trainers.lint.checks import Check, Scope
from attunement.trainers.lint.files import Corpus, File, find_corpus
from attunement.trainers.lint.leak_checks import NO_PERSONA, PERSONA
from attunement.trainers.lint.reader import Reader
from attunement.trainers.lint.registry import make_checks
from attunement.trainers.lint.report import Finding, LintReport, SetReport
from attunement.trainers.lint.seen import People
from attunement.trainers.lint.shapes import Sample
from attunement.trainers.lint.strategy_checks import kind_of
from attunement.trainers.lint.tokens import ChatTokenizer

BATCH = 256
"""Rows that are rendered and tokenised together."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to look for."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    tokenizer: ChatTokenizer | None = None
    max_length: int | None = None
    persona_column: str = PERSONA


def lint(path: Path, options: Options, only: str | None = None) -> LintReport:
    """Look a corpus over. Raises `UserError` where there is nothing to read or an option is wrong.

    `only` names one set of a folder.
    """
    check_lengths(options)
    corpus = find_corpus(path, only)
    people = People()
    sets = tuple(_lint_set(name, files, people, options) for name, files in corpus.sets.items())
    if not any(one.rows for one in sets):
        raise UserError(f"{str(path)!r} holds no row")
    if options.persona_column != PERSONA and all(NO_PERSONA in one.notes for one in sets):
        raise UserError(f"`--persona-column` {options.persona_column!r}: no row has such a column")
    name = getattr(options.tokenizer and options.tokenizer.tokenizer, "name_or_path", None)
    return LintReport(
        corpus=str(path), tokenizer=name, max_length=options.max_length, sets=sets,
        notes=tuple(_notes(corpus, options)),
    )  # fmt: skip


def check_lengths(options: Options) -> None:
    """`UserError` where a longest length makes no sense."""
    if options.max_length is None:
        return
    if options.max_length < 1:
        raise UserError(f"`--max-length` must be at least 1, got {options.max_length}")
    if options.tokenizer is None:
        raise UserError("`--max-length` counts tokens: name the model's folder with --tokenizer")


def _notes(corpus: Corpus, options: Options) -> Iterator[str]:
    if corpus.passed_over:
        names = ", ".join(corpus.passed_over[:5])
        yield f"not read, since no split is in their name: {names}"
    if options.tokenizer is None:
        yield "tokens not checked (template, end tokens, lengths): name a model with --tokenizer"
    elif options.max_length is None:
        yield "lengths not checked: name the trainer's `max_length` with --max-length (TRL: 1024)"


# ---- one set ------------------------------------------------------------------------------------


def _lint_set(name: str, files: Sequence[File], people: People, options: Options) -> SetReport:
    reader = Reader(files)
    samples = iter(reader)
    first = list(islice(samples, BATCH))
    scope = _scope(name, first, reader, people, options)
    checks = make_checks(scope, options.tokenizer is not None)
    for batch in _batches(chain(first, samples)):
        if options.tokenizer:
            options.tokenizer.encode(batch)
        for check in checks:
            see = check.see
            for sample in batch:
                see(sample)
    return SetReport(
        name=name, kind=scope.kind, rows=len(reader.places), splits=dict(reader.splits),
        formats=dict(reader.formats), findings=tuple(_findings(reader, checks, options)),
        statistics={n: v for check in checks for n, v in check.statistics().items()},
        notes=tuple(note for check in checks for note in check.notes()),
    )  # fmt: skip


def _scope(
    name: str, first: Sequence[Sample], reader: Reader, people: People, options: Options
) -> Scope:
    tokenizer = options.tokenizer
    return Scope(
        kind=kind_of(name, first), thresholds=options.thresholds, places=reader.places,
        malformed=reader.malformed, people=people,
        persona_column=options.persona_column, max_length=options.max_length,
        end_token=tokenizer.end_token if tokenizer else "",
        special_tokens=tokenizer.special_tokens if tokenizer else (),
    )  # fmt: skip


def _batches(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    rest = iter(samples)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _findings(reader: Reader, checks: Iterable[Check], options: Options) -> list[Finding]:
    """Those above their threshold first."""
    found = [
        *reader.findings(options.thresholds),
        *(f for check in checks for f in check.findings()),
    ]
    return sorted(found, key=lambda finding: not finding.over)
