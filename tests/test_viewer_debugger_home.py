"""Where a viewing keeps its index, and that nothing of it stays behind."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from urllib.request import urlopen

import pytest

from attunement.viewer.debugger.home import Home
from attunement.viewer.debugger.index import Index
from tests.helpers import small_run
from tests.test_cli import ATTUNE

HOLD = """
from attunement.viewer.debugger.home import Home
home = Home()
(home.folder / "index.db").write_text("I never told anybody.")
print(home.folder.name, flush=True)
input()
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_home_is_its_owners_alone_and_goes_without_a_trace(place):
    home = Home()
    assert home.folder.stat().st_mode & 0o777 == 0o700
    (home.folder / "index.db").write_text("I never told anybody.")
    home.remove()
    assert list(place.iterdir()) == []


def test_a_home_that_is_gone_already_is_no_trouble(place):
    home = Home()
    shutil.rmtree(home.folder)
    home.remove()
    assert list(place.iterdir()) == []


def test_an_index_that_cannot_be_opened_leaves_nothing(place, monkeypatch):
    def full(*args, **settings):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(sqlite3.OperationalError):
        Index()
    assert list(place.iterdir()) == []


def test_what_a_killed_viewing_left_goes_and_what_others_use_stays(place):
    for name in ("attunement-other", "elsewhere"):
        (place / name).mkdir()
    (place / "attunement-viewing-link").symlink_to(place / "elsewhere")
    mine = Home()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        left = place / process.stdout.readline().strip()
        Home().remove()
        assert (left / "index.db").exists()
        process.kill()
    Home().remove()
    stay = {"attunement-other", "elsewhere", "attunement-viewing-link", mine.folder.name}
    assert {path.name for path in place.iterdir()} == stay | {f"{mine.folder.name}.lock"}
    mine.remove()


HEARING = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.{how})
os.execv(sys.argv[1], sys.argv[1:])
"""


def ended(run, how, end):
    """The exit status of a view that gets a signal, where closed terminals are heard or not."""
    words = [sys.executable, "-c", HEARING.format(how=how), str(ATTUNE), "view", str(run)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("http://")
            process.send_signal(end)
            return process.wait(timeout=60)
        finally:
            process.kill()


def test_nothing_stays_when_a_terminal_is_closed_or_a_viewing_killed(place, tmp_path):
    small_run(tmp_path / "made", dialogues=1, max_turns=1)
    assert ended(tmp_path / "made", "SIG_DFL", signal.SIGKILL) == -signal.SIGKILL
    assert len([path for path in place.iterdir() if path.name.startswith("attunement-")]) == 2
    assert ended(tmp_path / "made", "SIG_DFL", signal.SIGHUP) == 0
    assert [path.name for path in place.iterdir()] == ["made"]


def test_a_closed_terminal_ends_no_view_that_is_not_to_hear_of_it(place, tmp_path):
    small_run(tmp_path / "made", dialogues=1, max_turns=1)
    words = [sys.executable, "-c", HEARING.format(how="SIG_IGN"), str(ATTUNE), "view", "made"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        link = process.stdout.readline().strip()
        process.send_signal(signal.SIGHUP)
        with urlopen(link + "api/runs", timeout=30) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
