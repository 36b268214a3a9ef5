"""Stock phrases of supporters: the openers that a model falls back on instead of listening."""

import re
from functools import lru_cache

OPENERS = (
    "it sounds like", "it seems like", "that sounds", "sounds like", "this sounds",
    "it must be", "that must be", "that must have been", "this must be", "you must be feeling",
    "i'm sorry to hear", "i am sorry to hear", "i'm so sorry to hear", "i am so sorry to hear",
    "i'm really sorry to hear", "i am really sorry to hear", "sorry to hear",
    "i'm sorry you're", "i'm sorry that you", "i'm so sorry that you", "i'm so sorry you're",
    "i'm sorry you are", "i am sorry you are", "i'm so sorry you are", "i am so sorry you are",
    "i understand how", "i understand that", "i understand what", "i understand your",
    "i can understand", "i completely understand", "i totally understand", "i can imagine how",
    "i can only imagine", "i can see how", "i can see why", "i can hear how", "i hear you",
    "i hear that", "i know how you feel", "i know how hard",
    "it's understandable", "it is understandable", "that's understandable",
    "it's completely understandable", "it is completely understandable",
    "it's completely normal", "it is completely normal", "it's normal to feel",
    "it is normal to feel", "it's natural to feel", "it's okay to feel", "it is okay to feel",
    "it's important to remember", "it is important to remember", "remember that you",
    "thank you for sharing", "thanks for sharing", "thank you for opening up",
    "thank you for reaching out", "thank you for trusting me",
    "i appreciate you sharing", "i appreciate you opening up",
    "your feelings are valid", "you are not alone", "you're not alone",
    "i'm here for you", "i am here for you", "i'm here to listen", "i am here to listen",
    "i'm here to help", "i am here to help", "i'm here to support", "i am here to support",
)  # fmt: skip
"""Beginnings of sentences, in lower case."""

_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})
_GAP = re.compile(r"[\s\"*\-]{2,}")
# Nothing that follows a gap begins like one, so that gaps need never be given back (`*+`).
_ANY = re.compile(
    r"(?:\A|[.!?…,\n])[\s\"*\-]*+(?:(?:oh|ah|hi|hello|hey|well|and|but|so|wow)\b[,.!]?\s++)?"
    rf"({'|'.join(map(re.escape, sorted(OPENERS, key=len, reverse=True)))})\b"
)


@lru_cache(maxsize=1 << 10)
def stock_phrase(text: str) -> str | None:
    """The first stock phrase that begins a sentence or clause of a reply, if there is one."""
    text = text.translate(_QUOTES).lower()
    found = _ANY.search(_GAP.sub(_one_line_end, text) if "\n" in text else text)
    return found[1] if found else None


def _one_line_end(gap: re.Match[str]) -> str:
    """A gap as it is, or one line end for many: a search begins anew behind each of them."""
    return "\n" if "\n" in gap[0] else gap[0]
