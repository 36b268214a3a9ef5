"""The tasks that models are trained for: what each set's model is asked, and what it has to say.

Prompts are those that the trained model will be asked with, in the agents' own words.
"""

from collections.abc import Mapping, Sequence

from attunement.agents.joint import joint_prompt
from attunement.agents.planner import name_prompt
from attunement.agents.prompting import Prompt, PromptFile
from attunement.agents.responder import reply_prompt
from attunement.core.records import Reply, Role, Utterance
from attunement.core.strategies import Strategy, joined
from attunement.trainers.corpora.rows import SetName

Prompts = Mapping[Role, PromptFile]
WITH_STRATEGY: tuple[SetName, ...] = (
    "strategy", "joint", "sft_planner", "sft_responder", "sft_joint",
)  # fmt: skip
"""Sets that need a reply's strategy."""


def task_prompt(
    name: SetName,
    prompts: Prompts,
    heard: Sequence[Utterance],
    strategy: Strategy | None = None,
) -> Prompt:
    """The prompt of a set's model for the next reply to what was heard.

    `strategy` is named to a responder in the system prompt (recipe B); where it is None, or for a
    `direct` model, the prompt is the plain task prompt.
    """
    if name in ("strategy", "sft_planner"):
        return name_prompt(prompts["planner"], heard)
    if name in ("joint", "sft_joint"):
        return joint_prompt(prompts["joint"], heard)
    return reply_prompt(prompts["responder"], heard, strategy, place="system")


def spoken_as(name: SetName, reply: Reply) -> str:
    """What a set's model has to say for a reply; one in `WITH_STRATEGY` must have a strategy."""
    if name not in WITH_STRATEGY or name == "sft_responder":
        return reply.text
    assert reply.strategy is not None, name
    named = name in ("strategy", "sft_planner")
    return reply.strategy.value if named else joined(reply.strategy, reply.text)
