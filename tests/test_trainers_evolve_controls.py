"""Controls: pairs whose meaning is taken away, and nothing else."""

import json
from collections import Counter
from pathlib import Path

import pytest

from attunement.core.errors import UserError
from attunement.trainers.corpora.making import corpus_config, make_corpus
from attunement.trainers.corpora.rows import PairRow
from attunement.trainers.evolve.controls import controlled, shuffled, swapped
from tests.helpers import small_run


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("home")
    small_run(home / "run", dialogues=12, plain_draft=True)
    make_corpus([home / "run"], home / "corpus", corpus_config(sets=["response"]))
    return home / "corpus"


def rows(corpus: Path, split: str = "train") -> list[PairRow]:
    lines = (corpus / "response" / f"{split}.jsonl").read_text().splitlines()
    return [PairRow.model_validate_json(line) for line in lines]


def test_swapping_swaps_every_column_of_a_side_and_twice_is_nothing(corpus):
    for row in rows(corpus):
        other = swapped(row)
        assert (other.chosen, other.rejected) == (row.rejected, row.chosen)
        assert (other.chosen_words, other.rejected_words) == (row.rejected_words, row.chosen_words)
        assert other.chosen_prompt_version == row.rejected_prompt_version
        assert (other.prompt, other.persona_id) == (row.prompt, row.persona_id)
        assert swapped(other) == row


def test_random_pairs_are_other_turns_pairs_in_an_order_by_chance(corpus):
    before = rows(corpus) * 6  # enough coins
    before = [row.model_copy(update={"dialogue_id": str(i)}) for i, row in enumerate(before)]
    after = shuffled(before, seed=3)
    assert [row.prompt for row in after] == [row.prompt for row in before]

    def sides(row: PairRow) -> frozenset[str]:
        return frozenset((row.chosen[0].content, row.rejected[0].content))

    # Every pair of sides is still there, once; about half of them the other way round.
    assert Counter(map(sides, after)) == Counter(map(sides, before))
    chosen = {row.chosen[0].content for row in before}
    kept = sum(row.chosen[0].content in chosen for row in after)
    assert 0.3 * len(after) < kept < 0.7 * len(after)
    assert shuffled(before, seed=3) == after
    assert shuffled(before, seed=4) != after


def test_no_row_keeps_its_own_sides():
    template = {
        "prompt": [{"role": "user", "content": "p"}], "source": "refined", "run": "r",
        "turn": 1, "persona_id": "p", "strategy": None, "rejected_strategy": None,
        "chosen_model": "m", "rejected_model": "m", "prompt_version": "v",
        "chosen_prompt_version": "v", "rejected_prompt_version": "v", "iteration": 0,
        "edit_distance": 1.0, "chosen_words": 1, "rejected_words": 1, "verdicts": [],
    }  # fmt: skip

    def pair(i: int) -> PairRow:
        said = {side: [{"role": "assistant", "content": f"{side} {i}"}]
                for side in ("chosen", "rejected")}  # fmt: skip
        return PairRow.model_validate(template | said | {"dialogue_id": str(i)})

    for count in (2, 3, 10):
        for seed in range(5):
            for row in shuffled([pair(i) for i in range(count)], seed):
                assert row.chosen[0].content.split()[1] != row.dialogue_id
    with pytest.raises(UserError, match="needs two pairs or more"):
        shuffled([pair(0)], 0)


def test_a_controlled_corpus_says_that_it_is_one(corpus, tmp_path):
    before = json.loads((corpus / "corpus.json").read_text())["sets"]["response"]
    report = controlled(corpus, tmp_path / "swapped", "swapped", seed=0)
    assert (
        "A control: chosen and rejected were swapped"
        in (tmp_path / "swapped/README.md").read_text()
    )
    assert report.origin.options["control"] == "swapped"
    after = report.sets["response"]
    assert (after.kept, after.dropped) == (before["kept"], before["dropped"])
    assert after.words["chosen"].mean == before["words"]["rejected"]["mean"]
    assert [swapped(row) for row in rows(tmp_path / "swapped")] == rows(corpus)
