"""Who takes part: samples, whole sets, cycles, recordings; and ESConv end to end."""

import json

import pytest

from attunement.core.errors import ConfigError, RecordingError
from attunement.evaluation.summary import summarise
from attunement.personas.cards import write_personas
from attunement.personas.importers import import_personas
from attunement.personas.sampling import sample
from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig, read_config
from tests.helpers import LIBRARY, PERSONA, journal_of, small_run


def test_without_personas_a_dozen_come_from_the_library():
    cast = cast_for(RunConfig())
    assert len(cast.order) == 12
    assert len(set(cast.order)) == 12


def test_a_given_set_comes_whole_and_in_order(tmp_path):
    write_personas(tmp_path / "p.jsonl", LIBRARY[:5])
    cast = cast_for(RunConfig(personas=str(tmp_path / "p.jsonl")))
    assert [row["id"] for row in cast.rows()] == [
        f"{i:06d}-{p.id}" for i, p in enumerate(LIBRARY[:5])
    ]


def test_more_dialogues_than_personas_go_round_with_other_seeds(tmp_path):
    write_personas(tmp_path / "p.jsonl", [PERSONA])
    small_run(tmp_path / "run", personas=str(tmp_path / "p.jsonl"), dialogues=8)
    journal = journal_of(tmp_path / "run")
    found = list(journal.dialogues())
    assert {d.persona.id for d in found} == {"mira"}
    assert len({d.id for d in found}) == 8
    assert len({d.turns[0].seeker.text for d in found}) > 1
    journal.close()


def test_a_recording_without_a_supporter_turn_is_skipped_and_counted(tmp_path):
    good = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    silent = {"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]}
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(json.dumps(d) for d in (silent, good)))
    cast = cast_for(RunConfig(replay=str(path)))
    assert (len(cast.personas), cast.skipped) == (1, 1)
    path.write_text(json.dumps(silent))
    with pytest.raises(RecordingError, match="nothing to replay"):
        cast_for(RunConfig(replay=str(path)))


def test_a_replay_takes_no_seeker_model():
    with pytest.raises(ConfigError, match="no seeker model"):
        read_config(None, replay="x", models={"seeker": "rehearsal"})


def test_real_situations_come_to_talk(tmp_path, shared_data):
    """200 seekers made from ESConv's situations, evenly sampled, all finish."""
    personas = import_personas(shared_data / "esconv" / "ESConv.json").personas
    assert len(personas) == 1300
    write_personas(tmp_path / "p.jsonl", sample(personas, 200, seed=1))
    small_run(tmp_path / "run", personas=str(tmp_path / "p.jsonl"))
    journal = journal_of(tmp_path / "run")
    found = summarise(journal)
    assert (found.dialogues, found.done, found.failed) == (200, 200, 0)
    assert not found.set_aside
    assert found.mean_intensity_change < 0
    journal.close()


def test_recorded_dialogues_are_replayed_turn_for_turn(tmp_path, shared_data):
    """One produced turn for every supporter turn that has an earlier seeker turn, counted here
    from the raw file."""
    path = shared_data / "esconv" / "ESConv.json"
    expected = []
    for dialogue in json.loads(path.read_text("utf-8"))[:50]:
        speakers = [u["speaker"] for u in dialogue["dialog"]]
        merged = [s for i, s in enumerate(speakers) if i == 0 or speakers[i - 1] != s]
        expected.append(sum(s == "supporter" for s in merged[1:]))
    small_run(tmp_path / "run", replay=str(path), dialogues=50)
    journal = journal_of(tmp_path / "run")
    found = list(journal.dialogues())
    assert [len(d.turns) for d in found] == expected
    assert all(t.spoken and t.recorded for d in found for t in d.turns)
    assert {d.stop_reason for d in found} == {"recording_ended"}
    journal.close()
