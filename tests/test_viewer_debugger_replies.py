"""The debugger's list of replies, against a plain reading of every dialogue."""

import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cmp_to_key
from itertools import product

import pytest
from playwright.sync_api import expect

from attunement.core.psychology import ERRORS
from attunement.core.records import Verdict
from attunement.core.strategies import Strategy
from attunement.simulator.annotating import Annotation
from attunement.viewer.debugger.reading import dialogue_page
from attunement.viewer.debugger.records import ReplyCard
from attunement.viewer.debugger.replies import AskedReplies
from attunement.viewer.report.embedding import carry
from attunement.viewer.report.page import report_html
from tests.browser import browsing
from tests.helpers import answering, journal_of, small_run, write_recorded
from tests.looking import at, looking, offline, there
from tests.test_viewer_debugger_app import view
from tests.viewing import branch, forkable, opened, read_all, say, varied_run, writing

FLAGS = ("set aside", "annotated", "bad", "faulty")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return varied_run(tmp_path_factory.mktemp("replies") / "run", 14)


@pytest.fixture(scope="module")
def reading(made):
    found = read_all(opened(made))
    yield found
    found.close()


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def _plain(reading):
    """Every turn of every dialogue that is no branch, as a reply with its flags, as run."""
    pages = (
        dialogue_page(reading.journal, reading.config, index)
        for index, _ in reading.journal.indices()
    )
    return [_reply(page, view) for page in pages for view in page.turns]


def _reply(page, view):
    turn, said = view.turn, view.annotations
    flags = {
        "set aside": bool(turn.set_aside), "annotated": bool(said),
        "bad": any(note.faulty for note in said.values()),
        "faulty": any(verdict.name == ERRORS and verdict.value == 1 for verdict in view.judged),
    }  # fmt: skip
    card = ReplyCard(
        dialogue=page.card.index, turn=turn.number, name=page.card.name, emotion=page.card.emotion,
        strategy=turn.reply.strategy if turn.reply else None,
        text=turn.reply.text if turn.reply else turn.joint or "", said=turn.seeker.text,
        effect=view.effect, set_aside=bool(turn.set_aside), annotations=said,
    )  # fmt: skip
    return card, {flag for flag, has in flags.items() if has}, bool(turn.reply or turn.recorded)


def _replies(reading):
    return [(card, flags) for card, flags, replied in _plain(reading) if replied]


def _rows(reading, **asked):
    page = reading.replied(AskedReplies(**{"sort": "index", "limit": 200} | asked))
    assert page.total == len(page.rows)
    return list(page.rows)


def _agrees(reading):
    """Whether the list says what the dialogues say."""
    plain = _replies(read_all(reading))
    assert _rows(reading) == [card for card, _ in plain]
    for flag in ("set aside", "faulty"):
        assert _rows(reading, flag=flag) == [card for card, flags in plain if flag in flags]
    for flag in ("annotated", "bad"):
        fit = [card for card, flags, _ in _plain(reading) if flag in flags]
        assert _rows(reading, flag=flag) == fit
    return plain


def test_the_list_says_of_each_reply_what_its_dialogue_says_and_leaves_branches_out(reading):
    plain = _agrees(reading)
    assert reading.card().branches == 2
    assert len(plain) == reading.card().turns
    assert {flag for _, flags in plain for flag in flags} == set(FLAGS)
    assert {card.effect is None for card, _ in plain} == {True, False}


def test_every_strategy_and_flag_keeps_what_a_plain_reading_keeps(reading):
    plain, met = _replies(reading), 0
    for strategy, flag in product((None, *Strategy), (None, *FLAGS)):
        fit = [
            card
            for card, flags in plain
            if strategy in (None, card.strategy) and (flag is None or flag in flags)
        ]
        assert _rows(reading, strategy=strategy, flag=flag) == fit
        met += bool(strategy and fit)
    assert met >= 2


def _figures(card, sort):
    """What a reply is sorted by, then what equals are."""
    effect = card.effect
    rating = effect.rating if effect else None
    known = effect and effect.before is not None and effect.after is not None
    change = effect.after - effect.before if known else None
    return {"rating": (rating, change), "change": (change, rating)}.get(sort, (None, None))


def _before(sort, descending):
    """Which of two replies stands first. A low rating goes with a feeling that grew."""

    def compare(one, other):
        pairs = zip(_figures(one, sort), _figures(other, sort), (1, -1), strict=True)
        for a, b, way in pairs:
            if (a is None) != (b is None):
                return 1 if a is None else -1
            if a != b:
                return (1 if a > b else -1) * way * (-1 if descending else 1)
        return 0

    return cmp_to_key(compare)


