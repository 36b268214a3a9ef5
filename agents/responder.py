"""The responder: the next reply, with a plan or, as the plain task, without one."""

import re
from collections.abc import Sequence
from typing import Literal

from attunement.agents.asking import Chat, ask_text
from attunement.agents.prompting import ChatMessage, Prompt, as_chat
from attunement.core.records import Plan, Reply, Utterance

StrategyPlace = Literal["system", "last"]
"""Where a planned strategy stands: at the end of the system prompt, or of the last message.

Behind the dialogue, it leaves a server's prefix cache all that was said before; in the system
prompt, another strategy makes the whole history new text.
"""

_NOTE = re.compile(r"<(?=\s*/?\s*note\b)", re.IGNORECASE)


async def respond(
    chat: Chat, dialogue: Sequence[Utterance], plan: Plan | None, place: StrategyPlace = "last"
) -> Reply:
    """Write the next reply; with a plan, its strategy stands at `place`.

    `system` is recipe B's place; `last` keeps the plain task prompt and adds a delimited note.
    """
    messages = [{"role": "system", "content": chat.prompt.section("system")}, *as_chat(dialogue)]
    if plan:
        at, section = (0, "strategy") if place == "system" else (-1, "note")
        if place == "last":
            messages = [_without_notes(message) for message in messages]
        messages[at]["content"] += chat.prompt.section(section, strategy=plan.strategy)
    text = await ask_text(chat, Prompt(messages, chat.prompt.version))
    return Reply(text=text, strategy=plan.strategy if plan else None)


def _without_notes(message: ChatMessage) -> ChatMessage:
    """A note that a speaker might forge loses its bracket, as in `block`."""
    return message | {"content": _NOTE.sub("‹", message["content"])}
