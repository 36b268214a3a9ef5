"""The arena: what is judged, what the page gets to know, and what is kept of the answers."""

import asyncio
import http.client
import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from attunement.core.errors import UserError
from attunement.core.records import Utterance
from attunement.core.strategies import Strategy
from attunement.evaluation.judges.people import ATTENTION
from attunement.simulator.matching import ORDERS, Pair, refinements
from attunement.viewer.arena.drawing import draw, lay_out, orders
from attunement.viewer.arena.items import Item, check_on, choice_of
from attunement.viewer.arena.sitting import Sitting, stored_answers
from tests.browser import browsing
from tests.helpers import answering, journal_of, small_run
from tests.test_cli import ATTUNE

FIRST, SECOND = ORDERS
SIDES = ("#side-a", "#side-b")


@contextmanager
def arena(run: Path, *options: object, people: int = 0):
    """`attune arena` on a run; yields its links by annotator's key, and ends it with Ctrl-C.

    `people`: how many links there must be, where not as many as keys in `options`.
    """
    words = [ATTUNE, "arena", run, *options]
    with subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            keys = people or options.count("--annotator") or 1
            assert process.stdout
            said = iter(process.stdout.readline, "")
            links = list(islice((line.strip() for line in said if "http://" in line), keys))
            assert len(links) == keys, process.stderr.read()
            yield {link.split("/")[-2]: link for link in links}
        finally:
            process.send_signal(signal.SIGINT)
            rest, troubles = process.communicate(timeout=30)
    assert process.returncode == 0, troubles
    assert "Traceback" not in rest + troubles


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A run of a dozen dialogues, to be copied before anybody judges it."""
    folder = tmp_path_factory.mktemp("arena") / "made"
    small_run(folder)
    return folder


@pytest.fixture
def run(made, tmp_path) -> Path:
    """A run that nobody has judged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def _answers(run: Path, key: str) -> dict:
    """What the journal holds of an annotator; a place twice is an error."""
    journal = journal_of(run)
    rows = [
        (dialogue.id, turn, verdict)
        for dialogue in journal.dialogues()
        for turn, verdicts in [
            (0, dialogue.verdicts),
            *((t.number, t.verdicts) for t in dialogue.turns),
        ]
        for verdict in verdicts
        if verdict.judge == f"person:{key}"
    ]
    journal.close()
    places = {(id, turn, v.about, v.name): v for id, turn, v in rows}
    assert len(places) == len(rows)
    return places


def _pair(index=0, turn=1, subject="Mine.", against="Theirs.", said="I have not slept for days."):
    return Pair(
        dialogue_id=f"d-{index}", persona_id="mira", index=index, turn=turn, about="refined",
        opponent="draft", context=(Utterance(speaker="seeker", text=said),),
        subject=(Utterance(speaker="supporter", text=subject),),
        against=(Utterance(speaker="supporter", text=against),),
    )  # fmt: skip


# ---- what is judged -----------------------------------------------------------------------------


def test_pairs_come_evenly_from_all_dialogues_and_a_longer_list_begins_with_a_shorter_one():
    pairs = [_pair(index, turn) for index in range(10) for turn in range(1, 2 + index)]
    found = draw(iter(pairs), 25, seed=4)
    times = Counter(pair.index for pair in found)
    assert len(set(map(str, found))) == 25
    assert (times[0], times[1]) == (1, 2)  # that is all they have
    assert sorted(times[index] for index in range(2, 10)) == [2, 2, 3, 3, 3, 3, 3, 3]
    assert draw(iter(pairs), 12, seed=4) == found[:12]
    assert draw(iter(pairs), 25, seed=5) != found
    assert len(draw(iter(pairs), 1000, seed=4)) == len(pairs)


def test_sides_are_placed_by_chance_and_balanced_for_everybody():
    first = Counter()
    for key in map(str, range(200)):
        placed = list(islice(orders(0, key, "pair"), 20))
        assert placed.count(FIRST) == 10
        first.update(n for n, order in enumerate(placed) if order == FIRST)
    # Each place is a fair coin of its own: 200 throws stay within 4.5 standard deviations.
    assert all(68 <= first[n] <= 132 for n in range(20)), first
    assert len({tuple(islice(orders(0, key, "pair"), 20)) for key in "abcdefgh"}) == 8
    assert [*islice(orders(1, "a", "pair"), 40)] != [*islice(orders(0, "a", "pair"), 40)]


