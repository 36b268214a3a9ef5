"""How the embedded simulator hears: replies, seekers, and the data blocks of a prompt."""

import re
from functools import lru_cache
from typing import NamedTuple

from attunement.agents.models.rehearsal_words import (
    FEELING_WORDS,
    HELP_HINTS,
    HURT_HINTS,
    STRENGTH,
    TOPICS,
    TRAIT_HINTS,
)
from attunement.agents.seeker import TRAIT_SENTENCES
from attunement.core.records import Emotion, Problem
from attunement.core.strategies import Strategy

_REPLY_CUES: dict[Strategy, str] = {
    Strategy.QUESTION: r"\?",
    Strategy.RESTATEMENT: r"\bso,? you\b|\bin other words\b|\bwhat i hear\b|\bif i follow\b"
    r"|\byou(?:'re| are) saying\b|\bif i understand\b",
    Strategy.REFLECTION: r"\byou(?: must)?(?: really)? feel\b|\byou(?:'re| are) feeling\b"
    r"|\bmust be (?:so |very |really )?(?:hard|painful|frustrating|scary)\b",
    Strategy.SELF_DISCLOSURE: r"\bi(?: have|'ve) (?:had|been|felt)\b|\bmy own life\b|\bwhen i\b"
    r"|\bi (?:felt|went|struggled)\b|\bme too\b",
    Strategy.AFFIRMATION: r"\bstrong(?:er)?\b|\bstrength\b|\bcourage\b|\bbrave\b|\bproud\b"
    r"|\b(?:be|is|'s) (?:okay|ok|all right|alright|fine)\b|\byou have done\b|\bnot your fault\b",
    Strategy.SUGGESTIONS: r"\byou (?:could|might|should)\b|\btry\b|\btried\b|\bsuggest\b"
    r"|\brecommend\b|\bone small step\b|\bhow about\b|\bconsider\b",
    Strategy.INFORMATION: r"\bstud(?:y|ies)\b|\bresearch\b|\bmany people\b|\bis common\b"
    r"|\bit often takes\b|\bis normal\b",
    Strategy.OTHERS: r"\bi am here\b|\btake care\b|\bno (?:hurry|rush)\b|\bwelcome\b",
}
_STOCK = re.compile(
    r"\bsorry\b|\bi understand how\b|\bthank you for sharing\b|\bthat must be\b|^it sounds like\b",
    re.IGNORECASE,
)


class _AnyOf:
    """Whether a lower-case text holds one of some phrases, from the beginning of a word on."""

    def __init__(self, phrases: tuple[str, ...], end: str = "") -> None:
        self.phrases = tuple(phrase.rstrip(".").lower() for phrase in phrases)
        choice = "|".join(map(re.escape, self.phrases))
        self._pattern = re.compile(rf"\b(?:{choice}){end}")

    def search(self, text: str) -> bool:
        # Looking for plain substrings first is an order of magnitude faster than the pattern.
        found = any(phrase in text for phrase in self.phrases)
        return found and self._pattern.search(text) is not None


_REPLY_KINDS = {s: re.compile(cue, re.IGNORECASE) for s, cue in _REPLY_CUES.items()}
_FEELINGS = {e: _AnyOf(words, r"\b") for e, words in FEELING_WORDS.items()}
_TOPICS = {p: _AnyOf(words) for p, words in TOPICS.items()}
_STRENGTH = re.compile(
    rf"\bfeel ({'|'.join(word for words in STRENGTH.values() for word in words)})\b"
)
_STRENGTH_OF = {word: level for level, words in STRENGTH.items() for word in words}
_HELPS = {s: _AnyOf(phrases) for s, phrases in HELP_HINTS.items()}
_HURTS = {s: _AnyOf(phrases) for s, phrases in HURT_HINTS.items()}
_TRAITS = {key: _AnyOf(phrases) for key, phrases in TRAIT_HINTS.items()}
TRAIT_OF_SENTENCE = {sentence: key for key, sentence in TRAIT_SENTENCES.items()}


class ReplyHeard(NamedTuple):
    """What a seeker hears in a supporter's reply."""

    kinds: frozenset[Strategy]
    feelings: frozenset[Emotion]
    topics: frozenset[Problem]
    stock: bool


class SeekerHeard(NamedTuple):
    """What a supporter can hear in a seeker's line."""

    feelings: tuple[Emotion, ...]
    strength: int | None
    topics: tuple[Problem, ...]
    helps: tuple[Strategy, ...]
    hurts: tuple[Strategy, ...]
    traits: tuple[tuple[str, str], ...]


@lru_cache(maxsize=8192)
def hear_reply(text: str) -> ReplyHeard:
    """Read a supporter's reply. A reply that shows no kind of help counts as `Others`."""
    low = text.lower().replace("’", "'")
    kinds = frozenset(s for s, cue in _REPLY_KINDS.items() if cue.search(low))
    return ReplyHeard(
        kinds or frozenset({Strategy.OTHERS}),
        frozenset(e for e, words in _FEELINGS.items() if words.search(low)),
        frozenset(p for p, words in _TOPICS.items() if words.search(low)),
        bool(_STOCK.search(low)),
    )


@lru_cache(maxsize=8192)
def hear_seeker(text: str) -> SeekerHeard:
    """Read a seeker's line."""
    low = text.lower().replace("’", "'")
    strength = _STRENGTH.search(low)
    return SeekerHeard(
        tuple(e for e, words in _FEELINGS.items() if words.search(low)),
        _STRENGTH_OF[strength[1]] if strength else None,
        tuple(p for p, words in _TOPICS.items() if words.search(low)),
        tuple(s for s, phrases in _HELPS.items() if phrases.search(low)),
        tuple(s for s, phrases in _HURTS.items() if phrases.search(low)),
        tuple(t for t, phrases in _TRAITS.items() if phrases.search(low)),
    )


_BLOCKS = {
    name: re.compile(rf"<{name}>\n(.*?)\n</{name}>", re.DOTALL)
    for name in ("persona", "dialogue", "reflection", "draft", "reply", "reply_a", "reply_b")
}


def read_block(name: str, text: str) -> str:
    """The contents of a prompt's data block, or an empty text."""
    found = _BLOCKS[name].search(text)
    return found[1] if found else ""


def read_dialogue(text: str) -> list[tuple[str, str]]:
    """The lines of a prompt's dialogue block as (speaker, words)."""
    lines = (line.partition(": ") for line in read_block("dialogue", text).split("\n"))
    return [(speaker, words) for speaker, colon, words in lines if colon]
