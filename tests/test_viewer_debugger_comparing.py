"""Two runs dialogue by dialogue, and two dialogues turn by turn."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.core.records import Change, Plan, Reply, SeekerTurn, Turn, Verdict
from attunement.simulator.casting import Cast
from attunement.simulator.forking import fork
from attunement.simulator.run import open_run, run
from attunement.viewer.debugger.comparing import (
    Compared,
    compare_dialogues,
    compare_runs,
    first_difference,
    paired,
)
from attunement.viewer.debugger.finding import NotFound
from attunement.viewer.debugger.records import DialogueComparison, RunCard, RunComparison, RunPage
from tests.helpers import LIBRARY, answering, small_run

CARDS = [card for card in LIBRARY if card.risk == "none"][:4]
Open = Callable[[Path], Compared]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens runs for a comparison, and closes them."""
    with ExitStack() as stack:

        def open_it(folder: Path) -> Compared:
            _, journal = open_run(folder)
            stack.callback(journal.close)
            card = RunCard(key=folder.name, name=folder.name.upper(), folder=str(folder))
            page = RunPage(
                card=card, ended=(), set_aside=(), errors=(), relief=None, rating=None, usage=(),
                problems=(), emotions=(), flags=(), intensity=(),
            )  # fmt: skip
            return Compared(journal, page)

        yield open_it


def make(folder: Path, *order: int, **settings: object) -> None:
    """A run on the embedded model with these of the cards."""
    small_run(folder, cast=Cast(CARDS, order), max_turns=3, **settings)


def runs(a: Compared, b: Compared, offset: int = 0, limit: int = 50) -> RunComparison:
    found = compare_runs(a, b, offset, limit)
    assert RunComparison.model_validate_json(found.model_dump_json()) == found
    return found


# ---- two runs -----------------------------------------------------------------------------------


def test_dialogues_of_one_place_and_persona_belong_together(tmp_path, opened):
    make(tmp_path / "a", 0, 1, 2)
    make(tmp_path / "b", 0, 1, 2, graph="direct")
    found = runs(opened(tmp_path / "a"), opened(tmp_path / "b"))
    assert [(row.a.index, row.b.index) for row in found.rows] == [(0, 0), (1, 1), (2, 2)]
    assert (found.total, found.only_a, found.only_b) == (3, 0, 0)
    assert {row.first_difference for row in found.rows} == {1}
    assert (found.a.card.name, found.b.card.name) == ("A", "B")


def test_a_run_does_not_differ_from_its_like(tmp_path, opened):
    make(tmp_path / "a", 0, 1)
    make(tmp_path / "b", 0, 1)
    found = runs(opened(tmp_path / "a"), opened(tmp_path / "b"))
    assert [row.first_difference for row in found.rows] == [None, None]


def test_what_moved_is_found_by_its_persona_and_the_rest_is_counted(tmp_path, opened):
    make(tmp_path / "a", 0, 1, 2, 1)
    make(tmp_path / "b", 0, 2, 1, 3, 3)
    found = runs(opened(tmp_path / "a"), opened(tmp_path / "b"))
    assert [(row.a.index, row.b.index) for row in found.rows] == [(0, 0), (1, 2), (2, 1)]
    assert all(row.a.persona_id == row.b.persona_id for row in found.rows)
    assert (found.total, found.only_a, found.only_b) == (3, 1, 2)


def test_a_comparison_comes_by_pages(tmp_path, opened):
    make(tmp_path / "a", 0, 1, 2)
    a = opened(tmp_path / "a")
    found = runs(a, a, offset=1, limit=1)
    assert [row.a.index for row in found.rows] == [1]
    assert (found.total, found.offset) == (3, 1)
    assert runs(a, a, offset=3).rows == ()


def test_branches_are_not_compared_with_a_run(tmp_path, opened):
    small_run(tmp_path / "a", answering(), max_turns=2)
    fork(tmp_path / "a", "0", 1, Change(seed=4), check_models=False)
    a = opened(tmp_path / "a")
    assert (runs(a, a).total, runs(a, a).only_a) == (1, 0)


PLACES = st.lists(st.sampled_from("abc"), max_size=8).map(lambda ids: [*enumerate(ids)])


@given(PLACES, PLACES)
def test_everybody_who_can_be_paired_is_paired_once(ours, theirs):
    found = paired(ours, theirs)
    first, second = dict(ours), dict(theirs)
    assert all(first[i] == second[j] for i, j in found)
    assert [i for i, _ in found] == sorted({i for i, _ in found})
    assert len({j for _, j in found}) == len(found)
    assert {(index, index) for index, _ in {*ours} & {*theirs}} <= {*found}
    for persona in "abc":
        both = [[*cast.values()].count(persona) for cast in (first, second)]
        assert sum(first[i] == persona for i, _ in found) == min(both)


