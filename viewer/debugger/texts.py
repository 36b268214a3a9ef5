"""Which texts of a run are searched, each with the name of where it stands."""

from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import normalize

Named = tuple[str, str]
"""Where a text stands, and the text."""
_ASIDE = ("draft", "refined", "hand_off", "recorded")
_OF_A_CARD = (
    "id", "name", "problem", "emotion", "situation", "background", "what_helps", "what_hurts",
    "voice", "profile", "risk_detail",
)  # fmt: skip


def fold(text: str) -> str:
    """A text without the difference of large and small letters, and composed: what is compared."""
    return normalize("NFC", text).lower().replace("\0", " ")


def of_turn(turn: Mapping[str, Any]) -> Iterator[Named]:
    """The texts of a turn's record as JSON, what was said aloud first."""
    spoken = turn.get("spoken")
    yield "seeker", turn["seeker"]["text"]
    if spoken:
        yield "reply", turn[spoken]["text"]
    for name in _ASIDE:
        if name != spoken and turn.get(name):
            yield name.replace("_", "-"), turn[name]["text"]
    if turn.get("joint"):
        yield "joint", turn["joint"]
    if plan := turn.get("plan"):
        yield "plan", plan.get("reason", "")
    if seen := turn.get("reflection"):
        parts = (seen["who"], seen["situation"], *seen.get("needs", ()), *seen.get("avoid", ()))
        yield from (("reflection", part) for part in parts)
    for item in turn.get("set_aside", ()):
        yield "set aside", f"{item['role']}: {item['reason']}"


def of_card(card: Mapping[str, Any]) -> Iterator[Named]:
    """The texts of a persona's card as JSON."""
    values = (card.get(name) for name in _OF_A_CARD)
    known = [value for value in values if value]
    told = [value for value in (card.get("demographics") or {}).values() if isinstance(value, str)]
    lines = [line for value in known for line in ([value] if isinstance(value, str) else value)]
    yield from (("persona", line) for line in (*lines, *told))


def folded(texts: Iterator[Named]) -> str:
    """All of them as one text to search in; what is found never reaches from one to the next.

    Two line breaks stand at its end, so that every letter begins three.
    """
    return fold("\n".join(text for _, text in texts)) + "\n\n"
