"""A learned reward: it foretells ratings of unseen people, and chooses among refinements."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import ModelError, UserError
from attunement.personas.cards import write_personas
from attunement.personas.drawn import drawn_personas
from attunement.simulator.run import open_run
from attunement.trainers.corpora.filters import Filters
from attunement.trainers.corpora.making import corpus_config, make_corpus
from attunement.trainers.corpora.rows import PairRow
from attunement.trainers.evolve.config import RewardConfig
from attunement.trainers.evolve.ranking import loose, rank
from attunement.trainers.evolve.refining import FILE, PART, read_refinements, refine_run
from attunement.trainers.evolve.reward import MOST, Case, Reward, cases_of, learn
from tests.helpers import small_run


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A run of the embedded model with 150 people: recipe A's roles."""
    folder = tmp_path_factory.mktemp("home")
    write_personas(folder / "people.jsonl", drawn_personas(150, 1, "x"))
    small_run(folder / "run", personas=str(folder / "people.jsonl"), plain_draft=True)
    return folder


@pytest.fixture(scope="module")
def cases(home) -> list[Case]:
    _, journal = open_run(home / "run")
    with closing(journal):
        return list(cases_of(journal.dialogues()))


@pytest.fixture(scope="module")
def refined(home) -> Path:
    refine_run(home / "run", home / "refinements", 4, lambda _: None)
    return home / "refinements"


def rows(corpus: Path) -> list[PairRow]:
    files = sorted((corpus / "response").glob("*.jsonl"))
    return [PairRow.model_validate_json(line) for f in files for line in f.read_text().splitlines()]


# ---- the reward ---------------------------------------------------------------------------------


def test_the_same_reply_is_worth_more_to_one_seeker_than_to_another():
    advice, question = "Maybe you could try a plan.", "What happened before that?"
    wants = {"I need to know what to do.": advice, "Nobody ever asks me anything.": question}
    known = [
        Case("p", context, reply, 5 if reply == liked else 1)
        for context, liked in wants.items() for reply in wants.values()
    ]  # fmt: skip
    reward = Reward(known, ridge=0.1)
    for context, liked in wants.items():
        other = next(reply for reply in wants.values() if reply != liked)
        good, bad = reward(context, [liked, other])
        assert good > bad + 1


def test_ratings_of_people_held_back_are_foretold_better_than_by_chance(cases):
    _, report = learn(cases, ridge=1.0, seed=0)
    assert report.cases == len(cases)
    assert 0.1 * len(cases) < report.held_back < 0.35 * len(cases)
    assert report.correlation.low > 0
    assert report.correlation.n < report.held_back  # people, of whom each rates several replies
    # Ratings that belong to other replies teach nothing.
    ratings = [case.rating for case in cases]
    mixed = [Case(c.persona_id, c.context, c.reply, r)
             for c, r in zip(cases, ratings[7:] + ratings[:7], strict=True)]  # fmt: skip
    assert learn(mixed, 1.0, 0)[1].correlation.value < report.correlation.value / 2


def test_cases_are_the_rated_replies_with_what_their_seeker_had_said(home, cases):
    _, journal = open_run(home / "run")
    with closing(journal):
        dialogue = next(journal.dialogues())
    own = [case for case in cases if case.persona_id == dialogue.persona.id]
    assert [case.reply for case in own] == [t.reply.text for t in dialogue.turns if t.reply][
        : len(own)
    ]
    assert [case.rating for case in own] == [
        turn.seeker.rating for turn in dialogue.turns[1:] if turn.seeker.rating
    ]
    assert own[1].context == "\n".join(turn.seeker.text for turn in dialogue.turns[:2])


def test_one_seed_gives_one_reward_and_too_many_cases_are_sampled(cases, monkeypatch):
    from attunement.trainers.evolve import reward

    monkeypatch.setattr(reward, "MOST", 100)
    one, report = learn(cases, 1.0, seed=3)
    assert report.cases == 100 < MOST
    again, _ = learn(cases, 1.0, seed=3)
    assert (one("I am sad.", ["Hm.", "Oh."]) == again("I am sad.", ["Hm.", "Oh."])).all()


