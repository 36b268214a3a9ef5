"""Mining: one sample a role against what a human said; one role's failure spoils no other's."""

import asyncio
import json

import pytest
from pydantic import ValidationError

from attunement.agents.joint import joint_prompt
from attunement.agents.models.base import UnjournalledChat
from attunement.agents.planner import name_prompt
from attunement.agents.prompting import packaged_prompts
from attunement.agents.responder import reply_prompt
from attunement.core.errors import AnswerError, ConfigError, ModelError
from attunement.core.records import MINED, SUPPORTER_ROLES, Plan, Utterance
from attunement.core.strategies import Strategy
from attunement.graphs.registry import build_graph, roles_of
from attunement.graphs.state import Context, supporter_turns
from attunement.graphs.supporting import recursion_limit
from attunement.personas.preprocessing import BLANK
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.history import with_history
from tests.helpers import PERSONA, answering, journal_of, small_run


def seeker(text):
    return Utterance(speaker="seeker", text=text)


def supporter(text, strategy=Strategy.QUESTION):
    return Utterance(speaker="supporter", text=text, strategy=strategy)


RECORDED = (
    supporter("Welcome.", Strategy.OTHERS), seeker("I lost my job."), supporter("Oh no."), BLANK,
    supporter("You must feel lost.", Strategy.REFLECTION), seeker("Yes."),
    supporter("I see.", None), seeker("Bye."),
)  # fmt: skip
GOOD = {"planner": "Information", "joint": "[Others] Hello there."}


def mine(recorded=RECORDED, mining=MINED, guard=False, **changes):
    """Mine a dialogue; returns (turns, the backend)."""
    backend = answering(**(GOOD | changes))

    def chat(role, turn):
        return UnjournalledChat(backend, role) if guard or role != "guard" else None

    state = asyncio.run(
        build_graph("ipm", mining=mining).ainvoke(
            {"persona": PERSONA, "recorded": recorded, "turns": []},
            {"recursion_limit": recursion_limit(len(supporter_turns(recorded)))},
            context=Context(chat),
        )
    )
    assert state["stop"] == "recording_ended"
    return state["turns"], backend


def gone(ask):
    raise ModelError("server gone")


def test_each_turn_holds_three_samples_beside_the_humans():
    first, second, third = mine()[0]
    assert first.plan == Plan(strategy="Information")
    assert (first.draft.text, first.draft.strategy) == ("What happened?", Strategy.QUESTION)
    assert first.joint == "[Others] Hello there."
    assert first.recorded.text == "Oh no."
    assert second.draft.strategy is second.recorded.strategy is Strategy.REFLECTION
    assert [turn.spoken for turn in (first, second, third)] == ["draft", "draft", None]
    assert not any(turn.set_aside for turn in (first, second, third))


def test_without_a_recorded_strategy_nobody_is_asked_for_a_reply():
    turns, backend = mine()
    assert turns[2].recorded.strategy is None
    assert turns[2].draft is None
    assert turns[2].plan
    assert turns[2].joint
    assert sum(ask.role == "responder" for ask in backend.asked) == 2


def test_models_are_asked_with_the_prompts_that_corpora_hold():
    _, backend = mine()
    asked = {
        role: [a.messages for a in backend.asked if a.role == role] for role in SUPPORTER_ROLES
    }
    heard, prompts = RECORDED[:4], packaged_prompts()
    reply = reply_prompt(prompts["responder"], heard, Strategy.REFLECTION, "system")
    assert asked["responder"][1] == reply.messages
    assert asked["planner"][1] == name_prompt(prompts["planner"], heard).messages
    assert asked["joint"][1] == joint_prompt(prompts["joint"], heard).messages
    assert [m["content"] for m in reply.messages[1:]] == [
        " ", "Welcome.", "I lost my job.", "Oh no.", " ",
    ]  # fmt: skip


def test_a_blank_turn_repeats_what_the_seeker_said_last():
    assert [turn.seeker.text for turn in mine()[0]] == ["I lost my job.", "I lost my job.", "Yes."]


def test_blank_turns_before_the_seeker_spoke_are_no_turns():
    opening = (supporter("Hi."), BLANK, supporter("I am Ann."), *RECORDED[1:])
    turns, _ = mine(opening)
    assert [turn.recorded.text for turn in turns] == ["Oh no.", "You must feel lost.", "I see."]


