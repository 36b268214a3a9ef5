"""The joint model: strategy and reply in one answer, recipe B's entangled baseline."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_text
from attunement.agents.prompting import Prompt, PromptFile, as_chat
from attunement.core.records import Utterance
from attunement.core.strategies import joined, split_joint

__all__ = ["joined", "joint_prompt", "speak_jointly", "split_joint"]


def joint_prompt(prompt: PromptFile, dialogue: Sequence[Utterance]) -> Prompt:
    """The request for `[Strategy] reply`. Training corpora hold the same messages."""
    system = {"role": "system", "content": prompt.section("system")}
    return Prompt([system, *as_chat(dialogue)], prompt.version)


async def speak_jointly(chat: Chat, dialogue: Sequence[Utterance]) -> str:
    """Sample strategy and reply as one text. `AnswerError` or `CutError` where there is none."""
    return await ask_text(chat, joint_prompt(chat.prompt, dialogue))
