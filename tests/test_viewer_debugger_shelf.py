"""Which runs the debugger opens, and what becomes of those that it cannot read."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attunement.core.errors import RunFolderError, UserError
from attunement.simulator.tables import VERSION
from attunement.viewer.debugger.finding import NotFound
from attunement.viewer.debugger.keeper import Keeper
from attunement.viewer.debugger.listing import Asked
from attunement.viewer.debugger.shelf import Shelf, runs_in, shelf_for
from tests.helpers import small_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf") / "made"
    small_run(folder, dialogues=3, max_turns=2)
    return folder


def _write(run, statement):
    with closing(sqlite3.connect(run / "journal.db")) as db:
        db.execute(statement)
        db.commit()


def _keep_up(shelf):
    """Rounds as the keeper's thread makes them, until nothing is left to do."""
    keeper = Keeper(shelf, lambda: None)
    while keeper._round():
        pass


def test_runs_are_looked_for_three_levels_deep_and_not_in_hidden_folders(made, tmp_path):
    for place in ("b", "x/a", "x/y/z", "x/y/z/deeper", ".run-abc/part", "x/.hidden"):
        shutil.copytree(made, tmp_path / "runs" / place)
    found = runs_in(tmp_path / "runs")
    assert [run.relative_to(tmp_path / "runs").as_posix() for run in found] == ["b", "x/a", "x/y/z"]
    with closing(shelf_for((), tmp_path / "runs")) as shelf:
        _keep_up(shelf)
        assert [card.name for card in shelf.cards()] == ["b", "a", "z"]
    with pytest.raises(RunFolderError, match="attune simulate"):
        shelf_for((), tmp_path / "none")


def test_folders_that_go_while_runs_are_looked_for_are_no_error(made, tmp_path, monkeypatch):
    for place in ("a", "b", "c/d"):
        shutil.copytree(made, tmp_path / "runs" / place)
    look = os.scandir

    def too_late(folder):
        if os.fspath(folder).endswith(("/b", "/c")):
            shutil.move(folder, tmp_path / "elsewhere" / Path(folder).name)
        return look(folder)

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(os, "scandir", too_late)
    assert runs_in(tmp_path / "runs") == [tmp_path / "runs" / "a"]


def test_a_run_named_twice_is_one_run_and_keys_are_no_paths(made):
    with closing(Shelf([made, made, made / ".." / made.name])) as shelf:
        _keep_up(shelf)
        assert [card.key for card in shelf.cards()] == ["0"]
        for key in ("1", "..", str(made), "", "0/"):
            with pytest.raises(NotFound, match="no run"):
                shelf.find(key)


def test_journals_of_other_versions_and_other_files_have_their_reason(made, tmp_path):
    old, text = (shutil.copytree(made, tmp_path / name) for name in ("old", "text"))
    _write(old, f"UPDATE meta SET value = '{VERSION - 1}' WHERE key = 'version'")
    (text / "journal.db").write_text("To be, or not to be. " * 400)
    with closing(Shelf([old, text, made])) as shelf:
        _keep_up(shelf)
        one, two, fine = shelf.cards()
        assert f"has version '{VERSION - 1}'" in one.trouble
        assert "is not a journal" in two.trouble
        assert (fine.trouble, fine.done, fine.read) == ("", 3, 1.0)
        with pytest.raises(UserError, match="has version"):
            shelf.find("0")
        _write(old, f"UPDATE meta SET value = '{VERSION}' WHERE key = 'version'")
        shelf.look()
        _keep_up(shelf)
        assert shelf.cards()[0].done == 3


def test_a_journal_with_a_broken_record_troubles_no_other_run_and_is_read_when_it_is_mended(
    made, tmp_path
):
    run = shutil.copytree(made, tmp_path / "run")
    _write(run, "UPDATE turns SET record = '{' || record WHERE key = 2")
    with closing(Shelf([run, made])) as shelf:
        _keep_up(shelf)
        assert shelf.cards()[1].read == 1.0
        for _ in range(3):
            assert "cannot be read: JSONDecodeError" in shelf.cards()[0].trouble
        assert len(shelf.everything()) == 2  # it was not opened again and again
        _write(run, "UPDATE turns SET record = substr(record, 2) WHERE key = 2")
        shelf.look()
        _keep_up(shelf)
        assert shelf.find("0").listed(Asked()).total == 3
        assert shelf.cards()[0].trouble == ""


@pytest.mark.parametrize("record", ["[]", "7", '{"seeker": 1}', '{"number": 1}'])
def test_a_record_of_another_shape_troubles_no_other_run(made, tmp_path, record):
    run = shutil.copytree(made, tmp_path / "run")
    _write(run, f"UPDATE turns SET record = '{record}' WHERE key = 2")
    with closing(Shelf([run, made])) as shelf:
        _keep_up(shelf)
        broken, whole = shelf.cards()
        assert "cannot be read" in broken.trouble
        assert (whole.trouble, whole.read) == ("", 1.0)
