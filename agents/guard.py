"""The guard: crisis is found by rules first; a model may add to them, never take away."""

from collections.abc import Sequence

from attunement.agents.asking import Chat, ask_record
from attunement.agents.crisis import HAND_OFF, screen
from attunement.agents.prompting import flatten
from attunement.core.records import CrisisKind, Record, Reply, Risky, Utterance


class Watch(Record):
    """A guard model's answer."""

    crisis: bool
    kind: CrisisKind | None = None
    evidence: str = ""


async def guard(chat: Chat | None, dialogue: Sequence[Utterance]) -> Risky:
    """Screen the seeker's last line with the rules, then ask the model if there is one."""
    found = screen(dialogue[-1].text)
    if found.crisis or chat is None:
        return found
    watch = await ask_record(chat, chat.prompt.chat(dialogue=flatten(dialogue)), Watch)
    if not watch.crisis:
        return found
    return Risky(crisis=True, kind=watch.kind, evidence=watch.evidence, found_by="model")


def hand_off(found: Risky) -> Reply:
    """The reply to a crisis: plain words that lead to people who can help."""
    return Reply(text=HAND_OFF[found.kind])
