"""Facts of a card that a seeker's own words can contradict, as far as rules read them safely.

Five are read: age, name, gender, living alone or not, having a child. Only plain statements about
oneself count ("I am 34 years old", "my name is", "I'm a single mother", "I live alone", "I have no
children"), and only where the card plainly says something else. Occupation, events, feelings and
everything that is said in other words go unseen, as do other languages than English.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

from attunement.core.records import Persona
from attunement.evaluation.realism.text import plain, words_of

Fact = Literal["age", "name", "gender", "living", "children"]
YEARS = 5
"""How far a stated age may be from the card's: in an imported table it is the middle of a band."""

_UNSAID = re.compile(
    r"\b(?:if|when|whether|until|unless|wish|like|though|assum\w+|think\w*|thought|says?|said|told|"
    r"prove|pretend\w*|dream\w*|believed?|imagine)(?: that)?\s+\Z"
)
"""What stands before words that are supposed, wished or another's."""
_NEAR = 40
"""Characters before a statement in which that is looked for."""

_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ONES = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_NUMBERS = {word: number for number, word in enumerate(_ONES, 1)}
_NUMBERS |= {word: number for number, word in zip(range(20, 100, 10), _TENS, strict=True)}
_BELOW_TEN, _TO_NINETEEN = "|".join(_ONES[:9]), "|".join(_ONES[9:])
_NUMBER = rf"(\d{{2,3}}|(?:{'|'.join(_TENS)})(?:[- ](?:{_BELOW_TEN}))?|(?:{_TO_NINETEEN}))"
_I_AM = r"\bi(?:'m| am|m) (?:only |just |now |already |almost |about |around )?"
_AGE = re.compile(
    rf"{_I_AM}(?:an? )?{_NUMBER}(?:[- ](?:years?|yrs?)\b|\s?(?:yo|y/o)\b)"
    rf"|{_I_AM}{_NUMBER}(?=\s*(?:[.,!;?]|\Z)| and i\b| now\b)"
    rf"|\bi (?:just |recently )?turned {_NUMBER}\b(?! (?:pages?|people|times?|jobs?)\b)"
)
_NAME = re.compile(r"\b[Mm]y name(?:['’]s| is) (?=[^\W\d_])([A-Z]\w+|[^\x00-\x7f]\w+)")
"""In the text's own case: `my name is on the list` names nobody."""
_MEN = ("man", "guy", "boy", "male", "father", "dad", "husband", "widower", "grandfather")
_WOMEN = (
    "woman", "girl", "lady", "female", "mother", "mom", "mum", "wife", "widow", "grandmother",
)  # fmt: skip
_GENDER = re.compile(
    rf"(?:\bi(?:'m| am)|\bas) (?:just )?an? (?:(?!house\b)\w+ )?({'|'.join(_MEN + _WOMEN)})"
    r"\b(?!'s|[- ](?:in|of)[- ](?:law|the)\b|[- ](?:\w*man|woman|boy|girl|dad|mom|mum)\b)"
)
_RELATIVES = (
    r"(?:wife|husband|partner|spouse|boyfriend|girlfriend|parents?|mother|mom|mum|mama|father|dad|"
    r"sons?|daughters?|kids|children|sisters?|brothers?|grandmother|grandfather|grandparents|"
    r"family|uncle|aunt|cousins?|flatmates?|housemates?|roommates?)\b"
)
_ALONE = re.compile(r"\bi live (?:all )?(?:alone|by myself|on my own)\b(?! now\b)")
_TOGETHER = re.compile(rf"\bi live with my (?:\w+ )?{_RELATIVES}")
_CHILDLESS = re.compile(
    r"\bi (?:don't|do not|dont) have (?:any )?(?:kids|children)\b(?! (?:at|in|with|here|now)\b)"
    r"|\bi(?:'ve| have) (?:got )?no (?:kids|children)\b(?! (?:at|in|with|here|now)\b)"
)
_HAS_CHILD = re.compile(r"\bmy (?:\w+ )?(?:son|daughter)s?\b")
_BEREFT = re.compile(r"\b(?:died|dead|death|lost|losing|buried|funeral|stillb\w+|miscarr\w+)\b")


def contradicted(persona: Persona, lines: list[str]) -> tuple[Fact, ...] | None:
    """The facts of a card that some lines contradict; None where the card holds none to read."""
    readers = list(_readers(persona))
    if not readers:
        return None
    return tuple(fact for fact, against in readers if any(map(against, lines)))


def _readers(persona: Persona) -> Iterator[tuple[Fact, Callable[[str], bool]]]:
    """For every fact that the card says: whether a line says something else."""
    about = persona.demographics
    if about.age is not None:
        yield "age", _other_age(about.age)
    if persona.name:
        yield "name", _other_name(persona.name)
    if other := {"male": _WOMEN, "man": _WOMEN, "female": _MEN, "woman": _MEN}.get(
        plain(about.gender or "")
    ):
        yield "gender", lambda line: any(m[1] in other for m in _stated(_GENDER, line))
    if living := _living(plain(about.living or "")):
        yield "living", lambda line: any(_stated(living, line))
    own = plain(" ".join((persona.situation, *persona.background)))
    if _HAS_CHILD.search(own) and not _BEREFT.search(own):
        yield "children", lambda line: any(_stated(_CHILDLESS, line))


def _stated(pattern: re.Pattern[str], line: str) -> Iterator[re.Match[str]]:
    """Where a pattern stands as a statement of one's own."""
    low = plain(line)
    found = pattern.finditer(low)
    return (m for m in found if not _UNSAID.search(low, max(0, m.start() - _NEAR), m.start()))


def _other_age(age: int) -> Callable[[str], bool]:
    def against(line: str) -> bool:
        found = (next(filter(None, m.groups())) for m in _stated(_AGE, line))
        return any(10 <= years <= 110 and abs(years - age) > YEARS for years in map(_years, found))

    return against


def _years(number: str) -> int:
    if number.isdecimal():
        return int(number)
    return sum(_NUMBERS[word] for word in re.split(r"[- ]", number))


def _other_name(name: str) -> Callable[[str], bool]:
    """No part of the card's name begins as the stated one does: short forms are no other name."""
    begins = {word[:1] for word in words_of(name)}
    return lambda line: any(plain(m[1])[:1] not in begins for m in _NAME.finditer(line))


def _living(living: str) -> re.Pattern[str] | None:
    """What would contradict how somebody lives; None where the card is not plain about it."""
    company = re.search(_RELATIVES, living) is not None
    if re.match(r"(?:lives )?alone\b", living):
        return None if company else _TOGETHER
    if re.match(r"(?:lives )?with\b", living) and company:
        return None if re.search(r"alone|week|half|travels", living) else _ALONE
    return None
