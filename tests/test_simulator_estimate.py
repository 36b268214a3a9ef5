"""Estimates: from a few of the run's own dialogues, spent once, extended to the whole."""

import json
from itertools import pairwise

import pytest

from attunement.agents.models.base import Answer, Ask
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import AttunementError, ModelError
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import Price
from attunement.simulator.estimate import PROBES, choose_probes, estimate
from attunement.simulator.run import create_run, open_run, run
from tests.helpers import ANSWERS, LIBRARY, PERSONA, exported

PRICE = Price(prompt=2, completion=10, cached=1)


class CountingChat(ScriptedChat):
    """Always the same answer a role; 100 prompt tokens, 40 of them cached, 10 of completion."""

    async def answer(self, ask: Ask) -> Answer:
        found = ANSWERS[ask.role]
        text = found if isinstance(found, str) else json.dumps(found)
        return Answer(text, 100, 10, 40)


def probed(folder, config, cast, *backends):
    create_run(folder, config, cast, check_models=not backends)
    chosen = choose_probes(len(cast.order))
    run(folder, backends=backends or None, only=chosen)
    config, journal = open_run(folder)
    return config, journal, chosen


@pytest.mark.parametrize("dialogues", [1, 2, 7, 8, 9, 100, 12_345])
def test_probes_are_different_dialogues_spread_over_the_run(dialogues):
    chosen = choose_probes(dialogues)
    assert len(set(chosen)) == min(PROBES, dialogues)
    assert 0 <= chosen[0] <= chosen[-1] < dialogues
    gaps = [b - a for a, b in pairwise(chosen)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_dialogues_that_are_all_alike_are_estimated_exactly(tmp_path):
    chat = CountingChat([])
    config = RunConfig(model=chat.spec, max_turns=2, concurrency=4)
    config, journal, chosen = probed(tmp_path / "r", config, Cast([PERSONA], [0] * 50), chat)
    found = estimate(journal, config, {chat.spec: PRICE}, chosen)
    calls = 50 * (5 * 2 + 1)
    for name, wanted in (("calls", calls), ("prompt_tokens", 100 * calls),
                         ("completion_tokens", 10 * calls),
                         ("usd", calls * (60 * 2 + 40 * 1 + 10 * 10) / 1e6)):  # fmt: skip
        amount = getattr(found, name)
        assert amount.least == pytest.approx(wanted)
        assert amount.expected == pytest.approx(wanted)
        assert amount.most == pytest.approx(wanted)
    assert (found.dialogues, found.probes, found.failed) == (50, PROBES, 0)
    assert run(tmp_path / "r", backends=[chat])
    assert sum(row.calls for row in journal.usage()) == calls


def test_nothing_is_spent_twice(tmp_path):
    config = RunConfig(dialogues=30, seed=4)
    config, journal, chosen = probed(tmp_path / "r", config, cast_for(config))
    estimate(journal, config, {}, chosen)
    assert journal.counts() == {"open": 30 - PROBES, "done": PROBES, "failed": 0}
    assert run(tmp_path / "r")
    create_run(tmp_path / "whole", config, cast_for(config))
    run(tmp_path / "whole")
    assert exported(tmp_path / "r") == exported(tmp_path / "whole")


def test_a_replay_is_estimated_by_its_turns(tmp_path):
    """Of recordings, whose turns are known, one call a role and turn is exact for any lengths."""
    rows = [
        {"experience_type": "", "emotion_type": "anxiety", "problem_type": "job crisis",
         "situation": "x", "survey_score": {"seeker": {"initial_emotion_intensity": "3"}},
         "dialog": [{"speaker": s, "annotation": {}, "content": f"words {i}"}
                    for i in range(1 + n) for s in ("seeker", "supporter")]}
        for n in range(20)
    ]  # fmt: skip
    (tmp_path / "talks.json").write_text(json.dumps(rows))
    chat = CountingChat([])
    config = RunConfig(model=chat.spec, replay=str(tmp_path / "talks.json"))
    cast = cast_for(config)
    config, journal, chosen = probed(tmp_path / "r", config, cast, chat)
    found = estimate(journal, config, {chat.spec: PRICE}, chosen)
    run(tmp_path / "r", backends=[chat])
    calls = sum(row.calls for row in journal.usage())
    assert calls == 4 * sum(range(1, 21))
    assert found.calls.expected == pytest.approx(calls)


def test_a_longer_cast_than_the_probes_costs_more_for_its_seekers(tmp_path):
    """The cards of a cast are known: its seekers' prompts are scaled to them."""
    long = PERSONA.model_copy(update={"id": "long", "profile": "word " * 400})
    amounts = {}
    for name, second in (("short", 0), ("long", 1)):
        chat = CountingChat([])
        order = [second] * 50
        for place in choose_probes(50):
            order[place] = 0
        config = RunConfig(model=chat.spec, max_turns=2)
        cast = Cast([PERSONA, long], order)
        config, journal, chosen = probed(tmp_path / name, config, cast, chat)
        amounts[name] = estimate(journal, config, {chat.spec: PRICE}, chosen)
    assert amounts["long"].prompt_tokens.expected > 1.1 * amounts["short"].prompt_tokens.expected
    assert amounts["long"].completion_tokens == amounts["short"].completion_tokens


def test_what_nobody_counts_is_unknown(tmp_path):
    chat = ScriptedChat(lambda ask: json.dumps(ANSWERS[ask.role]))
    config = RunConfig(model=chat.spec, max_turns=1, graph="direct")
    config, journal, chosen = probed(tmp_path / "r", config, Cast(LIBRARY, [0, 1, 2]), chat)
    found = estimate(journal, config, {chat.spec: PRICE}, chosen)
    assert found.calls.expected == 9
    assert found.prompt_tokens is found.completion_tokens is found.usd is None


def test_probes_that_all_fail_are_no_estimate(tmp_path):
    def down(ask):
        raise ModelError("down")

    chat = ScriptedChat(down)
    config = RunConfig(model=chat.spec)
    config, journal, chosen = probed(tmp_path / "r", config, Cast([PERSONA], [0] * 20), chat)
    with pytest.raises(AttunementError, match="every probe dialogue failed"):
        estimate(journal, config, {}, chosen)
