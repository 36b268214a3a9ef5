"""The deterministic first line against crisis: rules over one utterance of a seeker.

Each sentence is normalised (Unicode forms, spaced-out letters, digits for letters), harmless
figures of speech and plain denials are taken out, and what remains is searched. In doubt it is a
crisis: a false alarm costs one dialogue, a missed one may cost more. A death in the family alone
is grief, not crisis; wanting to follow the dead is one.
"""

import re
import unicodedata

from attunement.agents.crisis_patterns import CRISIS, HARMLESS, STEMS
from attunement.core.records import CrisisKind, Risky

HAND_OFF: dict[CrisisKind | None, str] = {
    None: (
        "Thank you for telling me this. It is more than a program can hold, and you should not be "
        "alone with it. Please reach out to a person now: your local emergency services, a crisis "
        "line, or someone you trust."
    ),
    "suicide": (
        "Thank you for telling me this. What you carry is too heavy to carry alone, and it is more "
        "than a program can hold. Please reach out to a person right now: your local emergency "
        "services or a crisis line, day or night. If you can, stay near someone you trust and "
        "tell them what you told me."
    ),
    "self-harm": (
        "Thank you for trusting me with this. You deserve care for the hurt behind it, from a "
        "person who can be with you, which a program cannot. Please contact a local crisis line "
        "or a doctor today, or emergency services if you are injured, and tell someone you trust."
    ),
    "harm to others": (
        "I hear how far this has gone, and it is more than a program can help with. Please step "
        "away from the situation if you can, and call your local emergency services or a crisis "
        "line now. Talking to a person before anything happens protects you as well as them."
    ),
    "abuse": (
        "What is happening to you is not your fault, and you deserve to be safe. A program cannot "
        "protect you; people can. If you are in danger, contact your local emergency services. "
        "When it is safe to do so, a local helpline against abuse can talk through what to do, "
        "and so can someone you trust."
    ),
}
"""The reply that leads to people who can help; None where the kind of crisis is not known.
No numbers: they differ by country."""


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """All patterns as one; those that begin with a word are tried where a word begins, and only
    there, which takes a quarter of the time."""
    at_words = "|".join(p.removeprefix(r"\b") for p in patterns if p.startswith(r"\b"))
    elsewhere = [p for p in patterns if not p.startswith(r"\b")]
    return re.compile("|".join([rf"\b(?=\w)(?:{at_words})", *elsewhere]))


_PATTERNS = {kind: _any_of(patterns) for kind, patterns in CRISIS.items()}
_HARMLESS = re.compile("|".join(HARMLESS))
_STEMS = re.compile(STEMS)

_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;\n]*")
_SPELLED = re.compile(r"\b(?:\w[ .\-_*]){2,}\w\b")
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(r"\b(?=\w*[a-z])[\w@$]*[013457@$][\w@$]*")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"'})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_LONGEST = 2000
"""Characters of one sentence that are searched at a time, so that the cost stays linear."""


def screen(text: str) -> Risky:
    """Whether one utterance speaks of crisis; `evidence` is the sentence that does.

    Reads any text, in time linear in its length.
    """
    for sentence in _sentences(text):
        plain = _normalised(sentence)
        if not _STEMS.search(plain) or not _crisis_in(plain):
            continue
        # The harmless figures are dear to look for, so only where something was found.
        if kind := _crisis_in(_HARMLESS.sub(" ", plain)):
            evidence = sentence.strip()[:300]
            return Risky(crisis=True, kind=kind, evidence=evidence, found_by="rules")
    return Risky()


def _crisis_in(plain: str) -> CrisisKind | None:
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.search(plain)), None)


def _sentences(text: str) -> list[str]:
    pieces = []
    for match in _SENTENCE.finditer(text):
        sentence = match[0]
        if len(sentence) <= _LONGEST:
            pieces.append(sentence)
            continue
        # Overlapping windows: words at a seam stand whole in one of them.
        step = _LONGEST - 300
        pieces += [sentence[i : i + _LONGEST] for i in range(0, len(sentence), step)]
    return pieces


def _normalised(sentence: str) -> str:
    plain = sentence.casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain).translate(_QUOTES).casefold()
        plain = _INVISIBLE.sub("", plain)
    plain = _LEET_WORD.sub(lambda m: m[0].translate(_LEET), plain)
    plain = _SPELLED.sub(lambda m: re.sub(r"[ .\-_*]", "", m[0]), plain)
    return " ".join(plain.split())
