"""The eight support strategies and the three stages.

Strategy names and stages: Liu et al. 2021 (ESConv), exact strings of the published corpus.
"""

import re
from enum import StrEnum

from attunement.core.errors import UserError, unknown


class Strategy(StrEnum):
    """What a supporter's reply does, in ESConv's spelling."""

    QUESTION = "Question"
    RESTATEMENT = "Restatement or Paraphrasing"
    REFLECTION = "Reflection of feelings"
    SELF_DISCLOSURE = "Self-disclosure"
    AFFIRMATION = "Affirmation and Reassurance"
    SUGGESTIONS = "Providing Suggestions"
    INFORMATION = "Information"
    OTHERS = "Others"


class Stage(StrEnum):
    """Hill's three stages as ESConv uses them; the order may bend."""

    EXPLORATION = "Exploration"
    COMFORTING = "Comforting"
    ACTION = "Action"


STRATEGIES: dict[Stage, tuple[Strategy, ...]] = {
    Stage.EXPLORATION: (Strategy.QUESTION, Strategy.RESTATEMENT),
    Stage.COMFORTING: (Strategy.REFLECTION, Strategy.SELF_DISCLOSURE, Strategy.AFFIRMATION),
    Stage.ACTION: (Strategy.SUGGESTIONS, Strategy.INFORMATION),
}
"""The strategies of each stage. `Others` belongs to all three, so it stands in none."""

_ALIASES = {
    "questions": Strategy.QUESTION,
    "other": Strategy.OTHERS,
    "approval and reassurance": Strategy.AFFIRMATION,
    "restatement": Strategy.RESTATEMENT,
    "direct guidance": Strategy.SUGGESTIONS,
}
"""FailedESConv's spellings, beside the eight of ESConv itself."""

_BY_NAME = {s.value.lower(): s for s in Strategy} | _ALIASES


def parse_strategy(name: str) -> Strategy:
    """The strategy that `name` spells (ESConv or FailedESConv); else `UserError` with the known."""
    found = _BY_NAME.get(" ".join(name.split()).lower())
    if found is None:
        raise UserError(unknown("strategy", name, Strategy))
    return found


# ---- strategy and reply as one text -------------------------------------------------------------

_TAG = re.compile(rf"\s*\[({'|'.join(map(re.escape, Strategy))})\]\s*", re.IGNORECASE)


def joined(strategy: Strategy, text: str) -> str:
    """A strategy and a reply as one text: `[Strategy] reply`."""
    return f"[{strategy}] {text}"


def split_joint(text: str) -> tuple[Strategy | None, str]:
    """The strategy of a leading tag, if it is one of the eight, and the reply without it.

    Only a leading tag is one: replies may hold brackets of their own.
    """
    found = _TAG.match(text)
    return (_BY_NAME[found[1].lower()], text[found.end() :]) if found else (None, text)
