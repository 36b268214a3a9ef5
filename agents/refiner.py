"""The refiner: the draft made to fit the person whom the reflection describes."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import block, flatten
from attunement.core.records import Reflection, Reply, Utterance


async def refine(
    chat: Chat, dialogue: Sequence[Utterance], reflection: Reflection, draft: Reply
) -> Reply:
    """Refine `draft` (recipe A, step 3). `AnswerError` if no refined reply can be read."""
    prompt = chat.prompt.chat(
        dialogue=flatten(dialogue),
        reflection=block("reflection", render(reflection)),
        strategy=draft.strategy or "none given",
        draft=block("draft", draft.text),
    )
    return await ask_record(chat, prompt, Reply)


def render(reflection: Reflection) -> str:
    """A reflection in plain lines."""
    traits = ", ".join(f"{level} {trait}" for trait, level in reflection.personality if level)
    lines = [
        f"Who: {reflection.who}",
        f"Personality: {traits or 'no sign yet'}",
        f"Feels: {reflection.emotion}, strength {reflection.intensity} of 5",
        f"Situation: {reflection.situation}",
        "Needs:",
        *(f"- {need}" for need in reflection.needs),
        "Cannot bear:",
        *(f"- {thing}" for thing in reflection.avoid),
    ]
    return "\n".join(lines)
