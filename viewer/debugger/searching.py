"""Searching a run's index for words, any part of them, in any language."""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

from attunement.core.errors import UserError
from attunement.viewer.debugger.index import at
from attunement.viewer.debugger.records import Hit
from attunement.viewer.debugger.texts import Named, fold

SHOWN = 3
"""Hits that a dialogue shows."""
_LETTERS, _WORDS = 400, 16
_BEFORE, _AFTER = 50, 110
"""Letters of an excerpt."""


class Found(NamedTuple):
    """Where a search was found in one dialogue."""

    turns: int
    first: tuple[int, ...]
    """The first few of these turns; 0 is the persona's card or the error."""


def words_of(asked: str) -> list[str]:
    """The words of a search, all of which must be found in one turn. `UserError` for too many."""
    words = list(dict.fromkeys(fold(asked).split()))
    if len(asked) > _LETTERS or len(words) > _WORDS:
        raise UserError(f"a search has at most {_LETTERS} letters and {_WORDS} words; shorten it")
    return words


def search(db: sqlite3.Connection, words: list[str]) -> Mapping[int, Found]:
    """The dialogues with turns that hold all the words, by index."""
    loose = [_loose(db, word) for word in words]
    if not any(loose):
        return _by_dialogue(_fixed(db, words))
    sets = [places.union(_fixed(db, [word])) for word, places in zip(words, loose, strict=True)]
    return _by_dialogue(sorted(set.intersection(*sets)))


def hits(texts: Iterable[Named], turn: int, words: list[str]) -> list[Hit]:
    """The one text of a turn that holds the most of the words, cut to what stands around them."""
    best, most = None, 0
    for named in texts:
        held = sum(word in fold(named[1]) for word in words)
        if held > most:
            best, most = named, held
    return [_excerpt(turn, *best, words)] if best else []


def _fixed(db: sqlite3.Connection, words: list[str]) -> list[int]:
    """The places, in sequence, of turns and cards whose own texts hold all the words."""
    parts = [_part(db, word) for word in words]
    if not all(parts):
        return []
    query = "SELECT rowid FROM words WHERE words MATCH ?"
    return [row[0] for row in db.execute(query, (" AND ".join(parts),))]


def _part(db: sqlite3.Connection, word: str) -> str:
    """What the index is asked for a word; empty where nothing can hold it.

    It knows every three letters in a row, so a shorter word is all the threes that it begins.
    """
    if len(word) >= 3:
        return _quoted(word)
    query = "SELECT term FROM threes WHERE term >= ? AND term < ?"
    threes = [row[0] for row in db.execute(query, (word, word + "\U0010ffff"))]
    return "(" + " OR ".join(map(_quoted, threes)) + ")" if threes else ""


def _quoted(text: str) -> str:
    """A text as a string of FTS5's: nothing in it is syntax."""
    return '"' + text.replace('"', '""') + '"'


def _loose(db: sqlite3.Connection, word: str) -> set[int]:
    query = "SELECT place FROM loose WHERE instr(folded, ?)"
    return {row[0] for row in db.execute(query, (word,))}


def _by_dialogue(places: Iterable[int]) -> dict[int, Found]:
    found = {}
    for dialogue, of_one in groupby(map(at, places), key=lambda place: place[0]):
        turns = [turn for _, turn in of_one]
        found[dialogue] = Found(len(turns), tuple(turns[:SHOWN]))
    return found


def _excerpt(turn: int, field: str, text: str, words: list[str]) -> Hit:
    """An excerpt around the longest word that is there."""
    there = [word for word in sorted(words, key=len, reverse=True) if word in fold(text)]
    shown = " ".join(text.split())
    if _where(shown, there) is None:  # its letters have another form there than when folded
        shown = fold(shown)
    start, end = _where(shown, there) or (0, 0)
    before, after = shown[:start], shown[end:]
    return Hit(
        turn=turn,
        field=field,
        before="…" + before[-_BEFORE:] if len(before) > _BEFORE else before,
        found=shown[start:end],
        after=after[:_AFTER] + "…" if len(after) > _AFTER else after,
    )


def _where(text: str, words: list[str]) -> tuple[int, int] | None:
    """Where the first of the words that can be pointed at stands."""
    found = (re.search(re.escape(word), text, re.IGNORECASE) for word in words)
    return next((match.span() for match in found if match), None)