def test_every_block_has_one_attention_check_somewhere_in_it():
    pairs = [_pair(index, turn) for index in range(30) for turn in (1, 2, 3)]
    items = lay_out(iter(pairs), 45, 10, seed=0)
    places = [n for n, item in enumerate(items) if item.echo]
    assert [n // 10 for n in places] == [0, 1, 2, 3, 4]
    assert len({n % 10 for n in places}) > 1
    judged = {item.place for item in items if not item.echo}
    assert len(judged) == 45
    checked = {(item.pair.index, item.pair.turn) for item in items if item.echo}
    assert not checked & {place[:2] for place in judged}
    assert not any(item.echo for item in lay_out(iter(pairs), 45, 0, seed=0))


def test_a_check_shows_the_seekers_own_words_as_the_reply():
    check = check_on(_pair(said="I have not slept for days."))
    assert check.echo == (Utterance(speaker="supporter", text="I have not slept for days."),)
    assert check.shown(SECOND) == (check.echo, check.pair.subject)
    assert check_on(_pair(said="I feel bad", subject="I feel bad")) is None
    lines = [("seeker", "Hello."), ("supporter", "Hi."), ("seeker", "I quit."), ("supporter", "Oh")]
    whole = _pair().model_copy(
        update={"turn": 0, "about": None, "context": (),
                "subject": tuple(Utterance(speaker=who, text=text) for who, text in lines)}
    )  # fmt: skip
    assert [line.text for line in check_on(whole).echo] == [
        "Hello.",
        "Hello.",
        "I quit.",
        "I quit.",
    ]


@pytest.mark.parametrize("item", [Item(pair=_pair()), check_on(_pair())], ids=["pair", "check"])
@pytest.mark.parametrize("order", [FIRST, SECOND])
def test_an_answer_can_be_read_back_from_its_verdict(item, order):
    for choice in ("a", "b", "tie", "skip"):
        verdict = item.verdict("person:ada", choice, order)
        assert choice_of(verdict) == choice
        assert (verdict.judge, verdict.label) == ("person:ada", order)
    right = "a" if order == FIRST else "b"
    wrong = "b" if order == FIRST else "a"
    values = [item.verdict("person:ada", c, order).value for c in (right, wrong, "tie", "skip")]
    assert values == [1.0, 0.0, 0.5 if item.echo is None else 0.0, None]
    assert item.verdict("person:ada", "a", order).name == (
        "preferred over draft" if item.echo is None else ATTENTION
    )


# ---- what is kept -------------------------------------------------------------------------------


def _sitting(journal, seed=0, key="ada", n=6) -> Sitting:
    items = lay_out(refinements(journal), n, 0, 0)
    return Sitting(key, items, seed, stored_answers(journal).get(key, {}))


def test_one_answer_however_often_and_fast_it_is_sent(run):
    journal = journal_of(run)
    sitting = _sitting(journal)

    async def answer():
        await asyncio.gather(*(sitting.answer(journal, 1, "a") for _ in range(5)))
        await sitting.answer(journal, 2, "tie")
        await sitting.answer(journal, 1, "b")
        await journal.close_writer()

    asyncio.run(answer())
    journal.close()
    found = _answers(run, "ada")
    assert len(found) == 2
    assert sitting.page(1)["chosen"] == "b"
    assert sitting.next == 3


def test_only_the_next_item_and_those_before_it_can_be_seen_or_answered(run):
    journal = journal_of(run)
    sitting = _sitting(journal)
    for number in (0, 2, 7, -1):
        with pytest.raises(UserError, match="`number` must be an item up to the next open one"):
            sitting.page(number)
        with pytest.raises(UserError, match="`number` must be"):
            asyncio.run(sitting.answer(journal, number, "a"))
    journal.close()
    assert _answers(run, "ada") == {}


def test_a_restart_goes_on_and_shows_old_answers_with_the_sides_as_they_stood(run):
    journal = journal_of(run)
    sitting = _sitting(journal)
    before = [sitting.page()]

    async def answer():
        ends = []
        for number, choice in enumerate(("a", "b", "skip", "tie", "a", "b"), 1):
            ends.append(await sitting.answer(journal, number, choice))
            if number < 6:
                before.append(sitting.page())
        await journal.close_writer()
        return ends

    assert asyncio.run(answer()) == [False] * 5 + [True]
    for seed in range(4):  # whatever another seed would have drawn
        again = _sitting(journal, seed)
        assert again.page() == {"total": 6, "done": 6, "number": None, "skipped": 1}
        for number, page in enumerate(before, 1):
            shown = again.page(number)
            assert (shown["a"], shown["b"]) == (page["a"], page["b"])
        chosen = [again.page(number)["chosen"] for number in range(1, 7)]
        assert chosen == ["a", "b", "skip", "tie", "a", "b"]
    assert _sitting(journal, key="bo").next == 1
    journal.close()


# ---- what is let in, and what goes out ----------------------------------------------------------


def _ask(link: str, path: str = "", body: bytes | None = None, method: str = "", **headers: str):
    """(status, headers, body) of one request, with headers exactly as given."""
    where = urlsplit(link)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method or ("GET" if body is None else "POST"), where.path + path, body, sent)
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return found