def turn(number: int, said: str, reply: str | None = None, **more: object) -> Turn:
    draft = Reply(text=reply) if reply else None
    spoken = "draft" if reply else None
    return Turn(number=number, seeker=SeekerTurn(text=said), draft=draft, spoken=spoken, **more)


def test_the_first_difference_is_the_first_turn_with_other_words():
    one = [turn(1, "a", "b"), turn(2, "c", "d")]
    assert first_difference(one, one) is None
    assert first_difference(one, [one[0], turn(2, "c", "e")]) == 2
    assert first_difference(one, [turn(1, "x", "b"), one[1]]) == 1
    assert first_difference(one, one[:1]) == first_difference(one[:1], one) == 2
    assert first_difference([], one) == 1
    assert first_difference(one, [one[0], turn(2, "c")]) == 2
    thought = turn(2, "c", "d", plan=Plan(strategy="Question"))
    assert first_difference(one, [one[0], thought]) is None


# ---- two dialogues ------------------------------------------------------------------------------


def dialogues(a: Compared, i: int, b: Compared, j: int) -> DialogueComparison:
    found = compare_dialogues(a, i, b, j)
    assert DialogueComparison.model_validate_json(found.model_dump_json()) == found
    return found


def test_a_branch_is_aligned_with_its_origin_turn_by_turn(tmp_path, opened):
    chat = answering()
    small_run(tmp_path / "a", chat, max_turns=3)
    change = Change(reply=Reply(text="What about the days is worst?"))
    laid = fork(tmp_path / "a", "0", 2, change, check_models=False)
    run(tmp_path / "a", backends=[chat], only=[laid.index])
    a = opened(tmp_path / "a")
    found = dialogues(a, 0, a, laid.index)
    assert [aligned.same for aligned in found.turns] == [True, False, True, True]
    assert [aligned.number for aligned in found.turns] == [1, 2, 3, 4]
    changed = found.turns[1]
    assert [(word.kind, word.text) for word in changed.reply] == [
        ("same", "What about the "), ("removed", "nights"), ("added", "days"),
        ("same", " is worst?"),
    ]  # fmt: skip
    assert {word.kind for word in changed.seeker} == {"same"}
    assert changed.b.turn.reply.text == "What about the days is worst?"
    assert found.a.fork is None
    assert found.b.fork.turn == 2
    assert found.b.card.origin == 0
    assert (found.a.run, found.b.run_name) == ("a", "A")


def test_where_one_dialogue_has_ended_the_other_goes_on_alone(tmp_path, opened):
    small_run(tmp_path / "a", answering(), max_turns=1)
    small_run(tmp_path / "b", answering(), max_turns=3)
    found = dialogues(opened(tmp_path / "a"), 0, opened(tmp_path / "b"), 0)
    assert [(t.a is None, t.b is None) for t in found.turns] == [(False, False)] * 2 + [
        (True, False)
    ] * 2
    assert [t.same for t in found.turns] == [True, False, False, False]
    assert found.turns[1].reply == found.turns[2].seeker == ()
    assert found.turns[1].seeker


def test_what_was_only_thought_makes_turns_differ_and_what_was_judged_does_not(tmp_path, opened):
    small_run(tmp_path / "a", answering(), max_turns=1)
    small_run(tmp_path / "b", answering(planner={"stage": "Action", "strategy": "Question"}),
              max_turns=1)  # fmt: skip
    a, b = opened(tmp_path / "a"), opened(tmp_path / "b")
    assert [t.same for t in dialogues(a, 0, b, 0).turns] == [False, True]
    assert {word.kind for word in dialogues(a, 0, b, 0).turns[0].reply} == {"same"}

    async def judged() -> None:
        await b.journal.write_verdicts(0, 2, [Verdict(name="warmth", value=1, judge="m")], 1)
        await b.journal.close_writer()

    asyncio.run(judged())
    assert [t.same for t in dialogues(a, 0, b, 0).turns] == [False, True]


def test_a_dialogue_that_is_not_there_is_not_found(tmp_path, opened):
    small_run(tmp_path / "a", answering(), max_turns=1)
    a = opened(tmp_path / "a")
    with pytest.raises(NotFound, match="no dialogue 5"):
        compare_dialogues(a, 0, a, 5)
