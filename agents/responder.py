"""The responder: the next reply, with a plan or, as the plain task, without one."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_text
from attunement.agents.prompting import Prompt, as_chat
from attunement.core.records import Plan, Reply, Utterance


async def respond(chat: Chat, dialogue: Sequence[Utterance], plan: Plan | None) -> Reply:
    """Write the next reply; with a plan, the system prompt ends with its strategy (recipe B)."""
    system = chat.prompt.section("system")
    if plan:
        system += chat.prompt.section("strategy", strategy=plan.strategy)
    messages = [{"role": "system", "content": system}, *as_chat(dialogue)]
    text = await ask_text(chat, Prompt(messages, chat.prompt.version))
    return Reply(text=text, strategy=plan.strategy if plan else None)
