"""A corpus of pairs made from another one: row by row, with its card and figures."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attunement.trainers.corpora.report import CorpusReport
from attunement.trainers.corpora.rows import PairRow
from attunement.trainers.corpora.writing import REPORT, CorpusWriter

SET: Final = "response"
Change = Callable[[list[PairRow], str], Iterable[PairRow | str]]
"""The rows of a split (by its name) -> other rows; in place of one that is left out, the reason."""


def rewritten(
    corpus: Path, out: Path, change: Change, note: str, options: Mapping[str, Any]
) -> CorpusReport:
    """Write the changed copy of a corpus of JSON lines to `out`, whole or not at all.

    `note` and `options` say on its card what was done to it.
    """
    report = CorpusReport.model_validate_json((corpus / REPORT).read_bytes())
    update = {"how": (*report.origin.how, note), "options": report.origin.options | dict(options)}
    origin = report.origin.model_copy(update=update)
    with CorpusWriter(out, splits=report.splits, strict=False) as writer:
        writer.expect(SET)
        for reason, count in report.sets[SET].dropped.items():
            for _ in range(count):
                writer.drop(SET, reason)
        for split, row in _changed(corpus, report.splits, change):
            if isinstance(row, str):
                writer.drop(SET, row)
            else:
                writer.add(SET, split, row)
        return writer.finish(origin)


def _changed(
    corpus: Path, splits: Iterable[str], change: Change
) -> Iterator[tuple[str, PairRow | str]]:
    for split in splits:
        file = corpus / SET / f"{split}.jsonl"
        if not file.exists():  # a small corpus may lack a split
            continue
        with file.open("rb") as lines:
            rows = [PairRow.model_validate_json(line) for line in lines]
        for row in change(rows, split):
            yield split, row
