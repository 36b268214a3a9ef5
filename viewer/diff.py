"""What two texts share and where they differ, word by word.

    word_diff("I am sorry.", "I am so sorry!")

Texts that are too long to be compared word by word are compared sentence by sentence first, and
only what differs there by words. What is too long even then counts as replaced as a whole.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

from attunement.viewer.debugger.records import Word

_Kind = Literal["same", "removed", "added"]
_Piece = tuple[_Kind | Literal["both"], str]
"""A text and where it stands; `both` in either text, but between changes."""
_ALONE = (
    "\u0e00-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e80-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6"  # Thai, Lao
    "\u1000-\u102a\u1780-\u17b3"  # Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Kana, Han
)
"""Letters of scripts that part no words by spaces: each is compared by itself."""
_ON_TOP = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3"
)
"""Vowels and tones that are drawn on such a letter, and must not be torn from it."""
_STOPS = (
    "!-&(-,./:-@\\[-^`{-~\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2018\u201a-\u2027\u2030-\u205e"
    "\u3001-\u303f\uff01-\uff0f\uff1a-\uff20"
)
"""Marks between words. An apostrophe, a hyphen and an underscore belong to their word."""
_WORD = re.compile(
    rf"\s+|[{_ALONE}][{_ON_TOP}]*|[^\s{_ALONE}{_STOPS}]+|[{_STOPS}]", re.DOTALL
)  # fmt: skip
_SENTENCE = re.compile(r"[^.!?\n。!?]*[.!?\n。!?]*\s*")
_MOST = 20_000
"""Pairs of equal pieces that a comparison may look at, as some 1,400 words of English on either
side have: milliseconds, and a tenth of a second where the same two words come again and again."""


def word_diff(a: str, b: str) -> tuple[Word, ...]:
    """How `a` becomes `b`: what is `same` and `removed` together is `a`, what is `same` and `added`
    together is `b`, to the letter."""
    pieces = _compare(a, b, (_SENTENCE, _WORD))
    return tuple(Word.model_construct(kind=kind, text=text) for kind, text in _joined(pieces))


def _compare(a: str, b: str, ways: Sequence[re.Pattern[str]]) -> Iterator[_Piece]:
    """The pieces by the finest way of dividing that is not too much work."""
    if a == b:
        yield "same", a
        return
    coarser = list(ways)
    while coarser:
        way = coarser.pop()
        left, right = way.findall(a), way.findall(b)
        head, tail = _shared(left, right)
        middle, other = left[head : len(left) - tail], right[head : len(right) - tail]
        if _work(middle, other) <= _MOST:
            yield "same", "".join(left[:head])
            yield from _align(middle, other, ways[len(coarser) + 1 :])
            yield "same", "".join(left[len(left) - tail :])
            return
    yield "removed", a
    yield "added", b


def _shared(left: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """How many pieces both begin with, and how many of the rest both end with."""
    head = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    shorter = min(len(left), len(right))
    if head is None:
        return shorter, 0
    rest = shorter - head
    ends = zip(reversed(left), reversed(right), range(rest), strict=False)
    return head, next((i for a, b, i in ends if a != b), rest)


def _work(left: Sequence[str], right: Sequence[str]) -> int:
    """Pairs of equal pieces; white space is left out, for the matcher does not begin with it."""
    here, there = Counter(left), Counter(right)
    return sum(n * there[piece] for piece, n in here.items() if not piece.isspace())


def _align(
    left: Sequence[str], right: Sequence[str], finer: Sequence[re.Pattern[str]]
) -> Iterator[_Piece]:
    # White space as junk: it is matched beside equal words, never as the beginning of a match.
    matcher = SequenceMatcher(str.isspace, left, right, autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        before, after = "".join(left[i:i_end]), "".join(right[j:j_end])
        if tag == "equal":
            yield "same", before
        elif tag == "replace" and finer:
            yield from _compare(before, after, finer)
        else:
            yield "removed", before
            yield "added", after


def _joined(pieces: Iterable[_Piece]) -> Iterator[tuple[_Kind, str]]:
    """Runs of what changed, what was removed first; white space between changes is part of them,
    so that a rewritten phrase reads as one."""
    for changed, run in groupby(_bridged([piece for piece in pieces if piece[1]]), _has_changed):
        parts = list(run)
        if not changed:
            yield "same", "".join(text for _, text in parts)
            continue
        if removed := "".join(text for kind, text in parts if kind != "added"):
            yield "removed", removed
        if added := "".join(text for kind, text in parts if kind != "removed"):
            yield "added", added


def _bridged(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    for place, (kind, text) in enumerate(pieces):
        around = [kind for kind, _ in pieces[max(place - 1, 0) : place + 2]]
        between = text.isspace() and len(around) == 3 and around.count("same") == 1
        yield ("both" if between and kind == "same" else kind), text


def _has_changed(piece: _Piece) -> bool:
    return piece[0] != "same"
