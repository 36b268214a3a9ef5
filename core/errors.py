"""The errors of Attunement: one class per boundary.

A message reads: name in backticks, value with `!r`, then what to do next.
`UserError` and its children end a verb with exit code 2 and one sentence; everything else that is
an `AttunementError` ends it with 1.
"""

from collections.abc import Iterable


class AttunementError(Exception):
    """Root of all errors that this package raises on purpose."""


class UserError(AttunementError, ValueError):
    """Input that the caller can mend: an option, a file, a name."""


class PersonaError(UserError):
    """A persona card or table that cannot be read; names file, line and field where known."""


class RecordingError(UserError):
    """A file of recorded dialogues that cannot be read or holds nothing to replay."""


class ConfigError(UserError):
    """A run configuration that does not hold together."""


class RunFolderError(UserError):
    """A run folder that is missing, exists already, is in use or has another version."""


class ModelError(AttunementError):
    """A model call that failed for good: the backend's own retries are used up."""

    def __init__(self, message: str, tries: int = 1) -> None:
        super().__init__(message)
        self.tries = tries
        """Times that the request was sent."""


class AnswerError(AttunementError):
    """A model answered, but not with the record that the role needs, in any attempt."""


class CutError(AnswerError):
    """A plain answer ran into `max_tokens` in every attempt; `text` is what there is of it."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


class StoppedError(AttunementError):
    """The run is to stop, and this call had not been sent or was between two tries."""


class JournalError(AttunementError):
    """The journal could not be written (full disk, lost database); nothing after it was used."""


class TrainingError(AttunementError):
    """A training that cannot go on: a loss that is no number, no memory left, a full disk."""


def unknown(kind: str, name: object, known: Iterable[object]) -> str:
    """One sentence for a name that is not in a closed list, with the known ones."""
    return f"unknown {kind} {str(name)!r}; known: {', '.join(str(k) for k in known)}"