@pytest.mark.parametrize("sort", ["rating", "change"])
@pytest.mark.parametrize("descending", [False, True])
def test_a_sort_puts_the_unknown_last_and_tells_equals_apart_by_the_other_figure(
    reading, sort, descending
):
    plain = [card for card, _ in _replies(reading)]
    rows = _rows(reading, sort=sort, descending=descending)
    assert rows == sorted(plain, key=_before(sort, descending))
    figures = [_figures(card, sort) for card in rows]
    assert len(set(figures)) > 10
    assert figures[-1][0] is None


def test_the_worst_stand_first_where_nothing_is_asked_for(reading):
    first, *_ = reading.replied(AskedReplies()).rows
    worst = min(card.effect.rating for card, _ in _replies(reading) if card.effect)
    grown = max(
        card.effect.after - card.effect.before
        for card, _ in _replies(reading)
        if card.effect and card.effect.rating == worst
    )
    assert (first.effect.rating, first.effect.after - first.effect.before) == (worst, grown)
    as_run = [(card.dialogue, card.turn) for card in _rows(reading, sort="index")]
    assert as_run == sorted(as_run)
    backwards = [(c.dialogue, c.turn) for c in _rows(reading, sort="index", descending=True)]
    assert backwards == as_run[::-1]


def test_pages_together_are_the_whole_list(reading):
    whole, found = _rows(reading, sort="rating"), []
    while len(found) < len(whole):
        page = reading.replied(AskedReplies(offset=len(found), limit=7))
        assert (page.total, page.offset) == (len(whole), len(found))
        found += page.rows
    assert found == whole
    assert reading.replied(AskedReplies(offset=len(whole))).rows == ()


# ---- while a run changes ------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 7])
def test_replies_get_their_effect_however_the_turns_come_in(tmp_path, monkeypatch, step):
    monkeypatch.setattr("attunement.viewer.debugger.filling._TURNS", step)
    run, reading = tmp_path / "run", []

    def seeker(ask):
        """Between two answers, a look at the run."""
        if not reading:
            reading.append(opened(run))
        reading[0].keep_up()
        if ask.seed % 4 == 0:
            _agrees(reading[0])
        draw = random.Random(ask.seed)
        felt = {"intensity": draw.randint(1, 5), "rating": draw.choice((None, 1, 3, 5))}
        return {"text": "It is late.", "emotion": "anger", **felt}

    small_run(run, answering(seeker=seeker), dialogues=5, max_turns=3, concurrency=3)
    (found,) = reading
    plain = _agrees(found)
    effects = [card.effect for card, _ in plain]
    assert any(effect and effect.rating for effect in effects)
    found.close()


def test_a_branch_and_the_turns_that_it_copies_change_nothing(run):
    reading = read_all(opened(run))
    before = _rows(reading)
    long = next(card.dialogue for card in before if card.turn == 2)
    branch(run, long, 2, seed=9)
    assert _rows(read_all(reading)) == before
    assert reading.card().branches == 3
    reading.close()


def test_what_people_say_later_and_take_back_changes_the_list(run):
    reading, (*_, index) = read_all(opened(run)), forkable(run)
    before = [card.dialogue for card in _rows(reading, flag="annotated")]
    for said, flags in (
        (Annotation(label="good"), {"annotated"}),
        (Annotation(label="bad"), {"annotated", "bad"}),  # takes the keys of what it replaces
        (Annotation(errors=("Other",), note="tapir"), {"annotated", "bad"}),
        (Annotation(note="tapir"), {"annotated"}),
        (Annotation(), set()),
    ):
        say(run, index, 1, said)
        _agrees(reading)
        for flag in ("annotated", "bad"):
            rows = {(card.dialogue, card.turn): card for card in _rows(reading, flag=flag)}
            assert ((index, 1) in rows) == (flag in flags)
            if flag in flags:
                assert rows[index, 1].annotations == {"mira": said}
    assert [card.dialogue for card in _rows(reading, flag="annotated")] == before
    reading.close()


def test_a_turn_without_a_reply_stands_there_only_for_what_is_said_of_it(run):
    reading = read_all(opened(run))
    closing_turn = next(card for card, _, replied in _plain(reading) if not replied)
    say(run, closing_turn.dialogue, closing_turn.turn, Annotation(label="bad", note="abrupt"))
    plain = _agrees(reading)
    assert closing_turn.text == ""
    for flag in ("annotated", "bad"):
        found = [(card.dialogue, card.turn) for card in _rows(reading, flag=flag)]
        assert (closing_turn.dialogue, closing_turn.turn) in found
    assert len(_rows(reading)) == len(plain)
    reading.close()


