"""Asking a model: the interface that roles see, and structured answers with re-asks."""

from typing import Protocol, TypeVar

from attunement.agents.models.base import Answer
from attunement.agents.prompting import Prompt, PromptFile
from attunement.agents.reading import ReadingError, plain_text, read_record
from attunement.core.errors import AnswerError, CutError
from attunement.core.records import Record

MAX_ATTEMPTS = 3
"""Attempts in all for an answer that can be read (recipe A)."""

AnyRecord = TypeVar("AnyRecord", bound=Record)
_CUT = "the answer was cut off at `max_tokens`"


class Chat(Protocol):
    """One role's line to its model, at one turn of one dialogue."""

    prompt: PromptFile
    """The role's prompt file as this run uses it."""

    async def __call__(
        self, prompt: Prompt, *, attempt: int = 1, schema: type[Record] | None = None
    ) -> Answer:
        """Send one request and return what came. `ModelError` if it fails for good."""
        ...


async def ask_text(chat: Chat, prompt: Prompt) -> str:
    """A plain answer; one that is empty or was cut off is asked again.

    Raises `CutError` with what there is after `MAX_ATTEMPTS` attempts, `AnswerError` if nothing.
    """
    cut = ""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        answer = await chat(prompt, attempt=attempt)
        text = plain_text(answer.text)
        if text and not answer.cut:
            return text
        cut = text or cut
    if cut:
        raise CutError(f"{_CUT} in {MAX_ATTEMPTS} attempts; raise it", cut)
    raise AnswerError(f"empty answer in {MAX_ATTEMPTS} attempts")


async def ask_record(chat: Chat, prompt: Prompt, record: type[AnyRecord]) -> AnyRecord:
    """An answer read as `record`; one that cannot be read is asked again with the error.

    Raises `AnswerError` with the last reason after `MAX_ATTEMPTS` attempts.
    """
    messages = prompt.messages
    for attempt in range(1, MAX_ATTEMPTS + 1):
        answer = await chat(Prompt(messages, prompt.version), attempt=attempt, schema=record)
        try:
            return read_record(answer.text, record)
        except ReadingError as error:
            why = f"{_CUT} before its JSON was complete" if answer.cut else str(error)
        messages = [
            *prompt.messages,
            {"role": "assistant", "content": answer.text},
            {"role": "user", "content": f"That cannot be used: {why}. The JSON object only."},
        ]
    raise AnswerError(f"no readable {record.__name__} in {MAX_ATTEMPTS} attempts: {why}")
