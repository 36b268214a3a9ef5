"""`--fit`: a corpus whose rows fit into a trainer's `max_length`, by leaving out old messages.

Whole messages go from the beginning of the prompt; the system's stays, roles still alternate and
the prompt still ends with the seeker. A row that is too long even so is left out, and counted, and
so is a file that is left without a row; what describes the corpus then no longer names it.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from attunement.core.errors import UserError
from attunement.trainers.corpora.writing import refuse_existing_corpus
from attunement.trainers.lint.described import Written, describe
from attunement.trainers.lint.files import Corpus, File, find_corpus
from attunement.trainers.lint.linting import BATCH, Options, check_lengths
from attunement.trainers.lint.reading import Broken, read_rows
from attunement.trainers.lint.report import FitReport
from attunement.trainers.lint.shapes import MalformedError, Sample, parse
from attunement.trainers.lint.shortening import Shorter, shorter, with_prompt
from attunement.trainers.lint.sinks import open_sink
from attunement.trainers.lint.tokens import ChatTokenizer

_REFUSED = "the chat template does not take it"


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
            report, written = _write(corpus, part, options)
            _copy_others(path, part)
            describe(part, report, written)
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

    @classmethod
    def of(cls, options: Options) -> Self:
        """One for these options, which were checked."""
        assert options.tokenizer is not None
        assert options.max_length is not None
        return cls(options.tokenizer, options.max_length)

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
            self.left_out[_REFUSED] += 1
            return None
        if sample.tokens.longest <= self.max_length:
            self.whole += 1
            return sample.raw
        found = self._longest_that_fits(sample, shorter(sample))
        if isinstance(found, str):
            self.left_out[found] += 1
            return None
        self.shortened += 1
        self.removed += found.removed
        return with_prompt(sample, found)

    def _longest_that_fits(self, sample: Sample, options: list[Shorter]) -> Shorter | str:
        """By halving: the fewer messages, the fewer tokens. `options` get shorter and shorter; a
        template that refuses one may take a longer one. Or why none fits."""
        fitting: Shorter | None = None
        low, high, refused = 0, len(options), False
        while low < high:
            middle = (low + high) // 2
            length = self.tokenizer.length(sample, options[middle].prompt)
            if length is not None and length > self.max_length:
                low = middle + 1
                continue
            high, refused = middle, length is None
            fitting = fitting if refused else options[middle]
        if fitting or refused:
            return fitting or _REFUSED
        return "too long" if sample.plain else "too long without its history"


def _write(corpus: Corpus, part: Path, options: Options) -> tuple[FitReport, Written]:
    fitters = {name: _Fitter.of(options) for name in corpus.sets}
    written: dict[str, dict[str, int]] = {}
    empty = []
    for name, file in ((name, file) for name, files in corpus.sets.items() for file in files):
        if rows := _write_file(fitters[name], file, part / file.name):
            splits = written.setdefault(name, {})
            splits[file.split] = splits.get(file.split, 0) + rows
        else:
            empty.append(file.name)
    report = _report(options, list(fitters.values()), empty)
    if not written:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in report.left_out.items())
        raise UserError(
            f"no row fits into `--max-length` {options.max_length} ({reasons or 'there is none'})"
        )
    return report, written


def _write_file(fitter: _Fitter, file: File, target: Path) -> int:
    """How many rows it holds; without any there is no file, since no loader takes an empty one."""
    rows = fitter.rows(file)
    first = next(rows, None)
    if first is None:
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with open_sink(file.path, target) as write:
        for row in chain((first,), rows):
            write(row)
            count += 1
    return count


def _report(options: Options, fitters: Sequence[_Fitter], empty: Sequence[str]) -> FitReport:
    assert options.max_length is not None
    left_out: Counter[str] = sum((fitter.left_out for fitter in fitters), Counter())
    return FitReport(
        max_length=options.max_length,
        whole=sum(fitter.whole for fitter in fitters),
        shortened=sum(fitter.shortened for fitter in fitters),
        messages_removed=sum(fitter.removed for fitter in fitters),
        left_out=dict(left_out.most_common()),
        files_left_out=tuple(empty),
    )


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