def test_what_judges_find_later_and_take_back_changes_the_list(run):
    reading, (one, two, *_) = read_all(opened(run)), forkable(run)[-2:]

    def judge(index, value, turn=1, name="strict"):
        label = "Other" if value else None
        verdict = Verdict(name=ERRORS, value=value, label=label, judge=name)
        writing(run, lambda journal: journal.write_verdicts(index, turn, [verdict], 1))

    for index, value in ((one, 1), (two, 1), (one, 0), (two, None), (one, 1)):
        judge(index, value)
        _agrees(reading)
    assert (one, 1) in [(card.dialogue, card.turn) for card in _rows(reading, flag="faulty")]
    judge(two, 1, turn=0)  # of the whole dialogue
    _agrees(reading)
    reading.close()


# ---- replays, and the server --------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"graph": "ipm"}, {"graph": "ipm", "mining": ["joint"]}])
def test_a_replay_lists_what_the_models_replied_without_any_effect(made, tmp_path, settings):
    recorded = tmp_path / "recorded.jsonl"
    with closing(journal_of(made)) as journal:
        write_recorded(recorded, (d for d in journal.dialogues() if len(d.turns) > 2))
    small_run(tmp_path / "run", replay=str(recorded), **settings)
    reading = read_all(opened(tmp_path / "run"))
    plain = _agrees(reading)
    assert len(plain) == reading.card().turns
    assert {card.effect for card, _ in plain} == {None}
    assert all(card.text for card, _ in plain)
    reading.close()


def test_the_address_of_replies_answers_and_refuses(made):
    at = "api/runs/0/replies"
    with view(made) as served:
        until = time.monotonic() + 60
        while served.get("api/runs/0")["card"]["read"] < 1:
            assert time.monotonic() < until
            time.sleep(0.05)
        whole = served.get(at)
        assert len(whole["rows"]) == min(whole["total"], 50) > 20
        asked = f"{at}?strategy=Question&flag=annotated&sort=change&descending=1&offset=1&limit=1"
        page = served.get(asked)
        assert page["offset"] == len(page["rows"]) == page["total"] - 1 == 1
        for wrong in ("sort=name", "flag=crisis", "strategy=hug", "limit=201", "limit=0",
                      "offset=-1", "descending=perhaps"):  # fmt: skip
            status, why = served.refused(f"{at}?{wrong}")
            assert status == 400
            assert f"`{wrong.partition('=')[0]}`" in why
        assert served.refused("api/runs/7/replies")[0] == 404
        assert served.refused(at, "POST")[0] == 405


# ---- in a browser -------------------------------------------------------------------------------


def test_the_page_leads_from_the_worst_replies_and_from_annotations_to_their_turns(run):
    reading = read_all(opened(run))
    worst, *_ = page_one = reading.replied(AskedReplies()).rows
    best, *_ = reading.replied(AskedReplies(descending=True)).rows
    notes = len(_rows(reading, flag="annotated"))
    reading.close()
    with offline(run) as (browser, link), looking(browser, link, "runs/0") as page:
        page.get_by_role("link", name="Replies", exact=True).click()
        rows = page.locator("main tbody tr")
        there(rows, len(page_one))
        expect(rows.first).to_contain_text(f"{worst.effect.rating} of 5")
        expect(rows.first).to_contain_text(f"{worst.effect.before} → {worst.effect.after}")
        expect(rows.first).to_contain_text("stronger")
        expect(rows.first).to_contain_text(worst.text)
        page.get_by_label("Sort").select_option("best rating first")
        expect(rows.first).to_contain_text(f"{best.effect.rating} of 5")
        page.get_by_label("Marked").select_option("annotated")
        there(rows, notes)
        there(rows.get_by_text("Schlaflos, n'est-ce pas?"), 1)
        said = Annotation(label="bad", note="tapir")
        with ThreadPoolExecutor() as threads:  # the browser has a loop of its own in this one
            threads.submit(say, run, worst.dialogue, worst.turn, said, "tom").result()
        there(rows.filter(has_text="tapir"), 1)  # by itself
        name = f"{worst.name}, turn {worst.turn}"
        rows.filter(has_text="tapir").get_by_role("link", name=name).click()
        at(page, f"/d/{worst.dialogue}?turn={worst.turn}")
        there(page.get_by_text("tapir"))
        page.go_back()
        there(rows.filter(has_text="tapir"), 1)
        rows.filter(has_text="tapir").get_by_role("link", name="Graph").click()
        at(page, f"/d/{worst.dialogue}/t/{worst.turn}")


def test_a_file_on_disk_does_not_offer_the_page_that_it_does_not_carry(made, tmp_path):
    file = tmp_path / "run.html"
    file.write_text(report_html(carry(made, 3)), "utf-8")
    with browsing() as browser:
        page = browser.new_page()
        page.goto(file.as_uri())
        page.get_by_role("link", name="Strategies", exact=True).wait_for()
        there(page.get_by_role("link", name="Replies", exact=True), 0)
