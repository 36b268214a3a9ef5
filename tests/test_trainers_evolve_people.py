"""Held-out people: chosen first, frozen, and never among those who train."""

import json

import pytest

from attunement.core.errors import ConfigError
from attunement.personas.cards import load_personas, write_personas
from attunement.trainers.evolve.config import People, check_evolution
from attunement.trainers.evolve.people import (
    HELD_OUT,
    TRAIN,
    check_unseen,
    choose,
    fingerprint,
    freeze,
)
from tests.helpers import LIBRARY, PERSONA


def test_the_two_sets_share_nobody_whatever_they_are_drawn_from(tmp_path):
    copies = [card.model_copy(update={"id": f"{card.id}.2", "name": "X"}) for card in LIBRARY]
    write_personas(tmp_path / "cards.jsonl", [*LIBRARY, *copies])
    for source in ("drawn", "library", str(tmp_path / "cards.jsonl")):
        held_out, train = choose(People(source=source, held_out=5, train=15))
        assert len(held_out) == 5
        assert not {c.id for c in held_out} & {c.id for c in train}
        assert not {fingerprint(c) for c in held_out} & {fingerprint(c) for c in train}


def test_the_held_out_do_not_depend_on_how_many_train():
    for source in ("drawn", "library"):
        few = choose(People(source=source, held_out=6, train=4))
        many = choose(People(source=source, held_out=6))
        assert few[0] == many[0]
        assert len(few[1]) == 4
        assert len(many[1]) > 4
        assert choose(People(source=source, held_out=6, seed=1))[0] != few[0]


def test_too_few_people_are_said():
    with pytest.raises(ConfigError, match=r"`personas.held_out` is 999, but there are only \d+"):
        choose(People(source="library", held_out=999))
    with pytest.raises(ConfigError, match="leaves nobody to train with"):
        choose(People(source="library", held_out=len(LIBRARY)))


def test_freezing_writes_both_sets_at_once(tmp_path):
    config = check_evolution({"first": {"model": "m"}, "personas": {"held_out": 3, "train": 7}})
    freeze(config, tmp_path / "personas")
    assert len(load_personas(tmp_path / "personas" / HELD_OUT)) == 3
    assert len(load_personas(tmp_path / "personas" / TRAIN)) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["personas"]


def test_what_a_kill_left_whole_is_taken_as_it_is(tmp_path):
    config = check_evolution({"first": {"model": "m"}, "personas": {"held_out": 3, "train": 7}})
    freeze(config, tmp_path / "personas")
    kept = (tmp_path / "personas" / HELD_OUT).stat()
    freeze(config, tmp_path / "personas")
    assert (tmp_path / "personas" / HELD_OUT).stat() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["personas"]


def test_a_held_out_person_in_what_trains_is_refused(tmp_path):
    rows = tmp_path / "corpus/sft_direct"
    rows.mkdir(parents=True)
    (rows / "train.jsonl").write_text(json.dumps({"persona_id": "mira"}) + "\n")
    first = {"model": "m", "corpus": str(tmp_path / "corpus")}
    with pytest.raises(ConfigError, match=r"'mira'.*stands in `first.corpus`"):
        check_unseen([PERSONA], check_evolution({"first": first}))
    check_unseen(LIBRARY, check_evolution({"first": first}))


def test_a_recorded_seeker_who_is_held_out_is_refused(tmp_path):
    file = tmp_path / "recorded.jsonl"
    lines = [("seeker", "I lost my job."), ("supporter", "Oh."), ("seeker", "Yes.")]
    dialog = [{"speaker": speaker, "content": text} for speaker, text in lines]
    file.write_text(json.dumps({"situation": PERSONA.situation, "dialog": dialog}) + "\n")
    config = check_evolution({"first": {"model": "m"}, "simulate": {"replay": str(file)}})
    with pytest.raises(ConfigError, match=r"stands in `simulate\.replay`"):
        check_unseen([PERSONA], config)
    check_unseen(LIBRARY, config)