def test_only_the_link_on_this_address_is_let_in(run):
    with arena(run, "--annotator", "ada", "--annotator", "bo") as links:
        ada, bo, origin = (
            links["ada"],
            links["bo"],
            f"http://{urlsplit(links['ada']).netloc}",
        )
        body = b'{"number": 1, "choice": "a"}'
        refused = [
            _ask(origin + "/"),
            _ask(origin + "/arena.js"),
            _ask(ada.replace("/ada/", "/bo/"), "item"),
            _ask(ada.replace("/ada/", "/eve/"), "item"),
            _ask(ada[:-6] + "x/ada/", "item"),
            _ask(origin + "//ada/", "item"),
            _ask(ada, "item", Host="evil.example"),
            _ask(ada, "item", Host=f"evil.example:{urlsplit(ada).port}"),
            _ask(ada, "item", Host="127.0.0.1:1"),
            _ask(ada, "item", Host="127.0.0.1:x"),
            _ask(ada, "answer", body, Origin="http://evil.example"),
            _ask(ada, "answer", body, Origin="null"),
            _ask(ada, "answer", body, Origin="http://127.0.0.1:1"),
            _ask(ada, "answer", body, Host="evil.example", Origin="http://evil.example"),
        ]
        for status, headers, said in refused:
            assert (status, said[:8]) == (403, b"Refused.")
            assert "default-src 'none'" in headers["content-security-policy"]
        assert _ask(ada, "item", Origin=origin)[0] == 200
        assert _ask(ada, "item", Host=f"localhost:{urlsplit(ada).port}")[0] == 200
        assert _ask(bo, "item")[0] == 200
        for path in ("", "item", "arena.js", "arena.css", "icon.svg"):
            status, headers, _ = _ask(ada, path)
            assert status == 200
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src")
            assert headers["cache-control"] == "no-store"
        for path in ("arena.html", "..%2fapp.py", "%2e%2e/app.py", "../../app.py"):
            assert _ask(ada, path)[0] in (403, 404)
    assert _answers(run, "ada") == {}


def test_an_answer_that_is_none_is_refused_and_nothing_is_stored(run):
    with arena(run, "--annotator", "ada") as links:
        for body in (
            b"", b"a", b"[]", b"{}", b'{"number": 1}', b'{"number": 1, "choice": "c"}',
            b'{"number": "one", "choice": "a"}', b'{"number": 1, "choice": "a", "value": 1}',
            b'{"number": true, "choice": "a"}', b'{"number": "1", "choice": "a"}',
            b'{"number": 1, "choice": "a"}' + b" " * 2000, b"\xff\xfe",
        ):  # fmt: skip
            status, _, said = _ask(links["ada"], "answer", body)
            assert status == 400, body
            assert "unreadable answer" in json.loads(said)["error"]
        for number in (2, 0, -1, 10**30):
            body = json.dumps({"number": number, "choice": "a"}).encode()
            assert _ask(links["ada"], "answer", body)[0] == 409
        for words in ("number=2", "number=99", "number=" + "9" * 5000):
            assert _ask(links["ada"], f"item?{words}")[0] in (400, 409)
        for words in ("number=x", "number=-1", "number=", "number=%D9%A3"):
            assert _ask(links["ada"], f"item?{words}")[0] == 400
        assert _ask(links["ada"], "answer")[0] == 404
    assert _answers(run, "ada") == {}


