"""A turn on its graph: the way that it took, what every node did, and what it was asked."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from langgraph.graph import END, START

from attunement.agents.models.base import Answer, Ask
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import ModelError
from attunement.core.records import Change, Plan, Reflection, Reply
from attunement.simulator.backends import graph_for
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.forking import fork
from attunement.simulator.labelling import label
from attunement.simulator.run import open_run, run
from attunement.simulator.statistics import run_stats
from attunement.simulator.tables import CALLS, DIALOGUES, TURNS
from attunement.viewer.debugger.finding import NotFound
from attunement.viewer.debugger.records import Step, TurnPage
from attunement.viewer.debugger.steps import turn_page
from attunement.viewer.debugger.unfinished import UNSAID
from tests.helpers import ANSWERS, LIBRARY, answering, judge, small_run, write_recorded

CALM = {"text": "It is my work.", "emotion": "anxiety", "intensity": 4}
AT_RISK = CALM | {"text": "I want to kill myself tonight."}
LEAVING = CALM | {"text": "Thank you, bye.", "rating": 4, "wants_to_stop": True}
GRAPHS = [
    {"graph": "self_refine"}, {"graph": "self_refine", "plain_draft": True},
    {"graph": "decoupled"}, {"graph": "decoupled", "named_strategies": True}, {"graph": "direct"},
]  # fmt: skip


def page(folder: Path, number: int, index: int = 0) -> TurnPage:
    """A turn's page; it survives being sent."""
    config, journal = open_run(folder)
    with closing(journal):
        found = turn_page(journal, config, index, number)
    assert TurnPage.model_validate_json(found.model_dump_json()) == found
    return found


def steps(found: TurnPage) -> dict[str, Step]:
    return {step.node: step for step in found.steps}


def status(found: TurnPage) -> dict[str, str]:
    """Of the nodes that were reached."""
    return {s.node: s.status for s in found.steps if s.status != "not reached"}


def speaking(*said: object) -> dict[str, object]:
    """A seeker who says one thing a turn, the last one again and again."""

    def seeker(ask: Ask) -> object:
        lines = sum(m["content"].count("\nsupporter:") for m in ask.messages)
        return said[min(lines, len(said) - 1)]

    return {"seeker": seeker}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """Three dialogues of the embedded model as recordings, one of them with a crisis."""
    folder = tmp_path_factory.mktemp("steps")
    cards = [card for card in LIBRARY if card.risk == "none"][:2]
    cards += [card for card in LIBRARY if card.risk == "at-risk"][:1]
    small_run(folder / "live", cast=Cast(cards, range(3)))
    _, journal = open_run(folder / "live")
    with closing(journal):
        write_recorded(folder / "recorded.jsonl", journal.dialogues())
    return folder / "recorded.jsonl"


# ---- the way ------------------------------------------------------------------------------------


def check_run(folder: Path) -> None:
    """The turns one by one add up to the run as a whole."""
    config, journal = open_run(folder)
    reached, taken, calls = Counter[str](), Counter[tuple[str, str]](), 0
    with closing(journal):
        stats = run_stats(journal, graph_for(config))
        for index, dialogue in enumerate(journal.dialogues()):
            for turn in dialogue.turns:
                found = turn_page(journal, config, index, turn.number)
                reached.update([*status(found)])
                taken.update(found.taken)
                calls += sum(len(step.calls) for step in found.steps)
                _check_page(found)
        assert calls == sum(len(journal.calls(index)) for index, _ in journal.indices())
    assert {**taken} == {edge: count for edge, count in stats.taken.items() if count}
    assert {**reached} == {node: found.turns for node, found in stats.nodes.items() if found.turns}


def _check_page(found: TurnPage) -> None:
    nodes = {node.id for node in found.graph.nodes} - {START, END}
    assert {step.node for step in found.steps} == nodes
    way = {*status(found)}
    assert found.taken[0][1] == "seeker"
    assert {b for _, b in found.taken} - {END} == way
    assert {a for a, b in found.taken if b != "seeker"} == way - (
        {"commit"} if found.taken[-1][1] != END else set()
    )
    order = [step.node in way for step in found.steps]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("settings", GRAPHS)
def test_turns_of_a_live_run_add_up_to_the_run(tmp_path, settings):
    cards = [card for card in LIBRARY if card.risk == "none"][:2]
    cards += [card for card in LIBRARY if card.risk == "at-risk"][:1]
    small_run(tmp_path / "run", cast=Cast(cards, range(3)), **settings)
    check_run(tmp_path / "run")


@pytest.mark.parametrize(
    "settings", [*GRAPHS, {"graph": "ipm"}, {"graph": "ipm", "mining": ["joint"]}]
)
def test_turns_of_a_replay_add_up_to_the_run(tmp_path, settings, recorded):
    small_run(tmp_path / "run", replay=str(recorded), **settings)
    check_run(tmp_path / "run")


