"""Corpora without the dialogues whose simulated seeker is not believable."""

import json

import pytest

from attunement.core.errors import ConfigError
from attunement.simulator.casting import Cast
from attunement.trainers.corpora.making import check_for_mining, corpus_config, make_corpus
from tests.helpers import PERSONA, answering, small_run

REFINED = {"strategy": "Question", "text": "Why now?"}
WHOLE = {"split": "1", "sets": ["response", "sft_direct"], "filters": {"min_history": 1}}
SAID = (
    "I am at my wits' end.", "My boss wants me gone.", "Nights, mostly.", "Since the spring.",
    "I will sleep on it.",
)  # fmt: skip


def seek(ask):
    """One of the two personas forgets which side it is on."""
    flips, turn = "helper" in str(ask.messages), str(ask.messages).count("supporter: ")
    text = "How can I help you today?" if flips else SAID[turn]
    return json.dumps({"text": text, "emotion": "fear", "intensity": 5})


@pytest.fixture
def run(tmp_path):
    helper = PERSONA.model_copy(update={"id": "other", "name": "helper"})
    cast = Cast([PERSONA, helper], [0, 1])
    chat = answering(seeker=seek, refiner=REFINED)
    small_run(tmp_path / "run", chat, cast=cast, max_turns=4)
    return tmp_path / "run"


def made(run, out, **filters):
    settings = WHOLE | {"filters": WHOLE["filters"] | filters}
    report = make_corpus([run], out, corpus_config(**settings))
    rows = (out / "response" / "train.jsonl").read_text().splitlines()
    return report, {json.loads(row)["persona_id"] for row in rows}


def test_turns_of_unfit_dialogues_are_left_out_and_counted(run, tmp_path):
    report, people = made(run, tmp_path / "all")
    assert people == {"mira", "other"}
    assert {s.kept for s in report.sets.values()} == {8}
    report, people = made(run, tmp_path / "realistic", realistic=True)
    assert people == {"mira"}
    for figures in report.sets.values():
        assert (figures.read, figures.kept) == (8, 4)
        assert figures.dropped == {"seeker not believable: role flip": 4}
    assert report.origin.options["realistic"] is True
    card = (tmp_path / "realistic" / "README.md").read_text()
    assert "| seeker not believable: role flip | 4 | 4 |" in card


def test_a_crisis_is_counted_as_one_whoever_plays_it(tmp_path):
    def hurt(ask):
        turns = str(ask.messages).count("supporter: ")
        text = "I want to kill myself." if turns else "How can I help you today?"
        return json.dumps({"text": text, "emotion": "fear", "intensity": 5})

    cast = Cast([PERSONA, PERSONA.model_copy(update={"id": "two"})], [0, 1])
    small_run(tmp_path / "run", answering(seeker=hurt, refiner=REFINED), cast=cast, max_turns=4)
    with pytest.raises(ValueError, match="2 seeker not believable: role flip, 2 crisis"):
        made(tmp_path / "run", tmp_path / "corpus", realistic=True)


def test_recorded_people_are_not_judged_as_actors(tmp_path, shared_data):
    source = str(shared_data / "esconv" / "ESConv.json")
    small_run(tmp_path / "replay", replay=source, dialogues=2)
    with pytest.raises(ConfigError, match=r"replay' replays recorded people; leave out --realist"):
        made(tmp_path / "replay", tmp_path / "corpus", realistic=True)
    with pytest.raises(ConfigError, match="`--mine` replays recorded people; leave out --realist"):
        check_for_mining(corpus_config(filters={"realistic": True}))
