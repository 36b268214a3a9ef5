"""From what others have to persona cards: recorded dialogues, and tables of role cards.

    attune personas import ESConv.json --out esconv.jsonl
    attune personas import cards.csv --map situation=story --set problem="job crisis" --out c.yaml

A dialogue gives problem, situation, emotion and intensity; a table gives every field that one of
its columns holds. What neither says is drawn by a seeded hash of the card's id, and `source` names
it. Columns are recognised by name (`fields.ALIASES`), also inside nested objects. A public table
of 500 Big Five personas, for example, is read by

    profile=persona                             age=profile.profile.demographics.age
    big_five=profile.profile.bigFiveTraits      gender=profile.profile.demographics.gender
    education=profile.profile.demographics.education
    occupation=profile.profile.demographics.employmentStatus
    living=profile.profile.demographics.socioeconomicStatus

which is what is recognised, so that no `--map` is needed. Its `bigFiveTraits` are five High/Low in
the order openness, conscientiousness, extraversion, agreeableness, neuroticism: where its free
texts call a trait high or low by name, 92 % (openness) to 100 % agree with that trait's place in
the list, and 35 to 66 % with any other place.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from attunement.core.errors import PersonaError
from attunement.core.records import Persona, Record
from attunement.personas.checking import field_name, first_problem, shown
from attunement.personas.fields import nested, read_value, says_nothing, target
from attunement.personas.files import json_values
from attunement.personas.making import Made, Maker, Place
from attunement.personas.recorded import Recording, read_recordings
from attunement.personas.shapes import is_recorded
from attunement.personas.tables import choose_columns, columns_of, not_read, read_rows


class Skipped(Record):
    """A row that became no card, and why."""

    row: int
    reason: str


class ImportReport(Record):
    """What an import read, drew and left out."""

    file: str
    rows: int
    """Rows of a table, or recorded dialogues, that were read."""
    cards: int
    columns: dict[str, str]
    """Field -> the column or path that it was read from (tables only)."""
    not_read: tuple[str, ...]
    """Columns that no field took (tables only)."""
    fixed: dict[str, str]
    """Fields that `--set` gave to every card."""
    drawn: dict[str, int]
    """Field -> in how many cards it was drawn."""
    assumed: dict[str, int]
    """Field -> in how many cards it is neutral, because a draw would contradict a text."""
    skipped: tuple[Skipped, ...]


class Imported(NamedTuple):
    """The cards of an import, and its report."""

    personas: tuple[Persona, ...]
    report: ImportReport


def from_recording(recording: Recording, seed: int = 0) -> Persona:
    """The card of a recorded dialogue's seeker; `PersonaError` where the seeker says nothing.

    A dialogue without a situation takes it from the seeker's first words.
    """
    try:
        made = Maker(seed).from_recording(recording)
    except ValidationError as error:
        loc, sentence = first_problem(error)
        where = f"`{recording.file}`, {recording.id}, field `{field_name(loc)}`"
        raise PersonaError(f"{where}: {sentence}") from None
    if made is None:
        raise PersonaError(f"`{recording.file}`, {recording.id}: the seeker says nothing")
    return made.persona


def import_personas(
    path: str | Path,
    *,
    seed: int = 0,
    limit: int | None = None,
    columns: Mapping[str, str] | None = None,
    fixed: Mapping[str, str] | None = None,
) -> Imported:
    """The cards of a file of recorded dialogues or of a table, at most `limit` rows of it.

    `columns` names the column or dotted path of a field, `fixed` gives one value to all cards.
    Raises `PersonaError` with row, field and value for a cell that no card can hold, and
    `RecordingError` for a dialogue that cannot be read.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise PersonaError(f"`limit` must be at least 1, got {limit}; pass --limit 10")
    maker = Maker(seed, _fixed(fixed or {}))
    if not _holds_recordings(path):
        return _import_table(path, limit, columns or {}, maker)
    if columns:
        raise PersonaError(f"`--map` is for tables, but `{path.name}` holds recorded dialogues")
    return _import_recordings(path, limit, maker)


def _holds_recordings(path: Path) -> bool:
    if path.suffix.lower() not in (".json", ".jsonl"):
        return False
    return is_recorded(next(json_values(path, PersonaError), None))


_ANYONE = {
    "id": "anyone", "problem": "other", "situation": "-", "emotion": "pain", "intensity": 3,
    "risk_detail": "-",
}  # fmt: skip
"""A card on which a single value can be tried."""


def _fixed(fixed: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, value in fixed.items():
        field = target(name, "--set")
        if field == "id":
            raise PersonaError("`--set id`: each card needs its own id; pass --map id=COLUMN")
        try:
            values[field] = read_value(field, value)
            Persona.model_validate(_ANYONE | nested({field: values[field]}))
        except ValidationError as error:
            raise PersonaError(f"`--set {name}`: {first_problem(error)[1]}") from None
        except ValueError as error:
            raise PersonaError(f"`--set {name}`: {error}") from None
    return values


def _import_recordings(path: Path, limit: int | None, maker: Maker) -> Imported:
    made, skipped = [], []
    for number, recording in enumerate(read_recordings(path, limit), 1):
        card = maker.from_recording(recording)
        if card is None:
            skipped.append(Skipped(row=number, reason="the seeker says nothing"))
        else:
            made.append(card)
    return _imported(path, made, skipped, maker)


def _import_table(
    path: Path, limit: int | None, wanted: Mapping[str, str], maker: Maker
) -> Imported:
    rows = list(islice(read_rows(path), limit))
    columns = columns_of(row for row in rows if isinstance(row, dict))
    chosen = choose_columns(columns, wanted)
    made, skipped = [], []
    for number, row in enumerate(rows, 1):
        if _is_empty(row):
            skipped.append(Skipped(row=number, reason="empty"))
        else:
            made.append(_from_row(row, Place(path.name, number, chosen), maker))
    _refuse_taken(made, path)
    return _imported(path, made, skipped, maker, chosen, not_read(columns, chosen.values()))


def _is_empty(row: Any) -> bool:
    return says_nothing(row) or (isinstance(row, dict) and all(map(says_nothing, row.values())))


def _from_row(row: Any, place: Place, maker: Maker) -> Made:
    if isinstance(row, str):  # a bare text is a row with a profile alone
        return maker.from_row({"profile": row}, place._replace(columns={"profile": "profile"}))
    if not isinstance(row, dict):
        raise place.wrong(f"must be an object or a text, got {shown(row)}")
    return maker.from_row(row, place)


def _refuse_taken(made: list[Made], path: Path) -> None:
    counts = Counter(m.persona.id for m in made)
    name, often = counts.most_common(1)[0] if counts else ("", 0)
    if often > 1:
        raise PersonaError(
            f"`{path.name}`, field `id`: {often} rows have the id {name!r}; "
            "pass --map id= to number the rows instead"
        )


def _imported(
    path: Path,
    made: list[Made],
    skipped: list[Skipped],
    maker: Maker,
    columns: Mapping[str, str] | None = None,
    unread: tuple[str, ...] = (),
) -> Imported:
    if not made:
        raise PersonaError(f"`{path.name}` holds no rows that become cards")
    report = ImportReport(
        file=path.name,
        rows=len(made) + len(skipped),
        cards=len(made),
        columns=dict(columns or {}),
        not_read=unread,
        fixed={name: str(value) for name, value in maker.fixed.items()},
        drawn=dict(Counter(name for m in made for name in m.drawn)),
        assumed=dict(Counter(name for m in made for name in m.assumed)),
        skipped=tuple(skipped),
    )
    return Imported(tuple(m.persona for m in made), report)
