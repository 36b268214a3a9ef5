"""`rehearsal`: the embedded simulator, rule-based speakers behind the chat interface.

An agenda-based user simulator (Schatzmann et al. 2007) as the seeker, rule-based supporter roles,
and a rule-based judge. It works from the rendered prompts as any model does, needs no download, and
is deterministic in messages and seed. It is for trying things, tests and benchmarks; it makes no
claim about people.
"""

from collections.abc import Callable, Mapping

from attunement.agents.comparing import Choice
from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend
from attunement.agents.models.rehearsal_judge import name_errors
from attunement.agents.models.rehearsal_marks import choose, mark_dialogue, mark_reply
from attunement.agents.models.rehearsal_seeker import speak_as_seeker
from attunement.agents.models.rehearsal_supporter import SUPPORTER, write_plan
from attunement.agents.planner import StagedPlan
from attunement.agents.prompting import ChatMessage
from attunement.agents.rating import DialogueRating, ReplyRating
from attunement.core.records import Record


class RehearsalChat(ChatBackend):
    """The embedded simulator as a chat model."""

    waits = False

    @property
    def spec(self) -> str:
        return "rehearsal"

    async def capabilities(self) -> Capabilities:
        return Capabilities(structured="json_schema", seeds=True, logprobs=False, usage=True)

    async def answer(self, ask: Ask) -> Answer:
        speak = _JUDGE.get(ask.schema) if ask.role == "judge" else None
        text = (speak or _SPEAK[ask.role])(ask.messages, ask.seed)
        return Answer(text, sum(len(m["content"]) for m in ask.messages) // 4, len(text) // 4)


_JUDGE: Mapping[type[Record] | None, Callable[[list[ChatMessage], int], str]] = {
    ReplyRating: mark_reply, DialogueRating: mark_dialogue, Choice: choose, StagedPlan: write_plan,
}  # fmt: skip
"""What a judge is asked for besides labels."""
_SPEAK = {**SUPPORTER, "seeker": speak_as_seeker, "judge": name_errors}
