"""The judge with a scale: a reply on recipe B's four dimensions, a dialogue on ESC-Eval's seven.

Each is rated alone, the reason before the numbers, by a judge that is not told who wrote it.
Sources: arXiv 2505.16995 (0 to 5), ESC-Eval, arXiv 2406.14952 (0 to 4).
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import Prompt, PromptFile, block, flatten
from attunement.core.records import Record, Reply, Utterance

REPLY_SCALES: Mapping[str, str] = {
    "fluency": "the reply reads like natural, correct language and hangs together",
    "professionalism": "it keeps to what a trained supporter would do: no harm, no judging, no "
    "diagnosis, the right kind of help at this point of the talk",
    "empathy": "it shows that the person's feeling and its cause were understood",
    "helpfulness": "it brings this person a step further",
}
REPLY_TOP = 5
DIALOGUE_SCALES: Mapping[str, str] = {
    "fluency": "the supporter's lines read like natural language and follow from what was said",
    "diversity": "they vary in form and content, without stock phrases again and again",
    "empathy": "they show that the person's feelings and their causes were understood",
    "information": "suggestions are given where they are wanted, and are sound and enough",
    "humanoid": "the supporter sounds like a human being, not like a program",
    "skill": "the supporter has the skills of emotional support: asking, reflecting, timing",
    "overall": "how good the support was for this person, all in all",
}
DIALOGUE_TOP = 4

_Five = Annotated[int, Field(ge=0, le=REPLY_TOP)] | None
_Four = Annotated[int, Field(ge=0, le=DIALOGUE_TOP)] | None


class ReplyRating(Record):
    """A reply's marks, 0 to 5; None where there was nothing to judge by."""

    reason: str
    fluency: _Five
    professionalism: _Five
    empathy: _Five
    helpfulness: _Five


class DialogueRating(Record):
    """A supporter's marks for a whole dialogue, 0 to 4."""

    reason: str
    fluency: _Four
    diversity: _Four
    empathy: _Four
    information: _Four
    humanoid: _Four
    skill: _Four
    overall: _Four


def reply_rating_prompt(prompt: PromptFile, dialogue: Sequence[Utterance], reply: Reply) -> Prompt:
    """The request for a reply's marks: the public dialogue, the reply, and the scales."""
    what = "one reply of a supporter in a talk with a person who seeks emotional support"
    lines = flatten([line for line in dialogue if line.text.strip()])
    user = prompt.section("reply", dialogue=lines, reply=block("reply", reply.text))
    return _prompt(prompt, what, REPLY_SCALES, REPLY_TOP, user)


def dialogue_rating_prompt(prompt: PromptFile, dialogue: Sequence[Utterance]) -> Prompt:
    """The request for a dialogue's marks."""
    what = "the supporter in a talk with a person who seeks emotional support"
    user = prompt.section("dialogue", dialogue=flatten(dialogue))
    return _prompt(prompt, what, DIALOGUE_SCALES, DIALOGUE_TOP, user)


def _prompt(
    prompt: PromptFile, what: str, scales: Mapping[str, str], top: int, user: str
) -> Prompt:
    system = prompt.section(
        "system",
        what=what,
        count=str(len(scales)),
        top=str(top),
        scales="\n".join(f"- {name}: {says}." for name, says in scales.items()),
        fields=",\n ".join(f'"{name}": 0 to {top}' for name in scales),
    )
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return Prompt(messages, prompt.version)


async def rate_reply(chat: Chat, dialogue: Sequence[Utterance], reply: Reply) -> ReplyRating:
    """Rate a reply to the public dialogue. `AnswerError` if no marks can be read."""
    return await ask_record(chat, reply_rating_prompt(chat.prompt, dialogue, reply), ReplyRating)


async def rate_dialogue(chat: Chat, dialogue: Sequence[Utterance]) -> DialogueRating:
    """Rate the supporter of a whole dialogue. `AnswerError` if no marks can be read."""
    return await ask_record(chat, dialogue_rating_prompt(chat.prompt, dialogue), DialogueRating)
