"""Ratings and preferences that people gave, as a table of their own holds them.

    ratings = read_ratings(Path("ratings.csv"))

One row a judgement, as CSV (comma, semicolon or tab), JSON or JSON lines; order and case of the
columns do not matter:

    dialogue_id,turn,rater,name,value,side
    000000-ada,2,anna,empathy,4,refined
    000000-ada,2,anna,preferred over draft,0.5,refined
    000000-ada,,ben,empathy,,

`dialogue_id`, `rater`, `name` and `value` must be there, `turn`, `side` and `seed` (of the run)
may. No turn, or 0: the whole dialogue. No value: the person gave none, which is kept as missing. A
preference is 1 for its side, 0 for the other, 0.5 for a tie; marks are on the judges' own scales.
No `seed` will do where the dialogue stands in one run of the system only.
"""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from attunement.core.errors import UserError, unknown
from attunement.core.records import Record, Side
from attunement.evaluation.judges.marks import TOPS
from attunement.personas.checking import first_problem
from attunement.personas.files import json_values, read_text
from attunement.simulator.matching import PREFERRED, WHOLE
from attunement.simulator.rating import SCALES, Rated, mark_name

_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class HumanRating(Record):
    """One judgement by one person."""

    dialogue_id: _Word
    turn: Annotated[int, Field(ge=0)] = WHOLE
    """0 is the whole dialogue."""
    rater: _Word
    name: _Word
    """What was judged, in lower case: `empathy`, `preferred over draft`."""
    value: float | None
    """None: the person gave no answer; it enters no mean."""
    side: Side | None = None
    """The reply that was judged; None for the whole dialogue, or where the row does not say."""
    seed: int | None = None
    """Of the run; None where the row does not say."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"`value` must be a number or empty, got {self.value!r}")
        if self.name.startswith(PREFERRED) and self.value not in (None, 0, 0.5, 1):
            raise ValueError(
                f"`value` of {self.name!r} must be 1, 0.5 (a tie) or 0, got {self.value:g}"
            )
        what, scale = self._scale
        if self.value is not None and scale in SCALES[what] and not 0 <= self.value <= TOPS[what]:
            raise ValueError(
                f"`value` of {scale!r} of a {what} must be 0 to {TOPS[what]}, got {self.value:g}"
            )
        if self.turn == WHOLE and self.side is not None:
            raise ValueError(f"`side` {self.side!r} needs a `turn`: a whole dialogue has no sides")
        return self

    @property
    def _scale(self) -> tuple[Rated, str]:
        """What is rated, and the name of the scale as judges know it."""
        what: Rated = "dialogue" if self.turn == WHOLE else "reply"
        return what, self.name.removeprefix(f"{what}: ")

    def verdict_name(self) -> str:
        """The name of the verdict: a preference's own, or a mark's as models give it.

        `UserError` for what no judge is asked.
        """
        if self.name.startswith(PREFERRED):
            return self.name
        what, scale = self._scale
        if scale not in SCALES[what]:
            known = (*SCALES[what], f"{PREFERRED}draft")
            raise UserError(f"of a {what}, " + unknown("rating", self.name, known))
        return mark_name(what, scale)

    @property
    def item(self) -> tuple[str, int, Side | None, int | None, str]:
        """What was judged; one person judges it once."""
        return self.dialogue_id, self.turn, self.side, self.seed, self.name

    @property
    def where(self) -> str:
        """The judged reply or dialogue in words, for messages."""
        if self.turn == WHOLE:
            return repr(self.dialogue_id)
        side = f", side {self.side}" if self.side else ""
        return f"{self.dialogue_id!r} turn {self.turn}{side}"

    @property
    def said(self) -> str:
        """Who rates what, in words."""
        return f"{self.rater!r} rates {self.name!r} of {self.where}"


def read_ratings(*paths: Path) -> tuple[HumanRating, ...]:
    """The judgements of some files, in their order; rows without a word in them are none.

    `UserError` with the line for a column or a cell that cannot be read, and where one person
    judges the same thing twice, be it in two of the files.
    """
    ratings: dict[tuple[object, ...], HumanRating] = {}
    places: dict[tuple[object, ...], str] = {}
    for path in paths:
        before = len(ratings)
        for place, cells in _rows(path):
            rating = _rating(cells, place)
            key = (rating.rater, *rating.item)
            if key in ratings:
                raise UserError(
                    f"{place}: {rating.said} a second time, after {places[key]}; leave one of "
                    "the two"
                )
            ratings[key], places[key] = rating, place
        if len(ratings) == before:
            raise UserError(f"`{path.name}` holds no ratings; give a file with at least one row")
    return tuple(ratings.values())


# ---- rows ---------------------------------------------------------------------------------------


class _Row(NamedTuple):
    place: str
    cells: Mapping[str, Any]
    """By the names of `HumanRating`; what is empty is left out."""


_KNOWN = tuple(HumanRating.model_fields)
_NEEDED = ("dialogue_id", "rater", "name", "value")


def _rows(path: Path) -> Iterator[_Row]:
    read = _from_json if path.suffix.lower() in (".json", ".jsonl") else _from_table
    for place, cells in read(path):
        filled = {name: cell for name, cell in cells.items() if cell not in (None, "")}
        if filled:
            yield _Row(place, filled)


def _from_json(path: Path) -> Iterator[_Row]:
    for number, value in enumerate(json_values(path, UserError), 1):
        place = f"`{path.name}`, row {number}"
        if not isinstance(value, dict):
            raise UserError(f'{place}: must be an object such as {{"dialogue_id": …}}')
        names = _columns(list(value), place)
        yield _Row(place, {n: _stripped(v) for n, v in zip(names, value.values(), strict=True)})


def _from_table(path: Path) -> Iterator[_Row]:
    text = read_text(path, UserError)
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        names = _columns(next(rows, []), f"`{path.name}`, line 1")
        for cells in rows:
            place = f"`{path.name}`, line {rows.line_num}"
            if len(cells) > len(names) and any(map(str.strip, cells[len(names) :])):
                raise UserError(f"{place}: {len(cells)} cells under {len(names)} columns")
            yield _Row(place, dict(zip(names, map(str.strip, cells), strict=False)))
    except csv.Error as error:
        raise UserError(f"`{path.name}`, line {rows.line_num}: {error}") from None


def _columns(given: Sequence[str], place: str) -> list[str]:
    """The columns' names as the record has them; `UserError` for others, twins and missing ones."""
    names = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in given]
    for name, shown in zip(names, given, strict=True):
        if name not in _KNOWN:
            raise UserError(f"{place}: {unknown('column', shown.strip(), _KNOWN)}")
        if names.count(name) > 1:
            raise UserError(f"{place}: two columns are named {name!r}")
    if missing := [name for name in _NEEDED if name not in names]:
        raise UserError(f"{place}: no column {missing[0]!r}; needed: {', '.join(_NEEDED)}")
    return names


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


_WHOLE_NUMBER = re.compile(r"(-?\d+)\.0+")
"""As tables write a column of numbers in which some cells are empty."""
_COMMA = re.compile(r"(-?\d+),(\d{1,2})")


def _rating(cells: Mapping[str, Any], place: str) -> HumanRating:
    fields = {"value": None, **cells}
    if isinstance(fields["value"], bool):
        raise UserError(f"{place}: `value` must be a number, got {fields['value']!r}")
    for name in ("dialogue_id", "rater"):  # a bare number is a name, too
        if isinstance(fields.get(name), int | float):
            fields[name] = str(fields[name])
    for name in ("name", "side"):
        if isinstance(fields.get(name), str):
            fields[name] = " ".join(fields[name].lower().split())
    for name in ("turn", "seed"):
        if isinstance(fields.get(name), str):
            fields[name] = _WHOLE_NUMBER.sub(r"\1", fields[name])
    if isinstance(fields["value"], str):
        fields["value"] = _COMMA.sub(r"\1.\2", fields["value"])
    try:
        return HumanRating.model_validate(fields)
    except ValidationError as error:
        loc, sentence = first_problem(error)
        named = f"`{loc[0]}`: " if loc else ""
        raise UserError(f"{place}: {named}{sentence}") from None
