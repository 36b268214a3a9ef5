"""The embedded judge: psychological errors by rules, from the dialogue and the reply alone.

Stock phrases that touch nothing that was said, advice where no feeling was met, a named feeling
that is passed over or taken for another: what the embedded responder does on purpose. Now and then
the judge overlooks something, or answers what cannot be read, as judges do.
"""

import re
from collections.abc import Iterator

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
from attunement.core.psychology import PsychologicalError
from attunement.core.records import Emotion
from attunement.core.strategies import Strategy

_NAMED = re.compile(r"\(strategy: (.+?)\):\n<reply>")
_ADVICE = (Strategy.SUGGESTIONS, Strategy.INFORMATION)
_MEETS = {
    Strategy.QUESTION, Strategy.RESTATEMENT, Strategy.REFLECTION, Strategy.SELF_DISCLOSURE,
    Strategy.AFFIRMATION,
}  # fmt: skip
"""Kinds of help that take up what was said."""
_EARLY = 4
"""Replies before which advice is early where nobody has met the feeling."""
_COMMON = {
    "about", "after", "also", "been", "could", "from", "have", "just", "know", "like", "more",
    "really", "sorry", "that", "them", "then", "there", "they", "this", "very", "want", "were",
    "what", "when", "with", "would", "your", "hear", "feel", "going", "much", "some", "things",
}  # fmt: skip
_WORD = re.compile(r"[a-z]{4,}")


def name_errors(messages: list[ChatMessage], seed: int) -> str:
    """`ErrorLabels` as JSON; in 2 of 100 cases a sentence instead."""
    if chance(seed, 1, 2):
        return "The reply reads well enough to me."
    prompt = messages[1]["content"]
    dialogue, reply = read_dialogue(prompt), read_block("reply", prompt)
    named = _NAMED.search(prompt)
    found = dict(_errors(dialogue, reply, named[1] if named else ""))
    if chance(seed, 2, 4):
        found.clear()
    errors = [{"error": error, "explanation": why} for error, why in found.items()]
    return orjson.dumps({"errors": errors}).decode()


def _errors(
    dialogue: list[tuple[str, str]], reply: str, strategy: str
) -> Iterator[tuple[PsychologicalError, str]]:
    said = [words for speaker, words in dialogue if speaker == "seeker"]
    replies = [hear_reply(words) for speaker, words in dialogue if speaker == "supporter"]
    heard = hear_reply(reply)
    if strategy in _ADVICE and not replies:
        yield PsychologicalError.STRATEGY_MISMATCH, "Advice before anything was asked."
    if heard.stock and not heard.topics and not _taken_up(said, reply):
        yield PsychologicalError.TEMPLATE_RESPONSE, "A stock phrase, and nothing of this person."
    felt = {feeling for words in said for feeling in hear_seeker(words).feelings}
    yield from _about_feelings(heard, felt, hear_seeker(said[-1]).feelings if said else ())
    met = any(r.feelings or Strategy.REFLECTION in r.kinds for r in (*replies, heard))
    if Strategy.SUGGESTIONS in heard.kinds and len(replies) < _EARLY and not met:
        yield PsychologicalError.EARLY_EMOTION_SHIFT, "Advice, and the feeling was not met yet."


def _about_feelings(
    heard: ReplyHeard, felt: set[Emotion], now: tuple[Emotion, ...]
) -> Iterator[tuple[PsychologicalError, str]]:
    if heard.feelings and felt and not heard.feelings & felt:
        wrong = ", ".join(sorted(heard.feelings))
        yield PsychologicalError.EMOTION_MISREAD, f"It speaks of {wrong}, which was not said."
    if now and not heard.feelings and not heard.topics and not heard.kinds & _MEETS:
        yield PsychologicalError.LACK_OF_EMPATHY, f"It passes over their {now[0]}."


def _taken_up(said: list[str], reply: str) -> bool:
    """Whether the reply uses a word of the seeker's last lines."""
    theirs = {word for words in said[-3:] for word in _WORD.findall(words.lower())}
    return bool((theirs - _COMMON).intersection(_WORD.findall(reply.lower())))
