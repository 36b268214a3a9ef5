"""A run as one file: what it carries, how large it may be, and that it asks nobody for anything."""

import base64
import json
import re
import subprocess
import sys
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attunement.agents.models.base import Ask
from attunement.cli.app import app
from attunement.core.errors import ConfigError, RunFolderError, UserError
from attunement.core.records import Change, Reply
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.forking import fork
from attunement.simulator.run import create_run
from attunement.simulator.run import run as run_folder
from attunement.viewer.debugger.records import (
    DialogueCard,
    DialogueComparison,
    DialogueList,
    DialoguePage,
    GraphPage,
    RunPage,
    Runs,
    StrategyPage,
    TurnPage,
)
from attunement.viewer.report import page as pages
from attunement.viewer.report.embedding import Carried, carry
from attunement.viewer.report.page import report_html
from attunement.viewer.report.sampling import branches_of, by_weight, evenly, sample
from tests.browser import browsing
from tests.helpers import PERSONA, answering, journal_of, small_run

HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
    "<!--<svg onload=window.hacked=3> \u202e\u2028 " + "w" * 300
)
RECORDS = {
    "api/runs": Runs, "api/runs/0": RunPage, "api/runs/0/graph": GraphPage,
    "api/runs/0/strategies": StrategyPage,
    "api/runs/0/dialogues": DialogueList, "dialogue": DialoguePage, "turn": TurnPage,
}  # fmt: skip


COMPARED = "api/compare/dialogues?a=0%2F0&b=0%2F12"
"""Where a browser asks for dialogue 0 beside dialogue 12 of the run below."""


def kind_of(address: str) -> type:
    if "/turns/" in address:
        return TurnPage
    if address.startswith("api/compare/dialogues?"):
        return DialogueComparison
    return DialoguePage if "/dialogues/" in address else RECORDS[address]


def card(index: int, *flags: str, origin: int | None = None) -> DialogueCard:
    return DialogueCard(
        index=index, id=f"d{index}", persona_id="p", name="p", problem="job crisis",
        emotion="anxiety", status="done", stop_reason="satisfied", turns=1, set_aside=0,
        outcome={}, flags=flags, origin=origin, forked_at=None if origin is None else 1,
    )  # fmt: skip


def begun(index: int, replies: int, origin: int | None = None) -> DialogueCard:
    """A dialogue that goes on."""
    changes = {"status": "open", "stop_reason": None, "turns": replies}
    return card(index, origin=origin).model_copy(update=changes)


