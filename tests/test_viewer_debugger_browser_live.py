"""The debugger in a browser while a run is made: it appears by itself."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from attunement.agents.models.base import Ask
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import ModelError
from attunement.core.strategies import Strategy
from attunement.simulator.casting import Cast
from tests.forks import make_base
from tests.helpers import ANSWERS, LIBRARY, journal_of, small_run
from tests.looking import NUMBERS, looking, offline, there, viewing, visit

PATIENCE = 30
"""Seconds that a test waits for another thread at most."""


class Slow:
    """A run in a thread whose responder answers when it is let: nothing depends on time."""

    def __init__(self, folder, **settings) -> None:
        self._let = threading.Semaphore(0)
        self._asks = threading.Semaphore(0)
        self._fails = False
        self._said = 0
        chat = ScriptedChat(self._answer)
        cast = Cast(LIBRARY[:3], [0, 1, 2])
        self._thread = threading.Thread(
            target=small_run, args=(folder, chat),
            kwargs={"cast": cast, "dialogues": 3, "concurrency": 1} | settings, daemon=True,
        )  # fmt: skip

    @contextmanager
    def going(self) -> Iterator["Slow"]:
        self._thread.start()
        self.wait()
        try:
            yield self
        finally:
            self._let.release(1000)
            self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def wait(self) -> None:
        """Until the responder is asked for the next reply."""
        assert self._asks.acquire(timeout=PATIENCE)

    def go_on(self, fails: bool = False) -> None:
        """Let it answer, or fail, and wait until it is asked again."""
        self._fails = fails
        self._let.release()
        self.wait()
        self._fails = False

    def end(self) -> None:
        """Let it answer whatever it is asked."""
        self._let.release(1000)
        self._thread.join(PATIENCE)

    async def _answer(self, ask: Ask) -> str:
        if ask.role == "responder":
            return await self._respond()
        if ask.role != "seeker":
            return json.dumps(ANSWERS[ask.role])
        self._said += 1
        return json.dumps(ANSWERS["seeker"] | {"text": f"Night number {self._said}."})

    async def _respond(self) -> str:
        self._asks.release()
        await asyncio.to_thread(self._let.acquire)
        if self._fails:
            raise ModelError("the line to Quito broke")
        return f"A reply to number {self._said}."


@pytest.fixture
def slow(tmp_path) -> Slow:
    return Slow(tmp_path / "run", max_turns=2)


def test_a_run_in_progress_appears_turn_by_turn_without_a_reload(slow, tmp_path):
    run = tmp_path / "run"
    with (
        slow.going(),
        offline(run) as (browser, link),
        looking(browser, link) as runs,
        looking(browser, link, "runs/0/d/0") as page,
    ):
        for window in (runs, page):
            window.evaluate("window.before = true")
        there(runs.get_by_text("0 of 3 dialogues ended"))
        there(page.get_by_text("No turn yet."))
        there(page.get_by_text("This dialogue is still open"))
        slow.go_on()
        there(page.get_by_text("Night number 1."))
        there(page.get_by_role("heading", name="Turn 1", exact=True))
        there(page.get_by_role("heading", name="Turn 2", exact=True), 0)
        there(runs.get_by_text("● being written"))
        slow.go_on()  # its second reply ends the first dialogue
        there(page.get_by_role("heading", name="Turn 2", exact=True))
        there(page.get_by_text("max turns"))
        there(page.get_by_text("This dialogue is still open"), 0)
        there(runs.get_by_text("1 of 3 dialogues ended"))
        slow.go_on(fails=True)
        there(runs.get_by_text("2 of 3 dialogues ended, 1 failed"))
        visit(page, "runs/0?status=failed")
        there(page.locator(NUMBERS), 1)
        there(page.get_by_role("cell", name="failed", exact=True))
        visit(page, "runs/0")
        there(page.get_by_role("progressbar", name="Dialogues that ended"))
        slow.end()
        there(page.get_by_role("progressbar"), 0)
        there(runs.get_by_role("progressbar"), 0)
        there(page.get_by_role("cell", name="max turns", exact=True), 2)
        for window in (runs, page):
            assert window.evaluate("window.before === true")
    journal = journal_of(run)
    assert journal.counts() == {"open": 0, "done": 2, "failed": 1}
    journal.close()


def test_a_run_that_another_process_runs_is_forked_when_that_has_ended(slow, tmp_path):
    with slow.going():
        slow.go_on()
        with offline(tmp_path / "run") as seen, looking(*seen, "runs/0/d/0") as page:
            fork = page.get_by_role("button", name="Fork turn 1")
            dialog = page.get_by_role("dialog", name="Fork turn 1")
            fork.click()
            there(dialog.get_by_text("another process runs this run"))
            there(dialog.get_by_label("Strategy", exact=True), 0)
            dialog.get_by_role("button", name="Close").click()
            slow.end()
            fork.click()
            there(dialog.get_by_label("Strategy", exact=True))


def test_all_other_strategies_are_forked_at_once_and_stand_beside_their_origin(tmp_path):
    run = make_base(tmp_path / "run")
    with offline(run) as seen, looking(*seen, "runs/0/d/0") as page:
        page.get_by_role("button", name="Fork turn 2").click()
        dialog = page.get_by_role("dialog", name="Fork turn 2")
        plan = dialog.get_by_label("Strategy", exact=True).first
        plan.select_option("every other, a branch each")
        dialog.get_by_role("button", name="Fork 7 branches").click()
        there(dialog, 0)
        table = page.get_by_role("region", name="Branches").get_by_role("table")
        there(table.get_by_role("link", name=re.compile(r"dialogue \d+$")), 14)
        there(table.get_by_text("from turn 2 on: plan"), 7)
        there(table.get_by_text(re.compile(r"^\d → \d$")), 8)
    with closing(journal_of(run)) as journal:
        branches = [journal.named(id) for _, id in journal.indices(branches=True) if "~" in id]
        origin = journal.find("0").turns[1].plan.strategy
    changed = [branch.fork.change.plan.strategy for branch in branches]
    assert changed == [strategy for strategy in Strategy if strategy != origin]
    assert all(branch.stop_reason for branch in branches)


def test_a_turn_that_is_being_made_is_seen_on_its_graph_node_by_node(slow, tmp_path):
    with slow.going():
        slow.go_on()
        with offline(tmp_path / "run") as seen, looking(*seen, "runs/0/d/0/t/1") as page:
            page.keyboard.press("]")
            there(page.get_by_text("turn 2 of 2"))
            there(page.get_by_role("region", name="Raw answer").get_by_text("Night number 2."))
            there(page.get_by_role("button", name=re.compile("^refiner, not reached")))
            slow.go_on()
            there(page.get_by_role("button", name=re.compile("^refiner, done")))
            there(page.get_by_text("Draft against refined"))


def test_a_page_says_when_its_server_is_gone(slow, tmp_path):
    """Not `offline`: what a page asks of a server that is gone is an error in its console."""
    from tests.browser import browsing

    with slow.going():
        slow.end()
    with ExitStack() as served, browsing() as browser:
        link = served.enter_context(viewing(tmp_path / "run"))
        with looking(browser, link, "runs/0") as page:
            there(page.get_by_role("status").filter(has_text="Live"))
            served.close()
            there(page.get_by_text("Connection lost, trying again"))
            page.get_by_role("link", name="Graph").click()
            there(page.get_by_text("The server does not answer."))
            page.wrong.clear()
