"""The debugger in a browser: from a run to a turn on its graph, and what is written from there."""

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations, zip_longest
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from attunement.core.records import Change, Dialogue
from attunement.simulator.annotating import Annotation, annotations
from attunement.simulator.forking import why_not
from tests.helpers import exported, journal_of, small_run
from tests.looking import NARROW, NUMBERS, at, hash_of, looking, offline, ready, there, visit
from tests.test_cli import ATTUNE
from tests.viewing import varied_run

PLAIN, FORKED, VARIED = "runs/0", "runs/1", "runs/2"
CLOCK = ("latency_ms", "tries", "cached_tokens", "key")
"""What differs between two runs of the same."""
REPLY = {"seeker": "seeker", "planner": "plan", "responder": "draft", "reflector": "reflection",
         "refiner": "refined"}  # fmt: skip
"""Which field of a turn a node fills."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Runs in a browser, the last of them of another version; `copy` is the second before
    anything was done to it."""
    folder = tmp_path_factory.mktemp("seen")
    plain = folder / "plain"
    small_run(plain, dialogues=60, max_turns=3)
    forked, copy = (Path(shutil.copytree(plain, folder / name)) for name in ("forked", "copy"))
    varied = varied_run(folder / "varied", 24)
    old = Path(shutil.copytree(plain, folder / "old"))
    with closing(sqlite3.connect(old / "journal.db")) as journal, journal:
        journal.execute("UPDATE meta SET value = '3' WHERE key = 'version'")
    with offline(plain, forked, varied, old) as (browser, link):
        yield SimpleNamespace(
            browser=browser, link=link, plain=plain, forked=forked, varied=varied, copy=copy
        )


@pytest.fixture
def page(seen) -> Iterator:
    with looking(seen.browser, seen.link) as page:
        yield page


def dialogues(run: Path) -> dict[int, Dialogue]:
    """All dialogues of a run by their numbers, branches too."""
    with closing(journal_of(run)) as journal:
        numbers = [index for index, _ in journal.indices(branches=True)]
        return dict(zip(numbers, journal.dialogues(branches=True), strict=True))


def with_diff(run: Path) -> tuple[int, int]:
    """A dialogue and a turn in it whose draft was changed."""
    return next(
        (index, turn.number)
        for index, dialogue in dialogues(run).items()
        for turn in dialogue.turns[1:]
        if turn.improved
    )


# ---- finding and reading ------------------------------------------------------------------------


def test_a_dialogue_is_found_by_its_words_and_opens_at_the_turn(seen, page):
    index, number = with_diff(seen.plain)
    turn = dialogues(seen.plain)[index].turns[number - 1]
    page.get_by_role("link", name="plain", exact=True).click()
    at(page, f"#/{PLAIN}")
    page.keyboard.press("/")
    page.keyboard.type(" ".join(turn.draft.text.split()[:16]))
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"Turn {number}, draft"))
    there(row)
    assert row.locator("mark").first.inner_text() in turn.draft.text
    row.get_by_role("link", name=f"Turn {number}, draft").first.click()
    ready(page)
    found = re.fullmatch(r"/runs/0/d/(\d+)\?turn=(\d+)&open=1", hash_of(page))
    chosen = dialogues(seen.plain)[int(found[1])].turns[int(found[2]) - 1]
    assert chosen.draft.text == turn.draft.text
    told = page.get_by_role("listitem", name=f"Turn {number}", exact=True)
    assert chosen.seeker.text in told.inner_text()
    assert chosen.reply.text in told.inner_text()
    there(told.get_by_role("heading", name="Draft and refined"))


def test_what_a_reply_did_stands_under_it_and_nowhere_else(seen, page):
    index, one = next(
        (index, one)
        for index, one in dialogues(seen.varied).items()
        if len(one.turns) > 2 and one.turns[1].spoken
    )
    (first, second, *_), words = one.turns, "then: rated {} of 5, feeling {} to {}"
    then = words.format(second.seeker.rating, first.seeker.intensity, second.seeker.intensity)
    visit(page, f"{VARIED}/d/{index}")
    told = page.get_by_role("listitem", name="Turn 1", exact=True)
    told = told.locator(".says.supporter").inner_text()
    assert then in told.replace("\n", " ")
    order = second.seeker.intensity - first.seeker.intensity
    assert ("stronger" if order > 0 else "weaker" if order else "as strong") in told
    shown = page.get_by_role("list", name="Turns").inner_text()
    assert shown.count("rated") == sum(turn.seeker.rating is not None for turn in one.turns[1:])
    assert "rates the" not in shown
    visit(page, f"{VARIED}/d/{index}/t/1")
    there(page.get_by_role("main").get_by_text(then))


