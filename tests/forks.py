"""Forks for tests: a run, its branches, what they asked."""

from contextlib import closing
from pathlib import Path

from attunement.core.records import Change, Dialogue
from attunement.personas.cards import library
from attunement.simulator.casting import Cast
from attunement.simulator.forking import fork
from attunement.simulator.run import run
from tests.helpers import journal_of, small_run


def dialogue(folder: Path, name: str | int) -> Dialogue:
    """A dialogue or branch as the journal has it."""
    with closing(journal_of(folder)) as journal:
        return journal.find(str(name))


def calls(folder: Path, index: int) -> list[dict]:
    """The calls of a dialogue or branch."""
    with closing(journal_of(folder)) as journal:
        return journal.calls(index)


def forked(folder: Path, name: str | int, turn: int, change: Change, *backends) -> Dialogue:
    """The branch, run to its end."""
    laid = fork(folder, str(name), turn, change, check_models=not backends)
    assert run(folder, backends=list(backends) or None, only=[laid.index])
    return dialogue(folder, laid.index)


def by_role(rows: list[dict], turn: int) -> dict[str, tuple[str, int]]:
    """(model, tries) of each role's last call at a turn."""
    return {row["role"]: (row["model"], row["tries"]) for row in rows if row["turn"] == turn}


def number_of(folder: Path, id: str) -> int:
    """The index of the dialogue or branch with an id."""
    with closing(journal_of(folder)) as journal:
        return next(index for index, name in journal.indices(branches=True) if name == id)


def make_base(folder: Path) -> Path:
    """A run of three dialogues on the embedded model; dialogue 0 has several turns."""
    cards = [card for card in library() if card.risk == "none"][:3]
    small_run(folder, cast=Cast(cards, range(3)))
    assert len(dialogue(folder, 0).turns) > 4
    return folder