@pytest.mark.parametrize(
    ("role", "answer"),
    [("planner", "Active listening"), ("planner", gone), ("responder", " "), ("responder", gone),
     ("joint", " "), ("joint", gone)],
)  # fmt: skip
def test_a_role_without_a_sample_sets_aside_by_its_name_and_the_others_stand(role, answer):
    turn = mine(**{role: answer})[0][0]
    assert [aside.role for aside in turn.set_aside] == [role]
    found = {"planner": turn.plan, "responder": turn.draft, "joint": turn.joint}
    assert {name for name, sample in found.items() if sample is None} == {role}


def test_an_unreadable_strategy_is_not_asked_again():
    turns, backend = mine(planner="Active listening")
    assert sum(ask.role == "planner" for ask in backend.asked) == len(turns)
    assert "Active listening" in turns[0].set_aside[0].reason


def test_a_crisis_asks_nobody_and_flags_what_follows():
    crisis = (seeker("I want to die."), supporter("Oh."), seeker("Never mind."), supporter("Ok."))
    turns, backend = mine(crisis)
    assert [turn.spoken for turn in turns] == ["hand_off", "hand_off"]
    assert not backend.asked


@pytest.mark.parametrize("name", MINED)
def test_what_is_mined_can_be_chosen(name):
    roles = {"strategy": "planner", "response": "responder", "joint": "joint"}
    turns, backend = mine(mining=(name,))
    assert {ask.role for ask in backend.asked} == {roles[name]}
    assert roles_of("ipm", mining=(name,)) == ("seeker", "guard", roles[name])
    assert bool(turns[0].plan) == (name == "strategy")
    assert bool(turns[0].joint) == (name == "joint")
    assert (turns[0].spoken == "draft") == (name == "response")


def test_no_model_sees_the_persona_or_the_humans_reply():
    hidden = [*PERSONA.what_helps, *PERSONA.what_hurts, PERSONA.situation, PERSONA.name, "I see."]
    _, backend = mine(guard=True)
    prompts = [json.dumps(ask.messages) for ask in backend.asked]
    assert {ask.role for ask in backend.asked} == {"guard", "planner", "responder", "joint"}
    assert not any(word in prompt for word in hidden for prompt in prompts)
    by_turn = [p for p, a in zip(prompts, backend.asked, strict=True) if a.role == "joint"]
    assert ["lost" in p.replace("I lost my", "") for p in by_turn] == [False, False, True]


def test_it_mines_recorded_dialogues_only():
    with pytest.raises(ConfigError, match="--replay FILE"):
        read_config(None, graph="ipm")
    with pytest.raises(ValidationError, match="--replay FILE"):
        RunConfig(graph="ipm")
    with pytest.raises(ConfigError, match="recorded"):
        asyncio.run(build_graph("ipm").ainvoke({"persona": PERSONA, "turns": []}))


def test_only_mining_has_a_choice_of_what_is_mined():
    with pytest.raises(ConfigError, match="option of graph 'ipm'"):
        build_graph("direct", mining=("joint",))
    with pytest.raises(ValidationError, match="mining"):
        RunConfig(graph="ipm", replay="x", mining=())


def test_a_mining_run_is_prepared_and_sampled_as_its_paper_says():
    config = read_config(None, graph="ipm", replay="x", decoding={"top_k": 7})
    assert config.preprocessing == "decoupled"
    sampling = config.decoding
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.7, 0.95, 7)
    own = RunConfig(graph="ipm", replay="x", preprocessing="merged")
    assert own.preprocessing == "merged"
    assert RunConfig(replay="x").preprocessing == "merged"
    with pytest.raises(ConfigError, match="prepares recorded dialogues"):
        read_config(None, preprocessing="decoupled")


def test_an_answer_error_names_what_there_was():
    from attunement.agents.planner import name_strategy

    with pytest.raises(AnswerError, match=r"'Listening\.'"):
        asyncio.run(
            name_strategy(UnjournalledChat(answering(planner="Listening."), "planner"), RECORDED)
        )


def test_a_trained_planner_is_asked_for_a_bare_name_where_it_is_deployed(tmp_path):
    """What `strategy` and `sft_planner` train a planner on is what `decoupled` then asks."""
    chat = answering(planner="Reflection of feelings")
    small_run(tmp_path / "run", chat, graph="decoupled", named_strategies=True, max_turns=2)
    (dialogue,) = journal_of(tmp_path / "run").dialogues()
    prompt = journal_of(tmp_path / "run").prompts()["planner"]
    asked = [ask.messages for ask in chat.asked if ask.role == "planner"]
    replied = [(turn, heard) for turn, heard in with_history(dialogue) if turn.plan]
    assert asked == [name_prompt(prompt, heard).messages for _, heard in replied]
    assert {turn.plan.strategy for turn, _ in replied} == {Strategy.REFLECTION}
    assert {turn.draft.strategy for turn, _ in replied} == {Strategy.REFLECTION}