def test_a_persona_begins_with_what_a_reader_needs_and_nothing_beside_the_turns_scrolls(page):
    visit(page, f"{PLAIN}/d/0")
    about = page.get_by_role("complementary", name="About this dialogue")
    text = about.inner_text()
    places = [text.index(name) for name in ("Emotion", "What helps", "What hurts", "Situation")]
    assert places == sorted(places)
    assert about.evaluate("box => box.scrollHeight - box.clientHeight") == 0


def test_on_a_phone_the_turns_come_first_and_a_link_leads_to_the_rest(seen):
    with looking(seen.browser, seen.link, f"{PLAIN}/d/0", viewport=NARROW) as page:
        about = page.get_by_role("complementary", name="About this dialogue")
        top = "box => box.getBoundingClientRect().top"
        assert page.get_by_role("list", name="Turns").evaluate(top) < about.evaluate(top)
        page.get_by_role("link", name="↓ Plot and persona").click()
        assert 0 <= about.evaluate(top) < NARROW["height"]
        assert about.evaluate("box => box === document.activeElement")
        assert hash_of(page) == f"/{PLAIN}/d/0"


def test_the_diff_holds_the_draft_and_the_refinement_of_the_journal(seen, page):
    index, number = with_diff(seen.plain)
    turn = dialogues(seen.plain)[index].turns[number - 1]
    visit(page, f"{PLAIN}/d/{index}?turn={number}&open=1")
    told = page.get_by_role("listitem", name=f"Turn {number}", exact=True)
    sides = told.locator(".diff")
    assert sides.all_text_contents() == [turn.draft.text, turn.refined.text]
    assert sides.nth(0).get_by_role("deletion").count() >= 1
    assert sides.nth(0).get_by_role("insertion").count() == 0
    assert sides.nth(1).get_by_role("insertion").count() >= 1
    assert sides.nth(1).get_by_role("deletion").count() == 0


def test_filters_sequence_and_pages_stand_in_the_address_and_back_takes_them_back(seen, page):
    visit(page, PLAIN)
    numbers = page.locator(NUMBERS)
    there(numbers, 50)
    page.get_by_role("button", name="Next").click()
    there(numbers, 10)
    assert page.get_by_text("Page 2 of 2").is_visible()
    page.go_back()
    there(numbers, 50)
    ended = dialogues(seen.plain).values()
    satisfied = sum(dialogue.stop_reason == "satisfied" for dialogue in ended)
    page.get_by_label("Ended").select_option(label=f"satisfied ({satisfied})")
    there(numbers, satisfied)
    page.get_by_label("Sort").select_option(label="relief")
    page.get_by_role("button", name="Most first").click()
    at(page, "descending=1")
    shown = [int(text) for text in numbers.all_text_contents()]
    relief = {
        index: dialogue.outcome.first_intensity - dialogue.outcome.last_intensity
        for index, dialogue in dialogues(seen.plain).items()
    }
    assert [relief[n] for n in shown] == sorted((relief[n] for n in shown), reverse=True)
    there(page.get_by_text(f"{satisfied} dialogues found"))
    asked = parse_qs(hash_of(page).partition("?")[2])
    assert asked == {"ended": ["satisfied"], "sort": ["relief"], "descending": ["1"]}
    page.reload()
    there(numbers, satisfied)
    page.get_by_role("button", name="Clear search and filters").click()
    there(numbers, 50)
    for _ in range(2):
        page.go_back()
    there(numbers, satisfied)
    assert "descending" not in hash_of(page)


def test_flags_of_all_kinds_can_be_filtered_by(seen, page):
    visit(page, VARIED)
    there(page.get_by_text("24 dialogues and 2 branches", exact=True))
    flags = page.get_by_label("Flag").locator("option").all_inner_texts()
    named = dict(re.fullmatch(r"(.+) \((\d+)\)", flag).groups() for flag in flags[1:])
    assert set(named) == {"set aside", "crisis", "failed", "annotated", "bad", "faulty", "branch"}
    for flag, many in named.items():
        page.get_by_label("Flag").select_option(value=flag)
        there(page.locator(NUMBERS), int(many))
    failed = next(d for d in dialogues(seen.varied).values() if d.error)
    page.get_by_label("Flag").select_option(value="failed")
    page.get_by_label("Search").fill("Quito")
    there(page.locator("mark", has_text="Quito"))
    assert "Quito" in failed.error


