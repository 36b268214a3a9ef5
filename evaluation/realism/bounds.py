"""From where on a seeker is not believable, and how recorded people do on the same figures.

Bounds on lines come from ESConv's recorded seekers: the smallest tenth that at most 2 % of them
exceed, read off two dialogues of three. Of these 867 people 2.1 % are unfit by the bounds on lines,
of the other 433 0.7 %, of FailedESConv's 196 none; ESConv's supporters, taken for seekers, 60 %.
`tests/test_evaluation_realism.py` holds that. The phrases themselves were chosen in view of all of
ESConv; FailedESConv was not looked at. Recorded people note nothing in private, so the bounds on
that are rules of thumb; where surveys say something about it, it stands beside.
"""

from pydantic import Field

from attunement.core.records import Record


class Realism(Record):
    """From where on a dialogue is unfit for training."""

    role_flip: float = Field(default=0.1, ge=0, le=1)
    """Share of lines that offer help, at most. 0.8 % of ESConv's seekers exceed it; of its
    supporters, taken for seekers, 60 %."""
    echo: float = Field(default=0.1, ge=0, le=1)
    """Share of long lines that repeat the supporter's last words, at most; one line is no habit."""
    repetition: float = Field(default=0.1, ge=0, le=1)
    """Share of long lines that repeat earlier ones of their own, at most; one is no habit."""
    agreeing: float = Field(default=0.5, ge=0, le=1)
    """Share of lines after a reply that open with thanks or agreement, at most; two may."""
    top_ratings: int = Field(default=5, ge=1)
    """So many ratings, and every one the highest, are over-agreeing."""
    hurts: int = Field(default=2, ge=1)
    """So many hurting replies, and every one rated 4 or 5, are over-agreeing."""
    still_high: int = Field(default=4, ge=1, le=5)
    """Nobody ends satisfied at this intensity or above, nor where it did not fall. Of the 1,150
    people whom ESConv asked, 5.4 % ended at 4 or 5; dialogues without relief are not in it."""
    replies: int = Field(default=2, ge=0)
    """Nobody ends the talk by themselves before so many replies. In ESConv nobody did."""
    first_items: int = Field(default=3, ge=1)
    """What someone who opens up slowly tells in their first turn, at most, in items."""


PEOPLE = {
    "role flip": 0.0026, "echo": 0.0003, "repetition": 0.0012, "agreeing": 0.1498,
    "unfit dialogues": 0.0162,
}  # fmt: skip
"""The figures of ESConv's 1,300 recorded seekers, means by dialogue."""
