"""What stood where, a row in few bytes: places, and 64-bit hashes of what may not stand twice.

Two different texts of a million rows are taken for one in fewer than one corpus of ten million.
"""

import re
from array import array
from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from attunement.trainers.lint.files import SPLITS
from attunement.trainers.lint.shapes import Sample

Hashes = NDArray[np.int64]
Rows = NDArray[np.bool_]
_COPY = re.compile(r"\.\d+\Z")


class Places:
    """Where each row stands: 4 bytes a row."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._files: list[str] = []
        self._lines = array("I")

    def add(self, file: str, line: int) -> int:
        """Take note of a row; its number, from 0."""
        if not self._files or self._files[-1] != file:
            self._starts.append(len(self._lines))
            self._files.append(file)
        self._lines.append(min(line, 0xFFFFFFFF))
        return len(self._lines) - 1

    def at(self, number: int) -> str:
        """`file:line` of a row."""
        file = self._files[bisect_right(self._starts, number) - 1]
        return f"{file}:{self._lines[number]}"

    def __len__(self) -> int:
        return len(self._lines)


class Seen:
    """Hashes of one thing with the split and place of each row: 13 bytes a row."""

    def __init__(self) -> None:
        self._values, self._splits, self.places = array("q"), array("B"), Places()

    def add(self, value: object, sample: Sample) -> None:
        """Take note of a row's value."""
        self._values.append(hash(value))
        self._splits.append(SPLITS.index(sample.split))
        self.places.add(sample.file, sample.line)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def values(self) -> Hashes:
        """One hash a row."""
        return as_hashes(self._values)

    @property
    def splits(self) -> NDArray[np.uint8]:
        """One place in `SPLITS` a row."""
        return np.array(self._splits, dtype=np.uint8)


class People(Seen):
    """Whose each row is, with 8 bytes more a row: copies of a card (`mira.2`) are one person."""

    def __init__(self) -> None:
        super().__init__()
        self._originals = array("q")

    def add(self, value: object, sample: Sample) -> None:
        """Take note of a row's persona, and of the one that it may be a numbered copy of."""
        super().add(value, sample)
        self._originals.append(hash(_COPY.sub("", str(value))))

    @property
    def values(self) -> Hashes:
        """One hash a row: the original's where that one occurs too."""
        own, originals = super().values, as_hashes(self._originals)
        return np.where(np.isin(originals, own), originals, own)


def as_hashes(values: "array[int]") -> Hashes:
    """The same numbers as numpy holds them."""
    # A copy: what a view shares with an array keeps that from growing.
    return np.array(values, dtype=np.int64)


def again(values: Hashes) -> Rows:
    """Which values have stood before."""
    found = np.ones(len(values), np.bool_)
    found[np.unique(values, return_index=True)[1]] = False
    return found


def elsewhere(values: Hashes, splits: NDArray[np.uint8]) -> Rows:
    """Which values have stood first in another split."""
    _, first, of = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(splits != splits[first][of], np.bool_)