def test_a_run_of_another_version_is_listed_with_its_trouble_beside_the_others(page):
    trouble = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="old"))
    assert "has version '3', this package reads" in trouble.get_by_role("alert").inner_text()
    assert trouble.get_by_role("link").count() == 0
    there(page.get_by_role("heading", level=2), 4)
    there(page.get_by_role("checkbox"), 3)


# ---- a turn on its graph ------------------------------------------------------------------------


def test_every_step_by_keyboard_agrees_with_the_journal(seen):
    index, number = with_diff(seen.plain)
    turn = dialogues(seen.plain)[index].turns[number - 1]
    with closing(journal_of(seen.plain)) as journal:
        calls = {call["role"]: call for call in journal.calls(index) if call["turn"] == number}
    assert set(calls) == set(REPLY)
    allowed = ["clipboard-read", "clipboard-write"]
    address = f"{PLAIN}/d/{index}/t/{number}"
    with looking(seen.browser, seen.link, address, permissions=allowed) as page:
        told = page.get_by_role("status").filter(has_text=f"Turn {number}:")
        steps = []
        while True:
            node = page.locator("[data-node][aria-current=step]").get_attribute("data-node")
            steps.append(node)
            assert told.inner_text() == f"Turn {number}: {node}, step {len(steps)} of 7, done"
            assert page.get_by_role("heading", level=2, name=node, exact=True).is_visible()
            call, record = calls.get(node), REPLY.get(node)
            shown = page.get_by_role("region", name="Raw answer").locator("pre")
            assert shown.all_text_contents() == ([call["text"]] if call else [])
            prompt = page.get_by_role("region", name="Prompt").locator("pre")
            messages = [message["content"] for message in call["messages"]] if call else []
            assert prompt.all_text_contents() == messages
            if record:
                page.get_by_role("button", name="Copy the record as JSON").click()
                there(page.get_by_text("Copied"))
                copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
                made = getattr(turn, record).model_dump(mode="json", exclude_none=True)
                assert copied == made
            if page.get_by_label("Next node").get_attribute("aria-disabled") == "true":
                break
            page.keyboard.press("ArrowRight")
            there(page.locator(f"[data-node={node}]:not([aria-current])"))
        assert steps[0] == "seeker"
        assert steps[-1] == "commit"
        assert set(steps) == {*REPLY, "guard", "commit"}


def test_keys_go_back_by_node_and_on_by_turn_and_the_address_follows(seen, page):
    index, number = with_diff(seen.plain)
    visit(page, f"{PLAIN}/d/{index}/t/{number - 1}?node=reflector")
    told = page.get_by_role("status").filter(has_text=re.compile(r"^Turn \d"))
    for key, says, place in (
        ("ArrowLeft", f"Turn {number - 1}: responder", f"t/{number - 1}?node=responder"),
        ("Shift+ArrowRight", f"Turn {number}: responder", f"t/{number}?node=responder"),
        ("j", f"Turn {number}: reflector", f"t/{number}?node=reflector"),
        ("[", f"Turn {number - 1}: reflector", f"t/{number - 1}?node=reflector"),
    ):
        page.keyboard.press(key)
        there(told.filter(has_text=says))
        assert hash_of(page).endswith(place)
    page.locator("[data-node=refiner]").focus()
    page.keyboard.press("Enter")
    there(told.filter(has_text=f"Turn {number - 1}: refiner"))
    page.reload()
    there(told.filter(has_text=f"Turn {number - 1}: refiner"))


def test_the_whole_runs_graph_counts_what_the_journal_holds(seen, page):
    visit(page, f"{PLAIN}/graph")
    page.get_by_text("Which way turns went, as a table").click()
    turns = sum(len(dialogue.turns) for dialogue in dialogues(seen.plain).values())
    spots = page.get_by_role("table").filter(has=page.get_by_text("Mean latency"))
    cells = spots.get_by_role("row", name=re.compile("^seeker")).get_by_role("cell")
    assert cells.all_inner_texts()[1] == str(turns)
    page.get_by_role("link", name="Strategies").click()
    at(page, "/strategies")
    replies = sum(t.reply is not None for d in dialogues(seen.plain).values() for t in d.turns)
    there(page.get_by_text(f"{replies} replies"))


# ---- writing ------------------------------------------------------------------------------------


