"""`rehearsal`: the embedded simulator, rule-based speakers behind the chat interface.

An agenda-based user simulator (Schatzmann et al. 2007) as the seeker, rule-based supporter roles,
and a rule-based judge. It works from the rendered prompts as any model does, needs no download, and
is deterministic in messages and seed. It is for trying things, tests and benchmarks; it makes no
claim about people.
"""

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend
from attunement.agents.models.rehearsal_judge import name_errors
from attunement.agents.models.rehearsal_seeker import speak_as_seeker
from attunement.agents.models.rehearsal_supporter import SUPPORTER


class RehearsalChat(ChatBackend):
    """The embedded simulator as a chat model."""

    waits = False

    @property
    def spec(self) -> str:
        return "rehearsal"

    async def capabilities(self) -> Capabilities:
        return Capabilities(structured="json_schema", seeds=True, logprobs=False, usage=True)

    async def answer(self, ask: Ask) -> Answer:
        text = _SPEAK[ask.role](ask.messages, ask.seed)
        return Answer(text, sum(len(m["content"]) for m in ask.messages) // 4, len(text) // 4)


_SPEAK = {**SUPPORTER, "seeker": speak_as_seeker, "judge": name_errors}
