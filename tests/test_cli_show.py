"""`attune show`: dialogues, turns on their graph, branches, annotations, searching, following."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from attunement.agents.models.base import Ask
from attunement.cli.app import app
from attunement.cli.paging import pager_command
from attunement.cli.plain import has_colours
from attunement.core.errors import ModelError, UserError
from attunement.core.records import Change, Plan, Reply
from attunement.simulator.annotating import Annotation, annotate
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.export import call_rows, turn_rows
from attunement.simulator.forking import fork
from attunement.simulator.frame import LOCK, being_run, locked
from attunement.simulator.run import create_run
from attunement.simulator.run import run as run_folder
from tests.helpers import LIBRARY, PERSONA, answering, journal_of, small_run, write_recorded

ATTUNE = Path(sys.executable).with_name("attune")
HOSTILE = "Ok\x1b[2J\x9b31m \u202etxet <script>alert(1)</script> [bold]loud[/bold]"
"""Clears the screen of a terminal that obeys, turns what follows, and looks like markup."""


def shown(*args: object, code: int = 0, width: int = 120) -> str:
    result = CliRunner(env={"COLUMNS": str(width), "TERM": "dumb"}).invoke(
        app, ["show", *map(str, args)]
    )
    assert result.exit_code == code, result.output
    return result.stdout


def refused(*args: object) -> str:
    error = CliRunner().invoke(app, ["show", *map(str, args)]).exception
    assert isinstance(error, UserError), error
    return str(error)


def words(text: str) -> str:
    return " ".join(text.split())


def say(run: Path, dialogue: int, number: int, said: Annotation, who: str) -> None:
    async def writing() -> None:
        journal = journal_of(run)
        turn = journal.find(str(dialogue)).turns[number - 1]
        await annotate(journal, dialogue, turn, said, who)
        await journal.close_writer()
        journal.close()

    asyncio.run(writing())


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Two dialogues of four replies and a goodbye, scripted, and two branches."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    chat = answering()
    small_run(folder, chat, dialogues=2, max_turns=4)
    plan = Change(plan=Plan(strategy="Self-disclosure"))
    reply = Change(reply=Reply(text="I am with you."))
    for turn, change in ((2, plan), (3, reply)):
        laid = fork(folder, "0", turn, change, check_models=False)
        run_folder(folder, backends=[chat], only=[laid.index])
    say(folder, 0, 1, Annotation(label="good", note="Asks first."), "ada")
    say(folder, 0, 2, Annotation(errors=("Template Response",)), "me")
    return folder


# ---- one dialogue -------------------------------------------------------------------------------


def test_a_dialogue_shows_what_was_said_thought_and_changed(run):
    text = words(shown(run, 0, "--turn", 1))
    assert "seeker I am at my wits' end." in text
    assert "privately anxiety 4 of 5" in text
    assert "plan Question (Exploration). to understand" in text
    assert "rewritten What [-happened-]{+about the nights is worst+}?" in text
    assert "supporter What about the nights is worst? [Question]" in text


def test_what_was_inferred_stands_beside_what_is_hidden(tmp_path):
    seen = {
        "who": "A nurse.", "emotion": "sadness", "intensity": 2, "situation": "Work.",
        "needs": ["To be asked, and listened to"], "personality": {"openness": "high"},
    }  # fmt: skip
    small_run(tmp_path / "run", answering(reflector=seen), max_turns=1)
    line = words(shown(tmp_path / "run", 0))
    assert "inferred sadness ✗ (is anxiety); 2 of 5 -2 (is 4); 1 of 1 of what helps; " in line
    assert "0 of 1 of what hurts; openness high ✗ (is medium)" in line


def test_texts_without_a_word_in_common_stand_one_below_the_other(tmp_path):
    refined = {"strategy": "Question", "text": "Tell me more"}
    small_run(tmp_path / "run", answering(refiner=refined, responder="Cheer up!"), max_turns=1)
    text = words(shown(tmp_path / "run", 0))
    assert "rewritten" not in text
    assert "draft Cheer up!" in text
    assert text.index("draft Cheer up!") < text.index("supporter Tell me more")


def test_annotations_stand_in_their_turn_and_not_among_the_judgements(run):
    first = words(shown(run, 0, "--turn", 1))
    assert "annotated ada: good. Asks first." in first
    assert "judged" not in first
    assert "annotated me: Template Response" in words(shown(run, 0, "--turn", 2))


def test_foreign_text_steers_no_terminal_and_is_no_markup(tmp_path):
    said = {"text": HOSTILE, "emotion": "anxiety", "intensity": 4}
    small_run(tmp_path / "run", answering(seeker=said, responder=HOSTILE), max_turns=1)
    for view in ((), ("--turn", 1), ("--turn", 1, "--calls"), ("--turn", 1, "--graph")):
        text = shown(tmp_path / "run", 0, *view)
        assert not {"\x1b", "\x9b", "\u202e"} & set(text), view
    assert "<script>alert(1)</script> [bold]loud[/bold]" in words(shown(tmp_path / "run", 0))
    found = shown(tmp_path / "run", "--search", "loud", width=200)
    assert "[bold]loud[/bold]" in found
    assert "\x1b" not in found


def test_a_failure_that_a_server_words_steers_no_terminal(tmp_path):
    def failing(ask):
        raise ModelError(HOSTILE)

    small_run(tmp_path / "run", answering(responder=failing), max_turns=1)
    for view in ((), (0,), ("--branches",)):
        text = shown(tmp_path / "run", *view)
        assert "alert(1)" in words(text), view
        assert not {"\x1b", "\x9b", "\u202e"} & set(text), view


# ---- what replies did ---------------------------------------------------------------------------


def moving(*turns: tuple[int, int | None]) -> Callable[[Ask], str]:
    """A seeker who feels so strongly turn by turn, and rates the reply before."""

    def seeker(ask: Ask) -> str:
        heard = sum(message["content"].count("worst?") for message in ask.messages)
        strength, rating = turns[min(heard, len(turns) - 1)]
        return json.dumps(
            {"text": "Hm.", "emotion": "anxiety", "intensity": strength, "rating": rating}
        )

    return seeker


@pytest.fixture(scope="module")
def moved(tmp_path_factory) -> Path:
    """Two dialogues of three replies: one helps, one hurts, one leaves it; and a branch."""
    folder = tmp_path_factory.mktemp("runs") / "moved"
    chat = answering(seeker=moving((3, None), (4, 2), (5, 2), (5, 4)))
    small_run(folder, chat, dialogues=2, max_turns=3)
    laid = fork(folder, "0", 2, Change(reply=Reply(text="What, what is worst?")), False)
    run_folder(folder, backends=[chat], only=[laid.index])
    return folder


def test_below_a_reply_stands_what_it_did_and_no_second_time(moved):
    text = words(shown(moved, 0))
    assert text.count("then rated 2 of 5; feeling 3 to 4 ") == 1
    assert text.index("worst? [Question] then rated 2 of 5; feeling 4 to 5") > 0
    assert text.count("then rated 4 of 5; feeling 5 to 5") == 1
    assert text.count("then ") == 3
    assert "the last reply helped" not in text


def test_a_turn_alone_tells_of_its_own_reply_and_of_the_one_before(moved):
    text = words(shown(moved, 0, "--turn", 2))
    assert "anxiety 4 of 5; the last reply helped 2 of 5" in text
    assert "then rated 2 of 5; feeling 4 to 5" in text
    assert "then" not in words(shown(moved, 0, "--turn", 4))


def test_a_recorded_seeker_says_nothing_of_what_was_replied(tmp_path):
    small_run(tmp_path / "live", answering(), max_turns=3)
    journal = journal_of(tmp_path / "live")
    write_recorded(tmp_path / "recorded.jsonl", journal.dialogues())
    journal.close()
    config = RunConfig(model=answering().spec, replay=str(tmp_path / "recorded.jsonl"))
    create_run(tmp_path / "replay", config, cast_for(config), check_models=False)
    run_folder(tmp_path / "replay", backends=[answering()])
    text = words(shown(tmp_path / "replay", 0))
    assert "supporter What about the nights" in text
    assert " then " not in text
    assert "nothing tells what these did" in refused(tmp_path / "replay", "--worst")


def test_the_worst_replies_come_first_and_branches_are_left_out(moved):
    rows = json.loads(shown(moved, "--worst", "--json"))
    assert [(r["index"], r["turn"], r["rating"], r["before"], r["after"]) for r in rows] == [
        (0, 1, 2, 3, 4), (0, 2, 2, 4, 5), (1, 1, 2, 3, 4), (1, 2, 2, 4, 5), (0, 3, 4, 5, 5),
        (1, 3, 4, 5, 5),
    ]  # fmt: skip
    assert (rows[0]["strategy"], rows[0]["id"]) == ("Question", "000000-mira")
    text = shown(moved, "--worst", "--limit", 3)
    assert "the worst 3 of 6 replies; --limit shows more, --all shows them all" in text
    assert "1 mira 1 2 3 to 4 Question What about the nights is worst?" in words(text)
    assert "6 replies that a seeker has answered" in shown(moved, "--worst", "--all")


def test_of_equal_ratings_the_one_after_which_it_grew_most_is_worse(tmp_path):
    chat = answering(seeker=moving((5, None), (3, 1), (3, 1), (5, 1), (5, None)))
    small_run(tmp_path / "run", chat, max_turns=4)
    rows = json.loads(shown(tmp_path / "run", "--worst", "--json"))
    found = [(row["turn"], row["rating"], row["before"], row["after"]) for row in rows]
    assert found == [(3, 1, 3, 5), (2, 1, 3, 3), (1, 1, 5, 3), (4, None, 5, 5)]


def test_the_worst_replies_of_a_strategy_can_be_asked_for(moved):
    assert len(json.loads(shown(moved, "--worst", "--strategy", "question", "--json"))) == 6
    none = shown(moved, "--worst", "--strategy", "Self-disclosure")
    assert none == "0 replies that a seeker has answered\n"


# ---- branches -----------------------------------------------------------------------------------


def test_a_dialogue_names_its_branches_and_a_branch_its_origin(run):
    origin = words(shown(run, 0))
    assert "branch 000000-mira~1 from turn 2 on: plan Self-disclosure" in origin
    assert "branch 000000-mira~2 from turn 3 on: reply 'I am with you.'" in origin
    branch = words(shown(run, "000000-mira~2"))
    assert "branch of 000000-mira, from turn 3 on: reply 'I am with you.'" in branch
    assert "turn 2 (as in its origin)" in branch
    assert "turn 3 (as" not in branch
    assert "supporter I am with you." in branch


def test_the_list_leaves_branches_out_and_says_so(run):
    text = shown(run)
    assert "~1" not in text
    assert "2 forked from these; --branches lists them too" in text
    listed = words(shown(run, "--branches"))
    assert "2 000000-mira~1 job crisis anxiety 4 4 to 4 max_turns from turn 2 on: plan " in listed


def test_the_list_is_paged(run, tmp_path):
    small_run(tmp_path / "many", answering(), dialogues=25, max_turns=1)

    def numbers(*options: object) -> list[int]:
        lines = shown(tmp_path / "many", *options).splitlines()
        return [int(line.split()[0]) for line in lines if " mira " in line]

    assert numbers() == [*range(20)]
    assert "… and 5 more; --offset 20 goes on" in shown(tmp_path / "many")
    assert numbers("--offset", 20) == [20, 21, 22, 23, 24]
    assert numbers("--offset", 3, "--limit", 2) == [3, 4]
    assert numbers("--all") == [*range(25)]
    assert numbers("--offset", 25) == []
    nothing = "no dialogue has a number from 25 on: there are 25, counted from 0\n"
    assert shown(tmp_path / "many", "--offset", 25) == nothing


def test_an_export_with_branches_adds_their_own_turns_and_calls(run):
    journal = journal_of(run)
    plain, both = list(turn_rows(journal)), list(turn_rows(journal, branches=True))
    unforked = dict.fromkeys(("origin", "forked_at", "change"))
    assert both[: len(plain)] == [row | unforked for row in plain]
    added = both[len(plain) :]
    assert [
        (row["dialogue_id"], row["turn"], row["origin"], row["forked_at"]) for row in added
    ] == [
        *(("000000-mira~1", number, "000000-mira", 2) for number in (2, 3, 4, 5)),
        *(("000000-mira~2", number, "000000-mira", 3) for number in (3, 4, 5)),
    ]
    assert {(row["dialogue_id"], row["change"]) for row in added} == {
        ("000000-mira~1", "plan Self-disclosure"), ("000000-mira~2", "reply 'I am with you.'"),
    }  # fmt: skip
    calls = list(call_rows(journal, branches=True))[len(list(call_rows(journal))) :]
    journal.close()
    assert min(row["turn"] for row in calls if row["dialogue_id"] == "000000-mira~2") == 3
    given = [(row["dialogue_id"], row["role"]) for row in calls if row["model"] == "person"]
    assert given == [("000000-mira~1", "planner"), ("000000-mira~2", "refiner")]
    assert {(row["origin"], row["forked_at"], row["change"]) for row in calls} == {
        ("000000-mira", 2, "plan Self-disclosure"), ("000000-mira", 3, "reply 'I am with you.'"),
    }  # fmt: skip


def test_the_verb_exports_branches_when_asked(run, tmp_path):
    runner = CliRunner()
    for options, expected in (((), 10), (("--branches",), 17)):
        out = tmp_path / f"{len(options)}.jsonl"
        result = runner.invoke(app, ["export", str(run), "--out", str(out), *options])
        assert result.exit_code == 0, result.output
        assert len(out.read_text().splitlines()) == expected


# ---- on the graph -------------------------------------------------------------------------------


def test_a_turn_is_drawn_on_its_graph_with_the_way_it_took(run):
    text = shown(run, 0, "--turn", 2, "--graph")
    assert "self_refine: run one, dialogue 0, turn 2" in text
    assert "dashed: not taken in this turn" in text
    rows = {line.split()[0]: line.split()[1:] for line in text[text.index("node ") :].splitlines()}
    assert rows["planner"][:2] == ["done", "1"]
    assert rows["hand_off"] == ["not", "reached"]
    branch = shown(run, 2, "--turn", 2, "--graph")
    rows = {
        line.split()[0]: line.split()[1:] for line in branch[branch.index("node ") :].splitlines()
    }
    assert (rows["planner"][0], rows["seeker"][0], rows["refiner"][0]) == ("given", "kept", "done")


def test_a_run_is_drawn_on_its_graph(run):
    text = shown(run, "--graph")
    assert "self_refine: run one, 2 dialogues" in text
    assert "8 calls" in text
    page = json.loads(shown(run, "--graph", "--json"))
    assert {node["id"]: node["turns"] for node in page["graph"]["nodes"]}["planner"] == 8


def test_calls_show_prompts_answers_and_repeats(tmp_path):
    asked: list[int] = []

    def unsure(ask: Ask) -> str:
        asked.append(1)
        return "no JSON" if len(asked) == 1 else '{"strategy": "Question", "text": "What now?"}'

    small_run(tmp_path / "run", answering(refiner=unsure), max_turns=1)
    text = shown(tmp_path / "run", 0, "--turn", 1, "--calls")
    assert text.index(" seeker ") < text.index(" planner ") < text.index(" refiner ")
    assert "refiner, attempt 2" in text
    assert "answer:\nno JSON\n" in text
    journal = journal_of(tmp_path / "run")
    calls = [call for call in journal.calls(0) if call["turn"] == 1]
    journal.close()
    assert len(calls) == 6
    for message in (message for call in calls for message in call["messages"]):
        assert message["content"].strip() in text


def test_a_turn_as_json_is_the_record_that_pages_get(run):
    page = json.loads(shown(run, 0, "--turn", 2, "--calls", "--json"))
    planner = next(step for step in page["steps"] if step["node"] == "planner")
    assert planner["calls"][0]["messages"][0]["content"]
    assert page == json.loads(shown(run, 0, "--turn", 2, "--graph", "--json"))


# ---- searching ----------------------------------------------------------------------------------


def test_a_search_finds_turns_cards_notes_and_branches(tmp_path):
    def nights(ask: Ask) -> str:
        known = "".join(message["content"] for message in ask.messages)
        said = "The NIGHTS are long, all of them." if "worst?" in known else "Hello."
        return json.dumps({"text": said, "emotion": "anxiety", "intensity": 4})

    cast = Cast([PERSONA, LIBRARY[0]], [0, 1])
    small_run(tmp_path / "run", answering(seeker=nights), cast=cast, max_turns=2)
    say(tmp_path / "run", 1, 1, Annotation(note="Quite a xylophone."), "ada")

    def places(text: str) -> list[tuple[int, int, str]]:
        rows = json.loads(shown(tmp_path / "run", "--search", text, "--json"))
        return [(r["index"], r["hit"]["turn"], r["hit"]["field"]) for r in rows]

    assert places("nights long") == [(n, turn, "seeker") for n in (0, 1) for turn in (2, 3)]
    assert places("boss wants") == [(0, 0, "persona")]
    assert places("XYLO") == [(1, 1, "annotation")]
    assert places('"*" AND') == []
    text = shown(tmp_path / "run", "--search", "nights long")
    assert "found in 4 places" in text
    first = shown(tmp_path / "run", "--search", "nights long", "--limit", 3)
    assert "the first 3; --limit shows more" in first
    assert first.count("NIGHTS") == 3
    assert "NIGHTS" in text


# ---- following ----------------------------------------------------------------------------------


def open_run(folder: Path) -> Path:
    config = RunConfig(model=answering().spec, dialogues=2, max_turns=2)
    create_run(folder, config, Cast([PERSONA], [0, 0]), check_models=False)
    return folder


def following(*args: object) -> subprocess.Popen[str]:
    """A process that has begun to follow."""
    process = subprocess.Popen(
        [ATTUNE, "show", "--follow", *map(str, args)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline() == "0/2 dialogues, 0 turns, 0 failed\n"
    return process


def test_following_shows_turns_as_they_come_and_ends_with_the_run(tmp_path):
    folder = open_run(tmp_path / "run")
    process = following(folder)
    run_folder(folder, backends=[answering()])
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    for name in ("000000-mira", "000001-mira"):
        assert out.index(f"{name}  turn 1") < out.index(f"{name}  turn 2")
        assert f"{name}  ended: max_turns" in out
    assert out.count("What about the nights is worst?") >= 4
    assert errors.splitlines()[-1] == "2/2 dialogues, 6 turns, 0 failed"


def test_following_one_dialogue_begins_with_its_first_turn_and_tells_why_it_failed(tmp_path):
    folder = open_run(tmp_path / "run")

    def broken(ask: Ask) -> str:
        known = "".join(message["content"] for message in ask.messages)
        if "worst?" in known:
            raise ConnectionError("the server is gone")
        return '{"text": "Hello.", "emotion": "anxiety", "intensity": 4}'

    run_folder(folder, backends=[answering(seeker=broken)])
    text = shown(folder, 0, "--follow")
    assert "turn 1" in text
    assert "000001" not in text
    assert "000000-mira failed: " in text
    lines = shown(folder, 0, "--follow", "--json").splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1]


def test_ctrl_c_ends_following_with_130(tmp_path):
    process = following(open_run(tmp_path / "run"))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_run_that_is_being_run_is_followed_and_not_resumed(tmp_path):
    folder = open_run(tmp_path / "run")
    assert "resume" in shown(folder)
    with locked(folder):
        text = words(shown(folder))
    assert "now being run by another process" in text
    assert f"show {folder} --follow each turn as soon as it is there" in text
    assert "resume" not in text
    assert "--follow" not in shown(folder)


def test_looking_at_a_run_takes_no_lock(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=1)
    (tmp_path / "run" / LOCK).unlink()
    assert not being_run(tmp_path / "run")
    assert not (tmp_path / "run" / LOCK).exists()


# ---- on a terminal ------------------------------------------------------------------------------


def on_a_terminal(*args: object, **env: str) -> str:
    """What a terminal of 24 lines gets."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [ATTUNE, "show", *map(str, args)], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "24", **env},
    )  # fmt: skip
    os.close(theirs)
    got = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not part:
            break
        got += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return got.decode()


