"""The results page: its figures by hand, byte for byte the same, and without a word of ESConv."""

from collections import Counter
from pathlib import Path

import pytest

from attunement.personas.recorded import read_recordings
from attunement.trainers.corpora.published import place
from attunement.trainers.decoupled.config import Subsample
from benchmarks.baselines import EMBEDDED, main, results
from benchmarks.results_page import PRIOR, RECORDED, Results, page

pytest.importorskip("nltk")
pytest.importorskip("sacrebleu")
pytest.importorskip("rouge_score")

FEW = Subsample(train=60, validation=1, test=15)


@pytest.fixture(scope="module")
def esconv(shared_data: Path) -> Path:
    return shared_data / "esconv" / "ESConv.json"


@pytest.fixture(scope="module")
def found(esconv) -> Results:
    return results(esconv, subsample=FEW)


def test_the_page_is_the_same_every_time(found, esconv):
    assert page(found) == page(results(esconv, subsample=FEW))


def test_planners_are_scored_on_the_test_split_alone(found):
    assert found.dialogues == {"train": 60, "validation": 1, "test": 15}
    assert list(found.strategies) == [
        "most frequent", PRIOR, "transition", "transition, drawn", EMBEDDED,
    ]  # fmt: skip
    for score in found.strategies.values():
        assert (score.turns, score.dialogues) == (found.turns["test"], 15)


def test_the_most_frequent_strategy_by_hand(found):
    score = found.strategies["most frequent"]
    recorded = Counter({name: of.recorded for name, of in score.by_strategy.items()})
    assert score.by_strategy[found.commonest].predicted == score.turns
    assert score.accuracy.value == pytest.approx(recorded[found.commonest] / score.turns)
    assert score.bias.value == pytest.approx(7**0.5)


def test_replies_are_scored_by_whose_strategy_they_follow(found):
    for side in (found.responder, found.retrieved):
        assert list(side) == [*found.strategies, RECORDED]
        assert {score.replies for score in side.values()} == {found.turns["test"]}
        assert {score.empty for score in side.values()} == {0}
    generic, human = found.responder[RECORDED], found.retrieved[RECORDED]
    assert generic.corpus.self_bleu > 2 * human.corpus.self_bleu
    assert human.corpus.distinct_2 > 10 * generic.corpus.distinct_2
    assert found.people.corpus.bleu is None
    assert found.people.unmatched == found.turns["test"]


def test_the_page_has_every_system_and_no_word_of_the_corpus(found, esconv):
    text = page(found)
    assert "{" not in text
    for name in (*found.strategies, RECORDED):
        assert f"| embedded responder, {name} |" in text
        assert f"| train reply, {name} |" in text
    said = {u.text for r in read_recordings(esconv) for u in r.utterances}
    assert [line for line in said if len(line.split()) > 4 and line in text] == []


def test_the_split_is_recipe_bs(esconv):
    split = Counter(place([esconv], "1040:130:130", 0).values())
    assert split == {"train": 1040, "validation": 130, "test": 130}


def test_a_file_that_is_none_is_the_users_mistake(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["baselines", str(tmp_path / "none.json")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "none.json" in capsys.readouterr().err


@pytest.mark.slow
def test_the_page_in_the_docs_is_what_the_command_makes(esconv):
    shown = (Path(__file__).parent.parent / "docs" / "results.md").read_text("utf-8")
    made = page(results(esconv))
    assert shown == made
