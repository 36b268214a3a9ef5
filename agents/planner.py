"""The strategy planner: which kind of help the next reply should give."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import flatten
from attunement.core.records import Plan, Utterance


async def plan(chat: Chat, dialogue: Sequence[Utterance]) -> Plan:
    """Plan the next reply from the public dialogue. `AnswerError` if no plan can be read."""
    return await ask_record(chat, chat.prompt.chat(dialogue=flatten(dialogue)), Plan)
