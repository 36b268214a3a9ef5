"""Outcomes of dialogues: figures by hand, the embedded world, and pairs of runs."""

import pytest

from attunement.agents.models.rehearsal_words import GENERIC, STOCK_PHRASES
from attunement.core.errors import ConfigError
from attunement.core.records import Dialogue, Persona, Reply, Risky, SeekerTurn, Turn, Utterance
from attunement.evaluation.outcomes import compare, score_dialogue, score_run
from attunement.evaluation.stock import stock_phrase
from tests.helpers import PERSONA, journal_of, small_run


def turn(number: int, text: str | None, intensity: int, rating: int | None = None, **more) -> Turn:
    said = SeekerTurn(text="x", emotion="anxiety", intensity=intensity, rating=rating)
    draft = Reply(text=text) if text else None
    spoken = "draft" if text else None
    return Turn(number=number, seeker=said, draft=draft, **{"spoken": spoken, **more})


def dialogue(*turns: Turn, persona: Persona = PERSONA, **more) -> Dialogue:
    return Dialogue(id="000000-mira", persona=persona, turns=turns, stop_reason="max_turns", **more)


TALK = dialogue(
    turn(1, "What about work weighs most on you?", 4),
    turn(2, "I'm sorry to hear that. You could try to get some rest. Why not?", 4, 4),
    turn(3, "You feel anxious about work.", 3, 2),
    turn(4, "Hm, go on with it then", 3, 3),
    turn(5, None, 2, 5),
)


def test_figures_of_a_dialogue_by_hand():
    found = score_dialogue(TALK)
    assert (found.replies, found.relief, found.rating) == (4, 2.0, 3.5)
    # A question helps; advice beside a question hurts all the same.
    assert (found.fit, found.harm) == (0.25, 0.25)
    assert (found.feeling, found.topic, found.stock) == (0.25, 0.5, 0.25)
    assert found.words == (7 + 14 + 5 + 6) / 4


def test_a_kind_that_helps_and_hurts_at_once_helps():
    both = PERSONA.model_copy(update={"what_hurts": ("Being asked too much.", "Advice.")})
    assert score_dialogue(TALK.model_copy(update={"persona": both})) == score_dialogue(TALK)


def test_a_card_without_needs_has_no_fit_and_no_harm():
    plain = PERSONA.model_copy(update={"what_helps": (), "what_hurts": ()})
    found = score_dialogue(TALK.model_copy(update={"persona": plain}))
    assert (found.fit, found.harm) == (None, None)
    assert found.relief == 2.0


def test_a_hand_off_is_no_reply_of_the_models():
    handed = turn(1, None, 4, guard=Risky(crisis=True), hand_off=Reply(text="Please call."),
                  spoken="hand_off")  # fmt: skip
    found = score_dialogue(dialogue(handed))
    assert found.replies == 0
    assert {found.relief, found.fit, found.words, found.stock, found.feeling} == {None}


def test_a_replay_has_no_outcome_and_takes_the_recordings_emotion():
    said = SeekerTurn(text="x")
    human = Reply(text="Why?")
    turns = [Turn(number=1, seeker=said, draft=Reply(text="You feel anxious?"), spoken="draft",
                  recorded=human)]  # fmt: skip
    recorded = (Utterance(speaker="seeker", text="x"), Utterance(speaker="supporter", text="Why?"))
    found = score_dialogue(dialogue(*turns, recorded=recorded))
    assert (found.relief, found.rating, found.fit, found.harm) == (None, None, None, None)
    assert found.feeling == 1.0
    drawn = PERSONA.model_copy(update={"drawn": ("emotion", "problem")})
    found = score_dialogue(dialogue(*turns, recorded=recorded, persona=drawn))
    assert (found.feeling, found.topic) == (None, None)


@pytest.mark.parametrize("phrase", STOCK_PHRASES)
def test_what_the_embedded_model_says_by_the_book_is_a_stock_phrase(phrase):
    assert stock_phrase(f"{phrase} Go on.")


def test_generic_replies_are_not_counted_as_stock_phrases():
    assert [t for texts in GENERIC.values() for t in texts if stock_phrase(t)] == []


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two seeds of the embedded model's direct replies and of its refined ones."""
    folder = tmp_path_factory.mktemp("runs")
    for name, graph in (("direct", "direct"), ("refined", "self_refine")):
        for seed in (0, 1):
            small_run(folder / f"{name}-{seed}", graph=graph, dialogues=24, seed=seed,
                      max_turns=5)  # fmt: skip
    return {n: [folder / f"{n}-{s}" for s in (0, 1)] for n in ("direct", "refined")}


def test_refined_replies_relieve_more_in_the_embedded_world(runs):
    after, before = score_run(runs["refined"]), score_run(runs["direct"])
    assert after.group.n == before.group.n == 48
    assert after.group.left_out == 0
    gains = compare(after, before)
    for name in ("relief", "rating", "fit", "feeling", "topic"):
        assert gains[name].low > 0, name
    assert gains["stock"].high < 0
    assert gains["harm"].high < 0
    assert gains["relief"].n <= 48
    assert after.group.relief.value > before.group.relief.value
    assert after.group.distinct_2 > 0


def test_a_run_compared_with_itself_gains_nothing(runs):
    scores = score_run(runs["direct"])
    for gain in compare(scores, scores).values():
        assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_intervals_over_personas_are_wider_and_around_the_same_mean(runs):
    one, other = (score_run(runs["refined"], by=by).group.fit for by in ("dialogue", "persona"))
    assert one.value == other.value
    assert other.n < one.n
    after, before = score_run(runs["refined"]), score_run(runs["direct"])
    assert compare(after, before, by="persona")["fit"].n < compare(after, before)["fit"].n


def test_dialogues_are_keyed_by_run_and_scored_as_they_stand(runs):
    scores = score_run(runs["direct"][:1])
    journal = journal_of(runs["direct"][0])
    first = next(journal.dialogues())
    journal.close()
    assert scores.dialogues[f"direct-0/{first.id}"] == score_dialogue(first)
    assert set(scores.of("words")) == {f"0/{key.partition('/')[2]}" for key in scores.dialogues}


def test_unfinished_dialogues_are_counted_not_scored(runs, tmp_path):
    from attunement.simulator.casting import cast_for
    from attunement.simulator.config import RunConfig
    from attunement.simulator.run import create_run, run

    config = RunConfig(graph="direct", dialogues=4, max_turns=2)
    create_run(tmp_path / "part", config, cast_for(config))
    run(tmp_path / "part", only=[0, 2])
    group = score_run([tmp_path / "part"]).group
    assert (group.n, group.left_out) == (2, 2)


def test_runs_that_cannot_be_told_apart_are_refused(runs, tmp_path):
    small_run(tmp_path / "direct-0", graph="direct", dialogues=2, max_turns=1)
    with pytest.raises(ConfigError, match="two runs are named 'direct-0'"):
        score_run([runs["direct"][0], tmp_path / "direct-0"])
    mixed = score_run([runs["direct"][0], runs["refined"][0]])
    with pytest.raises(ConfigError, match="have the same seed 0"):
        compare(mixed, score_run(runs["direct"]))
    with pytest.raises(ConfigError, match="share no dialogue"):
        compare(score_run(runs["direct"][:1]), score_run(runs["refined"][1:]))
