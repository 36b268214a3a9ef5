"""The strategy planner: which kind of help the next reply should give."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_record
from attunement.agents.prompting import Prompt, PromptFile, flatten
from attunement.agents.reading import plain_text
from attunement.core.errors import AnswerError, UserError
from attunement.core.records import Plan, Utterance
from attunement.core.strategies import Stage, Strategy, parse_strategy


class StagedPlan(Plan):
    """What the planner is asked for: a plan with its stage."""

    stage: Stage


async def plan(chat: Chat, dialogue: Sequence[Utterance]) -> Plan:
    """Plan the next reply from the public dialogue. `AnswerError` if no plan can be read."""
    found = await ask_record(chat, chat.prompt.chat(dialogue=flatten(dialogue)), StagedPlan)
    return Plan(stage=found.stage, strategy=found.strategy, reason=found.reason)


def name_prompt(prompt: PromptFile, dialogue: Sequence[Utterance]) -> Prompt:
    """The request for a strategy's bare name: one user message with the flattened dialogue.

    Recipe B trains its planner on it, and training corpora hold the same message.
    """
    content = prompt.section("name", dialogue=flatten(dialogue))
    return Prompt([{"role": "user", "content": content}], prompt.version)


async def name_strategy(chat: Chat, dialogue: Sequence[Utterance]) -> Strategy:
    """Sample the next reply's strategy once, as recipe B does: an answer is not asked again.

    Raises `AnswerError` where the sample is none of the eight.
    """
    text = plain_text((await chat(name_prompt(chat.prompt, dialogue))).text)
    try:
        return parse_strategy(text.strip(" \n\"'`*.[]"))
    except UserError:
        raise AnswerError(f"the sample is none of the eight strategies: {text[:60]!r}") from None
