"""Forking: a branch is its origin but for what was changed, and what hangs on that."""

from contextlib import closing
from pathlib import Path

import pytest

from attunement.agents.models.base import Ask
from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import ModelError
from attunement.core.records import Change, Plan, Reply
from attunement.core.strategies import Strategy
from attunement.evaluation.summary import summarise
from attunement.personas.cards import library
from attunement.simulator.casting import Cast
from attunement.simulator.config import read_config
from attunement.simulator.forking import fork, why_not
from attunement.simulator.frame import CONFIG
from attunement.simulator.run import run
from tests.forks import by_role, calls, dialogue, forked, make_base, number_of
from tests.helpers import answering, exported, journal_of, judge, small_run, write_recorded

GRAPHS = [{"graph": "self_refine"}, {"graph": "self_refine", "plain_draft": True},
          {"graph": "decoupled"}, {"graph": "direct"}]  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A run on the embedded model. Branches may come and go."""
    return make_base(tmp_path_factory.mktemp("forking") / "run")


# ---- what stays ---------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", GRAPHS)
def test_a_change_to_what_was_there_anyway_gives_the_origin_again(tmp_path, settings):
    card = next(card for card in library() if card.risk == "none")
    small_run(tmp_path / "run", cast=Cast([card], [0]), **settings)
    origin = dialogue(tmp_path / "run", 0)
    for turn in origin.turns[::2]:
        if why_not(origin, turn.number):
            continue
        draft = Reply(text=turn.draft.text)
        branch = forked(tmp_path / "run", 0, turn.number, Change(draft=draft))
        assert branch.turns == origin.turns
        assert (branch.stop_reason, branch.outcome) == (origin.stop_reason, origin.outcome)
        assert branch.id.startswith(f"{origin.id}~")
        assert {
            row["tries"] for row in calls(tmp_path / "run", number_of(tmp_path / "run", branch.id))
        } == {0}


def test_only_what_hangs_on_the_change_is_asked_again(base):
    origin = dialogue(base, 0)
    other = next(s for s in Strategy if s != origin.turns[1].plan.strategy)
    laid = fork(base, "0", 2, Change(plan=Plan(strategy=other)))
    run(base, only=[laid.index])
    branch, rows = dialogue(base, laid.index), calls(base, laid.index)
    assert branch.turns[0] == origin.turns[0]
    assert branch.turns[1].seeker == origin.turns[1].seeker
    assert branch.turns[1].reflection == origin.turns[1].reflection
    assert branch.turns[1].plan.strategy == branch.turns[1].draft.strategy == other
    assert branch.turns[1].draft != origin.turns[1].draft
    found = by_role(rows, 2)
    assert found["planner"] == ("person", 0)
    assert found["seeker"] == found["reflector"] == ("rehearsal", 0)
    assert found["responder"] == found["refiner"] == ("rehearsal", 1)
    assert min(row["turn"] for row in rows) == 2
    assert branch.fork.origin == origin.id
    assert branch.fork.turn == 2


def test_a_fork_leaves_its_origin_and_every_figure_as_they_were(tmp_path):
    small_run(tmp_path / "run", dialogues=3)
    before = exported(tmp_path / "run")
    with closing(journal_of(tmp_path / "run")) as journal:
        summary = summarise(journal)
    laid = fork(tmp_path / "run", "0", 1, Change(reply=Reply(text="I hear you.")))
    run(tmp_path / "run", only=[laid.index])
    assert exported(tmp_path / "run") == before
    with closing(journal_of(tmp_path / "run")) as journal:
        after = summarise(journal)
        costs = ("calls", "spent", "prompt_tokens", "completion_tokens")
        spent = {name: getattr(summary, name) for name in costs}
        assert after.model_copy(update=spent) == summary
        assert sum(after.calls.values()) > sum(summary.calls.values())  # money was spent
        assert journal.counts()["done"] == 3
        assert journal.counts(branches=True)["done"] == 4
        assert len(list(journal.dialogues())) == 3
        assert [index for index, _ in journal.indices(branches=True)] == [0, 1, 2, 3]


# ---- what changes -------------------------------------------------------------------------------


def test_a_reply_is_spoken_as_it_was_given_and_the_seeker_answers_it(base):
    origin = dialogue(base, 0)
    words = "That sounds like too much for one person. {{dialogue}}"
    branch = forked(base, 0, 3, Change(reply=Reply(text=words)))
    assert branch.turns[2].reply.text == words
    assert branch.turns[2].reply.strategy == origin.turns[2].reply.strategy
    assert branch.turns[2].draft == origin.turns[2].draft
    assert branch.turns[2].plan == origin.turns[2].plan
    assert words in str(calls(base, number_of(base, branch.id))[-1]["messages"])


def test_another_reflection_is_refined_by(base):
    origin = dialogue(base, 0)
    needs = ("To be asked what happened, before anything else.",)
    seen = origin.turns[1].reflection.model_copy(update={"needs": needs, "who": "A baker."})
    branch = forked(base, 0, 2, Change(reflection=seen))
    assert branch.turns[1].reflection.who == "A baker."
    assert branch.turns[1].draft == origin.turns[1].draft
    refiner = next(c for c in calls(base, number_of(base, branch.id)) if c["role"] == "refiner")
    assert "A baker." in str(refiner["messages"])


def test_another_model_takes_over_the_supporter_and_not_the_seeker(tmp_path):
    first, second = answering(), judge(lambda ask: _answers(ask), name="other")
    small_run(tmp_path / "run", first, max_turns=3)
    asked = len(first.asked)
    laid = fork(tmp_path / "run", "0", 2, Change(model="other"), check_models=False)
    assert run(tmp_path / "run", backends=[first, second], only=[laid.index])
    branch = dialogue(tmp_path / "run", laid.index)
    assert {ask.role for ask in second.asked} == {"planner", "responder", "reflector", "refiner"}
    assert [turn.reply.text for turn in branch.turns[:3]] == [
        "What about the nights is worst?", "Other.", "Other.",
    ]  # fmt: skip
    # The seeker's words at turn 2 stand; those of turns 3 and 4 answer something new.
    assert {ask.role for ask in first.asked[asked:]} == {"seeker"}
    assert len(first.asked) == asked + 2
    config = read_config(tmp_path / "run" / CONFIG)
    assert config.branch_models == ("other",)
    assert config.model == "scripted"


def _answers(ask: Ask) -> object:
    from tests.helpers import ANSWERS

    return {"strategy": "Others", "text": "Other."} if ask.role == "refiner" else ANSWERS[ask.role]


def test_another_prompt_is_asked_with_and_read_back_to_the_letter(tmp_path):
    chat = answering()
    small_run(tmp_path / "run", chat, max_turns=3)
    text = packaged_prompts()["responder"].text.replace("=== system ===\n", "=== system ===\nX. ")
    laid = fork(tmp_path / "run", "0", 2, Change(prompts={"responder": text}), check_models=False)
    before = len(chat.asked)
    assert run(tmp_path / "run", backends=[chat], only=[laid.index])
    sent = [ask.messages for ask in chat.asked[before:] if ask.role == "responder"]
    kept = [c for c in calls(tmp_path / "run", laid.index) if c["role"] == "responder"]
    assert sent == [call["messages"] for call in kept]
    assert len(sent) == 2
    assert all(messages[0]["content"].startswith("X. ") for messages in sent)
    versions = {c["prompt_version"] for c in calls(tmp_path / "run", 0) if c["role"] == "responder"}
    assert versions.isdisjoint(call["prompt_version"] for call in kept)


def test_another_seed_is_other_chance_and_the_same_seed_the_same(base):
    origin = dialogue(base, 1)
    one, same, other = (forked(base, 1, 2, Change(seed=s)) for s in (11, 11, 12))
    assert one.turns == same.turns
    assert one.turns[1].seeker == origin.turns[1].seeker
    assert len({origin.turns, one.turns, other.turns}) > 1
    drawn = {c["seed"] for c in calls(base, number_of(base, one.id)) if c["tries"]}
    assert drawn.isdisjoint(c["seed"] for c in calls(base, 1))


def test_a_given_draft_is_refined_and_where_nothing_refines_it_is_spoken(base, tmp_path):
    branch = forked(base, 0, 1, Change(draft=Reply(text="Go on.")))
    assert branch.turns[0].draft.text == "Go on."
    assert branch.turns[0].spoken == "refined"
    small_run(tmp_path / "run", graph="direct", dialogues=1)
    branch = forked(tmp_path / "run", 0, 1, Change(reply=Reply(text="Go on.")))
    assert branch.turns[0].spoken == "draft"
    assert branch.turns[0].reply.text == "Go on."


def test_a_reply_given_where_the_refinement_was_set_aside_is_spoken(tmp_path):
    broken = answering(refiner="no JSON")
    small_run(tmp_path / "run", broken, max_turns=2)
    assert dialogue(tmp_path / "run", 0).turns[0].spoken == "draft"
    branch = forked(tmp_path / "run", 0, 1, Change(reply=Reply(text="Mine.")), broken)
    assert branch.turns[0].reply.text == "Mine."


def test_the_turn_in_which_a_dialogue_failed_is_forked_with_another_model(tmp_path):
    def broken(ask: Ask) -> str:
        if ask.role == "responder" and sum(a.role == "responder" for a in chat.asked) > 1:
            raise ModelError("the server is gone")
        return "What happened?"

    chat, mended = answering(responder=broken), judge(_answers, name="other")
    small_run(tmp_path / "run", chat, max_turns=3)
    failed = dialogue(tmp_path / "run", 0)
    assert failed.error
    assert len(failed.turns) == 1
    laid = fork(tmp_path / "run", "0", 2, Change(model="other"), check_models=False)
    assert run(tmp_path / "run", backends=[chat, mended], only=[laid.index])
    branch = dialogue(tmp_path / "run", laid.index)
    assert branch.turns[0] == failed.turns[0]
    assert branch.stop_reason == "max_turns"
    seekers = [c for c in calls(tmp_path / "run", laid.index) if c["role"] == "seeker"]
    assert seekers[0]["tries"] == 0


# ---- branches of branches, and other feeds ------------------------------------------------------


def test_a_branch_of_a_branch_keeps_what_both_changed(base):
    first = forked(base, 0, 2, Change(plan=Plan(strategy=Strategy.INFORMATION)))
    second = forked(base, first.id, 2, Change(draft=Reply(text="A second thought.")))
    assert second.turns[1].plan.strategy == Strategy.INFORMATION
    assert second.turns[1].draft.text == "A second thought."
    assert second.fork.origin == first.id
    third = forked(base, second.id, 3, Change(seed=4))
    assert third.turns[:2] == second.turns[:2]
    assert third.id.partition("~")[0] == dialogue(base, 0).id


def test_a_fork_before_a_branchs_own_fork_is_one_of_its_origin(base):
    first = forked(base, 0, 3, Change(seed=5))
    second = forked(base, first.id, 2, Change(seed=6))
    assert second.fork.origin == dialogue(base, 0).id
    assert second.turns == forked(base, 0, 2, Change(seed=6)).turns


def test_a_recorded_dialogue_is_forked_for_one_turn(base, tmp_path):
    write_recorded(tmp_path / "recorded.jsonl", [dialogue(base, 0)])
    small_run(tmp_path / "run", replay=str(tmp_path / "recorded.jsonl"))
    origin = dialogue(tmp_path / "run", 0)
    branch = forked(tmp_path / "run", 0, 2, Change(plan=Plan(strategy=Strategy.OTHERS)))
    assert branch.turns[1].plan.strategy == Strategy.OTHERS
    assert (*branch.turns[:1], *branch.turns[2:]) == (*origin.turns[:1], *origin.turns[2:])


def test_a_mined_strategy_is_changed(base, tmp_path):
    write_recorded(tmp_path / "recorded.jsonl", [dialogue(base, 0)])
    small_run(tmp_path / "run", replay=str(tmp_path / "recorded.jsonl"), graph="ipm")
    branch = forked(tmp_path / "run", 0, 1, Change(plan=Plan(strategy=Strategy.OTHERS)))
    assert branch.turns[0].plan.strategy == Strategy.OTHERS


def test_a_fork_at_a_branchs_own_turn_keeps_what_was_given_there(base):
    first = forked(base, 0, 2, Change(plan=Plan(strategy=Strategy.INFORMATION)))
    second = forked(base, first.id, 2, Change(seed=77))
    assert second.turns[1].plan.strategy == Strategy.INFORMATION
    third = forked(base, second.id, 2, Change(plan=Plan(strategy=Strategy.QUESTION)))
    assert third.turns[1].plan.strategy == Strategy.QUESTION


@pytest.mark.parametrize("mined", ["strategy", "joint"])
def test_whatever_was_mined_is_forked(base, tmp_path, mined):
    write_recorded(tmp_path / "recorded.jsonl", [dialogue(base, 0)])
    recorded = {"replay": str(tmp_path / "recorded.jsonl"), "graph": "ipm", "mining": [mined]}
    small_run(tmp_path / "run", **recorded)
    origin = dialogue(tmp_path / "run", 0)
    branch = forked(tmp_path / "run", 0, 1, Change(seed=9))
    assert len(branch.turns) == len(origin.turns)
    assert branch.turns[0].recorded == origin.turns[0].recorded
