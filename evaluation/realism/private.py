"""What a seeker's private notes give away: leaving early, liking hurt, telling all at once.

Rules on what the seeker felt, rated and disclosed; a recorded person notes none of it.
"""

from collections.abc import Sequence

from attunement.agents.models.rehearsal_hearing import hear_reply
from attunement.core.needs import kinds_of_help
from attunement.core.records import Dialogue, Persona, Turn
from attunement.core.strategies import Strategy
from attunement.evaluation.realism.bounds import Realism
from attunement.evaluation.realism.text import words_of


def premature_stop(dialogue: Dialogue, bounds: Realism) -> bool | None:
    """Whether the seeker left too early: after hardly a reply, or content without relief."""
    if dialogue.stop_reason is None:
        return None
    if dialogue.stop_reason not in ("satisfied", "gave_up"):
        return False
    if sum(turn.reply is not None for turn in dialogue.turns) < bounds.replies:
        return True
    felt = [t.seeker.intensity for t in dialogue.turns if t.seeker.intensity is not None]
    if dialogue.stop_reason == "gave_up" or not felt:
        return False
    return felt[-1] >= bounds.still_high or 1 < felt[0] <= felt[-1]


def pleased_by_hurt(dialogue: Dialogue) -> list[bool]:
    """Of each reply of a hurting kind whether it was rated 4 or 5 in the turn after it."""
    helps, hurts = _needs(dialogue.persona)
    pleased = []
    for turn, after in zip(dialogue.turns, dialogue.turns[1:], strict=False):
        rating = after.seeker.rating
        if rating is not None and turn.reply and turn.spoken != "hand_off":
            kinds = hear_reply(turn.reply.text).kinds
            if kinds & hurts and not kinds & helps:
                pleased.append(rating >= 4)
    return pleased


def _needs(persona: Persona) -> tuple[frozenset[Strategy], frozenset[Strategy]]:
    """The kinds of help that meet this person, and those that hurt; what is both meets them."""
    helps = kinds_of_help(persona.what_helps)
    return helps, kinds_of_help(persona.what_hurts) - helps


def off_pace(dialogue: Dialogue, bounds: Realism) -> bool | None:
    """Whether somebody tells otherwise than their card says; None where they note nothing at all.

    Slowly: more than `first_items` in the first turn, or all of the card's background. Slowly and
    steadily: all that is told in three turns or more, at least four items, in the first. Quickly:
    nothing in the first two turns.
    """
    told = [len(turn.seeker.disclosed) for turn in dialogue.turns]
    if not told or (not any(told) and not _notes(dialogue.turns)):
        return None
    pace = dialogue.persona.opens_up
    if pace == "quickly":
        return len(told) >= 2 and not any(told[:2])
    at_once = len(told) >= 3 and told[0] >= 4 and not any(told[1:])
    return at_once or (
        pace == "slowly"
        and (told[0] > bounds.first_items or _all_told(dialogue.persona, dialogue.turns[0]))
    )


def _notes(turns: Sequence[Turn]) -> bool:
    """Whether a seeker keeps private notes."""
    return any(turn.seeker.intensity is not None for turn in turns)


def _all_told(persona: Persona, turn: Turn) -> bool:
    """Whether one line holds most words of every item of a background of two or more."""
    said = set(words_of(turn.seeker.text))
    items = [words_of(item) for item in persona.background]
    return len(items) >= 2 and all(
        sum(word in said for word in item) > 0.7 * len(item) for item in items
    )
