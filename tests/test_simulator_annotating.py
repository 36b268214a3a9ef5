"""Annotations: what is refused, and what is said where they cannot be kept."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event

from attunement.core.errors import JournalError, UserError
from attunement.simulator.annotating import Annotation, annotate, annotations
from tests.helpers import answering, journal_of, small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    small_run(folder, answering(), max_turns=2)
    return folder


def say(run: Path, said: Annotation, read_only: bool = False) -> dict[str, Annotation]:
    """What is said of the first turn after it was annotated."""

    async def writing() -> None:
        journal = journal_of(run)
        if read_only:
            event.listen(journal.engine, "connect", lambda db, _: db.execute("PRAGMA query_only=1"))
            journal.engine.dispose()
        try:
            await annotate(journal, 0, journal.find("0").turns[0], said, "ada")
        finally:
            await journal.close_writer()
            journal.close()

    asyncio.run(writing())
    return kept(run)


def kept(run: Path) -> dict[str, Annotation]:
    journal = journal_of(run)
    turn = journal.find("0").turns[0]
    journal.close()
    return annotations(turn)


def test_a_good_turn_has_no_errors_and_what_was_said_before_stays(run):
    before = Annotation(label="bad", errors=("Other",), note="Too soon.")
    assert say(run, before) == {"ada": before}
    with pytest.raises(UserError, match=r"error \(Other\) is not 'good'; leave out"):
        say(run, Annotation(label="good", errors=("Other",)))
    assert kept(run) == {"ada": before}
    good = Annotation(label="good", note="Asks first.")
    assert say(run, good) == {"ada": good}


def test_a_folder_that_cannot_be_written_is_named_as_the_reason(run):
    before = kept(run)
    with pytest.raises(JournalError) as caught:
        say(run, Annotation(label="bad"), read_only=True)
    assert "the run's folder cannot be written (attempt to write a readonly" in str(caught.value)
    assert "annotate again" in str(caught.value)
    assert "resume" not in str(caught.value)
    assert kept(run) == before