def test_a_dialogue_goes_from_the_start_by_turns_to_its_end(tmp_path):
    small_run(tmp_path / "run", answering(**speaking(CALM, CALM, LEAVING)))
    assert page(tmp_path / "run", 1).taken == (
        (START, "seeker"), ("seeker", "guard"), ("guard", "planner"), ("planner", "responder"),
        ("planner", "reflector"), ("responder", "refiner"), ("reflector", "refiner"),
        ("refiner", "commit"),
    )  # fmt: skip
    assert page(tmp_path / "run", 2).taken[0] == ("commit", "seeker")
    closing_turn = page(tmp_path / "run", 3)
    assert closing_turn.taken == (
        ("commit", "seeker"), ("seeker", "guard"), ("guard", "commit"), ("commit", END),
    )  # fmt: skip
    assert status(closing_turn) == dict.fromkeys(("seeker", "guard", "commit"), "done")
    assert closing_turn.last == 3
    assert steps(closing_turn)["commit"].parsed == {
        "spoken": None, "set_aside": [], "stop_reason": "satisfied",
    }  # fmt: skip


def test_a_crisis_is_handed_off(tmp_path):
    small_run(tmp_path / "run", answering(**speaking(CALM, AT_RISK)))
    found = page(tmp_path / "run", 2)
    assert found.taken == (
        ("commit", "seeker"), ("seeker", "guard"), ("guard", "hand_off"), ("hand_off", "commit"),
        ("commit", END),
    )  # fmt: skip
    assert steps(found)["guard"].parsed["kind"] == "suicide"
    assert steps(found)["hand_off"].parsed == {"text": found.view.turn.hand_off.text}
    assert steps(found)["responder"].status == "not reached"


@pytest.mark.parametrize("number", [0, 4, -1, 2**70])
def test_a_turn_that_there_is_not_is_not_found(tmp_path, number):
    small_run(tmp_path / "run", answering(), max_turns=2)
    with pytest.raises(NotFound, match="turns 1 to 3"):
        page(tmp_path / "run", number)
    with pytest.raises(NotFound, match="no dialogue 7"):
        page(tmp_path / "run", 1, index=7)


# ---- what was asked and what came ---------------------------------------------------------------


def test_a_step_shows_the_prompt_the_answer_and_what_was_read(tmp_path):
    chat = answering()
    small_run(tmp_path / "run", chat, max_turns=3)
    sent = {(ask.role, str(ask.messages)) for ask in chat.asked}
    for number in (1, 2, 3):
        found = steps(page(tmp_path / "run", number))
        for role in ("seeker", "planner", "responder", "reflector", "refiner"):
            (call,) = found[role].calls
            assert (role, str(list(call.messages))) in sent
            assert call.model == "scripted"
            assert call.error is None
            assert found[role].latency_ms == call.latency_ms
        assert found["responder"].calls[0].text == ANSWERS["responder"]
        assert found["responder"].parsed == {"text": "What happened?", "strategy": "Question"}
        assert found["planner"].parsed["stage"] == "Exploration"
        assert found["guard"].calls == found["commit"].calls == ()
        assert found["guard"].latency_ms is None


def test_tokens_and_latency_add_up_over_attempts(tmp_path):
    class Counting(ScriptedChat):
        async def answer(self, ask: Ask) -> Answer:
            answer = await super().answer(ask)
            return Answer(answer.text, prompt_tokens=100, completion_tokens=7)

    again = iter(["what?", ANSWERS["planner"], ANSWERS["planner"]])
    script = answering(planner=lambda _: next(again))._script
    small_run(tmp_path / "run", Counting(script), max_turns=1)
    found = steps(page(tmp_path / "run", 1))["planner"]
    assert [call.attempt for call in found.calls] == [1, 2]
    assert found.status == "done"
    assert (found.prompt_tokens, found.completion_tokens) == (200, 14)
    assert found.latency_ms == sum(call.latency_ms for call in found.calls)
    assert found.calls[0].text == "what?"
    assert [m["role"] for m in found.calls[1].messages][-2:] == ["assistant", "user"]
    assert "cannot be used" in found.calls[1].messages[-1]["content"]


def test_tokens_that_nobody_counted_are_not_known(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=1)
    found = steps(page(tmp_path / "run", 1))["planner"]
    assert found.prompt_tokens is found.completion_tokens is None


def test_judges_stand_apart_from_the_nodes(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=2)
    critic = judge({"errors": []})
    label(tmp_path / "run", critic.spec, backends=[critic])
    found = page(tmp_path / "run", 2)
    assert {call.about for call in found.judges} == {"draft strict", "refined strict"}
    assert {call.model for call in found.judges} == {"strict"}
    assert all(call.model == "scripted" for step in found.steps for call in step.calls)
    assert len(found.view.judged) == 2


