"""The check for seekers in crisis: nobody should learn to reply where a person must step in."""

from attunement.agents.crisis import screen
from attunement.trainers.lint.checks import RowCheck, remembered
from attunement.trainers.lint.shapes import Sample

_OPEN = "<dialogue>\n"


class Crisis(RowCheck):
    """The rules of the guard over what the seeker says in the prompt."""

    name = "crisis"
    what = "prompts in which the seeker speaks of crisis"
    remedy = "Leave these dialogues out from that turn on, or have a person read them."

    def fault(self, sample: Sample) -> str | None:
        """The kind of crisis and the sentence that speaks of it."""
        for role, text in sample.prompt:
            if role not in ("user", "text"):
                continue
            lines = seeker_lines(text) if self.scope.kind == "strategy" else (text,)
            for line in lines:
                risky = _screened(line)
                if risky.crisis:
                    return f"{risky.kind}: {risky.evidence!r}"
        return None


_screened = remembered(screen)


def seeker_lines(text: str) -> list[str]:
    """The seeker's lines of a flattened dialogue; of any other text, all of it."""
    if not text.startswith(_OPEN):
        return [text]
    # What follows the block is the task's, which says nothing of anybody.
    body = text.removeprefix(_OPEN).rpartition("\n</dialogue>")[0] or text
    spoken = (line for line in body.splitlines() if not line.startswith("supporter: "))
    return [line.removeprefix("seeker: ") for line in spoken]
