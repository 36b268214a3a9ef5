"""The debugger in a browser on texts that try to be more than text."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import count, cycle
from pathlib import Path
from types import SimpleNamespace

import pytest

from attunement.core.records import Change, Plan
from attunement.simulator.annotating import Annotation
from attunement.simulator.casting import Cast
from attunement.simulator.forking import fork
from attunement.simulator.run import run
from tests.helpers import PERSONA, answering, journal_of, small_run
from tests.looking import BEYOND, DESKTOP, NARROW, looking, offline, ready, there, unfold, visit
from tests.test_cli import ATTUNE
from tests.viewing import say

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)> </script></textarea></title><b>not bold</b>',
    "javascript:alert(4) https://evil.example/a?b=c&amp;d [a](javascript:alert(5))",
    "W" * 5000,
    "\u202eאני לא ישן\u202c وأنا أيضا \u2066and\u2069 \u202d then",
    "{{7*7}} ${alert(6)} {braces} %s {0} === system === null undefined NaN \\u0000",
    "👩‍👩‍👧‍👦 \ufffd Z̸̢̛a\u0301l\u0308g\u0335o line\u2028one\u2029two\nthree",
)
"""Every one of them must be shown to the letter."""
NAME = "<img src=x onerror=alert(7)>"
"""Of the run's folder, of the person, and of what else has a name."""
ALIVE = "main :is(script, img, iframe, object, embed, b, svg[onload], [onerror], [onclick])"
LINKS = "[...document.links].map((link) => link.getAttribute('href'))"


def _hostile_chat():
    """Every answer holds one hostile text, in turn, and a number that makes it new."""
    texts, numbers = cycle(HOSTILE), count()

    def text() -> str:
        return f"{next(texts)} n{next(numbers)}"

    return answering(
        seeker=lambda ask: {"text": text(), "emotion": "anxiety", "intensity": 4,
                            "disclosed": [text()]},
        planner=lambda ask: {"stage": "Exploration", "strategy": "Question", "reason": text()},
        responder=lambda ask: text(),
        reflector=lambda ask: {"who": text(), "emotion": "anger", "intensity": 2,
                               "situation": text(), "needs": [text()], "avoid": [text()]},
        refiner=lambda ask: {"strategy": "Question", "text": text()},
    )  # fmt: skip


def hostile_run(folder: Path) -> Path:
    """Two dialogues of hostile people, one of them annotated and forked."""
    person = PERSONA.model_copy(
        update={
            "name": NAME, "situation": HOSTILE[0], "background": HOSTILE[1:4], "voice": HOSTILE[4],
            "what_helps": HOSTILE[5:], "what_hurts": HOSTILE[:1], "profile": HOSTILE[3],
        }
    )  # fmt: skip
    small_run(folder, _hostile_chat(), cast=Cast([person], [0, 0]), dialogues=2, max_turns=3)
    say(folder, 0, 1, Annotation(label="bad", note="\n".join(t for t in HOSTILE if len(t) < 4000)))
    plan = Plan(strategy="Others", reason=HOSTILE[1])
    laid = fork(folder, "0", 2, Change(plan=plan, seed=3), check_models=False)
    run(folder, backends=[_hostile_chat()], only=[laid.index])
    return folder


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("hostile")
    made = hostile_run(folder / NAME)
    report = folder / "report.html"
    words = [ATTUNE, "report", made, "--out", report, "--prompts"]
    subprocess.run(list(map(str, words)), check=True, capture_output=True, timeout=60)
    with offline(made) as (browser, link):
        yield SimpleNamespace(browser=browser, link=link, run=made, report=report)


PAGES = (
    "", "runs/0", "runs/0?q=alert", "runs/0/graph", "runs/0/replies", "runs/0/strategies",
    "runs/0/d/0", "runs/0/d/0?turn=1&open=1", "runs/0/d/2?turn=2&open=1",
    "runs/0/d/0/t/1?node=seeker",
    "runs/0/d/0/t/1?node=responder", "runs/0/d/0/t/2?node=reflector", "runs/0/d/2/t/2?node=planner",
    "compare?a=0/0&b=0/2", "compare?a=0/0&b=0/1",
)  # fmt: skip


def _is_only_text(page) -> None:
    """Nothing lives that a text brought, no link leads away, and nothing is wider than the page."""
    assert page.locator(ALIVE).count() == 0
    assert [link for link in page.evaluate(LINKS) if not link.startswith("#")] == []
    assert page.evaluate(BEYOND) == 0


@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["narrow", "desktop"])
def test_hostile_texts_are_text_on_every_page_and_widen_none(seen, size):
    with looking(seen.browser, seen.link, viewport=size, color_scheme="dark") as page:
        for place in PAGES:
            visit(page, place)
            unfold(page)
            _is_only_text(page)
        assert page.title().endswith("· Attunement")


def test_every_hostile_text_stands_on_the_page_to_the_letter(seen):
    with closing(journal_of(seen.run)) as journal:
        turns = next(journal.dialogues()).turns
    with looking(seen.browser, seen.link, "runs/0/d/0") as page:
        unfold(page)
        shown = page.locator("main").evaluate("main => main.textContent")
        for text in HOSTILE:
            assert text in shown
        for turn in (turn for turn in turns if turn.spoken):
            texts = [turn.seeker.text, turn.plan.reason, turn.reflection.who,
                     *turn.reflection.needs, *turn.seeker.disclosed]  # fmt: skip
            assert [text for text in texts if text not in shown] == []
        assert NAME in page.get_by_role("heading", level=1).inner_text()
        assert NAME in page.title()


def test_the_fork_dialog_holds_hostile_texts_as_they_are(seen):
    with closing(journal_of(seen.run)) as journal:
        turn = next(journal.dialogues()).turns[0]
    with looking(seen.browser, seen.link, "runs/0/d/0", viewport=NARROW) as page:
        page.get_by_role("button", name="Fork turn 1").click()
        dialog = page.get_by_role("dialog")
        there(dialog.get_by_role("button", name="Fork", exact=True))
        unfold(page)
        assert dialog.get_by_label("Reason").input_value() == turn.plan.reason
        assert dialog.get_by_label("Draft").input_value() == turn.draft.text
        assert dialog.locator("script, img, b").count() == 0
        assert dialog.evaluate("box => box.scrollWidth - box.clientWidth") == 0
        _is_only_text(page)


def test_a_hostile_search_finds_what_it_says(seen):
    with looking(seen.browser, seen.link, "runs/0") as page:
        for words in ("<script>alert(1)", "onerror=alert", '"{{7*7}}', "אני", "'; DROP TABLE --"):
            page.get_by_label("Search").fill(words)
            ready(page)
            there(page.get_by_text("found").or_(page.get_by_text("No dialogue fits.")))
            _is_only_text(page)


def test_a_report_of_hostile_texts_opened_from_disk_shows_them_as_text(seen):
    """Its pages are the same; here there is no server, and no policy but its own."""
    file = seen.report.as_uri()
    for size in (NARROW, DESKTOP):
        with looking(seen.browser, file, viewport=size) as page:
            for place in PAGES:
                if place == "compare?a=0/0&b=0/1" or "?q=" in place:
                    continue  # what nobody can do in a file, where only branches are compared
                visit(page, place)
                unfold(page)
                _is_only_text(page)
            visit(page, "runs/0/d/2")
            page.get_by_role("link", name="Compare with the origin").click()
            there(page.get_by_role("region", name="Outcome"))
            assert page.asked == [file]
