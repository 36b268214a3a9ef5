"""What people say of turns goes into corpora, and keeps what they call bad out of them."""

import asyncio
import json
from pathlib import Path

import pytest

from attunement.cli.verdicts import judged_lines
from attunement.core.psychology import PsychologicalError
from attunement.evaluation.judges.panel import heard, judged_pairs
from attunement.simulator.annotating import Annotation, annotate, annotations
from attunement.simulator.labelling import label
from attunement.trainers.corpora.filters import LABELLED_BAD
from attunement.trainers.corpora.making import corpus_config, make_corpus
from attunement.viewer.arena.sitting import stored_answers
from tests.helpers import answering, journal_of, small_run

REFINED = {"strategy": "Question", "text": "What is the worst?"}
"""Short enough beside its draft to be preferred over it."""
GOOD = Annotation(label="good", note="Warm; asks first.")
BAD = Annotation(label="bad")
FAULT = Annotation(
    errors=(PsychologicalError.TEMPLATE_RESPONSE, PsychologicalError.LACK_OF_EMPATHY)
)
NOTE = Annotation(note="Compare turn 2.")


def say(run: Path, number: int, said: Annotation, who: str = "me", dialogue: int = 0) -> None:
    async def writing() -> None:
        journal = journal_of(run)
        turn = journal.find(str(dialogue)).turns[number - 1]
        await annotate(journal, dialogue, turn, said, who)
        await journal.close_writer()
        journal.close()

    asyncio.run(writing())


@pytest.fixture
def run(tmp_path) -> Path:
    small_run(tmp_path / "run", answering(refiner=REFINED), dialogues=2, max_turns=6)
    return tmp_path / "run"


def corpus(run: Path, **settings):
    out = run.parent / f"corpus{len(list(run.parent.iterdir()))}"
    report = make_corpus([run], out, corpus_config(split="1", **settings))
    rows = {
        path.parent.name: [json.loads(line) for line in path.read_text().splitlines()]
        for path in out.glob("*/*.jsonl")
    }
    return report, rows, (out / "README.md").read_text()


@pytest.mark.parametrize("sets", [["response"], ["strategy"], ["sft_direct"]])
def test_a_row_carries_what_people_said_of_its_turn(run, sets):
    if sets == ["strategy"]:
        small_run(run := run.parent / "own", answering(
            planner={"stage": "Exploration", "strategy": "Information", "reason": "so"}
        ), max_turns=6)  # fmt: skip
    say(run, 4, GOOD)
    say(run, 4, NOTE, "ada")
    _, rows, card = corpus(run, sets=sets)
    by_turn = {(r["dialogue_id"][:6], r["turn"]): r["annotations"] for r in rows[sets[0]]}
    assert by_turn["000000", 4] == [
        {"by": "ada", "label": None, "errors": [], "note": NOTE.note},
        {"by": "me", "label": "good", "errors": [], "note": GOOD.note},
    ]
    assert [said for place, said in by_turn.items() if place != ("000000", 4)] == [[]] * (
        len(by_turn) - 1
    )
    assert "- `annotations`: what people said" in card


@pytest.mark.parametrize("said", [BAD, FAULT])
@pytest.mark.parametrize("sets", [["response"], ["sft_direct"]])
def test_a_turn_that_somebody_labelled_bad_is_left_out_and_counted(run, said, sets):
    before, rows, _ = corpus(run, sets=sets)
    say(run, 3, said)
    say(run, 3, GOOD, "ada")  # one is enough
    after, left, card = corpus(run, sets=sets)
    (name,) = sets
    assert after.sets[name].dropped.get(LABELLED_BAD) == 1
    assert after.sets[name].kept == before.sets[name].kept - 1
    assert after.sets[name].read == before.sets[name].read
    gone = [(r["dialogue_id"], r["turn"]) for r in rows[name] if r not in left[name]]
    assert gone == [("000000-mira", 3)]
    assert f"| {LABELLED_BAD} | 1 |" in card


def test_an_annotation_taken_back_brings_its_turn_back(run):
    _, before, _ = corpus(run)
    say(run, 3, BAD)
    say(run, 3, Annotation())
    assert corpus(run)[1] == before


def test_mined_turns_are_left_out_too(tmp_path, shared_data):

    esconv = str(shared_data / "esconv" / "ESConv.json")
    small_run(run := tmp_path / "run", graph="ipm", replay=esconv, dialogues=3)
    label(run, sides=("draft", "recorded"))
    _, rows, _ = corpus(run, sets=["strategy"])
    first = rows["strategy"][0]
    number = int(first["dialogue_id"][:6])
    say(run, first["turn"], FAULT, dialogue=number)
    report, left, _ = corpus(run, sets=["strategy"])
    assert report.sets["strategy"].dropped[LABELLED_BAD] == 1
    assert left["strategy"] == rows["strategy"][1:]


@pytest.mark.parametrize("layout", ["trl", "llama-factory"])
@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_annotations_are_loaded_with_their_types(run, layout, format):
    datasets = pytest.importorskip("datasets")
    say(run, 4, GOOD)
    out = run.parent / "corpus"
    config = corpus_config(split="1", sets=["response"], format=format, layout=layout)
    make_corpus([run], out, config)
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(out), "response", split="train", cache_dir=run.parent / "c")
    kept = [row["annotations"] for row in loaded]
    assert [said for said in kept if said] == [
        [{"by": "me", "label": "good", "errors": [], "note": GOOD.note}]
    ]
    kind = loaded.features["annotations"].feature
    assert kind["errors"] == datasets.List(datasets.Value("string"))


def test_judges_and_people_of_the_arena_are_told_from_annotations(run):
    """An annotation is a person's verdict, but none on a pair and none on an error of a side."""
    before = heard(judged_pairs(run)).findings()
    for number, said in ((3, BAD), (4, FAULT), (5, GOOD)):
        say(run, number, said)
    after = heard(judged_pairs(run)).findings()
    assert [f.value for f in after.figures] == [f.value for f in before.figures]
    journal = journal_of(run)
    assert stored_answers(journal) == {}
    turn = journal.find("0").turns[3]
    journal.close()
    assert annotations(turn) == {"me": FAULT}
    assert list(judged_lines(turn.verdicts)) == []