@pytest.fixture
def pager(tmp_path) -> str:
    script = tmp_path / "pager"
    script.write_text("#!/bin/sh\necho PAGED $LESS; cat\n")
    script.chmod(0o755)
    return str(script)


def test_a_pager_shows_what_is_longer_than_the_screen(run, pager):
    long = on_a_terminal(run, 0, PAGER=pager, LESS="-S")
    assert long.startswith("PAGED -S")
    assert "turn" in long
    assert "PAGED" not in on_a_terminal(run, 0, "--no-pager", PAGER=pager)
    short = on_a_terminal(run, 0, "--turn", 1, PAGER=pager)
    assert "PAGED" not in short
    # In colour, marks are not needed.
    assert "\x1b[9;31mhappened\x1b[0m\x1b[4;32mabout the nights is worst" in short
    assert "[-happened-]" not in short


@pytest.mark.parametrize("value", ["", "cat", "/no/such/pager", "less 'unclosed"])
def test_a_pager_that_is_none_is_not_used(value, monkeypatch):
    monkeypatch.setenv("PAGER", value)
    assert pager_command() == []


def test_less_and_its_options_are_the_users_choice(monkeypatch):
    monkeypatch.setenv("PAGER", "sh -c 'cat'")
    assert pager_command() == ["sh", "-c", "cat"]
    monkeypatch.delenv("PAGER")
    assert pager_command()[:1] in (["less"], ["more"], [])


