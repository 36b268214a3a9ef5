"""What a single line gives away of a badly played seeker: rules over words, without a model.

English phrases alone; a line in another language shows neither help nor agreement. How often the
rules catch recorded people stands in `bounds.py`.
"""

import re
from collections.abc import Set
from functools import lru_cache

Grams = frozenset[tuple[str, ...]]

OFFERS = (
    r"\A\W*(?:supporter|assistant|therapist|counsell?or|helper)\s*:",
    r"\b(?:how|what) (?:can|may|could|might) i (?:best |possibly |do to )?"
    r"(?:help|support|assist)\b",
    r"\bwhat can i do for you\b",
    r"\bi (?:can|could|may|might|was able to|am able to) help you\b|\bglad i could help\b",
    r"\bi(?:'m| am) (?:always |right |just )?here (?:for you|to (?:help|listen|support))\b",
    r"\bthank(?:s| you)(?: so much| a lot)? for "
    r"(?:opening up|trusting me|reaching out|confiding)\b",
    r"\bthank(?:s| you)(?: so much)? for sharing (?:this|that|what|how|your (?:feelings|story))\b",
    r"\bhave you (?:ever )?(?:tried|considered|thought (?:about|of)|(?:talked|spoken) (?:to|with)|"
    r"reached out|looked into)\b",
    r"\bwould you like (?:to (?:talk|tell|share|discuss)|me to)\b|"
    r"\banything you(?:'d| would) like to\b",
    r"\b(?:can|could|would) you (?:please )?(?:tell me|share|say)"
    r"(?: a (?:little|bit)| some)? more\b",
    r"\bsorry (?:that )?you(?:'re| are| have to| had to)\b",
    r"\b(?:sounds|seems|looks) like you(?:'re| are| have| feel)\b",
    r"\byour feelings are\b|\byou(?:'re| are) not alone\b",
    r"\bit(?:'s| is) (?:\w+ )?(?:okay|ok|normal|natural|understandable) "
    r"(?:to feel|for you to|that you(?:'re| are)?) ",
    r"\bunderstand how you\b|\bunderstand your (?:pain|situation|concerns?|frustration)\b",
    r"\byou must (?:be feeling|feel)\b|\bhow are you feeling\b|\byou(?:'re| are) feeling\b",
    r"\bmakes? you feel (?:that way|like this|this way)\b",
    r"\bwhat (?:brings|brought) you (?:here|in|to)\b|\bwhat(?:'s| is) on your mind\b",
    r"\bi(?:'d| would) (?:suggest|recommend|encourage)\b",
    r"\b(?:i think|maybe|perhaps) you (?:should|could|can)\b|"
    r"\byou (?:should|could|might want to|may want to) (?:try|consider|talk to|reach out|seek)\b",
    r"\bbe (?:kind|gentle) (?:to|with) yourself\b|\btake care of yourself\b",
    r"\byou(?:'ve| have)? got this\b|\byou can do (?:this|it)\b|\bproud of you\b",
    r"\bglad (?:that )?you (?:reached|came|shared|told|opened)\b",
)
"""What supporters say and seekers do not. Left out on purpose, because recorded seekers say it to a
supporter who tells of their own troubles: "sorry to hear that", "thank you for sharing"."""

ADVICE = (
    "allow", "ask", "avoid", "breathe", "call", "consider", "create", "do", "eat", "find", "focus",
    "get", "give", "go", "keep", "let", "limit", "listen", "look", "make", "practice", "practise",
    "reach", "remember", "schedule", "seek", "set", "sleep", "speak", "spend", "start", "take",
    "talk", "tell", "think", "try", "use", "write",
)  # fmt: skip
"""How a sentence of advice in the imperative begins."""
_TIPS = 3
"""Such sentences in a line that make it a supporter's."""

AGREEMENT = (
    r"(?:thank you|thanks|thankyou|thx)\b",
    r"(?:you(?:'re| are)|ur) (?:\w+ )?right\b",
    r"(?:that|it)(?:'s| is| sounds| would be| seems)(?: like)?(?: \w+)? (?:an? )?"
    r"(?:\w+ )?(?:great|good|wonderful|excellent|fantastic|amazing|lovely|helpful|perfect)\b",
    r"(?:what an? )?(?:great|good|wonderful|excellent|amazing|fantastic) (?:idea|point|advice|"
    r"suggestion|tip)s?\b",
    r"i (?:\w+ )?(?:agree|appreciate)\b|agreed\b|exactly\b|absolutely\b|definitely\b",
    r"(?:that|this)(?:'s| is)? (?:\w+ )?(?:true|right|makes (?:a lot of )?sense|helps)\b",
    r"(?:i(?:'ll| will)|i(?:'m| am) going to) (?:\w+ )?(?:try|do) (?:that|it|this)\b",
)
"""What an agreeing line begins with, behind words such as `yes`, `oh`, `well`."""

_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"'})
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_OFFER = re.compile("|".join(f"(?:{offer})" for offer in OFFERS))
# No gap reaches over the next end of a sentence, so that long rows of dots are read once.
_TIP = re.compile(rf"(?:\A|[.!?:;\n])[^\w.!?:;\n]*+(?:{'|'.join(ADVICE)})\s++(?!i\b)\w")
_AGREES = re.compile(
    r"\A\W*(?:(?:oh|ah|wow|well|hm+|and|so|ok|okay|yes|yeah|yep|yup|sure|no|hey|awesome|great|"
    rf"cool)\b\W*)*(?:{'|'.join(AGREEMENT)})"
)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A text in lower case with plain quotes."""
    return text.translate(_QUOTES).lower()


def offers_help(text: str) -> bool:
    """Whether a line offers help as a supporter would: a phrase of `OFFERS`, or much advice."""
    low = plain(text)
    return _OFFER.search(low) is not None or len(_TIP.findall(low)) >= _TIPS


def agrees(text: str) -> bool:
    """Whether a line opens with thanks, praise or agreement. A bare `yes` is an answer, no more."""
    return _AGREES.match(plain(text)) is not None


def words_of(text: str) -> list[str]:
    """The words of a line, in lower case, without punctuation."""
    return _WORD.findall(plain(text))


def trigrams(words: list[str]) -> Grams:
    """All runs of three words."""
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def taken_over(grams: Grams, source: Set[tuple[str, ...]]) -> float:
    """Share of a line's runs of three words that stand in `source`, 0 to 1."""
    return len(grams & source) / len(grams)
