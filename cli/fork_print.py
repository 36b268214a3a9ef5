"""What came of a fork, in print: one branch in full, several as a table beside their origin."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attunement.cli.dialogue import print_dialogue
from attunement.cli.following import print_following
from attunement.cli.plain import plain
from attunement.cli.show_list import became
from attunement.core.records import Dialogue, Fork
from attunement.simulator.forking import in_words


def print_branches(
    console: Console, run: Path, origin: Dialogue, branches: Sequence[tuple[int, Dialogue]]
) -> None:
    """The branches, each with its index, and what to do next."""
    (first, branch), *others = branches
    if others:
        _table(console, origin, branches)
        show, which = (f"show {run} {first}", "one of them"), "all"
    else:
        _one(console, origin, branch)
        show, which = (f"show {run} {branch.id}", "the whole branch"), "both"
    print_following(console, [show, (f"view {run}", f"{which} beside each other, in a browser")])


def _one(console: Console, origin: Dialogue, branch: Dialogue) -> None:
    """The branch from the fork on, and how both ended."""
    fork = _fork_of(branch)
    later = tuple(turn for turn in branch.turns if turn.number >= fork.turn)
    print_dialogue(console, branch.model_copy(update={"turns": later}))
    console.print()
    for name, one in (("origin", origin), ("branch", branch)):
        console.print(Text.assemble((f"{name}  ", "bold"), f"{one.id}: {_ending(one)}"))
    console.print(Text(f"changed {plain(in_words(fork.change, fork.turn))}", "dim"))


def _table(console: Console, origin: Dialogue, branches: Sequence[tuple[int, Dialogue]]) -> None:
    turn = _fork_of(branches[0][1]).turn
    console.print(Text(f"{origin.id}, changed from turn {turn} on", "bold"))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("no.", "changed", "ended", "replies", "strength", "rating"):
        table.add_column(name, no_wrap=name != "changed")
    table.add_row("", "nothing: the origin", *_outcome(origin), style="bold")
    for index, branch in branches:
        table.add_row(str(index), plain(in_words(_fork_of(branch).change)), *_outcome(branch))
    console.print(table)
    for _, branch in branches:
        if branch.error:
            console.print(Text(plain(f"{branch.id} failed: {branch.error}"), "red"))


def _fork_of(branch: Dialogue) -> Fork:
    assert branch.fork is not None, branch.id
    return branch.fork


def _outcome(dialogue: Dialogue) -> list[str]:
    """How a dialogue ended, its replies, how strong the feeling was, and the mean rating."""
    replies, strength, ended = became(dialogue)
    rating = dialogue.outcome.mean_rating if dialogue.outcome else None
    return [ended, replies, strength, "" if rating is None else f"{rating:.1f}"]


def _ending(dialogue: Dialogue) -> str:
    ended, replies, strength, rating = _outcome(dialogue)
    said = plain(f"failed: {dialogue.error}") if dialogue.error else ended
    said += f" after {replies} {'reply' if replies == '1' else 'replies'}"
    said += f", intensity {strength}" if strength else ""
    return said + (f", mean rating {rating}" if rating else "")
