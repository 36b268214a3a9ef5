"""Forking: a branch is its origin but for what was changed, and what hangs on that."""

from contextlib import closing
from pathlib import Path

import pytest

from attunement.agents.models.base import Ask
from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import ModelError, RunFolderError, UserError
from attunement.core.records import Change, Dialogue, Plan, Reply
from attunement.core.strategies import Strategy
from attunement.evaluation.summary import summarise
from attunement.personas.cards import library
from attunement.simulator.casting import Cast
from attunement.simulator.config import read_config
from attunement.simulator.export import call_rows, turn_rows
from attunement.simulator.forking import fork, in_words, why_not
from attunement.simulator.frame import CONFIG, locked
from attunement.simulator.recorder import Tally
from attunement.simulator.run import run
from tests.helpers import answering, exported, journal_of, judge, small_run, write_recorded

GRAPHS = [{"graph": "self_refine"}, {"graph": "self_refine", "plain_draft": True},
          {"graph": "decoupled"}, {"graph": "direct"}]  # fmt: skip


def dialogue(folder: Path, name: str | int) -> Dialogue:
    """A dialogue or branch as the journal has it."""
    with closing(journal_of(folder)) as journal:
        return journal.find(str(name))


def calls(folder: Path, index: int) -> list[dict]:
    """The calls of a dialogue or branch."""
    with closing(journal_of(folder)) as journal:
        return journal.calls(index)


def forked(folder: Path, name: str | int, turn: int, change: Change, *backends) -> Dialogue:
    """The branch, run to its end."""
    laid = fork(folder, str(name), turn, change, check_models=not backends)
    assert run(folder, backends=list(backends) or None, only=[laid.index])
    return dialogue(folder, laid.index)


def by_role(rows: list[dict], turn: int) -> dict[str, tuple[str, int]]:
    """(model, tries) of each role's last call at a turn."""
    return {row["role"]: (row["model"], row["tries"]) for row in rows if row["turn"] == turn}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A run on the embedded model; its dialogue 0 has several turns. Branches may come and go."""
    folder = tmp_path_factory.mktemp("forking") / "run"
    cards = [card for card in library() if card.risk == "none"][:3]
    small_run(folder, cast=Cast(cards, range(3)))
    assert len(dialogue(folder, 0).turns) > 4
    return folder


# ---- what stays ---------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", GRAPHS)
def test_a_change_to_what_was_there_anyway_gives_the_origin_again(tmp_path, settings):
    cards = [card for card in library() if card.risk == "none"][:2]
    small_run(tmp_path / "run", cast=Cast(cards, range(2)), **settings)
    origin = dialogue(tmp_path / "run", 0)
    for turn in origin.turns:
        if why_not(origin, turn.number):
            continue
        draft = Reply(text=turn.draft.text)
        branch = forked(tmp_path / "run", 0, turn.number, Change(draft=draft))
        assert branch.turns == origin.turns
        assert (branch.stop_reason, branch.outcome) == (origin.stop_reason, origin.outcome)
        assert branch.id.startswith(f"{origin.id}~")
        assert {row["tries"] for row in calls(tmp_path / "run", _index(branch, tmp_path))} == {0}


def _index(branch: Dialogue, tmp_path: Path) -> int:
    with closing(journal_of(tmp_path / "run")) as journal:
        return next(i for i, id in journal.indices(branches=True) if id == branch.id)


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
    assert words in str(calls(base, _number(base, branch.id))[-1]["messages"])


def _number(folder: Path, id: str) -> int:
    with closing(journal_of(folder)) as journal:
        return next(index for index, name in journal.indices(branches=True) if name == id)


def test_another_reflection_is_refined_by(base):
    origin = dialogue(base, 0)
    needs = ("To be asked what happened, before anything else.",)
    seen = origin.turns[1].reflection.model_copy(update={"needs": needs, "who": "A baker."})
    branch = forked(base, 0, 2, Change(reflection=seen))
    assert branch.turns[1].reflection.who == "A baker."
    assert branch.turns[1].draft == origin.turns[1].draft
    refiner = next(c for c in calls(base, _number(base, branch.id)) if c["role"] == "refiner")
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
    drawn = {c["seed"] for c in calls(base, _number(base, one.id)) if c["tries"]}
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


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turn", "change", "words"),
    [
        (99, Change(seed=1), "has no turn 99: it has turns 1 to"),
        (0, Change(seed=1), "has no turn 0"),
        (1, Change(), "nothing is changed"),
        (1, Change(models={"joint": "rehearsal"}), "has no joint to change; it has: seeker"),
        (1, Change(prompts={"planner": "=== system ===\nHi\n"}), "lacks section"),
        (1, Change(model="nonsense"), "nonsense"),
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
