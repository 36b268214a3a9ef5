"""A set's rows as samples; those that cannot be read, or are of no known format, are counted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from attunement.trainers.lint.checks import SHARE, Bounds, Defect, Tally, of_rows
from attunement.trainers.lint.files import File
from attunement.trainers.lint.reading import Broken, read_rows
from attunement.trainers.lint.report import Finding
from attunement.trainers.lint.seen import Places
from attunement.trainers.lint.shapes import MalformedError, Sample, parse

UNREADABLE = Defect(
    "unreadable",
    "rows that cannot be read",
    "Write these lines again; a loader stops at them or leaves them out.",
)
BOUNDS: Bounds = {UNREADABLE.name: SHARE}


@dataclass(slots=True)
class Reader:
    """The rows of a set, once, in order."""

    files: Sequence[File]
    places: Places = field(default_factory=Places)
    splits: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    unreadable: Tally = field(default_factory=Tally)
    malformed: Tally = field(default_factory=Tally)

    def __iter__(self) -> Iterator[Sample]:
        for file in self.files:
            for line, raw in read_rows(file.path):
                self.splits[file.split] += 1
                number = self.places.add(file.name, line)
                if isinstance(raw, Broken):
                    self.unreadable.add(f"{file.name}:{line}", str(raw))
                    continue
                try:
                    shape, prompt, sides = parse(raw)
                except MalformedError as error:
                    self.malformed.add(f"{file.name}:{line}", str(error))
                    continue
                self.formats[shape] += 1
                yield Sample(number, file.name, line, file.split, raw, shape, prompt, sides)

    def findings(self, thresholds: Mapping[str, float]) -> Iterator[Finding]:
        """The rows that cannot be read; those of no known format are the schema check's to tell."""
        tolerated = thresholds.get(UNREADABLE.name, SHARE.default)
        yield from of_rows(UNREADABLE, self.unreadable, len(self.places), tolerated)
