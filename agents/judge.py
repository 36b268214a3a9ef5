"""The judge: which psychological errors a supporter's reply shows, one reply at a time.

It is not told who wrote the reply, and sees no other one beside it: there is no order to prefer.
"""

from collections.abc import Sequence
from typing import Self

from pydantic import field_validator, model_validator

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import Prompt, PromptFile, block, flatten
from attunement.core.psychology import DEFINITIONS, PsychologicalError
from attunement.core.records import Record, Reply, Utterance


class Found(Record):
    """An error that a reply shows."""

    error: PsychologicalError
    explanation: str = ""
    """Why; never empty for `Other`."""

    @model_validator(mode="after")
    def _other_says_why(self) -> Self:
        if self.error is PsychologicalError.OTHER and not self.explanation.strip():
            raise ValueError("`explanation` must say what is wrong where `error` is 'Other'")
        return self


class ErrorLabels(Record):
    """The errors of one reply, none of them twice; an empty list where it shows none."""

    errors: tuple[Found, ...]

    @field_validator("errors")
    @classmethod
    def _once(cls, errors: tuple[Found, ...]) -> tuple[Found, ...]:
        return tuple({found.error: found for found in reversed(errors)}.values())[::-1]


def label_prompt(prompt: PromptFile, dialogue: Sequence[Utterance], reply: Reply) -> Prompt:
    """The request for one reply's errors: the public dialogue, the reply, and what is an error."""
    return prompt.chat(
        errors="\n".join(f"- {name}: {what}." for name, what in DEFINITIONS.items()),
        dialogue=flatten([line for line in dialogue if line.text.strip()]),
        strategy=reply.strategy or "not known",
        reply=block("reply", reply.text),
    )


async def label_errors(chat: Chat, dialogue: Sequence[Utterance], reply: Reply) -> ErrorLabels:
    """Name the errors of `reply` to the public dialogue. `AnswerError` if none can be read."""
    return await ask_record(chat, label_prompt(chat.prompt, dialogue, reply), ErrorLabels)
