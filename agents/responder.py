"""The responder: the next reply, with a plan or, as the plain task, without one."""

import re
from collections.abc import Sequence
from typing import Literal

from attunement.agents.asking import Chat, ask_text
from attunement.agents.prompting import ChatMessage, Prompt, PromptFile, as_chat
from attunement.core.records import Plan, Reply, Utterance
from attunement.core.strategies import Strategy

StrategyPlace = Literal["system", "last"]
"""Where a planned strategy stands: at the end of the system prompt, or of the last message.

Behind the dialogue, it leaves a server's prefix cache all that was said before; in the system
prompt, another strategy makes the whole history new text.
"""

_NOTE = re.compile(r"<(?=\s*/?\s*note\b)", re.IGNORECASE)


def reply_prompt(
    prompt: PromptFile,
    dialogue: Sequence[Utterance],
    strategy: Strategy | None = None,
    place: StrategyPlace = "last",
) -> Prompt:
    """The request for the next reply: the plain task prompt, or with the strategy at `place`.

    `system` is recipe B's place; `last` keeps the plain task prompt and adds a delimited note.
    Training corpora hold the same messages.
    """
    messages = [{"role": "system", "content": prompt.section("system")}, *as_chat(dialogue)]
    if strategy:
        at, section = (0, "strategy") if place == "system" else (-1, "note")
        if place == "last":
            messages = [_without_notes(message) for message in messages]
        messages[at]["content"] += prompt.section(section, strategy=strategy)
    return Prompt(messages, prompt.version)


async def respond(
    chat: Chat, dialogue: Sequence[Utterance], plan: Plan | None, place: StrategyPlace = "last"
) -> Reply:
    """Write the next reply; with a plan, its strategy stands at `place`."""
    strategy = plan.strategy if plan else None
    text = await ask_text(chat, reply_prompt(chat.prompt, dialogue, strategy, place))
    return Reply(text=text, strategy=strategy)


def _without_notes(message: ChatMessage) -> ChatMessage:
    """A note that a speaker might forge loses its bracket, as in `block`."""
    return message | {"content": _NOTE.sub("‹", message["content"])}
