"""Who takes part in a run: personas sampled or read, recordings to replay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attunement.core.errors import RecordingError
from attunement.core.records import Persona, Utterance
from attunement.graphs.state import supporter_turns
from attunement.personas.cards import library, load_personas
from attunement.personas.importers import from_recording
from attunement.personas.preprocessing import prepare
from attunement.personas.recorded import read_recordings
from attunement.personas.sampling import sample
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import open_row
from attunement.simulator.writer import Row

DOZEN = 12
"""Dialogues of a run that names neither personas nor a number."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The seekers of a run: who, in which order, and in replay what they said."""

    personas: Sequence[Persona]
    order: Sequence[int]
    """For each dialogue the place of its persona in `personas`."""
    recordings: Sequence[Sequence[Utterance]] | None = None
    """In replay: one a persona, speakers alternating, with at least one supporter turn."""
    skipped: int = 0
    """Recorded dialogues left out, because they never reach a supporter turn."""

    def rows(self) -> Iterator[Row]:
        """The journal's rows of the dialogues, in order."""
        for index, position in enumerate(self.order):
            recorded = self.recordings[position] if self.recordings else None
            yield open_row(index, f"{index:06d}-{self.personas[position].id}", position, recorded)


def cast_for(config: RunConfig) -> Cast:
    """The cast that a configuration asks for. `UserError` for files that cannot be used."""
    return _replay_cast(config) if config.replay is not None else _live_cast(config)


def _live_cast(config: RunConfig) -> Cast:
    personas = load_personas(config.personas) if config.personas else library()
    if config.personas and config.dialogues is None:
        return Cast(personas, range(len(personas)))
    place = {persona.id: position for position, persona in enumerate(personas)}
    chosen = sample(personas, config.dialogues or DOZEN, config.seed)
    return Cast(personas, [place[persona.id] for persona in chosen])


def _replay_cast(config: RunConfig) -> Cast:
    path = Path(config.replay or "")
    personas, recordings, skipped = [], [], 0
    for recording in read_recordings(path):
        lines = prepare(recording.utterances, config.preprocessing)
        if not supporter_turns(lines):
            skipped += 1
            continue
        personas.append(from_recording(recording, config.seed))
        recordings.append(lines)
        if len(personas) == config.dialogues:
            break
    if not personas:
        raise RecordingError(
            f"{str(path)!r}: none of its {skipped} dialogues reaches a supporter turn that has "
            "an earlier seeker turn; there is nothing to replay"
        )
    return Cast(personas, range(len(personas)), recordings, skipped)
