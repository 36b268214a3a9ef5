"""A run's graph and strategies as data: what stands where, and figures that are the run's own."""

from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest
from langgraph.graph import END, START

from attunement.agents.models.base import Ask
from attunement.core.errors import ModelError
from attunement.core.records import Change
from attunement.core.strategies import Strategy
from attunement.evaluation.transitions import transitions
from attunement.graphs.drawing.diagram import NodeStats, RunStats
from attunement.simulator.backends import graph_for
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.exchanges import exchanges_in, exchanges_of
from attunement.simulator.forking import fork
from attunement.simulator.run import open_run, run
from attunement.simulator.statistics import run_stats
from attunement.viewer.debugger.drawing import graph_page, graph_view, strategy_page
from attunement.viewer.debugger.records import GraphPage, GraphView, NodeView, StrategyPage
from tests.helpers import LIBRARY, answering, small_run, write_recorded

CONFIGS = [
    RunConfig(), RunConfig(plain_draft=True), RunConfig(graph="decoupled"),
    RunConfig(graph="direct"), RunConfig(graph="ipm", replay="x"),
    RunConfig(graph="ipm", replay="x", mining=["response"]),
]  # fmt: skip
MANY = NodeStats(turns=10**6, calls=10**6, mean_latency_ms=1e5, errors=10**5, re_asks=10**5)


def pages(folder: Path) -> tuple[GraphPage, StrategyPage]:
    """Both pages of a run; they survive being sent."""
    config, journal = open_run(folder)
    with closing(journal):
        graph, strategies = graph_page(journal, config), strategy_page(journal)
    assert GraphPage.model_validate_json(graph.model_dump_json()) == graph
    assert StrategyPage.model_validate_json(strategies.model_dump_json()) == strategies
    return graph, strategies