def test_nothing_that_is_sent_tells_the_sides_apart(tmp_path):
    """Scripted words, so that whatever else a response says stands out."""
    run = tmp_path / "run"
    numbers = iter(range(10_000))
    small_run(
        run,
        answering(
            seeker=lambda ask: {"text": f"Night {next(numbers)} awake again and again.",
                                "emotion": "anxiety", "intensity": 4},
            responder=lambda ask: f"Zip {next(numbers)}.",
            refiner=lambda ask: {"strategy": "Question", "text": f"Zap {next(numbers)}."},
        ),
        dialogues=3, max_turns=4,
    )  # fmt: skip
    telling = re.compile(
        r"draft|refine|subject|opponent|against|order|first|second|attention|echo|persona|verdict|"
        r"scripted|rehearsal|model|mira|preferred|dialogue_?id|"
        + "|".join(re.escape(strategy) for strategy in Strategy),
        re.IGNORECASE,
    )
    sides = Counter()
    with arena(run, "--n", 9, "--attention", 4, "--annotator", "ada") as links:
        link, bodies = links["ada"], []
        page = json.loads(_ask(link, "item")[2])
        total, seen = page["total"], 0
        assert total == 12  # nine, and a check with every three
        while page["number"] is not None:
            seen += 1
            left, right = page["a"][0]["text"], page["b"][0]["text"]
            sides[left[:3]] += 1
            assert {left[:3], right[:3]} <= {"Zip", "Zap", "Nig"}
            choice = "b" if left[:3] == "Nig" else "a"
            status, headers, body = _ask(
                link, "answer", json.dumps({"number": page["number"], "choice": choice}).encode()
            )
            assert status == 200
            bodies += [body, _ask(link, f"item?number={page['number']}")[2], str(headers).encode()]
            page = json.loads(body)
        assert seen == total
        html, script = _ask(link)[2], _ask(link, "arena.js")[2]
        for body in bodies:
            assert telling.findall(body.decode()) == []
        assert set(json.loads(bodies[1])) == {
            "total", "done", "number", "whole", "context", "a", "b", "chosen",
        }  # fmt: skip
        assert set(map(str.lower, telling.findall(html.decode()))) <= {"question"}  # ours
        assert re.findall(rb"draft|refined|subject|opponent|attention", script) == []
    assert min(sides["Zip"], sides["Zap"]) >= 3
    checks = [v.value for place, v in _answers(run, "ada").items() if place[3] == ATTENTION]
    assert checks == [1.0, 1.0, 1.0]


# ---- in a browser -------------------------------------------------------------------------------


@contextmanager
def _page(browser, link, **settings):
    """The page of a link, ready; collects what it asks for and what goes wrong on it."""
    context = browser.new_context(**settings)
    page = context.new_page()
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: (page.wrong.append(dialog.message), dialog.dismiss()))
    page.goto(link)
    _at(page, "1")
    yield page
    context.close()


def _at(page, number):
    """Wait until an item, or `done`, is shown and can be answered."""
    page.wait_for_selector(f"body[data-shown='{number}']")


def _shown(pair: Pair, order: str) -> tuple[str, ...]:
    """What the page says of a pair: the last words before, left, right."""
    sides = [f"Reply: {lines[0].text}" for lines in Item(pair=pair).shown(order)]
    return (f"Person: {pair.context[-1].text}", *sides)