# ---- what went wrong ----------------------------------------------------------------------------


def failing(_: Ask) -> str:
    raise ModelError("the server is gone", tries=3)


@pytest.mark.parametrize(
    ("role", "answer", "reason"),
    [("planner", "no", "no readable StagedPlan"), ("reflector", failing, "the server is gone"),
     ("refiner", "{", "no readable Reply"), ("planner", failing, "the server is gone")],
)  # fmt: skip
def test_a_role_without_a_usable_answer_is_set_aside_with_its_reason(
    tmp_path, role, answer, reason
):
    small_run(tmp_path / "run", answering(**{role: answer}), max_turns=1)
    found = steps(page(tmp_path / "run", 1))
    assert found[role].status == "set aside"
    assert reason in found[role].reason
    assert found[role].parsed is None
    assert len(found[role].calls) == (1 if answer is failing else 3)
    assert found["responder"].status == found["commit"].status == "done"
    assert found["commit"].parsed["set_aside"] == [role]
    if answer is failing:
        assert found[role].calls[0].error == "the server is gone"
        assert (found[role].calls[0].text, found[role].calls[0].tries) == (None, 3)


def test_a_draft_that_was_cut_off_is_set_aside_and_shown(tmp_path):
    class Short(ScriptedChat):
        async def answer(self, ask: Ask) -> Answer:
            answer = await super().answer(ask)
            return Answer(answer.text, cut=ask.role == "responder")

    small_run(tmp_path / "run", Short(answering()._script), max_turns=1)
    found = steps(page(tmp_path / "run", 1))["responder"]
    assert found.status == "set aside"
    assert "max_tokens" in found.reason
    assert found.parsed["text"] == "What happened?"
    assert [call.cut for call in found.calls] == [True] * 3


def test_a_refiner_without_a_reflection_has_nothing_to_do(tmp_path):
    small_run(tmp_path / "run", answering(reflector="no"), max_turns=1)
    found = steps(page(tmp_path / "run", 1))["refiner"]
    assert (found.status, found.calls) == ("set aside", ())
    assert "no reflection" in found.reason


def test_a_guard_that_fails_is_set_aside(tmp_path):
    models = {"guard": "scripted"}
    small_run(tmp_path / "run", answering(guard="no"), max_turns=1, models=models)
    found = steps(page(tmp_path / "run", 1))["guard"]
    assert (found.status, found.parsed, len(found.calls)) == ("set aside", None, 3)


def test_a_mined_responder_without_a_recorded_strategy_has_nothing_to_do(tmp_path):
    path = tmp_path / "recorded.jsonl"
    path.write_text(
        '{"dialog": [{"speaker": "seeker", "content": "Hello."}, '
        '{"speaker": "supporter", "content": "Hello you."}]}'
    )
    small_run(tmp_path / "run", graph="ipm", replay=str(path))
    found = steps(page(tmp_path / "run", 1))
    assert found["responder"].status == "set aside"
    assert "names no strategy" in found["responder"].reason
    assert found["joint"].status == "done"


# ---- turns that were begun ----------------------------------------------------------------------


def test_the_turn_in_which_a_dialogue_failed_can_be_read(tmp_path):
    calls = iter(["One.", "Two."])
    chat = answering(responder=lambda ask: next(calls, None) or failing(ask))
    small_run(tmp_path / "run", chat, max_turns=5)
    assert page(tmp_path / "run", 2).last == 3
    found = page(tmp_path / "run", 3)
    assert status(found) == {
        "seeker": "done", "guard": "done", "planner": "done", "responder": "failed",
        "reflector": "done",
    }  # fmt: skip
    assert steps(found)["responder"].reason == "the server is gone"
    assert found.taken[0] == ("commit", "seeker")
    assert {b for _, b in found.taken} == {*status(found)}
    turn = found.view.turn
    assert (turn.number, turn.seeker.text) == (3, ANSWERS["seeker"]["text"])
    assert turn.plan.strategy == "Question"
    assert turn.reflection.emotion == "anxiety"
    assert turn.draft is turn.spoken is None
    assert found.view.heard == 5
    assert found.view.can_fork == ""
    with pytest.raises(NotFound, match="turns 1 to 3"):
        page(tmp_path / "run", 4)


def test_a_seeker_who_says_nothing_readable_fails_the_first_turn(tmp_path):
    small_run(tmp_path / "run", answering(seeker="nothing"))
    found = page(tmp_path / "run", 1)
    assert status(found) == {"seeker": "failed"}
    assert found.taken == ((START, "seeker"),)
    assert len(steps(found)["seeker"].calls) == 3
    assert found.view.turn.seeker.text == UNSAID