def by_id(graph: GraphView) -> dict[str, NodeView]:
    return {node.id: node for node in graph.nodes}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run with a crisis and with closings."""
    folder = tmp_path_factory.mktemp("drawing") / "run"
    small_run(folder, cast=Cast(LIBRARY[:8], range(8)), seed=3)
    return folder


# ---- where things stand -------------------------------------------------------------------------


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_boxes_have_room_and_do_not_touch(config):
    graph = graph_view(config)
    for node in graph.nodes:
        assert 0 <= node.x <= node.x + node.width < graph.width
        assert 0 <= node.y <= node.y + node.height < graph.height
        if node.id not in (START, END):
            assert node.width - 1 >= max(18, len(node.label))
            assert node.height - 1 >= 3
    for a, b in combinations(graph.nodes, 2):
        apart = (a.x > b.x + b.width, b.x > a.x + a.width, a.y > b.y + b.height,
                 b.y > a.y + a.height)  # fmt: skip
        assert any(apart), (a.id, b.id)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_edges_run_from_frame_to_frame(config):
    graph = graph_view(config)
    nodes = by_id(graph)
    for edge in graph.edges:
        for (x, y), node in ((edge.points[0], edge.source), (edge.points[-1], edge.target)):
            box = nodes[node]
            assert box.x <= x <= box.x + box.width
            assert box.y <= y <= box.y + box.height
            assert x in (box.x, box.x + box.width) or y in (box.y, box.y + box.height)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_nodes_stand_in_the_sequence_in_which_they_run(config):
    graph = graph_view(config)
    place = {node.id: number for number, node in enumerate(graph.nodes)}
    assert (place[START], place["seeker"], place["guard"]) == (0, 1, 2)
    assert [node.id for node in graph.nodes][-2:] == ["commit", END]
    back = [(e.source, e.target) for e in graph.edges if place[e.source] > place[e.target]]
    assert back == [("commit", "seeker")]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_figures_move_nothing(config):
    bare = graph_view(config)
    nodes = {node.id: MANY for node in bare.nodes if node.id not in (START, END)}
    taken = {(edge.source, edge.target): 100_000 for edge in bare.edges}
    full = graph_view(config, RunStats(nodes, taken))
    assert {edge.taken for edge in full.edges} == {100_000}
    assert {edge.taken for edge in bare.edges} == {None}
    assert by_id(full)["seeker"].errors == 10**5
    plain = [edge.model_copy(update={"taken": None}) for edge in full.edges]
    assert plain == [*bare.edges]
    for node in full.nodes:
        same = {name: getattr(by_id(bare)[node.id], name) for name in ("x", "y", "width", "height")}
        assert {name: getattr(node, name) for name in same} == same


def test_labels_are_those_of_the_graph():
    edges = {(e.source, e.target): (e.label, e.conditional) for e in graph_view(CONFIGS[0]).edges}
    assert edges["guard", "hand_off"] == ("crisis", True)
    assert edges["commit", "seeker"] == ("next turn", True)
    assert edges["seeker", "guard"] == ("", False)


# ---- figures of a run ---------------------------------------------------------------------------


def test_the_graph_shows_the_run(folder):
    found, _ = pages(folder)
    config, journal = open_run(folder)
    with closing(journal):
        stats = run_stats(journal, graph_for(config))
        crises = sum(t.spoken == "hand_off" for d in journal.dialogues() for t in d.turns)
    nodes = by_id(found.graph)
    assert crises > 0
    assert nodes["hand_off"].turns == crises
    assert nodes["seeker"].calls == stats.nodes["seeker"].calls > 8
    assert nodes["commit"].calls is nodes[START].turns is None
    assert {(e.source, e.target): e.taken for e in found.graph.edges} == stats.taken


def test_hot_nodes_are_those_with_the_most_time_in_calls(folder):
    found, _ = pages(folder)
    nodes = by_id(found.graph)
    spent = [nodes[node].calls * nodes[node].mean_latency_ms for node in found.hot]
    assert spent == sorted(spent, reverse=True)
    assert {*found.hot} == {"seeker", "planner", "responder", "reflector", "refiner"}


def test_errors_and_re_asks_are_counted_where_they_happened(tmp_path):
    def gone(_: Ask) -> str:
        raise ModelError("gone")

    small_run(tmp_path / "run", answering(planner="no", reflector=gone), max_turns=2)
    nodes = by_id(pages(tmp_path / "run")[0].graph)
    assert (nodes["planner"].re_asks, nodes["planner"].calls) == (4, 6)
    assert (nodes["reflector"].errors, nodes["reflector"].re_asks) == (2, 0)
    assert (nodes["responder"].errors, nodes["responder"].re_asks) == (0, 0)


def test_a_run_that_has_not_begun_has_pages(tmp_path):
    small_run(tmp_path / "run", answering(seeker="no"))
    graph, strategies = pages(tmp_path / "run")
    assert by_id(graph.graph)["commit"].turns == 0
    assert graph.hot == ("seeker",)
    assert strategies.replies == 0
    assert [node.strategy for node in strategies.nodes] == [*Strategy]


def test_branches_count_nowhere(tmp_path):
    chat = answering()
    small_run(tmp_path / "run", chat, max_turns=3)

    def counted() -> tuple[object, object]:
        graph, strategies = pages(tmp_path / "run")
        return graph, strategies

    before = counted()
    for change in (Change(seed=9), Change.model_validate({"plan": {"strategy": "Others"}})):
        laid = fork(tmp_path / "run", "0", 2, change, check_models=False)
        run(tmp_path / "run", backends=[chat], only=[laid.index])
    assert counted() == before


# ---- strategies ---------------------------------------------------------------------------------


def test_strategies_are_those_of_the_network(folder):
    _, found = pages(folder)
    _, journal = open_run(folder)
    with closing(journal):
        network = transitions(journal.dialogues())
    assert found.replies == network.graph["replies"]
    assert found.without_strategy == network.graph["without_strategy"]
    for node in found.nodes:
        data = network.nodes[node.strategy]
        assert (node.times, node.mean_relief, node.mean_rating) == (
            data["times"], data["mean_relief"], data["mean_rating"],
        )  # fmt: skip
    assert {(e.source, e.target): e.times for e in found.edges} == {
        (a, b): times for a, b, times in network.edges.data("times")
    }
    assert any(edge.mean_relief is not None for edge in found.edges)


@pytest.mark.parametrize("settings", [{}, {"graph": "direct"}, {"graph": "ipm"}])
def test_the_light_reading_is_that_of_the_records(tmp_path, settings, folder):
    _, journal = open_run(folder)
    with closing(journal):
        write_recorded(tmp_path / "recorded.jsonl", journal.dialogues())
    replay = {"replay": str(tmp_path / "recorded.jsonl"), **settings}
    small_run(tmp_path / "run", **replay)
    for each in (folder, tmp_path / "run"):
        _, journal = open_run(each)
        with closing(journal):
            whole = [exchanges_in(dialogue.turns) for dialogue in journal.dialogues()]
            assert [*exchanges_of(journal)] == whole
            assert sum(map(len, whole)) > 8