def test_twenty_judgements_by_keyboard_are_stored_once_each_though_the_page_is_reloaded(run):
    keys = ["a", "b", "t", "ArrowLeft", "ArrowRight", "ArrowDown", "a", "b", "b", "s"] * 2
    said = {"a": "a", "b": "b", "t": "tie", "s": "skip", "ArrowLeft": "a", "ArrowRight": "b",
            "ArrowDown": "tie"}  # fmt: skip
    expected = []
    with (
        browsing() as browser,
        arena(run, "--n", 20, "--attention", 0, "--annotator", "ada", "--annotator", "bo") as links,
        _page(browser, links["ada"]) as page,
        _page(browser, links["bo"]) as other,
    ):
        for number, key in enumerate(keys, 1):
            assert page.text_content("#count") == f"{number} of 20"
            shown = [page.text_content(f"{of} p:last-child") for of in ("#context", *SIDES)]
            expected.append((shown, said[key]))
            page.keyboard.press(key)
            _at(page, number + 1 if number < 20 else "done")
            if number in (7, 12):
                page.reload()
                _at(page, number + 1)
        assert page.inner_text("#thanks") == "Thank you: you have judged them all."
        assert page.inner_text("#skipped") == "You skipped 2."
        page.reload()
        _at(page, "done")
        other.keyboard.press("b")
        _at(other, 2)
        assert page.wrong == other.wrong == []
        here = links["ada"].rsplit("/", 3)[0]
        assert all(url.startswith(f"{here}/") for url in page.asked + other.asked), page.asked
    found = _answers(run, "ada")
    assert len(found) == 20
    assert len({dialogue for dialogue, *_ in found}) >= 10
    assert len(_answers(run, "bo")) == 1
    journal = journal_of(run)
    pairs = {
        _shown(pair, order): (pair, order) for pair in refinements(journal) for order in ORDERS
    }
    for shown, choice in expected:
        pair, order = pairs[tuple(shown)]
        verdict = found[pair.dialogue_id, pair.turn, "refined", "preferred over draft"]
        assert verdict.label == order
        right = {"tie": 0.5, "skip": None}.get(choice, float((choice == "a") == (order == FIRST)))
        assert verdict.value == right
    labels = Counter(verdict.label for verdict in found.values())
    assert labels == {FIRST: 10, SECOND: 10}
    journal.close()


def test_an_answer_can_be_taken_back_and_neither_held_keys_nor_double_clicks_answer_twice(run):
    with (
        browsing() as browser,
        arena(run, "--n", 4, "--attention", 0, "--annotator", "ada") as links,
        _page(browser, links["ada"]) as page,
    ):
        assert page.is_disabled("#back")
        page.keyboard.down("a")
        _at(page, 2)
        page.keyboard.down("a")  # held: the browser calls this a repeat
        page.keyboard.up("a")
        page.click("button[data-choice=b]")
        _at(page, 3)
        assert page.inner_text("#status") == "Stored: B."
        page.mouse.down(click_count=2)  # the second half of a double click
        page.mouse.up(click_count=2)
        page.keyboard.press("u")
        _at(page, 2)
        assert page.inner_text("#status") == "You said: B. Choose again."
        assert page.get_attribute("button[data-choice=b]", "aria-pressed") == "true"
        page.keyboard.press("Backspace")
        _at(page, 1)
        page.keyboard.press("Control+b")
        page.keyboard.press("Alt+b")
        page.keyboard.press("x")
        page.keyboard.press("t")
        _at(page, 3)
        for number in (3, 4):
            page.click("button[data-choice=a]")
            _at(page, number + 1 if number < 4 else "done")
        page.click("#back")
        _at(page, 4)
        page.click("#skip")
        _at(page, "done")
        assert page.wrong == []
    verdicts = list(_answers(run, "ada").values())
    assert sorted(str(choice_of(verdict)) for verdict in verdicts) == ["a", "b", "skip", "tie"]


HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script><b>not bold</b> {braces} &amp;",
    "W" * 3000,
    "\u202eאני לא ישן בלילה\u202c، لا أنام، and then\nsome\n\nlines\u2028more",
    "https://evil.example/" + "x" * 300 + " javascript:alert(3) 👩‍👩‍👧‍👦",
)


