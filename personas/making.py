"""One card from what was read of it: the rest is drawn, and `source` says which is which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from attunement.core.errors import PersonaError
from attunement.core.records import Persona
from attunement.personas.checking import first_problem
from attunement.personas.drawing import Draw, complete
from attunement.personas.fields import nested, read_value, says_nothing
from attunement.personas.files import slug
from attunement.personas.preprocessing import merge_turns
from attunement.personas.recorded import Recording
from attunement.personas.tables import pluck


class Made(NamedTuple):
    """A card, and which of its fields were drawn or set to their neutral value."""

    persona: Persona
    drawn: tuple[str, ...]
    assumed: tuple[str, ...]


class Place(NamedTuple):
    """Where a row stands, for its id and for messages."""

    file: str
    row: int
    columns: Mapping[str, str]
    """Field -> the column or dotted path that it is read from."""

    @property
    def card_id(self) -> str:
        return f"{slug(Path(self.file).stem.lower())}-{self.row:04d}"

    def wrong(self, what: str, field: str = "") -> PersonaError:
        """The error to raise for this row, with its field and column where there is one."""
        column = self.columns.get(field, "")
        named = f", field `{field}`" if field else ""
        origin = f" (column `{column}`)" if column and column != field else ""
        advice = f"; mend the row, or pass --map {field}= to leave it out" if column else ""
        return PersonaError(f"`{self.file}`, row {self.row}{named}{origin}: {what}{advice}")


@dataclass(frozen=True)
class Maker:
    """Makes cards with one seed, and with the fields that are the same for all of them."""

    seed: int = 0
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def from_recording(self, recording: Recording) -> Made | None:
        """The card of a dialogue's seeker; None where the seeker says nothing."""
        said = [u.text for u in merge_turns(recording.utterances) if u.speaker == "seeker"]
        if not said:
            return None
        read = {
            "problem": recording.problem,
            # greetings come first: the longest of the first turns says why they came
            "situation": recording.situation or max(said[:3], key=len),
            "emotion": recording.emotion,
            "intensity": recording.intensity,
        }
        words = "" if recording.situation else " (situation: the seeker's first words)"
        origin = f"{recording.file}, dialogue {recording.id}{words}"
        read = {name: value for name, value in read.items() if value}
        return self._made(recording.id, read, origin, recording.licence)

    def from_row(self, row: Mapping[str, Any], place: Place) -> Made:
        """The card of a table's row; `PersonaError` names row, field and value."""
        read = self._read(row, place)
        try:
            origin = f"{place.file}, row {place.row}"
            return self._made(read.pop("id", place.card_id), read, origin)
        except ValidationError as error:
            loc, sentence = first_problem(error)
            names = [str(part) for part in loc if isinstance(part, str)]
            known = [name for name in names if name in place.columns]
            raise place.wrong(sentence, (known or names or [""])[-1]) from None

    def _read(self, row: Mapping[str, Any], place: Place) -> dict[str, Any]:
        read = {}
        for name, column in place.columns.items():
            cell = pluck(row, column)
            if name in self.fixed or says_nothing(cell):
                continue
            try:
                read[name] = read_value(name, cell)
            except ValueError as error:
                raise place.wrong(str(error), name) from None
        return read

    def _made(self, card_id: str, read: Mapping[str, Any], origin: str, licence: str = "") -> Made:
        done = complete(nested({**read, **self.fixed}), Draw(self.seed, card_id))
        said = {
            "read": [name for name in read if name not in self.fixed],
            "set": self.fixed,
            f"drawn with seed {self.seed}": done.drawn,
            "neutral": done.assumed,
        }
        notes = [f"{how}: {', '.join(names)}" for how, names in said.items() if names]
        source = "; ".join([origin, *notes])
        card = {"licence": licence, **done.card, "id": card_id, "source": source}
        card["drawn"] = (*done.drawn, *done.assumed)
        return Made(Persona.model_validate(card), done.drawn, done.assumed)
