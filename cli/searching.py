"""Searching a run's dialogues for words, from the terminal."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select

from attunement.cli.plain import plain
from attunement.cli.show_list import short
from attunement.core.errors import UserError
from attunement.core.records import Record
from attunement.simulator.annotating import ANNOTATION
from attunement.simulator.journal import Journal
from attunement.simulator.matching import PERSON
from attunement.simulator.tables import DIALOGUES, PERSONAS, TURNS, VERDICTS
from attunement.viewer.debugger.records import Hit
from attunement.viewer.debugger.searching import hits, words_of
from attunement.viewer.debugger.texts import Named, folded, of_card, of_turn

_PAGE = 200
"""Rows that are read at a time."""
_Texts = tuple[tuple[int, int], str, list[Named]]
"""Dialogue and turn, the dialogue's id, and its texts there; turn 0 is the card."""


class Found(Record):
    """A place where all the words were found."""

    index: int
    id: str
    hit: Hit


def search(journal: Journal, text: str) -> Iterator[Found]:
    """Every turn, and every card, that holds all of the words; branches from their fork on."""
    words = words_of(text)
    if not words:
        raise UserError("`--search` needs a word to look for")
    return _search(journal, words)


def _search(journal: Journal, words: list[str]) -> Iterator[Found]:
    for (index, turn), name, texts in merge(_cards(journal), _turns(journal), key=_place):
        whole = folded(iter(texts))
        if all(word in whole for word in words):
            found = hits(texts, turn, words)
            yield from (Found(index=index, id=name, hit=hit) for hit in found)


def _place(found: _Texts) -> tuple[int, int]:
    return found[0]


def _cards(journal: Journal) -> Iterator[_Texts]:
    """The persona of every dialogue but of branches, which have their origin's; and errors."""
    c = DIALOGUES.c
    query = select(c.idx, c.id, c.error, c.origin, PERSONAS.c.card).join(PERSONAS)
    with journal.engine.connect() as db:
        for row in db.execute(query.order_by(c.idx).execution_options(yield_per=_PAGE)):
            card = of_card(orjson.loads(row.card)) if row.origin is None else ()
            error = [("error", row.error)] if row.error else []
            yield (row.idx, 0), row.id, [("dialogue", row.id), *card, *error]


def _turns(journal: Journal) -> Iterator[_Texts]:
    """The turns as they stand in the journal: many, so no records are made of them."""
    c, notes = TURNS.c, _notes(journal)
    query = select(c.dialogue, c.number, c.record, DIALOGUES.c.id).join(DIALOGUES)
    query = query.where(c.number >= func.coalesce(DIALOGUES.c.forked_at, 0))
    with journal.engine.connect() as db:
        ordered = query.order_by(c.dialogue, c.number).execution_options(yield_per=_PAGE)
        for index, number, record, name in db.execute(ordered):
            said = notes.get((index, number), [])
            yield (index, number), name, [*of_turn(orjson.loads(record)), *said]


def _notes(journal: Journal) -> dict[tuple[int, int], list[Named]]:
    """What people said of turns."""
    c = VERDICTS.c
    query = select(c.dialogue, c.turn, c.judge, c.label, c.reason).where(c.name == ANNOTATION)
    found: dict[tuple[int, int], list[Named]] = {}
    with journal.engine.connect() as db:
        for index, turn, judge, label, reason in db.execute(query):
            said = f"{judge.removeprefix(PERSON)}: {reason or label}"
            found.setdefault((index, turn), []).append(("annotation", said))
    return found


def print_found(console: Console, found: Iterator[Found], limit: int | None) -> None:
    """The places, one a line, at most `limit` of them; None for all."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("no.", "dialogue", "turn", "in", "words"):
        table.add_column(name, no_wrap=name in ("no.", "dialogue", "turn"))
    for place in islice(found, limit):
        hit = place.hit
        words = Text.assemble(plain(hit.before), (plain(hit.found), "bold reverse"))
        words.append(plain(hit.after))
        turn = str(hit.turn) if hit.turn else ""
        table.add_row(str(place.index), Text(short(place.index, place.id)), turn, hit.field, words)
    if table.row_count:
        console.print(table)
    if next(found, None):  # the rest is not even looked for
        first = f"the first {table.row_count:,}; --limit shows more, --all shows them all"
        console.print(Text(first, "dim"))
    else:
        console.print(Text(f"found in {table.row_count:,} places", "dim"))
