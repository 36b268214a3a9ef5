"""One seeker's believability: the rates of seven faults, and why a dialogue is unfit for training.

    score_seeker(dialogue).unfit    # ("role flip",), or () where nothing speaks against it

Everything is read by rules: `text.py` reads lines, `facts.py` sets them against the
card, `private.py` reads what the seeker notes in private. `bounds.py` says from
where on a dialogue is unfit.

What the rules cannot see: a flip, an echo or a contradiction in other words than those listed, in
another language than English, or between two lines; agreement that is in the tone; whether a line
sounds like a person at all.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from attunement.core.records import Dialogue, Record, Utterance
from attunement.evaluation.realism.bounds import Realism
from attunement.evaluation.realism.facts import Fact, contradicted
from attunement.evaluation.realism.private import off_pace, pleased_by_hurt, premature_stop
from attunement.evaluation.realism.text import (
    agrees,
    offers_help,
    taken_over,
    trigrams,
    words_of,
)
from attunement.graphs.state import public

Unfit = Literal[
    "role flip", "echo", "repetition", "contradiction", "premature stop", "over-agreeing",
    "disclosure pace",
]  # fmt: skip
UNFIT: tuple[Unfit, ...] = get_args(Unfit)
"""Why a dialogue is unfit for training."""
LONG = 6
"""Words from which on a line is looked at for echo and repetition."""
SAME = 0.5
"""Share of a line's runs of three words that make it an echo or a repetition."""


class SeekerRealism(Record):
    """One dialogue's seeker. A figure is None where there was nothing to compute it from."""

    dialogue_id: str
    recorded: bool
    """Whether a recorded person spoke: they play no card and note nothing in private."""
    lines: int
    """Lines of the seeker that hold words."""
    role_flip: float | None
    """Share of lines that offer help as a supporter would."""
    echo: float | None
    """Share of long lines, after a reply, half of whose runs of three words stand in it."""
    repetition: float | None
    """Share of long lines half of whose runs of three words stand in earlier lines of their own;
    the first line cannot."""
    contradiction: float | None
    """1 if a line contradicts a fact of the card, else 0; None where the card holds none that rules
    read."""
    contradicted: tuple[Fact, ...] = ()
    premature_stop: float | None
    """1 if a simulated seeker ended the talk too early, else 0; None while it is open."""
    agreeing: float | None
    """Share of lines after a reply that open with thanks or agreement."""
    top_ratings: float | None
    """Share of ratings that are 5."""
    pleased_by_hurt: float | None
    """Share of hurting replies that were rated 4 or 5. Hurting is a reply whose kinds the card
    names among what hurts, and none among what helps, by `hear_reply`: exact with the embedded
    seeker, rough on free text."""
    disclosed: int | None
    """Items told in private notes."""
    turns: int
    pace: float | None
    """Items told a turn."""
    off_pace: float | None
    """1 if the card's pace of opening up is not kept, else 0."""
    unfit: tuple[Unfit, ...]
    """Why it is unfit for training; empty where it is fit."""


def score_seeker(dialogue: Dialogue, bounds: Realism | None = None) -> SeekerRealism:
    """Read one dialogue's seeker; of one that is not finished, the turns so far."""
    bounds = bounds or Realism()
    lines = _lines(dialogue)
    texts = [text for text, _ in lines]
    flips = [offers_help(text) for text in texts]
    agreeing = [agrees(text) for text, heard in lines if heard]
    echoes, repeats = _taken_over(lines)
    live = dialogue.recorded is None
    facts = contradicted(dialogue.persona, texts) if live else None
    stop = premature_stop(dialogue, bounds) if live else None
    pace = off_pace(dialogue, bounds) if live else None
    ratings = [t.seeker.rating for t in dialogue.turns if t.seeker.rating is not None]
    hurting = pleased_by_hurt(dialogue) if live else []
    faults: dict[Unfit, bool | None] = {
        "role flip": _above(flips, bounds.role_flip),
        "echo": _above(echoes, bounds.echo, least=2),
        "repetition": _above(repeats, bounds.repetition, least=2),
        "contradiction": bool(facts),
        "premature stop": stop,
        "over-agreeing": _above(agreeing, bounds.agreeing, least=3)
        or (len(ratings) >= bounds.top_ratings and min(ratings) == 5)
        or (len(hurting) >= bounds.hurts and all(hurting)),
        "disclosure pace": pace,
    }
    told = sum(len(turn.seeker.disclosed) for turn in dialogue.turns) if live else None
    turns = len(dialogue.turns)
    return SeekerRealism(
        dialogue_id=dialogue.id,
        recorded=not live,
        lines=len(lines),
        role_flip=_share(flips),
        echo=_share(echoes),
        repetition=_share(repeats),
        contradiction=None if facts is None else float(bool(facts)),
        contradicted=facts or (),
        premature_stop=None if stop is None else float(stop),
        agreeing=_share(agreeing),
        top_ratings=_share([rating == 5 for rating in ratings]),
        pleased_by_hurt=_share(hurting),
        disclosed=told,
        turns=turns,
        pace=told / turns if told is not None and turns else None,
        off_pace=None if pace is None else float(pace),
        unfit=tuple(fault for fault in UNFIT if faults[fault]),
    )


def _lines(dialogue: Dialogue) -> list[tuple[str, str]]:
    """Each line of the seeker with the supporter's last words before it, empty for none."""
    spoken: Sequence[Utterance] = (
        dialogue.recorded
        if dialogue.recorded is not None
        else [line for turn in dialogue.turns for line in public(turn)]
    )
    lines, heard = [], ""
    for line in spoken:
        if line.speaker == "supporter":
            heard = line.text
        elif line.text.strip():
            lines.append((line.text, heard))
    return lines


def _taken_over(lines: Sequence[tuple[str, str]]) -> tuple[list[bool], list[bool]]:
    """Of each long line whether it is an echo, and whether a repetition."""
    echoes, repeats = [], []
    said: set[tuple[str, ...]] = set()
    for place, (text, heard) in enumerate(lines):
        words = words_of(text)
        grams = trigrams(words)
        if len(words) >= LONG:
            if heard:
                echoes.append(taken_over(grams, trigrams(words_of(heard))) >= SAME)
            if place:
                repeats.append(taken_over(grams, said) >= SAME)
        said |= grams
    return echoes, repeats


def _share(marks: Sequence[bool]) -> float | None:
    return sum(marks) / len(marks) if marks else None


def _above(marks: Sequence[bool], bound: float, least: int = 1) -> bool:
    """Whether the share of marked lines is above a bound, and `least` are marked."""
    found = sum(marks)
    return found >= least and found / len(marks) > bound
