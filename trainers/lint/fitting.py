"""`--fit`: a corpus whose rows fit into a trainer's `max_length`, by leaving out old messages.

Whole messages go from the beginning of the prompt; the system's stays, roles still alternate and
the prompt still ends with the seeker. A row that is too long even so is left out, and counted.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attunement.core.errors import UserError
from attunement.trainers.corpora.writing import refuse_existing_corpus
from attunement.trainers.lint.files import Corpus, File, find_corpus
from attunement.trainers.lint.linting import BATCH, Options, check_lengths
from attunement.trainers.lint.reading import Broken, read_rows
from attunement.trainers.lint.report import FitReport
from attunement.trainers.lint.shapes import MalformedError, Sample, parse
from attunement.trainers.lint.shortening import Shorter, shorter, with_prompt
from attunement.trainers.lint.sinks import open_sink
from attunement.trainers.lint.tokens import ChatTokenizer

CARD = "README.md"


def fit(path: Path, out: Path, options: Options, only: str | None = None) -> FitReport:
    """Write the fitted corpus to `out`, whole or not at all.

    Raises `UserError` if `out` exists or lies inside the corpus, an option is missing, or nothing
    fits.
    """
    _check(path, out, options)
    corpus = find_corpus(path, only)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=".corpus-") as scratch:
            part = Path(scratch) / "part"
            part.mkdir()
            report = _write(corpus, part, options)
            _copy_others(path, part)
            _tell_the_card(part / CARD, report)
            refuse_existing_corpus(out)
            part.rename(out)
    except OSError as error:
        raise UserError(f"{str(out)!r} cannot be written: {error.strerror or error}") from None
    return report


def _check(path: Path, out: Path, options: Options) -> None:
    refuse_existing_corpus(out)
    check_lengths(options)
    if options.max_length is None:
        raise UserError("`--fit` needs a length to fit into: --tokenizer PATH --max-length N")
    if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
        raise UserError(f"`--out` {str(out)!r} lies inside the corpus; choose a folder beside it")


@dataclass(slots=True)
class _Fitter:
    """What became of each row."""

    tokenizer: ChatTokenizer
    max_length: int
    whole: int = 0
    shortened: int = 0
    removed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def rows(self, file: File) -> Iterator[dict[str, Any]]:
        """The rows of a file that fit, shortened where they must be."""
        samples = self._samples(file)
        while batch := list(islice(samples, BATCH)):
            self.tokenizer.encode(batch)
            for sample in batch:
                if (row := self._fitted(sample)) is not None:
                    yield row

    def _samples(self, file: File) -> Iterator[Sample]:
        for line, raw in read_rows(file.path):
            if isinstance(raw, Broken):
                self.left_out["unreadable"] += 1
                continue
            try:
                shape, prompt, sides = parse(raw)
            except MalformedError:
                self.left_out["of no known format"] += 1
                continue
            yield Sample(0, file.name, line, file.split, raw, shape, prompt, sides)

    def _fitted(self, sample: Sample) -> dict[str, Any] | None:
        if sample.tokens is None:
            self.left_out["the chat template does not take it"] += 1
            return None
        if max(side.length for side in sample.tokens.sides.values()) <= self.max_length:
            self.whole += 1
            return sample.raw
        found = self._longest_that_fits(sample, shorter(sample))
        if found is None:
            self.left_out["too long without its history" if not sample.plain else "too long"] += 1
            return None
        self.shortened += 1
        self.removed += found.removed
        return with_prompt(sample, found)

    def _longest_that_fits(self, sample: Sample, options: list[Shorter]) -> Shorter | None:
        """By halving: the fewer messages, the fewer tokens. `options` get shorter and shorter."""
        low, high = 0, len(options)
        while low < high:
            middle = (low + high) // 2
            (length,) = self.tokenizer.lengths(sample, [options[middle].prompt])
            low, high = (low, middle) if length <= self.max_length else (middle + 1, high)
        return options[low] if low < len(options) else None


def _write(corpus: Corpus, part: Path, options: Options) -> FitReport:
    assert options.tokenizer is not None
    assert options.max_length is not None
    fitter = _Fitter(options.tokenizer, options.max_length)
    for file in (file for files in corpus.sets.values() for file in files):
        target = part / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_sink(file.path, target) as write:
            for row in fitter.rows(file):
                write(row)
    if not fitter.whole + fitter.shortened:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in fitter.left_out.most_common())
        raise UserError(
            f"no row fits into `--max-length` {options.max_length} ({reasons or 'there is none'})"
        )
    return FitReport(
        max_length=options.max_length, whole=fitter.whole, shortened=fitter.shortened,
        messages_removed=fitter.removed, left_out=dict(fitter.left_out.most_common()),
    )  # fmt: skip


def _copy_others(path: Path, part: Path) -> None:
    """Card, pictures and figures, as they are."""
    if not path.is_dir():
        return
    rows = {file.path for files in find_corpus(path).sets.values() for file in files}
    for source in sorted(path.rglob("*")):
        below = source.relative_to(path)
        hidden = any(name.startswith(".") for name in below.parts)
        if hidden or source in rows or not source.is_file():
            continue
        target = part / below
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _tell_the_card(card: Path, report: FitReport) -> None:
    """The card keeps its words; what it counts was true before."""
    if not card.exists():
        return
    left = ", ".join(f"{n:,} {reason}" for reason, n in report.left_out.items()) or "none"
    with card.open("a", encoding="utf-8") as file:
        file.write(
            f"\n## Fitted\n\nRows were fitted into {report.max_length:,} tokens by `attune lint "
            f"--fit`, which leaves out old messages of prompts: {report.whole:,} rows are as they "
            f"were, {report.shortened:,} lost {report.messages_removed:,} messages, left out: "
            f"{left}. The counts above are from before.\n"
        )
