"""Asking a model: the interface that roles see, and structured answers with re-asks."""

from typing import Protocol, TypeVar

from pydantic import ValidationError

from attunement.agents.prompting import Prompt, PromptFile
from attunement.core.errors import AnswerError
from attunement.core.records import Record

MAX_ATTEMPTS = 3
"""Attempts in all for an answer that can be read (recipe A)."""

AnyRecord = TypeVar("AnyRecord", bound=Record)


class Chat(Protocol):
    """One role's line to its model, at one turn of one dialogue."""

    prompt: PromptFile
    """The role's prompt file as this run uses it."""

    async def __call__(
        self, prompt: Prompt, *, attempt: int = 1, schema: type[Record] | None = None
    ) -> str:
        """Send one request and return the answer's text. `ModelError` if it fails for good."""
        ...


async def ask_text(chat: Chat, prompt: Prompt) -> str:
    """A plain answer, stripped; an empty one is asked again. `AnswerError` if it stays empty."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        if text := (await chat(prompt, attempt=attempt)).strip():
            return text
    raise AnswerError(f"empty answer in {MAX_ATTEMPTS} attempts")


async def ask_record(chat: Chat, prompt: Prompt, record: type[AnyRecord]) -> AnyRecord:
    """An answer read as `record`; one that cannot be read is asked again with the error.

    Raises `AnswerError` with the last reason after `MAX_ATTEMPTS` attempts.
    """
    messages = prompt.messages
    for attempt in range(1, MAX_ATTEMPTS + 1):
        text = await chat(Prompt(messages, prompt.version), attempt=attempt, schema=record)
        try:
            return read_record(text, record)
        except ValidationError as error:
            why = explain(error)
        messages = [
            *prompt.messages,
            {"role": "assistant", "content": text},
            {"role": "user", "content": f"That cannot be used: {why}. The JSON object only."},
        ]
    raise AnswerError(f"no readable {record.__name__} in {MAX_ATTEMPTS} attempts: {why}")


def read_record(text: str, record: type[AnyRecord]) -> AnyRecord:
    """Read the JSON object in `text`, alone or among other words. `ValidationError` if it fails."""
    start, end = text.find("{"), text.rfind("}")
    return record.model_validate_json(text[start : end + 1] if 0 <= start < end else text)


def explain(error: ValidationError) -> str:
    """A validation error in one line: field, what is wrong, and what was there."""
    details = []
    for item in error.errors(include_url=False, include_context=False)[:4]:
        where = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if where and item["type"] != "missing" and not isinstance(item["input"], dict | list):
            message += f", got {str(item['input'])[:80]!r}"
        details.append(f"`{where}`: {message}" if where else message)
    return "; ".join(details)