def test_an_annotation_is_there_after_a_reload_and_can_be_taken_back(seen, page):
    visit(page, f"{PLAIN}/d/4")
    page.get_by_role("button", name="Annotate turn 2").click()
    form = page.get_by_role("form", name="Annotate turn 2")
    assert form.get_by_label("Good").evaluate("field => field === document.activeElement")
    form.get_by_label("Bad").check()
    form.get_by_label(re.compile("^Template Response")).check()
    form.get_by_label("Note").fill("Hears <b>nothing</b>.\nאני")
    form.get_by_role("button", name="Save").click()
    there(form, 0)
    for _ in range(2):
        said = page.get_by_role("list", name="Annotations")
        there(said, 1)
        for words in ("ada", "bad", "Template Response", "Hears <b>nothing</b>."):
            assert words in said.inner_text()
        page.reload()
        ready(page)
    expected = Annotation(label="bad", errors=("Template Response",),
                          note="Hears <b>nothing</b>.\nאני")  # fmt: skip
    assert annotations(dialogues(seen.plain)[4].turns[1]) == {"ada": expected}
    visit(page, f"{PLAIN}?flag=bad")
    there(page.get_by_role("link", name=dialogues(seen.plain)[4].persona.name), 1)
    visit(page, f"{PLAIN}/d/4")
    page.get_by_role("button", name="Annotate turn 2").click()
    page.get_by_role("button", name="Remove").click()
    there(page.get_by_role("list", name="Annotations"), 0)
    assert annotations(dialogues(seen.plain)[4].turns[1]) == {}


def test_a_turn_called_good_names_no_error(page):
    visit(page, f"{PLAIN}/d/5")
    page.get_by_role("button", name="Annotate turn 1").click()
    form = page.get_by_role("form", name="Annotate turn 1")
    error = form.get_by_label(re.compile("^Template Response"))
    error.check()
    form.get_by_label("Good").check()
    assert not error.is_checked()
    assert error.is_disabled()
    there(form.get_by_text("a good turn names no error"))
    form.get_by_label("Bad").check()
    error.check()


def _forked_on_the_page(page, index: int, strategy: str) -> int:
    """Fork turn 2 with another strategy in the dialog; the branch's number."""
    visit(page, f"{FORKED}/d/{index}")
    page.get_by_role("button", name="Fork turn 2").click()
    dialog = page.get_by_role("dialog", name="Fork turn 2")
    there(dialog.get_by_text("Nothing is changed yet."), 1)
    dialog.get_by_role("button", name="Fork", exact=True).click()
    there(dialog.get_by_role("alert").get_by_text("Nothing is changed yet."))
    there(dialog.get_by_text("Nothing is changed yet."), 1)
    dialog.get_by_label("Strategy", exact=True).first.select_option(strategy)
    there(dialog.get_by_text("Changed: plan."))
    dialog.get_by_role("button", name="Fork", exact=True).click()
    there(page.get_by_role("link", name="Compare with the origin"))
    return int(re.fullmatch(r"/runs/1/d/(\d+)\?turn=2", hash_of(page))[1])


def test_a_fork_on_the_page_is_the_fork_of_the_command_line(seen, page):
    index, origin = next(
        (n, one) for n, one in dialogues(seen.forked).items() if not why_not(one, 2)
    )
    strategy = "Others" if origin.turns[1].plan.strategy != "Others" else "Question"
    number = _forked_on_the_page(page, index, strategy)
    assert number == 60
    there(page.get_by_text("✓ done"))
    words = [ATTUNE, "fork", seen.copy, index, "--turn", 2, "--strategy", strategy]
    subprocess.run(list(map(str, words)), check=True, capture_output=True, timeout=60)
    assert _branch(seen.forked, 60) == _branch(seen.copy, 60)
    assert exported(seen.forked) == exported(seen.copy)
    branch = dialogues(seen.forked)[60]
    plan = {"strategy": strategy, "stage": None, "reason": "Chosen by a person."}
    change = Change.model_validate({"plan": plan})
    assert (branch.fork.origin, branch.fork.turn, branch.fork.change) == (origin.id, 2, change)
    _shows_the_branch(page, index, branch)
    _shows_what_became_of_both(page, index, origin, branch)


def _branch(run: Path, number: int) -> tuple[Dialogue, list[dict]]:
    """A branch and its calls, without what a clock says."""
    with closing(journal_of(run)) as journal:
        calls = [
            {k: v for k, v in call.items() if k not in CLOCK} for call in journal.calls(number)
        ]
    assert calls
    return dialogues(run)[number], calls


