"""`attune arena` as a user meets it."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from attunement.cli.app import app
from attunement.core.errors import UserError
from attunement.core.records import Verdict
from attunement.simulator.frame import locked
from attunement.viewer.arena.report import report_on
from tests.helpers import journal_of, small_run
from tests.inside import attune
from tests.test_viewer_arena import _ask as ask
from tests.test_viewer_arena import arena


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with two runs of the same four dialogues, and one that has no refinements."""
    folder = tmp_path_factory.mktemp("home")
    small_run(folder / "runs/001", dialogues=4)
    small_run(folder / "runs/direct", dialogues=4, graph="direct")
    small_run(folder / "runs/other", dialogues=4, seed=5)
    return folder


def _judge(link: str, choices: str) -> dict:
    """Answer what comes next, a letter an item; returns what the page shows then."""
    page = json.loads(ask(link, "item")[2])
    for letter in choices:
        choice = {"a": "a", "b": "b", "t": "tie", "s": "skip"}[letter]
        body = json.dumps({"number": page["number"], "choice": choice}).encode()
        status, _, said = ask(link, "answer", body)
        assert status == 200
        page = json.loads(said)
    return page


def _write_elsewhere(run: Path) -> None:
    journal = journal_of(run)
    verdict = Verdict(name="reply: empathy", value=3.0, about="draft", judge="openai:judge")

    async def write():
        await journal.write_verdicts(0, 1, [verdict], round=0)
        await journal.close_writer()

    asyncio.run(write())
    journal.close()


def test_a_session_a_second_one_that_goes_on_and_the_report(home):
    run = home / "runs/001"
    assert {line.why for line in report_on(run, None).figures} >= {"nobody has judged a pair"}
    options = ("--n", 6, "--attention", 4)
    with arena(run, *options, "--annotator", "ada", "--annotator", "bo") as links:
        assert _judge(links["ada"], "abt")["number"] == 4
        assert _judge(links["bo"], "ab")["number"] == 3
    with locked(run), arena(run, *options, "--annotator", "bo", "--annotator", "ada") as links:
        _write_elsewhere(run)  # as another process does that runs or labels it
        assert _judge(links["ada"], "")["number"] == 4
        assert _judge(links["ada"], "aabab")["number"] is None
    with arena(run, *options, people=2) as links:  # whoever has judged before
        assert list(links) == ["ada", "bo"]
        assert _judge(links["ada"], "")["done"] == 8
    report = report_on(run, None)
    ada, bo = report.people
    assert (ada.key, ada.answers, ada.skipped, ada.checks) == ("ada", 6, 0, 2)
    assert (bo.key, bo.answers + bo.checks) == ("bo", 2)
    assert report.judged == 6
    printed = attune("arena", "runs/001", "--report", cwd=home).stdout
    assert "runs/001 against its drafts: 6 of" in printed
    for said in ("win rate", "95 % interval", "chance", "ada", "checks passed"):
        assert said in printed


def test_a_key_is_made_up_where_none_is_named(home):
    with arena(home / "runs/001", home / "runs/direct", "--n", 3) as links:
        (key,) = links
        assert key.startswith("p-")
        assert _judge(links[key], "abt")["number"] is None
    report = json.loads(
        attune("arena", "runs/001", "runs/direct", "--report", "--json", cwd=home).stdout
    )
    assert (report["against"], report["judged"]) == ("runs/direct", 3)
    assert [person["key"] for person in report["people"]] == [key]
    # The answers are found from the other run, too, and turned round.
    turned = json.loads(
        attune("arena", "runs/direct", "runs/001", "--report", "--json", cwd=home).stdout
    )
    assert (turned["judged"], [person["key"] for person in turned["people"]]) == (3, [key])
    rates = [one["figures"][0]["value"] for one in (report, turned)]
    assert sum(rates) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs/none"], "no run folder 'runs/none'; check the path"),
        (["runs"], "no journal 'runs/journal.db'"),
        (["runs/direct"], "has no refinement that differs from its draft; name a second run"),
        (["runs/001", "runs/none"], "no run folder 'runs/none'"),
        (["runs/001", "runs/001"], "share no reply that differs"),
        (["runs/001", "runs/other"], "with the same seed"),
        (["runs/001", "--annotator", "a b"], "`--annotator` must be 1 to 40 letters, digits"),
        (["runs/001", "--annotator", "x" * 41], "`--annotator` must be 1 to 40 letters, digits"),
        (["runs/001", "--annotator", ""], "`--annotator` must be 1 to 40 letters, digits"),
        (["runs/001", "--attention", "1"], "`--attention` must be 0 (none) or at least 2, got 1"),
        (["runs/001", "--host", "no.such.host.invalid"], "cannot listen on `--host`"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_sentence(home, monkeypatch, words, said):
    monkeypatch.chdir(home)
    with pytest.raises(UserError) as error:
        app(["arena", *words], standalone_mode=False)
    assert said in str(error.value)


def test_a_port_that_is_taken_is_said(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = attune("arena", "runs/001", "--port", port, cwd=home)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"`--port` {port}: Address already in use; --port 0 takes a free port" in done.stderr
