"""The list of a run's dialogues in print."""

from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.cli.plain import plain
from attunement.core.records import Dialogue
from attunement.simulator.forking import in_words
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES

LISTED = 20
"""Dialogues that the list shows unless told otherwise."""
_WHOLE = ("no.", "dialogue", "emotion", "turns", "strength", "ended")
"""Columns that are not broken into lines."""


def print_dialogues(
    console: Console,
    journal: Journal,
    offset: int = 0,
    limit: int | None = LISTED,
    branches: bool = False,
) -> None:
    """Dialogues of a run, one a line, from number `offset` on; `limit` None shows them all."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    names = ["no.", "dialogue", "problem", "emotion", "turns", "strength", "ended"]
    for name in (*names, *(["branch"] * branches)):
        table.add_column(name, no_wrap=name in _WHOLE)
    # Numbers have no gap, and branches stand behind all else.
    numbered = enumerate(journal.dialogues(DIALOGUES.c.idx >= offset, branches=branches), offset)
    for number, dialogue in islice(numbered, limit):
        table.add_row(str(number), *_cells(number, dialogue), *([_origin(dialogue)] * branches))
    if table.row_count:
        console.print(table)
    else:
        _say_none(console, journal, offset, branches)
    _say_rest(console, journal, offset + table.row_count, branches)


def short(number: int, id: str) -> str:
    """What a dialogue's id says beside its number: `mira` of `000003-mira`, a branch's whole."""
    return id.removeprefix(f"{number:06d}-")


def became(dialogue: Dialogue) -> tuple[str, str, str]:
    """How many replies a dialogue has, how strong the feeling was first and last, and how it
    ended."""
    outcome = dialogue.outcome
    felt = outcome and outcome.first_intensity and outcome.last_intensity
    return (
        str(sum(turn.spoken is not None for turn in dialogue.turns)),
        f"{outcome.first_intensity} to {outcome.last_intensity}" if outcome and felt else "",
        "failed" if dialogue.error else dialogue.stop_reason or "open",
    )


def _cells(number: int, dialogue: Dialogue) -> list[str | Text]:
    persona = dialogue.persona
    name = Text(short(number, dialogue.id))
    return [name, persona.problem, persona.emotion, *became(dialogue)]


def _origin(dialogue: Dialogue) -> Text:
    """What a branch changes; its name says of which dialogue."""
    fork = dialogue.fork
    return Text(plain(in_words(fork.change, fork.turn)) if fork else "", "magenta")


def _say_none(console: Console, journal: Journal, offset: int, branches: bool) -> None:
    there = f"there are {sum(journal.counts(branches=branches).values()):,}, counted from 0"
    console.print(Text(f"no dialogue has a number from {offset} on: {there}", "dim"))


def _say_rest(console: Console, journal: Journal, shown: int, branches: bool) -> None:
    """How many come behind those that were shown, and how many branches there are."""
    all_of_them = sum(journal.counts(branches=True).values())
    total = all_of_them if branches else sum(journal.counts().values())
    if total > shown:
        more = f"… and {total - shown:,} more; --offset {shown} goes on, --all shows them all"
        console.print(Text(more, "dim"))
    if all_of_them > total:
        forked = f"{all_of_them - total:,} forked from these; --branches lists them too"
        console.print(Text(forked, "dim"))
