"""The pocket model from nothing: simulated, trained, kept, and one that the house's parts take."""

import json
import math

import pytest

from attunement.agents.models.base import Decoding
from attunement.personas.drawn import drawn_personas
from attunement.trainers.pocket.config import PocketConfig
from tests.helpers import small_run

pytest.importorskip("trl")

SMALL = PocketConfig(dialogues=60, max_turns=3, hidden=64, layers=2, epochs=6, threads=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    from attunement.trainers.pocket.building import build_pocket

    said = []
    cache = tmp_path_factory.mktemp("cache")
    return build_pocket(SMALL, cache, said.append), cache, said


def test_it_is_built_once(built):
    from attunement.trainers.pocket.building import build_pocket

    folder, cache, said = built
    assert said
    again: list[str] = []
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert build_pocket(SMALL, cache, again.append) == folder
    assert again == []
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 1.0}, {"phrases": 7}])
def test_other_settings_give_another_name(change):
    from attunement.trainers.pocket.building import inputs_hash

    assert inputs_hash(SMALL.model_copy(update=change)) != inputs_hash(SMALL)


def test_threads_change_nothing_but_the_speed():
    from attunement.trainers.pocket.building import inputs_hash

    assert inputs_hash(SMALL.model_copy(update={"threads": 2})) == inputs_hash(SMALL)


def test_what_it_has_learnt_shows_on_dialogues_it_has_not_seen(built):
    """A model that knows nothing has a loss of the logarithm of its vocabulary."""
    from transformers import AutoConfig

    from attunement.trainers.learning.report import read_report

    folder, _, _ = built
    report = read_report(folder.parent / "training")
    assert report is not None
    assert report.validation_rows > 0
    assert report.metrics["loss"] < 0.5 * math.log(AutoConfig.from_pretrained(folder).vocab_size)


def test_a_run_goes_through_with_it_in_all_roles(built, tmp_path):
    folder, _, _ = built
    small_run(
        tmp_path / "run", dialogues=2, max_turns=2, graph="self_refine", model=f"hf:{folder}",
        models={"seeker": "rehearsal"}, decoding=Decoding(max_tokens=80),
    )  # fmt: skip


def test_lessons_have_the_form_to_which_a_grammar_holds():
    from attunement.agents.models.schema import json_schema
    from attunement.trainers.corpora.calls import RECORDS, as_asked
    from attunement.trainers.pocket.world import simulate_lessons

    lessons = simulate_lessons(PocketConfig(dialogues=14, max_turns=2))
    assert {lesson.role for lesson in lessons} == set(RECORDS)
    for lesson in lessons:
        if record := RECORDS[lesson.role]:
            assert list(json.loads(lesson.text)) == json_schema(record)["required"]
            assert as_asked(lesson.role, lesson.text) == lesson.text


def test_drawn_people_are_the_same_for_a_seed_and_others_for_another():
    people = drawn_personas(20, seed=1, stem="some")
    assert people == drawn_personas(20, seed=1, stem="some")
    assert [p.id for p in people[:2]] == ["some-0000", "some-0001"]
    assert all(p.what_helps and p.what_hurts and "situation" in p.drawn for p in people)
    others = drawn_personas(20, seed=2, stem="some")
    assert sum(a.what_helps == b.what_helps for a, b in zip(people, others, strict=True)) < 5