def test_nothing_rated_is_said():
    with pytest.raises(UserError, match=r"no reply was rated.*\[reward\]"):
        learn([], 1.0, 0)


def test_ratings_that_do_not_vary_have_no_correlation():
    same = [Case(str(i), "I am sad.", f"Reply {i}", 3) for i in range(20)]
    assert learn(same, 1.0, 0)[1].correlation is None


# ---- several refinements, and the best of them --------------------------------------------------


def test_every_draft_is_refined_several_times_the_runs_own_first(home, refined):
    found = read_refinements(refined)
    _, journal = open_run(home / "run")
    with closing(journal):
        firsts = {(d.id, t.number): t.refined for d in journal.dialogues() for t in d.turns
                  if t.refined and t.draft and not t.set_aside}  # fmt: skip
    assert {key: replies[0] for key, replies in found.items()} == firsts
    assert all(len(replies) == 4 for replies in found.values())
    assert sum(len({r.text for r in replies}) > 1 for replies in found.values()) > len(found) / 2
    assert not (refined / PART).exists()


def test_what_a_kill_left_is_not_asked_again_and_a_cut_line_is(home, refined, tmp_path):
    whole = (refined / FILE).read_bytes()
    lines = whole.splitlines(keepends=True)
    marked = json.loads(lines[0])
    marked["replies"][1]["text"] = "asked before the kill"
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / PART).write_bytes(json.dumps(marked).encode() + b"\n" + lines[1][:30])
    refine_run(home / "run", folder, 4, lambda _: None)
    after = (folder / FILE).read_bytes().splitlines(keepends=True)
    assert json.loads(after[0]) == marked
    assert after[1:] == lines[1:]


def test_a_model_that_cannot_be_asked_is_no_answer_that_cannot_be_read(
    home, refined, tmp_path, monkeypatch
):
    from attunement.trainers.evolve import refining

    asked = 0

    def answer(ask):
        nonlocal asked
        asked += 1
        if asked > 40:
            raise ModelError("the server is gone")
        return "no record" if asked % 4 else json.dumps({"strategy": "Question", "text": "Why?"})

    def gone(config, roles):
        return {"x": ScriptedChat(answer)}

    folder = tmp_path / "again"
    with monkeypatch.context() as patch:
        patch.setattr(refining, "backends_for", gone)
        with pytest.raises(ModelError, match="the server is gone"):
            refine_run(home / "run", folder, 2, lambda _: None)
    assert not (folder / FILE).exists()
    kept = (folder / PART).read_text().splitlines()
    refine_run(home / "run", folder, 2, lambda _: None)
    found = read_refinements(folder)
    assert found.keys() == read_refinements(refined).keys()
    assert set(kept) <= set((folder / FILE).read_text().splitlines())


@pytest.mark.parametrize("against", ["draft", "worst"])
def test_the_best_is_chosen_over_the_draft_or_the_worst(home, refined, tmp_path, against):
    plain, out = tmp_path / "plain", tmp_path / "out"
    filters = Filters()
    make_corpus([home / "run"], plain, corpus_config(sets=["response"], filters=loose(filters)))
    config, replies = RewardConfig(against=against), read_refinements(refined)
    report = rank(home / "run", plain, out, replies, config, filters, seed=0)
    before = {(row.dialogue_id, row.turn): row for row in rows(plain)}
    after = rows(out)
    assert report.ranked == len(after) > 100
    assert report.gain > 0
    changed = 0
    for row in after:
        place = row.dialogue_id, row.turn
        texts = {reply.text: reply for reply in replies[place]}
        assert texts[row.chosen[0].content].strategy == row.strategy
        assert row.chosen_words == len(row.chosen[0].content.split()) <= 2 * row.rejected_words
        changed += row.chosen != before[place].chosen
        if against == "draft":
            assert row.rejected == before[place].rejected
        else:
            assert row.rejected[0].content in texts
    assert changed > len(after) / 4
    assert "learned from the seekers' ratings" in (out / "README.md").read_text()
