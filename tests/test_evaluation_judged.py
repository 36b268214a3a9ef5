"""What a panel is asked: of which runs, which questions, against whom."""

import asyncio

import pytest

from attunement.agents.models.rehearsal import RehearsalChat
from attunement.core.records import Verdict
from attunement.evaluation.judges.panel import decided_pairs, judgings
from attunement.evaluation.judges.people import ATTENTION
from attunement.evaluation.systems import named_systems
from attunement.simulator.judging import judge_run
from attunement.simulator.matching import ORDERS, between
from tests.helpers import answering, journal_of, judge, small_run


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two systems of two seeds each, and one with other people."""
    home = tmp_path_factory.mktemp("runs")
    for name, graph, seed in (
        ("plain-1", "direct", 1), ("plain-2", "direct", 2),
        ("refined-1", "self_refine", 1), ("refined-2", "self_refine", 2),
    ):  # fmt: skip
        small_run(home / name, dialogues=3, max_turns=3, graph=graph, seed=seed)
    small_run(home / "others", answering(), dialogues=2, max_turns=2, seed=1)
    return home


def systems(folders, *words):
    return named_systems([word.replace("@", f"{folders}/") for word in words])


def asked(found):
    return [(w.folder.name, w.judge, w.question, w.against and w.against.name) for w in found]


def test_live_runs_are_marked_whole_and_others_set_against_the_baseline_seed_by_seed(folders):
    plain, refined = found = systems(
        folders, "plain=@plain-2,@plain-1", "refined=@refined-1,@refined-2"
    )
    assert asked(judgings(found, plain, ["j"])) == [
        ("plain-2", "j", "dialogue", None),
        ("plain-1", "j", "dialogue", None),
        ("refined-1", "j", "dialogue", None),
        ("refined-1", "j", "pairs", "plain-1"),
        ("refined-2", "j", "dialogue", None),
        ("refined-2", "j", "pairs", "plain-2"),
    ]
    assert refined.name == "refined"


def test_a_single_system_has_its_refinements_set_against_its_drafts(folders):
    found = systems(folders, "@refined-1")
    assert asked(judgings(found, found[0], ["a", "b"], ["reply", "pairs"])) == [
        ("refined-1", judge, question, None) for judge in "ab" for question in ("reply", "pairs")
    ]


def test_a_reference_planner_is_asked_once_a_run_whatever_the_judges(folders):
    found = systems(folders, "@plain-1", "@refined-1")
    work = judgings(found, found[0], [], planner="ref")
    assert asked(work) == [(name, "ref", "plan", None) for name in ("plain-1", "refined-1")]


def test_systems_that_share_nothing_are_asked_no_pairs_and_the_report_says_why(folders):
    found = systems(folders, "@plain-1", "@others")
    questions = [w.question for w in judgings(found, found[0], ["j"])]
    assert "pairs" not in questions
    figures = decided_pairs(found[1], found[0]).figures
    assert [figure.measure.family for figure in figures] == ["judges", "people"]
    assert all(figure.value is None and "share no reply" in figure.why for figure in figures)


def test_pairs_of_several_seeds_count_together(folders):
    plain, refined = found = systems(
        folders, "plain=@plain-1,@plain-2", "refined=@refined-1,@refined-2"
    )
    for work in judgings(found, plain, ["rehearsal"], ["pairs"]):
        assert judge_run(work.folder, "rehearsal", work.instrument, backends=[RehearsalChat()])
    won = decided_pairs(refined, plain).figures[0]
    assert won.measure.name == "preferred over plain"
    assert {key.partition("/")[0] for key in won.parts} == {"1", "2"}
    assert won.value > 0.5


def _shorter(ask):
    """Prefers the dialogue of fewer words; of equal ones the first."""
    first, _, second = ask.messages[1]["content"].partition("With supporter B:")
    winner = "B" if len(second.split()) < len(first.split()) else "A"
    return {"reason": "It is brief.", "winner": winner}


def test_answers_that_the_baselines_run_keeps_count_the_other_way_round(folders):
    from attunement.evaluation.judges.panel import Judging

    plain, refined = systems(folders, "@plain-1", "@refined-1")
    work = Judging(plain.folders[0], "terse", "pairs", refined.folders[0])
    chat = judge(_shorter, "terse")
    assert judge_run(work.folder, "terse", work.instrument, backends=[chat])
    ours, theirs = (
        {f.measure.name: f for f in decided_pairs(*pair, panel=["terse"]).figures}
        for pair in ((plain, refined), (refined, plain))
    )
    lost, won = ours["preferred over refined-1"], theirs["preferred over plain-1"]
    assert won.value == pytest.approx(1 - lost.value)
    assert won.value != 0.5
    name = "pairs, terse: chose the first"
    assert theirs[name].value == ours[name].value


def test_attention_checks_of_the_other_run_set_people_apart_there_too(folders):
    plain, refined = systems(folders, "@plain-1", "@refined-1")
    journal = journal_of(plain.folders[0])
    pairs = list(between(plain.folders[0], refined.folders[0]))

    async def spam() -> None:
        for pair in pairs:
            check = Verdict(name=ATTENTION, value=0, about=pair.about, judge="person:bob")
            answer = pair.verdict("person:bob", "subject", ORDERS[0])
            await journal.write_verdicts(pair.index, pair.turn, [answer, check], 1)
        await journal.close_writer()

    asyncio.run(spam())
    assert len(pairs) >= 3
    for one, other in ((plain, refined), (refined, plain)):
        found = {f.measure.name: f for f in decided_pairs(one, other).figures}
        assert found["win rate"].why == "nobody attentive has judged a pair"
        assert found["attention checks passed"].value == 0


def test_writers_are_the_roles_that_speak_without_their_addresses(folders, tmp_path):
    from attunement.evaluation.systems import writer_of
    from attunement.simulator.config import RunConfig

    direct = RunConfig(graph="direct", model="a", models={"responder": "openai:m@http://h:1/v1"})
    assert {writer_of(direct, side) for side in (None, "draft", "refined")} == {"openai:m"}
    refined = RunConfig(model="a", models={"refiner": "b", "joint": "c"})
    assert (writer_of(refined, "draft"), writer_of(refined)) == ("a", "b")
    assert writer_of(refined, "recorded") == ""
