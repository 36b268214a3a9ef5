"""The joint model: strategy and reply in one answer, recipe B's entangled baseline."""

import re
from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_text
from attunement.agents.prompting import Prompt, PromptFile, as_chat
from attunement.core.records import Utterance
from attunement.core.strategies import Strategy

_TAG = re.compile(rf"\s*\[({'|'.join(map(re.escape, Strategy))})\]\s*", re.IGNORECASE)


def joint_prompt(prompt: PromptFile, dialogue: Sequence[Utterance]) -> Prompt:
    """The request for `[Strategy] reply`. Training corpora hold the same messages."""
    system = {"role": "system", "content": prompt.section("system")}
    return Prompt([system, *as_chat(dialogue)], prompt.version)


async def speak_jointly(chat: Chat, dialogue: Sequence[Utterance]) -> str:
    """Sample strategy and reply as one text. `AnswerError` or `CutError` where there is none."""
    return await ask_text(chat, joint_prompt(chat.prompt, dialogue))


def joined(strategy: Strategy, text: str) -> str:
    """A strategy and a reply as one text: `[Strategy] reply`."""
    return f"[{strategy}] {text}"


def split_joint(text: str) -> tuple[Strategy | None, str]:
    """The strategy of a leading tag, if it is one of the eight, and the reply without it.

    Only a leading tag is one: replies may hold brackets of their own.
    """
    found = _TAG.match(text)
    if not found:
        return None, text
    by_name = {strategy.lower(): strategy for strategy in Strategy}
    return by_name[found[1].lower()], text[found.end() :]
