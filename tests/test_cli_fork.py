"""`attune fork`: one branch in full, several as a table, and what is refused before any is made."""

import json
from contextlib import closing

import pytest

from attunement.cli import fork_options as options
from attunement.core.errors import ConfigError, UserError
from attunement.core.records import Change, Plan, Reflection, Reply, SeekerTurn, Turn
from attunement.core.strategies import Strategy
from attunement.simulator.forking import fork_all
from tests.forks import make_base
from tests.helpers import journal_of, small_run
from tests.inside import attune

ASKED = Plan(strategy=Strategy.QUESTION, stage="Exploration", reason="It begins.")
SEEN = Reflection(who="A baker", emotion="fear", intensity=4, situation="The oven", needs=["Time"])
TURN = Turn(
    number=2, seeker=SeekerTurn(text="Hm."), plan=ASKED, draft=Reply(text="What is it?"),
    reflection=SEEN, refined=Reply(text="What is it about the oven?"), spoken="refined",
)  # fmt: skip
PARTS = {"draft": None, "reply": None, "reflection": None, "prompts": {}}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("forks") / "run")


def changes(strategies=(), seeds=(), stage=None, reason=None, turn=TURN, **parts):
    return options.changes(strategies, stage, reason, seeds, turn, **(PARTS | parts))


def branches_in(folder):
    with closing(journal_of(folder)) as journal:
        return [(index, id) for index, id in journal.indices(branches=True) if "~" in id]


# ---- what is asked for --------------------------------------------------------------------------


def test_every_strategy_with_every_seed_is_a_change_of_its_own():
    found = changes(["question", "Others", "other"], [3, 5, 3])
    assert [(change.plan.strategy, change.seed) for change in found] == [
        ("Question", 3), ("Question", 5), ("Others", 3), ("Others", 5),
    ]  # fmt: skip
    assert [change.seed for change in changes(seeds=[1, 2])] == [1, 2]


def test_all_strategies_are_those_that_the_turn_does_not_have():
    found = [change.plan.strategy for change in changes(["all"])]
    assert found == [strategy for strategy in Strategy if strategy != "Question"]
    assert len(changes(["all"], turn=None)) == len(Strategy)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("turn 2 has this plan already", {"strategies": ["Question"]}),
        ("turn 2 has this plan already", {"stage": "Exploration"}),
        ("turn 2 has this draft already", {"draft": "What is it?"}),
        ("turn 2 has this plan and reply already",
         {"strategies": ["Question"], "reply": "What is it about the oven?"}),
        ("turn 2 has this reflection already", {"reflection": SEEN.model_dump()}),
    ],
)  # fmt: skip
def test_what_stands_there_anyway_is_no_change(words, parts):
    with pytest.raises(ConfigError, match=words):
        changes(**parts)


@pytest.mark.parametrize(
    "parts",
    [
        {"strategies": ["Question"], "seeds": [1]},
        {"strategies": ["Question"], "stage": "Action"},
        {"strategies": ["Question"], "reason": "Because."},
        {"strategies": ["Question"], "model": "rehearsal"},
        {"strategies": ["Question"], "draft": "Hm?"},
        {"reflection": SEEN.model_dump() | {"intensity": 5}},
        {"strategies": ["Question"], "turn": None},
        # A strategy's own stage, where the plan had another one.
        {"strategies": ["Question"],
         "turn": TURN.model_copy(update={"plan": ASKED.model_copy(update={"stage": "Action"})})},
    ],
)  # fmt: skip
def test_what_differs_in_anything_is_a_change(parts):
    assert len(changes(**parts)) == 1


# ---- on the terminal ----------------------------------------------------------------------------


def test_every_other_strategy_stands_in_one_table_beside_the_origin(base):
    done = attune("fork", base, "0", "--turn", "2", "--strategy", "all", cwd=base.parent)
    assert done.returncode == 0, done.stderr
    made = branches_in(base)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert "nothing: the origin" in done.stdout
    assert [row[0] for row in rows if row and row[0].isdecimal()] == [str(i) for i, _ in made]
    assert len(made) == len(Strategy) - 1
    assert f"{len(made)}/{len(made)} dialogues" in done.stderr
    with closing(journal_of(base)) as journal:
        plans = {journal.named(id).turns[1].plan.strategy for _, id in made}
        origin = journal.find("0").turns[1].plan.strategy
    assert plans == {*Strategy} - {origin}
    several = attune(
        "fork", base, "0", "--turn", "2", "--seed", "7", "--seed", "8", "--json", cwd=base.parent
    )
    assert [one["fork"]["change"]["seed"] for one in json.loads(several.stdout)] == [7, 8]


def test_a_graph_that_does_not_reflect_has_no_reflection_to_change(tmp_path):
    small_run(tmp_path / "run", graph="direct", dialogues=1, max_turns=2)
    done = attune("fork", "run", "0", "--turn", "1", "--reflect", "emotion=fear", cwd=tmp_path)
    assert (done.returncode, branches_in(tmp_path / "run")) == (2, [])
    assert "graph 'direct' has no reflector to change" in done.stderr


def test_where_one_of_several_cannot_be_made_none_is(base):
    before = branches_in(base)
    with pytest.raises(UserError, match="unknown model 'nonsense'"):
        fork_all(base, "0", 2, [Change(seed=1), Change(model="nonsense")])
    with pytest.raises(UserError, match="nothing is changed"):
        fork_all(base, "0", 2, [Change(seed=1), Change()])
    assert branches_in(base) == before


def test_an_unknown_strategy_among_several_makes_no_branch(base):
    with pytest.raises(UserError, match="unknown strategy 'hug'"):
        changes(["all", "hug"])