def embedded(html: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="embedded">(.*?)</script>', html)
    return json.loads(text)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "twelve"
    small_run(folder, dialogues=12, seed=3)
    laid = fork(folder, "0", 2, Change(reply=Reply(text="I am with you.")))
    run_folder(folder, only=[laid.index])
    return folder


@pytest.fixture(scope="module")
def carried(run) -> Carried:
    return carry(run, 30)


# ---- the sample ---------------------------------------------------------------------------------


def test_a_sample_is_spread_evenly_and_by_no_chance():
    cards = [card(i) for i in range(1000)]
    found = sample(cards, 10)
    assert found == [50, 150, 250, 350, 450, 550, 650, 750, 850, 950]
    assert sample(cards[:7], 10) == [*range(7)]
    assert evenly([], 3) == []


def test_a_sample_misses_no_kind_of_trouble_and_is_not_made_of_it():
    troubled = {3: "failed", 700: "crisis", 701: "set aside"}
    cards = [card(i, *((troubled[i],) if i in troubled else ())) for i in range(1000)]
    assert set(troubled) <= set(sample(cards, 12))
    failed = [card(i, *(("failed",) if i < 500 else ())) for i in range(1000)]
    found = sample(failed, 30)
    assert len(set(found)) == len(found) == 30
    assert sum(i >= 500 for i in found) >= 10
    for wanted in (1, 2, 3, 5):
        assert len(sample(failed, wanted)) == wanted


def test_branches_come_with_what_they_branch_from():
    cards = [card(0), card(1), card(2, origin=0), card(3, origin=1), card(4, origin=2)]
    assert sample(cards, 2) == [0, 1]
    assert branches_of(cards, [0], 5) == [2, 4]
    assert branches_of(cards, [0, 1], 2) == [2, 3]


def test_what_waits_for_its_first_reply_is_sampled_only_where_there_is_nothing_else():
    cards = [begun(0, 0), begun(1, 1), card(2), *(begun(i, 0) for i in range(3, 40))]
    assert sample(cards, 10) == sample(cards, 100) == [1, 2]
    failed = begun(40, 0).model_copy(update={"status": "failed", "flags": ("failed",)})
    assert sample([*cards, failed], 3) == [1, 2, 40]
    assert sample([begun(i, 0) for i in range(40)], 4) == [5, 15, 25, 35]
    assert branches_of([card(0), begun(1, 0, origin=0), begun(2, 1, origin=0)], [0], 5) == [2]


def test_where_room_is_short_what_was_annotated_then_forked_comes_first_with_its_branches():
    cards = [
        card(0), card(1, "crisis"), card(2), card(7, "branch", origin=2), card(3, "annotated"),
        card(4), card(8, "branch", origin=4), card(9, "branch", "annotated", origin=8), card(5),
    ]  # fmt: skip
    ordered = [card.index for card in by_weight(cards, [0, 1, 2, 3, 4, 7, 8, 9])]
    assert ordered == [3, 4, 8, 9, 2, 7, 1, 0]
    assert [card.index for card in by_weight(cards, [2, 4])] == [2, 4]


# ---- what it carries ----------------------------------------------------------------------------


def test_every_address_that_the_pages_ask_for_has_its_record(run, carried):
    html = report_html(carried)
    records = embedded(html)
    for address, record in records.items():
        kind_of(address).model_validate(record)
    journal = journal_of(run)
    dialogues = dict(enumerate(journal.dialogues(branches=True)))
    journal.close()
    wanted = {address for address in RECORDS if address.startswith("api/")} | {COMPARED}
    for index, dialogue in dialogues.items():
        wanted.add(f"api/runs/0/dialogues/{index}")
        wanted |= {f"api/runs/0/dialogues/{index}/turns/{t.number}" for t in dialogue.turns}
    assert set(records) == wanted
    turns = {i: [view["turn"] for view in page["turns"]] for i, page in pages_of(records).items()}
    for index, dialogue in dialogues.items():
        assert turns[index] == [turn.model_dump(mode="json") for turn in dialogue.turns]
    assert records["api/runs"]["can_change"] is False
    assert carried.sampled() == "12 of 12 dialogues and 1 of 1 branches"


def pages_of(records: dict) -> dict[int, dict]:
    found = {re.fullmatch(r"api/runs/0/dialogues/(\d+)", name): p for name, p in records.items()}
    return {int(match[1]): page for match, page in found.items() if match}


def test_a_smaller_sample_says_what_it_is_of(run):
    few = carry(run, 5)
    assert few.sampled().startswith("5 of 12 dialogues")
    html = report_html(few)
    assert "<title>Run twelve: 5 of 12 dialogues" in html
    assert len(embedded(html)["api/runs/0/dialogues"]["rows"]) == len(few.cards)
    assert embedded(html)["api/runs/0"]["card"]["dialogues"] == 12
    assert len(html) < 900_000 + 15_000 * few.turns


def test_prompts_are_left_out_unless_they_are_wanted(run, carried):
    address = "api/runs/0/dialogues/1/turns/1"

    def planner(found: Carried) -> dict:
        steps = json.loads(found.records[address])["steps"]
        return next(step for step in steps if step["node"] == "planner")["calls"][0]

    (said,) = planner(carried)["messages"]
    whole = planner(carry(run, 30, prompts=True))
    length = sum(len(message["content"]) for message in whole["messages"])
    assert said["content"] == f"{length:,} characters; a report made with --prompts has them"
    assert whole["text"] == planner(carried)["text"]


def test_a_bound_leaves_out_graphs_first_then_dialogues_but_for_one(run, carried):
    turns = sum(len(r) for a, r in carried.records.items() if "/turns/" in a)
    rest = carried.size - turns
    some = carry(run, 30, most=rest + turns // 2)
    assert some.sampled() == carried.sampled()
    assert 0 < some.on_graph < some.turns == carried.turns
    assert some.size <= rest + turns // 2
    one = carry(run, 30, most=1)
    assert one.dialogues == 1
    assert one.on_graph == 0


def test_a_branch_stands_beside_its_origin_where_both_are_in_it(run, carried):
    assert carried.compared == 1
    found = DialogueComparison.model_validate_json(carried.records[COMPARED])
    assert (found.a.card.index, found.b.card.index, found.b.card.origin) == (0, 12, 0)
    pages = [
        DialoguePage.model_validate_json(carried.records[f"api/runs/0/dialogues/{side.card.index}"])
        for side in (found.a, found.b)
    ]
    assert tuple(pair.a for pair in found.turns if pair.a) == pages[0].turns
    assert tuple(pair.b for pair in found.turns if pair.b) == pages[1].turns
    assert found.turns[0].same
    assert not found.turns[1].same


def test_dialogues_get_room_before_comparisons_and_these_before_graphs(carried, run):
    turns = sum(len(r) for a, r in carried.records.items() if "/turns/" in a)
    rest = carried.size - turns
    first_turn = len(carried.records["api/runs/0/dialogues/0/turns/1"])
    assert first_turn < len(carried.records[COMPARED])
    whole = carry(run, 30, most=rest)
    assert (whole.compared, whole.on_graph, whole.size) == (1, 0, rest)
    less = carry(run, 30, most=rest - 1)
    assert less.cards == carried.cards
    assert (less.compared, COMPARED in less.records) == (0, False)


def test_where_room_is_short_a_branch_follows_its_origin_before_other_dialogues(run):
    first, branch = carry(run, 30, most=1), "api/runs/0/dialogues/12"
    assert [card.index for card in first.cards] == [0]
    own = carry(run, 30)
    most = first.size + len(own.records[branch]) + 2_000
    some = carry(run, 30, most=most)
    assert {0, 12} <= {card.index for card in some.cards}
    assert len(some.cards) < len(some.wanted) == 13
    assert some.size <= most


def test_the_turn_at_which_a_dialogue_failed_is_in_it(tmp_path):
    def broken(ask: Ask) -> str:
        raise ConnectionError("the server is gone")

    small_run(tmp_path / "run", answering(responder=broken), dialogues=2, max_turns=2)
    records = embedded(report_html(carry(tmp_path / "run", 30)))
    assert "api/runs/0/dialogues/0/turns/1" in records
    assert records["api/runs/0"]["card"]["failed"] == 2


# ---- one file -----------------------------------------------------------------------------------


def test_nothing_runs_but_the_script_that_the_policy_names(carried):
    html = report_html(carried)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*)">', html)
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        text = html.split('<script type="module">' if element == "script" else "<style>")[1]
        text = text.rsplit("</script>", 1)[0] if element == "script" else text.split("</style>")[0]
        (named,) = re.findall(rf"{directive} 'sha256-([^']+)'", policy)
        assert base64.b64decode(named) == sha256(text.encode()).digest()
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall(r"<script", html.split("<body>")[1])) >= 2
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)[^\"'#]", html.split("<script")[0])