def _shows_the_branch(page, index: int, branch: Dialogue) -> None:
    """On its own page, beside its origin, and on its graph."""
    spoken = branch.turns[1].reply.text
    changed = page.get_by_text(f"Changed from turn 2 on: plan {branch.turns[1].plan.strategy}")
    there(changed)
    there(page.get_by_text(spoken))
    page.get_by_role("link", name="Compare with the origin").click()
    at(page, f"#/compare?a=1/{index}&b=1/60")
    there(page.get_by_text("The same up to turn 1"))
    second = page.get_by_role("region", name="Turn 2", exact=True)
    assert spoken in second.get_by_role("group", name="Side B").inner_text()
    visit(page, f"{FORKED}/d/{index}")
    branches = page.get_by_role("complementary", name="About this dialogue")
    there(branches.get_by_role("link", name="dialogue 60", exact=True))
    visit(page, f"{FORKED}/d/60/t/2")
    given = page.get_by_role("status").filter(has_text="Turn 2:")
    assert given.inner_text() == "Turn 2: planner, step 3 of 7, given"
    there(page.get_by_text("Answer given by a person"))


def _shows_what_became_of_both(page, index: int, origin: Dialogue, branch: Dialogue) -> None:
    """Beside each other: on the origin's page, and above their turns."""
    visit(page, f"{FORKED}/d/{index}")
    table = page.get_by_role("region", name="Branches").get_by_role("table")
    for name, one in (("this dialogue", origin), ("dialogue 60", branch)):
        became, plain = one.outcome, one.stop_reason.replace("_", " ")
        cells = table.get_by_role("row", name=name).first.get_by_role("cell").all_inner_texts()
        felt = f"{became.first_intensity} → {became.last_intensity}"
        assert cells == [plain, felt, f"{became.mean_rating:.1f}"]
    visit(page, f"compare?a=1/{index}&b=1/60")
    outcome = page.get_by_role("region", name="Outcome")
    rating = outcome.get_by_role("row", name="Mean rating of 5").get_by_role("cell")
    means = [f"{one.outcome.mean_rating:.1f}" for one in (origin, branch)]
    assert rating.all_inner_texts() == means
    there(outcome.get_by_role("img", name=re.compile("^Intensity of the seeker's emotion in both")))
    rows = outcome.get_by_role("table").nth(1).get_by_role("row").all_inner_texts()
    felt = [[turn.seeker.intensity for turn in one.turns] for one in (origin, branch)]
    assert rows[0].split("\t") == ["Turn", f"A: dialogue {index}", "B: dialogue 60"]
    assert [row.split("\t") for row in rows[1:]] == [
        [str(number), *("–" if felt is None else str(felt) for felt in both)]
        for number, both in enumerate(zip_longest(*felt), 1)
    ]


def test_words_are_marked_only_where_texts_have_much_in_common(seen, page):
    """Both replies are `Why` and a number; what the seekers say has no word in common."""
    asked = {
        index: one.turns[0]
        for index, one in dialogues(seen.varied).items()
        if one.turns and one.turns[0].refined
    }
    a, b = next(
        (a, b)
        for a, b in combinations(asked, 2)
        if asked[a].refined != asked[b].refined
        if not {*asked[a].seeker.text.split()} & {*asked[b].seeker.text.split()}
    )
    visit(page, f"compare?a=2/{a}&b=2/{b}")
    turn = page.get_by_role("region", name="Turn 1", exact=True)
    for side, index in (("A", a), ("B", b)):
        told = turn.get_by_role("group", name=f"Side {side}")
        assert told.locator(".diff").all_text_contents() == [asked[index].refined.text]
        assert told.locator(".said-text").first.text_content() == asked[index].seeker.text


def test_what_cannot_be_forked_says_why_and_what_is_not_there_is_said_to_be_missing(seen, page):
    index, last = next(
        (number, len(one.turns))
        for number, one in dialogues(seen.plain).items()
        if why_not(one, len(one.turns))
    )
    visit(page, f"{PLAIN}/d/{index}")
    button = page.get_by_role("button", name=f"Fork turn {last}")
    assert button.get_attribute("aria-disabled") == "true"
    assert button.get_attribute("title") == why_not(dialogues(seen.plain)[index], last)
    button.press("Enter")
    there(page.get_by_role("dialog"), 0)
    for place, says in (
        (f"{PLAIN}/d/{index}/t/99", f"dialogue {index} has no turn 99"),
        (f"{PLAIN}/d/999", "no dialogue 999"),
        ("runs/77", "77"),
        ("elsewhere", "Nothing stands at this address."),
    ):
        page.goto(f"{page.link}#/{place}")
        there(page.locator("main").get_by_text(says))
        there(page.get_by_role("button", name="Try again"), 0)
        there(page.get_by_role("link", name="Go to the runs"))
    # The browser itself says of each refusal that there was one.
    refused = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    assert set(page.wrong) <= {refused}
    page.wrong.clear()
