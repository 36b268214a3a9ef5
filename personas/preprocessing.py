"""Preparing a recorded dialogue: what is joined, what is parted, and what greetings go.

    turns = prepare(recording.utterances, "decoupled")

- `merged`: one turn a run of utterances by one speaker; nothing is left out.
- `self_evolution`: the same, less the greetings at the beginning (arXiv 2505.16610).
- `decoupled`: a supporter's utterances stay apart, because each has a strategy of its own, and a
  blank seeker's turn stands between two of them; a seeker's are joined, greetings stay
  (arXiv 2505.16995).

What the first paper takes for a greeting is not public. Here it is a turn at the beginning that
holds nothing but the phrases of `GREETINGS`, by either speaker, up to the first turn that holds
more. An offer of help ("How can I help you?") and an answer ("I am fine, and you?") are more.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, groupby
from typing import Literal, get_args

from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Utterance

Preprocessing = Literal["merged", "self_evolution", "decoupled"]
PREPROCESSING: tuple[Preprocessing, ...] = get_args(Preprocessing)
BLANK = Utterance(speaker="seeker", text=" ")
"""What a seeker says between two utterances of a supporter: nothing."""

_WHEN = r"(?:\s+(?:to?day|tonight|now|right now|this (?:morning|afternoon|evening)|at the moment))?"
GREETINGS = (
    r"h(?:ello|ey|i|ai|iya|owdy)(?: there| again| everyone| friend)?",
    r"greetings|salutations",
    r"good (?:morning|afternoon|evening|day)(?: to you)?",
    r"how(?:'s| is| are| r|'re|s)? (?:you|u|we)(?: all)?(?: (?:doing|feeling))?" + _WHEN,
    r"how(?:'s| is| are|s)? (?:it|things|life|everything)"
    r"(?: going| with you| treating you)?" + _WHEN,
    r"how(?:'s| is|s| has)? your (?:day|evening|morning)(?: going| been)?(?: so far)?",
    r"(?:i )?hope you(?:'re| are) (?:doing )?(?:well|good|okay|fine)" + _WHEN,
    r"nice to meet you",
    r"merry christmas|happy (?:holidays|new year)",
    r"(?:(?:is|are) )?(?:anyone|anybody|someone|somebody|you) (?:there|here)",
)
"""Regular expressions over lower-case text with plain apostrophes; our own choice."""
_GREETING = re.compile(rf"[\W_]*+(?:(?:{'|'.join(GREETINGS)})\b[\W_]*+)+\Z")


def prepare(
    utterances: Iterable[Utterance], how: Preprocessing = "merged"
) -> tuple[Utterance, ...]:
    """The turns of a recorded dialogue, seeker and supporter alternating; may be empty.

    Blank utterances are dropped first. `ConfigError` for a name that is none of the three.
    """
    match how:
        case "merged":
            return merge_turns(utterances)
        case "self_evolution":
            return tuple(dropwhile(is_greeting, merge_turns(utterances)))
        case "decoupled":
            return tuple(_decoupled(utterances))
    raise ConfigError(unknown("preprocessing", how, PREPROCESSING))


def merge_turns(utterances: Iterable[Utterance]) -> tuple[Utterance, ...]:
    """Join consecutive utterances of one speaker by a blank, so that speakers alternate.

    Blank utterances are dropped first. A merged supporter turn takes the strategy of its first
    utterance: in ESConv 14 % of them hold more than one, and the first is what the supporter
    chose on hearing the seeker.
    """
    return tuple(_joined(run) for run in _runs(utterances))


def is_greeting(turn: Utterance) -> bool:
    """Whether a turn holds nothing but phrases of greeting."""
    return bool(_GREETING.match(turn.text.lower().replace("’", "'")))


def reply_places(turns: Sequence[Utterance]) -> list[int]:
    """Where a supporter's turn stands that has an earlier seeker's turn with words in it."""
    spoken = (i for i, u in enumerate(turns) if u.speaker == "seeker" and u.text.strip())
    first = next(spoken, len(turns))
    return [i for i, u in enumerate(turns) if u.speaker == "supporter" and i > first]


def _decoupled(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    for run in _runs(utterances):
        if run[0].speaker == "seeker":
            yield _joined(run)
            continue
        yield run[0]
        for utterance in run[1:]:
            yield BLANK
            yield utterance


def _runs(utterances: Iterable[Utterance]) -> Iterator[list[Utterance]]:
    spoken = (u for u in utterances if u.text.strip())
    return (list(run) for _, run in groupby(spoken, key=lambda u: u.speaker))


def _joined(run: list[Utterance]) -> Utterance:
    if len(run) == 1:
        return run[0]
    return run[0].model_copy(update={"text": " ".join(u.text for u in run)})