def test_no_path_of_this_machine_is_in_it(run, carried):
    html = report_html(carried)
    assert str(run.parent) not in html
    assert str(Path.home()) not in html


def test_hostile_text_ends_no_element_and_is_escaped_where_scripts_are_off(tmp_path):
    said = {"text": HOSTILE, "emotion": "anxiety", "intensity": 4}
    persona = PERSONA.model_copy(update={"name": HOSTILE, "situation": HOSTILE})
    chat = answering(seeker=said, responder=HOSTILE)
    small_run(tmp_path / "run", chat, cast=Cast([persona], [0]), max_turns=1)
    html = report_html(carry(tmp_path / "run", 30))
    page = embedded(html)["api/runs/0/dialogues/0"]
    assert page["turns"][0]["turn"]["draft"]["text"] == HOSTILE
    assert "window.hacked = 1</script>" not in html
    (plain,) = re.findall(r"<noscript>(.*?)</noscript>", html, re.DOTALL)
    assert "<img" not in plain
    assert HOSTILE in unescape(plain)


def test_code_that_holds_the_end_of_its_element_does_not_end_it(carried, tmp_path, monkeypatch):
    built = {"app.js": 'let a = "</script><!--";', "app.css": "a{}", "icon.svg": ""}
    for name, text in built.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    script = report_html(carried).split('<script type="module">')[1]
    assert '<\\/script><\\!--"' in script.split("</script>")[0]
    (tmp_path / "app.js").unlink()
    with pytest.raises(ConfigError, match="make web"):
        report_html(carried)


def test_it_opens_from_disk_and_asks_for_nothing(tmp_path):
    said = {"text": HOSTILE, "emotion": "anxiety", "intensity": 4}
    small_run(tmp_path / "run", answering(seeker=said), dialogues=3, max_turns=2)
    change = Change(reply=Reply(text="I am with you."))
    laid = fork(tmp_path / "run", "0", 2, change, check_models=False)
    run_folder(tmp_path / "run", backends=[answering(seeker=said)], only=[laid.index])
    file = tmp_path / "run.html"
    file.write_text(report_html(carry(tmp_path / "run", 2)), "utf-8")
    with browsing() as browser:
        page = browser.new_page()
        asked, trouble = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text))
        page.goto(file.as_uri())
        page.get_by_role("heading", name="run", exact=True).wait_for()
        page.get_by_role("link", name="Mira").first.click()
        page.get_by_text("<img src=x onerror", exact=False).first.wait_for()
        for place in ("#/runs/0/d/0/t/1", "#/runs/0/graph", "#/runs/0/strategies"):
            page.evaluate("place => { location.hash = place }", place)
            page.get_by_role("heading", level=1).wait_for()
        page.evaluate("place => { location.hash = place }", "#/runs/0/d/0/t/1")
        page.get_by_text("planner").first.wait_for()
        page.evaluate("place => { location.hash = place }", "#/compare?a=0/0&b=0/3")
        page.get_by_role("heading", name="Mira: two courses").wait_for()
        page.get_by_text("I am with you.").first.wait_for()
        assert page.evaluate("window.hacked") is None
        assert trouble == []
        assert {url.partition("#")[0] for url in asked} == {file.as_uri()}