def test_nothing_is_paged_into_a_pipe(run, pager):
    env = {**os.environ, "PAGER": pager, "FORCE_COLOR": "1", "COLUMNS": "100"}
    result = subprocess.run(
        [ATTUNE, "show", run, "0"], capture_output=True, text=True, env=env, timeout=60
    )
    assert "PAGED" not in result.stdout
    assert "ended: max_turns" in result.stdout


def test_marks_stand_where_colours_are_unwanted(monkeypatch):
    terminal = {"force_terminal": True, "color_system": "truecolor"}
    assert has_colours(Console(**terminal))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colours(Console(**terminal))


# ---- what does not go together ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--turn", 1), "`--turn` needs a dialogue"),
        ((0, "--calls"), "`--calls` needs a turn"),
        ((0, "--graph"), "`--graph` draws a run, or one turn"),
        ((0, "--turn", 9), "`--turn` must be from 1 to 5, got 9"),
        ((0, "--turn", 9, "--graph"), "has no turn 9: it has turns 1 to 5"),
        ((0, "--turn", 1, "--follow"), "leave `--turn` out"),
        ((0, "--search", "x"), "leave the dialogue out"),
        ((0, "--limit", 3), "`--limit` is about the list of dialogues; leave it out"),
        ((0, "--branches"), "a dialogue's own branches stand below it anyway"),
        (("--worst", "--offset", 3), "`--offset` is about the list of dialogues; leave it out"),
        ((0, "--worst"), "`--worst` is about the whole run"),
        (("--strategy", "Question"), "`--strategy` chooses among replies"),
        (("--worst", "--strategy", "hug"), "unknown strategy 'hug'; known: Question"),
        (("--all", "--limit", 3), "leave --offset and --limit out"),
        (("--branches", "--json"), "`--branches` is about the list"),
        (("--search", " "), "needs a word"),
        (("--follow", "--prefix"), "show different things"),
        ((99,), "no dialogue '99'"),
    ],
)
def test_what_means_nothing_is_refused_with_the_remedy(run, options, message):
    assert message in refused(run, *options)
