"""Branches that are stopped, resumed, or refused."""

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from attunement.agents.models.base import Ask, Capabilities
from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import ModelError, RunFolderError, UserError
from attunement.core.records import Change, Plan, Reply
from attunement.core.strategies import Strategy
from attunement.personas.cards import library
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.export import call_rows, turn_rows
from attunement.simulator.forking import fork, in_words, why_not
from attunement.simulator.frame import CONFIG, change_config, locked, write_config
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run
from tests.forks import calls, dialogue, forked, make_base
from tests.helpers import answering, journal_of, small_run


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A run on the embedded model. Branches may come and go."""
    return make_base(tmp_path_factory.mktemp("forking") / "run")


# ---- stopping and going on ----------------------------------------------------------------------


def test_a_branch_that_was_stopped_is_resumed_and_nothing_asked_twice(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=4)
    whole = forked(tmp_path / "run", 0, 2, Change(seed=21), answering(responder="Noted."))
    laid = fork(tmp_path / "run", "0", 2, Change(seed=21), check_models=False)
    tally, drafted = Tally(), []

    def stopping(ask: Ask) -> str:
        drafted.append(ask)
        if len(drafted) == 2:
            tally.stop("the test")
        return "Noted."

    halted, resumed = answering(responder=stopping), answering(responder="Noted.")
    assert not run(tmp_path / "run", backends=[halted], only=[laid.index], tally=tally)
    assert tally.stopped_by == "the test"
    assert dialogue(tmp_path / "run", laid.index).stop_reason is None
    assert run(tmp_path / "run", backends=[resumed])
    assert dialogue(tmp_path / "run", laid.index).turns == whole.turns
    sent = [row for row in calls(tmp_path / "run", laid.index) if row["tries"]]
    assert len(sent) == len(halted.asked) + len(resumed.asked)
    assert resumed.asked


def nobody_there() -> str:
    """An address at which no server answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@pytest.mark.slow  # as long as a server is given
def test_a_model_that_does_not_answer_gets_no_branch(base):
    with closing(journal_of(base)) as journal:
        before = journal.counts(branches=True)
    with pytest.raises(ModelError, match="cannot connect"):
        fork(base, "0", 1, Change(model=f"openai:x@{nobody_there()}"))
    with closing(journal_of(base)) as journal:
        assert journal.counts(branches=True) == before


@pytest.mark.slow
def test_a_branch_whose_server_is_gone_holds_up_no_other_dialogue(tmp_path):
    run_folder, spec = tmp_path / "run", f"openai:x@{nobody_there()}"
    cards = [card for card in library() if card.risk == "none"][:2]
    create_run(run_folder, RunConfig(), Cast(cards, range(2)))
    assert run(run_folder, only=[0])
    laid = fork(run_folder, "0", 2, Change(model=spec), check_models=False)
    assert run(run_folder)
    assert dialogue(run_folder, 1).stop_reason
    assert "cannot connect" in dialogue(run_folder, laid.index).error
    with closing(journal_of(run_folder)) as journal:
        assert journal.counts(branches=True) == {"open": 0, "done": 2, "failed": 1}


def test_what_a_running_branch_learns_leaves_what_a_fork_has_noted(base, tmp_path):
    found = Capabilities()
    write_config(tmp_path, read_config(base / CONFIG))
    changes = [
        lambda config: config.learning({"openai:a": found}),
        lambda config: config.model_copy(update={"branch_models": ("openai:b",)}),
    ]
    threads = [
        threading.Thread(target=change_config, args=(tmp_path, change)) for change in changes * 10
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = read_config(tmp_path / CONFIG)
    assert (after.branch_models, after.capabilities) == (("openai:b",), {"openai:a": found})


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turn", "change", "words"),
    [
        (99, Change(seed=1), "has no turn 99: it has turns 1 to"),
        (0, Change(seed=1), "has no turn 0"),
        (1, Change(), "nothing is changed"),
        (1, Change(models={"joint": "rehearsal"}), "has no joint to change; it asks: seeker"),
        (1, Change(prompts={"planner": "=== system ===\nHi\n"}), "lacks section"),
        (1, Change(model="nonsense"), "nonsense"),
        (1, Change(prompts={"guard": "=== system ===\nHi\n"}), "has no guard to change"),
        (1, Change(draft=Reply(text="Hm.", strategy=Strategy.OTHERS)), "is that of its plan"),
        (1, Change(draft=Reply(text="<think>x</think>Hm.")), r"what is left is 'Hm\.'"),
    ],
)
def test_a_change_that_means_nothing_is_refused_and_nothing_laid_down(base, turn, change, words):
    with closing(journal_of(base)) as journal:
        before = journal.counts(branches=True)
    with pytest.raises(UserError, match=words):
        fork(base, "0", turn, change)
    with closing(journal_of(base)) as journal:
        assert journal.counts(branches=True) == before


def test_a_placeholder_that_nobody_fills_is_refused(base):
    text = packaged_prompts()["planner"].text.replace("{{dialogue}}", "{{dialogue}} {{persona}}", 1)
    with pytest.raises(UserError, match=r"placeholder 'persona' in section '\w+' of the planner's"):
        fork(base, "0", 1, Change(prompts={"planner": text}))


def test_goodbyes_and_hand_offs_are_not_forked(base, tmp_path):
    origin = dialogue(base, 0)
    assert "seeker's last words" in why_not(origin, len(origin.turns))
    card = next(card for card in library() if card.risk == "at-risk")
    small_run(tmp_path / "run", cast=Cast([card] * 6, range(6)), max_turns=12)
    with closing(journal_of(tmp_path / "run")) as journal:
        crisis = next(d for d in journal.dialogues() if d.stop_reason == "crisis")
    with pytest.raises(UserError, match="handed off after a crisis"):
        fork(tmp_path / "run", crisis.id, len(crisis.turns), Change(seed=1))


def test_a_graph_without_a_planner_has_no_plan_to_change(tmp_path):
    small_run(tmp_path / "run", graph="direct", dialogues=1)
    with pytest.raises(UserError, match="graph 'direct' has no planner to change"):
        fork(tmp_path / "run", "0", 1, Change(plan=Plan(strategy=Strategy.QUESTION)))
    assert len(list((tmp_path / "run").glob("*.part"))) == 0


def test_a_run_that_another_process_holds_is_not_forked(base):
    with locked(base), pytest.raises(RunFolderError, match="being run by another process"):
        fork(base, "0", 1, Change(seed=1))


def test_a_change_in_words():
    change = Change(
        plan=Plan(strategy=Strategy.QUESTION), reply=Reply(text="x" * 100), model="openai:y",
        prompts={"planner": "…"}, seed=3,
    )  # fmt: skip
    assert in_words(change, 2) == (
        f"from turn 2 on: plan Question; reply '{'x' * 57}…'; model openai:y; "
        "prompt of the planner; seed 3"
    )


def test_exports_leave_branches_out(base):
    with closing(journal_of(base)) as journal:
        ids = {row["dialogue_id"] for row in turn_rows(journal)}
        asked = {row["dialogue_id"] for row in call_rows(journal)}
    assert ids == asked
    assert not any("~" in id for id in ids)
