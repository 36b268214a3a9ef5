"""Writing a corpus folder: rows stream to disk, and the folder is whole or not there.

with CorpusWriter(Path("corpora/001")) as corpus:
    corpus.add("response", "train", row)
    corpus.drop("response", "equal sides")
    report = corpus.finish(origin)
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import orjson

from attunement.core.errors import AttunementError, UserError
from attunement.trainers.corpora.card import dataset_card
from attunement.trainers.corpora.pictures import draw_pictures
from attunement.trainers.corpora.report import CorpusReport, Figures, FileFormat, Layout, Origin
from attunement.trainers.corpora.rows import Row, SetName
from attunement.trainers.corpora.sinks import Sink, dataset_info, file_columns, make_sink

REPORT, CARD = "corpus.json", "README.md"


def refuse_existing_corpus(out: Path) -> None:
    """`UserError` where something stands at `out` already."""
    if out.exists():
        kind = "folder" if out.is_dir() else "file"
        raise UserError(f"{kind} {str(out)!r} exists; choose another with --out, or remove it")


class CorpusWriter:
    """A corpus in the making. Used in a `with` block; leaving it unfinished leaves nothing."""

    def __init__(
        self,
        out: Path,
        layout: Layout = "trl",
        format: FileFormat = "jsonl",
        splits: Sequence[str] = ("train", "validation"),
        strict: bool = True,
    ) -> None:
        """Unless `strict`, a set may end without rows in some of the splits.

        Raises `UserError` if `out` exists.
        """
        refuse_existing_corpus(out)
        self.out, self.layout, self.format, self.splits = out, layout, format, tuple(splits)
        self.strict = strict
        self._figures: dict[SetName, Figures] = {}
        self._types: dict[SetName, type[Row]] = {}
        self._sinks: dict[tuple[SetName, str], Sink] = {}

    def __enter__(self) -> Self:
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._scratch = TemporaryDirectory(dir=self.out.parent, prefix=".corpus-")
        except OSError as error:
            raise UserError(f"{str(self.out)!r} cannot be written: {error.strerror}") from None
        self._part = Path(self._scratch.name) / "part"
        self._part.mkdir()
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        with suppress(OSError):  # a full disk: what is written goes anyway
            self._close()
        self._scratch.cleanup()
        if isinstance(error, OSError):
            said = error.strerror or str(error)
            raise AttunementError(f"{str(self.out)!r} cannot be written: {said}") from None

    def _close(self) -> None:
        for sink in self._sinks.values():
            sink.close()

    def expect(self, name: SetName) -> None:
        """Report this set even if no row of it comes."""
        self._figures.setdefault(name, Figures())

    def add(self, name: SetName, split: str, row: Row) -> None:
        """Keep a row."""
        sink = self._sinks.get((name, split))
        if sink is None:
            path = self._part / self._file(name, split)
            sink = self._sinks[name, split] = make_sink(path, self.format, self.layout, type(row))
            self._types[name] = type(row)
            self.expect(name)
        sink.write(row)
        self._figures[name].count(split, row)

    def drop(self, name: SetName, reason: str) -> None:
        """Count a turn that gives no row of this set."""
        self.expect(name)
        self._figures[name].dropped[reason] += 1

    def count_strategy(self, name: SetName, strategy: str, outcome: str) -> None:
        """Count what became of a turn with this recorded strategy: `kept`, or a reason."""
        self._figures[name].count_strategy(strategy, outcome)

    def _file(self, name: str, split: str) -> str:
        join = "_" if self.layout == "llama-factory" else "/"
        return f"{name}{join}{split}.{self.format}"

    def finish(self, origin: Origin) -> CorpusReport:
        """Write card, pictures and figures, and put the folder in its place.

        Raises `UserError` where there is no row at all, or a set has no row in one of the splits.
        """
        self._check_filled()
        self._close()
        report = CorpusReport(
            title=origin.title, layout=self.layout, format=self.format, splits=self.splits,
            origin=origin,
            sets={name: figures.report() for name, figures in self._figures.items()},
        )  # fmt: skip
        filled = {name: figures for name, figures in self._figures.items() if figures.splits}
        files = {
            name: {s: self._file(name, s) for s in self.splits if s in figures.splits}
            for name, figures in filled.items()
        }
        pictures = draw_pictures(filled, self._part / "pictures")
        types = {name: file_columns(kind, self.layout) for name, kind in self._types.items()}
        (self._part / CARD).write_text(dataset_card(report, files, types, pictures), "utf-8")
        self._write_json(REPORT, report.model_dump(mode="json"))
        if self.layout == "llama-factory":
            self._write_json("dataset_info.json", dataset_info(files))
        refuse_existing_corpus(self.out)
        self._part.rename(self.out)
        return report

    def _write_json(self, name: str, value: object) -> None:
        dumped = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (self._part / name).write_bytes(dumped)

    def _check_filled(self) -> None:
        if not self._sinks:
            reasons = "; ".join(_reasons(n, f) for n, f in self._figures.items() if f.dropped)
            raise UserError(f"nothing to write: {reasons or 'there was no supporter turn'}")
        for name, figures in self._figures.items():
            empty = [split for split in self.splits if split not in figures.splits]
            if self.strict and figures.splits and empty:
                raise UserError(
                    f"`--split` leaves {empty[0]!r} of set {name!r} empty: its "
                    f"{figures.splits.total()} rows are of {_personas(figures)} personas; "
                    "give it a larger part, take another --seed, or leave this set out"
                )


def _personas(figures: Figures) -> int:
    return sum(map(len, figures.personas.values()))


def _reasons(name: str, figures: Figures) -> str:
    counts = ", ".join(f"{n} {reason}" for reason, n in figures.dropped.most_common())
    return f"{name}: {counts}"