BEYOND = """[document.documentElement, ...document.querySelectorAll(".chat:not([hidden])")].map(
    (box) => box.scrollWidth - box.clientWidth).reduce((one, other) => Math.max(one, other))"""
DIRECTIONS = """[...document.querySelectorAll(".said")].map(
    (line) => [line.textContent, getComputedStyle(line).direction])"""


def test_hostile_texts_are_text_and_the_narrow_page_does_not_scroll_sideways(tmp_path):
    run, numbers, random = tmp_path / "run", iter(range(10_000)), Random(0)

    def text(ask):
        return f"{random.choice(HOSTILE)} {next(numbers)}"

    small_run(
        run,
        answering(
            seeker=lambda ask: {"text": text(ask), "emotion": "anxiety", "intensity": 4},
            responder=text,
            refiner=lambda ask: {"strategy": "Question", "text": text(ask)},
        ),
        dialogues=3, max_turns=3,
    )  # fmt: skip
    sizes, seen = ({"width": 1200, "height": 800}, {"width": 380, "height": 700}), ""
    options = ("--n", 9, "--attention", 0, "--annotator", "ada")
    with browsing() as browser, arena(run, *options) as links:
        for size in sizes:
            with _page(browser, links["ada"], viewport=size, color_scheme="dark") as page:
                for number in range(1, 10 if size["width"] == 380 else 2):
                    _at(page, number)
                    assert page.evaluate(BEYOND) == 0, number
                    seen += page.text_content("#pair")
                    lines = page.evaluate(DIRECTIONS)
                    assert all((way == "rtl") == ("לא" in line) for line, way in lines)
                    assert page.locator("#pair :is(img, script, b, a)").count() == 0
                    if size["width"] == 380:
                        page.keyboard.press("s")
                assert page.wrong == []
                assert [url for url in page.asked if not url.startswith(links["ada"])] == []
    for hostile in HOSTILE:
        assert hostile in seen


def test_whole_dialogues_of_two_runs_stand_side_by_side(tmp_path):
    for name, words in (("one", "What about the nights is worst?"), ("two", "Try to sleep more.")):
        numbers = iter(range(10_000))
        small_run(
            tmp_path / name,
            answering(
                seeker=lambda ask, n=numbers: {"text": f"Night {next(n)}.", "emotion": "anxiety",
                                               "intensity": 4},
                refiner={"strategy": "Question", "text": words},
            ),
            dialogues=4, max_turns=2,
        )  # fmt: skip
    runs = (tmp_path / "one", tmp_path / "two")
    with (
        browsing() as browser,
        arena(*runs, "--n", 4, "--annotator", "ada") as links,
        _page(browser, links["ada"]) as page,
    ):
        assert page.inner_text("#question") == "In which dialogue is this person helped more?"
        assert page.is_hidden("#context")
        assert page.locator("#side-a .seeker").count() >= 2
        for number in range(1, 5):
            one_is_left = "worst" in page.text_content("#side-a")
            page.keyboard.press("a" if one_is_left else "b")
            _at(page, number + 1 if number < 4 else "done")
        assert page.wrong == []
    found = _answers(tmp_path / "one", "ada")
    assert {place[1:3] for place in found} == {(0, None)}
    assert [verdict.value for verdict in found.values()] == [1.0] * 4
    assert _answers(tmp_path / "two", "ada") == {}


def test_the_page_can_be_used_without_a_mouse_or_eyes_and_says_when_nobody_answers(run):
    served = arena(run, "--n", 3, "--annotator", "ada")
    with ExitStack() as server, ExitStack() as window:
        link = server.enter_context(served)["ada"]
        page = window.enter_context(_page(window.enter_context(browsing()), link))
        assert page.locator("[role=status][aria-live=polite]").count() == 1
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        while page.evaluate("document.activeElement.dataset.choice") != "tie":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        _at(page, 2)
        assert page.evaluate("document.activeElement.dataset.choice") == "tie"
        server.close()
        page.keyboard.press("a")
        page.wait_for_selector("#trouble:not([hidden])")
        said = page.inner_text("#trouble")
        assert "Nothing was stored just now: the program does not answer" in said
        assert page.inner_text("#count") == "2 of 3"
    assert len(_answers(run, "ada")) == 1