def test_where_scripts_are_off_it_is_a_readable_summary(carried, tmp_path):
    file = tmp_path / "run.html"
    file.write_text(report_html(carried), "utf-8")
    with browsing() as browser:
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(file.as_uri())
        text = page.locator("noscript").inner_text()
        assert "Run twelve" in text
        assert "12 done, 0 failed, 0 open" in text
        assert page.locator("noscript tr").count() == 1 + len(carried.cards)
        assert "12 of 12 dialogues and 1 of 1 branches" in text
        assert "12, branch of 0" in text


# ---- the verb -----------------------------------------------------------------------------------


def report(*args: object):
    return CliRunner().invoke(app, ["report", *map(str, args)])


def test_the_verb_writes_the_file_and_says_how_large_it_is(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = report(run, "--dialogues", 4)
    assert result.exit_code == 0, result.output
    size = (tmp_path / "twelve.html").stat().st_size
    held = "4 of 12 dialogues and 1 of 1 branches"
    assert f"twelve.html: {held}, {size / 1e6:.1f} MB" in result.stdout
    facts = json.loads(report(run, "--dialogues", 4, "--out", "b.html", "--json").stdout)
    assert facts["bytes"] == (tmp_path / "b.html").stat().st_size == size
    assert (facts["dialogues"], facts["of"]) == (4, 12)
    assert (tmp_path / "b.html").read_bytes() == (tmp_path / "twelve.html").read_bytes()


def test_the_verb_says_what_the_size_held_back(run, tmp_path):
    result = report(run, "--out", tmp_path / "a.html", "--max-mb", 0.1)
    first, held, lacks = result.stdout.splitlines()
    (count,) = re.findall(r": (\d+) of 12 dialogues and 1 of 1 branches,", first)
    assert 0 < int(count) < 12
    why = "--max-mb 0.1 leaves no room for more."
    assert held == f"{count} of the 12 dialogues asked for and 1 of 1 branches: {why}"
    assert lacks.startswith("To stay small it lacks ")
    whole = report(run, "--out", tmp_path / "b.html")
    assert len(whole.stdout.splitlines()) == 1


def test_of_an_unfinished_run_it_holds_what_was_said_and_the_verb_counts_what_is_open(tmp_path):
    config = RunConfig(model="rehearsal", dialogues=5, seed=3)
    create_run(tmp_path / "run", config, cast_for(config))
    assert run_folder(tmp_path / "run", only=[1, 3])
    result = report(tmp_path / "run", "--out", tmp_path / "a.html")
    held, is_open = result.stdout.splitlines()
    assert ": 2 of 5 dialogues, " in held
    assert is_open == (
        "3 of the run's 5 dialogues are open, 0 of them in it; 3 without a reply yet are left out."
    )
    rows = embedded((tmp_path / "a.html").read_text("utf-8"))["api/runs/0/dialogues"]["rows"]
    assert [row["index"] for row in rows] == [1, 3]


def test_the_verb_replaces_nothing_unless_told_to(run, tmp_path):
    file = tmp_path / "a.html"
    file.write_text("mine")
    error = report(run, "--out", file).exception
    assert isinstance(error, UserError)
    assert "--force" in str(error)
    assert file.read_text() == "mine"
    assert report(run, "--out", file, "--dialogues", 1, "--force").exit_code == 0
    assert file.read_text().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


@pytest.mark.parametrize("out", ["", "no/such/folder/a.html"])
def test_what_cannot_be_written_is_refused_in_a_sentence(run, tmp_path, out):
    assert isinstance(report(run, "--out", tmp_path / out).exception, UserError)


def test_what_is_no_run_is_refused(tmp_path):
    assert isinstance(report(tmp_path, "--out", tmp_path / "a.html").exception, RunFolderError)


def test_a_report_needs_no_web_server():
    code = (
        "import sys, attunement.viewer.report.page\n"
        "print(sorted({'starlette', 'uvicorn', 'matplotlib', 'torch'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
