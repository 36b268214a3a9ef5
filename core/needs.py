"""What a hidden need asks for: sentences about what helps and hurts, read as kinds of help."""

import re
from collections.abc import Iterable

from attunement.core.strategies import Strategy

# A hidden need is a sentence in a persona's own words. To compare sentences ("was the need
# recalled?", "did the reply meet it?") each is read as the kind of help it speaks of, by these
# cues (regular expressions, case ignored). The cue that stands earliest in the sentence wins.
NEED_CUES: dict[Strategy, tuple[str, ...]] = {
    Strategy.QUESTION: (
        r"\bask(s|ed|ing)?\b", r"questions?\b", r"curious", r"curiosity", r"interrogat",
        r"interest",
    ),
    Strategy.RESTATEMENT: (
        r"own words", r"repeat", r"sa(id|ying|y) back", r"summar", r"paraphras", r"echo",
        r"put(ting)? .* in(to)? words", r"sum(s|med|ming)? (it )?up", r"got the story",
    ),
    Strategy.REFLECTION: (
        r"feel(s|ing|ings)?\b", r"felt\b", r"emotion", r"mood", r"nam(e|ed|ing) (what|how|the)",
    ),
    Strategy.SELF_DISCLOSURE: (
        r"(been|went|gone) through", r"own (story|stories|experience)", r"same thing", r"similar",
        r"not (the )?only one", r"their own life", r"about themselves",
    ),
    Strategy.AFFIRMATION: (
        r"reassur", r"encourag", r"believ", r"strength", r"prais", r"proud", r"capable", r"cheer",
        r"doing (well|fine|okay|enough)", r"told (that )?(it|everything|things)", r"it will be",
        r"not (my|their|his|her) fault", r"worth", r"confidence", r"compliment", r"good job",
    ),
    Strategy.SUGGESTIONS: (
        r"advi[cs]e", r"suggest", r"solution", r"concrete", r"practical", r"steps?\b", r"a plan\b",
        r"what to do", r"fix(ed|ing)?\b", r"\btips?\b",
    ),
    Strategy.INFORMATION: (
        r"facts?\b", r"information", r"expla(in|nation)", r"knowledge", r"statistic",
        r"how it works", r"lectur", r"resources",
    ),
    Strategy.OTHERS: (
        r"company", r"silence", r"quiet", r"small talk", r"joke", r"humou?r", r"distract",
        r"light(er|ness|-hearted)?\b", r"just be(ing)? there", r"presence", r"patien", r"time\b",
        r"pace\b", r"rush", r"hurr",
    ),
}  # fmt: skip
_PATTERNS = {s: re.compile("|".join(cues), re.IGNORECASE) for s, cues in NEED_CUES.items()}


def kind_of_help(sentence: str) -> Strategy | None:
    """The kind of help that a sentence about needs speaks of, or None where no cue is found.

    The same reading serves what helps ("Being asked before anyone explains") and what hurts
    ("Advice before I have finished").
    """
    hits = [(m.start(), s) for s, pattern in _PATTERNS.items() if (m := pattern.search(sentence))]
    return min(hits, key=lambda hit: hit[0])[1] if hits else None


def kinds_of_help(sentences: Iterable[str]) -> frozenset[Strategy]:
    """The kinds of help that some sentences about needs speak of."""
    return frozenset(kind for s in sentences if (kind := kind_of_help(s)))
