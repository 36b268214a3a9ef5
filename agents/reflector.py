"""The reflector: who the seeker is and how they are, inferred from the public dialogue alone."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import flatten
from attunement.core.records import Reflection, Utterance


async def reflect(chat: Chat, dialogue: Sequence[Utterance]) -> Reflection:
    """Infer profile, state and needs (recipe A, step 2). It sees neither persona nor draft."""
    return await ask_record(chat, chat.prompt.chat(dialogue=flatten(dialogue)), Reflection)
