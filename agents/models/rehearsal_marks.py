"""The embedded judge's marks and comparisons: by rules, from the public lines alone.

It asks of each reply whether it names what was felt, speaks of what happened, and gives a kind of
help that the seeker's own words hint at, rather than one that they ask to be spared. As with its
labels, it errs now and then, and has a slight taste for what stands first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import orjson

from attunement.agents.models.rehearsal_hearing import (
    ReplyHeard,
    hear_reply,
    hear_seeker,
    read_block,
    read_dialogue,
)
from attunement.agents.models.rehearsal_words import chance
from attunement.agents.prompting import ChatMessage
from attunement.agents.rating import (
    DIALOGUE_SCALES,
    DIALOGUE_TOP,
    REPLY_SCALES,
    REPLY_TOP,
)
from attunement.core.strategies import Strategy

Lines = Sequence[tuple[str, str]]
"""(speaker, words)."""

_DISMISSIVE = re.compile(
    r"\bpull yourself together\b|\bget over it\b|\b(?:have|has) it (?:much )?worse\b|\bcheer up\b"
    r"|\bstop (?:whining|complaining|being so)\b|\byou(?:'re| are) (?:overreacting|too sensitive)\b"
    r"|\byour own fault\b|\b(?:no|not a) (?:real )?(?:reason|big deal)\b|\bnot that bad\b",
    re.IGNORECASE,
)
"""Words that wave a feeling away."""
_DIALOGUES = re.compile(r"<dialogue>\n.*?\n</dialogue>", re.DOTALL)
_EARLY = 3
"""Replies before which advice that nobody hinted at is early."""
_NEAR = 0.2
"""Difference of two merits that counts as none."""
_PROSE = "Both have something to them, I would say."


def mark_reply(messages: list[ChatMessage], seed: int) -> str:
    """`ReplyRating` as JSON; in 2 of 100 cases a sentence instead."""
    if chance(seed, 1, 2):
        return _PROSE
    prompt = messages[1]["content"]
    dialogue, reply = read_dialogue(prompt), read_block("reply", prompt)
    found = _merits(dialogue, reply)
    found["fluency"] = 0.9
    return _marks(found, REPLY_SCALES, REPLY_TOP, seed)


def mark_dialogue(messages: list[ChatMessage], seed: int) -> str:
    """`DialogueRating` as JSON; in 2 of 100 cases a sentence instead."""
    if chance(seed, 1, 2):
        return _PROSE
    lines = read_dialogue(messages[1]["content"])
    found = _all_merits(lines)
    replies = [words for speaker, words in lines if speaker == "supporter"]
    kinds = {kind for reply in replies for kind in hear_reply(reply).kinds}
    stock = _mean([hear_reply(reply).stock for reply in replies])
    found |= {
        "fluency": 0.9,
        "diversity": len(kinds) / 6 + 0.4 * (1 - stock),
        "information": found["helpfulness"],
        "humanoid": 0.9 - 0.5 * stock,
        "skill": found["professionalism"],
        "overall": _mean([found["empathy"], found["helpfulness"]]),
    }
    return _marks(found, DIALOGUE_SCALES, DIALOGUE_TOP, seed)


def choose(messages: list[ChatMessage], seed: int) -> str:
    """`Choice` as JSON; in 2 of 100 cases a sentence instead."""
    if chance(seed, 1, 2):
        return _PROSE
    prompt = messages[1]["content"]
    if "<reply_a>" in prompt:
        dialogue = read_dialogue(prompt)
        first, second = (
            _merit(_merits(dialogue, read_block(name, prompt))) for name in ("reply_a", "reply_b")
        )
    else:
        first, second = (
            _merit(_all_merits(read_dialogue(block))) for block in _DIALOGUES.findall(prompt)
        )
    winner = "tie" if abs(first - second) < _NEAR else "A" if first > second else "B"
    if chance(seed, 2, 4):
        winner = "A"
    reason = f"On feeling, topic and kind of help: {first:.1f} for A, {second:.1f} for B."
    return orjson.dumps({"reason": reason, "winner": winner}).decode()


def _all_merits(lines: Lines) -> dict[str, float]:
    """The mean merits of a dialogue's replies, each heard after what stands before it."""
    found = [
        _merits(lines[:place], words)
        for place, (speaker, words) in enumerate(lines)
        if speaker == "supporter"
    ]
    return {name: _mean([merits[name] for merits in found]) for name in _NAMES}


_NAMES = ("professionalism", "empathy", "helpfulness")


def _merits(before: Lines, reply: str) -> dict[str, float]:
    """What is good about a reply, each between 0 and 1."""
    said = [hear_seeker(words) for speaker, words in before if speaker == "seeker"]
    replies = sum(speaker == "supporter" for speaker, _ in before)
    heard = hear_reply(reply)
    felt = {feeling for line in said for feeling in line.feelings}
    helps = {kind for line in said for kind in line.helps}
    hurts = {kind for line in said for kind in line.hurts} - helps
    wanted, spared = heard.kinds & helps, heard.kinds & hurts
    bad = 0.3 * bool(spared) + 0.3 * bool(_DISMISSIVE.search(reply))
    bad += 0.2 * (_early(heard, replies) and not wanted)
    empathy = 0.4 + 0.4 * bool(heard.feelings & felt) - 0.2 * bool(heard.feelings - felt)
    topics = {topic for line in said for topic in line.topics}
    return {
        "empathy": empathy + 0.2 * bool(heard.topics & topics) - 0.1 * heard.stock - bad,
        "helpfulness": 0.4 + 0.5 * bool(wanted) - bad,
        "professionalism": 0.8 + 0.1 * bool(wanted) - bad,
    }


def _early(heard: ReplyHeard, replies: int) -> bool:
    return replies < _EARLY and Strategy.SUGGESTIONS in heard.kinds and not heard.feelings


def _merit(merits: dict[str, float]) -> float:
    return sum(merits[name] for name in _NAMES)


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


def _marks(merits: Mapping[str, float], scales: Iterable[str], top: int, seed: int) -> str:
    """Merits as whole marks, one in ten of them one lower."""
    marks = {
        name: min(top, max(0, round(merits[name] * top) - chance(seed, 10 + place, 10)))
        for place, name in enumerate(scales)
    }
    return orjson.dumps({"reason": "By the words that each side used."} | marks).decode()
