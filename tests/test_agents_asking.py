"""Structured answers: read, asked again with the error, given up after three attempts."""

import asyncio
import json

import pytest

from attunement.agents.asking import ask_record, ask_text, read_record
from attunement.agents.models.base import UnjournalledChat
from attunement.agents.models.scripted import ScriptedChat
from attunement.agents.planner import plan
from attunement.core.errors import AnswerError, ModelError
from attunement.core.records import Plan, Strategy, Utterance

GOOD = json.dumps({"stage": "Action", "strategy": "Information", "reason": "asked"})
DIALOGUE = [Utterance(speaker="seeker", text="Hello")]


def ask(*answers: str | Exception) -> tuple[Plan, ScriptedChat]:
    backend = ScriptedChat(answers)
    return asyncio.run(plan(UnjournalledChat(backend, "planner"), DIALOGUE)), backend


def test_a_record_is_read_out_of_other_words():
    for text in (GOOD, f"```json\n{GOOD}\n```", f"Here you are: {GOOD} Good luck!"):
        assert read_record(text, Plan).strategy is Strategy.INFORMATION


def test_a_bad_answer_is_asked_again_with_its_error():
    found, backend = ask('{"stage": "Action", "strategy": "Hug"}', GOOD)
    assert found.strategy is Strategy.INFORMATION
    again = backend.asked[1].messages
    assert again[:2] == backend.asked[0].messages
    assert again[2] == {"role": "assistant", "content": '{"stage": "Action", "strategy": "Hug"}'}
    assert "unknown strategy 'Hug'; known: Question" in again[3]["content"]


def test_each_attempt_has_its_own_seed():
    _, backend = ask("no", "no", GOOD)
    assert len({request.seed for request in backend.asked}) == 3


def test_three_unreadable_answers_are_given_up():
    with pytest.raises(AnswerError, match=r"no readable StagedPlan in 3 attempts: .*JSON"):
        ask("a", "b", "c", GOOD)


def test_unknown_keys_are_refused_not_dropped():
    with pytest.raises(AnswerError, match="`mood`"):
        ask(*[json.dumps({"stage": "Action", "strategy": "Others", "mood": 1})] * 3)


def test_a_failed_call_is_not_asked_again():
    with pytest.raises(ModelError, match="down"):
        ask(ModelError("down"), GOOD)


def test_an_empty_reply_is_asked_again():
    backend = ScriptedChat(["  ", "\n", " Hello. "])
    chat = UnjournalledChat(backend, "responder")
    from attunement.agents.prompting import Prompt

    assert asyncio.run(ask_text(chat, Prompt([], "v"))) == "Hello."
    with pytest.raises(AnswerError, match="empty"):
        asyncio.run(
            ask_text(UnjournalledChat(ScriptedChat([" "] * 3), "responder"), Prompt([], "v"))
        )


def test_ask_record_leaves_the_prompt_as_it_was():
    from attunement.agents.prompting import Prompt

    prompt = Prompt([{"role": "user", "content": "x"}], "v")
    chat = UnjournalledChat(ScriptedChat(["bad", GOOD]), "planner")
    asyncio.run(ask_record(chat, prompt, Plan))
    assert len(prompt.messages) == 1
