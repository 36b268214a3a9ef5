"""The judge between two: which of two replies, or of two dialogues, helped this person more.

The reason comes before the verdict. Whoever calls it asks in both orders: judges prefer places.
"""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import field_validator

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import Prompt, PromptFile, block, flatten
from attunement.core.records import Record, Utterance

_SAID = re.compile(
    r"\W*(?:(?:the )?(?:winner|reply|response|supporter|assistant|dialogue|option)(?: is)?[\s:_]+)?"
    r"(?:(a|b)|(?:it'?s |it is )?(?:a |the )?tie)\W*",
    re.IGNORECASE,
)


class Choice(Record):
    """Which of two helps more."""

    reason: str
    winner: Literal["A", "B", "tie"]

    @field_validator("winner", mode="before")
    @classmethod
    def _as_said(cls, value: object) -> object:
        """`Reply A`, `supporter b`, `Tie`: as models say it."""
        said = _SAID.fullmatch(value) if isinstance(value, str) else None
        if said is None:  # prose that holds a name is no verdict for it
            return value
        return said[1].upper() if said[1] else "tie"


def comparing_prompt(
    prompt: PromptFile,
    context: Sequence[Utterance],
    first: Sequence[Utterance],
    second: Sequence[Utterance],
) -> Prompt:
    """The request: two replies to the same words, or without a context two whole dialogues."""
    if context:
        user = prompt.section(
            "reply",
            dialogue=flatten(context),
            first=block("reply_a", first[0].text),
            second=block("reply_b", second[0].text),
        )
    else:
        user = prompt.section("dialogue", first=flatten(first), second=flatten(second))
    system = prompt.section("system")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return Prompt(messages, prompt.version)


async def compare(
    chat: Chat,
    context: Sequence[Utterance],
    first: Sequence[Utterance],
    second: Sequence[Utterance],
) -> Choice:
    """Which of two is better. `AnswerError` if no choice can be read."""
    return await ask_record(chat, comparing_prompt(chat.prompt, context, first, second), Choice)