def test_a_failed_turn_of_a_replay_shows_the_recorded_words(tmp_path, recorded):
    replay = {"replay": str(recorded), "graph": "direct"}
    chat, cast = answering(responder=failing), cast_for(RunConfig.model_validate(replay))
    small_run(tmp_path / "run", chat, cast=cast, **replay)
    found = page(tmp_path / "run", 1)
    assert found.view.turn.recorded.text
    assert steps(found)["seeker"].parsed == {"text": found.view.turn.seeker.text,
                                             "disclosed": [], "wants_to_stop": False}  # fmt: skip
    assert steps(found)["responder"].status == "failed"
    assert found.view.turn.seeker.text != UNSAID


def test_a_turn_in_progress_shows_what_has_been_answered(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=2)
    _, journal = open_run(tmp_path / "run")
    with closing(journal), journal.engine.begin() as db:
        db.execute(TURNS.delete().where(TURNS.c.number > 1))
        late = CALLS.c.role.in_(("responder", "refiner")) | (CALLS.c.turn > 2)
        db.execute(CALLS.delete().where(CALLS.c.turn > 1, late))
        db.execute(DIALOGUES.update().values(status="open", stop_reason=None, outcome=None))
    found = page(tmp_path / "run", 2)
    assert status(found) == dict.fromkeys(("seeker", "guard", "planner", "reflector"), "done")
    assert found.taken == (
        ("commit", "seeker"), ("seeker", "guard"), ("guard", "planner"), ("planner", "reflector"),
    )  # fmt: skip
    assert found.last == 2
    assert found.view.inference.emotion is True


def test_a_dialogue_that_has_not_begun_has_no_turn(tmp_path):
    small_run(tmp_path / "run", answering(), max_turns=2)
    laid = fork(tmp_path / "run", "0", 1, Change(seed=1), check_models=False)
    with pytest.raises(NotFound, match="it has none yet"):
        page(tmp_path / "run", 1, laid.index)


# ---- branches -----------------------------------------------------------------------------------


@pytest.fixture
def branched(tmp_path) -> Path:
    """A run with dialogue 0, a branch 1 of it from turn 2, and a branch 2 of that from turn 3."""
    chat = answering()
    small_run(tmp_path / "run", chat, max_turns=4)
    plan = Change(plan=Plan(strategy="Information"))
    reflection = Change(reflection=Reflection.model_validate(ANSWERS["reflector"] | {"who": "X"}))
    for name, turn, change in (("0", 2, plan), ("1", 3, reflection)):
        laid = fork(tmp_path / "run", name, turn, change, check_models=False)
        run(tmp_path / "run", backends=[chat], only=[laid.index])
    return tmp_path / "run"


def test_a_branch_shows_what_was_given_kept_and_asked(branched):
    assert status(page(branched, 2, 1)) == {
        "seeker": "kept", "guard": "done", "planner": "given", "responder": "done",
        "reflector": "kept", "refiner": "done", "commit": "done",
    }  # fmt: skip
    found = steps(page(branched, 2, 1))
    assert found["planner"].calls[0].model == "person"
    assert found["planner"].calls[0].tries == found["seeker"].calls[0].tries == 0
    assert found["planner"].latency_ms is None
    assert found["planner"].parsed["strategy"] == "Information"
    assert status(page(branched, 3, 2))["reflector"] == "given"


def test_turns_before_a_fork_show_what_the_origin_was_asked(branched):
    def asked(index: int, number: int) -> list[tuple[str, ...]]:
        found = page(branched, number, index)
        return [(s.node, str(c.messages), str(c.text)) for s in found.steps for c in s.calls]

    assert asked(1, 1) == asked(2, 1) == asked(0, 1) != []
    assert asked(2, 2) == asked(1, 2) != asked(0, 2)
    assert status(page(branched, 1, 2)) == {
        "seeker": "kept", "guard": "done", "planner": "kept", "responder": "kept",
        "reflector": "kept", "refiner": "kept", "commit": "done",
    }  # fmt: skip
    assert page(branched, 1, 2).taken == page(branched, 1, 0).taken


def test_a_reply_that_a_person_gave_stands_at_the_refiner(tmp_path):
    chat = answering()
    small_run(tmp_path / "run", chat, max_turns=1)
    given = Change(reply=Reply(text="Tell me more."))
    laid = fork(tmp_path / "run", "0", 1, given, check_models=False)
    run(tmp_path / "run", backends=[chat], only=[laid.index])
    found = steps(page(tmp_path / "run", 1, laid.index))["refiner"]
    assert (found.status, found.parsed["text"]) == ("given", "Tell me more.")
