"""`attune graph`: what it draws, that its figures are the run's, and how it refuses."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import networkx as nx
import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from attunement.cli.graph import SUFFIXES, graph
from attunement.core.errors import ConfigError, ModelError, RunFolderError, UserError
from attunement.core.records import Dialogue
from attunement.graphs.registry import GRAPHS, build_graph
from attunement.simulator.tables import CALLS
from tests.helpers import ANSWERS, answering, journal_of, small_run, write_recorded

app = typer.Typer()
app.command("graph")(graph)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def out(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.exception or result.output
    return str(result.stdout)


def error(*arguments: object) -> UserError:
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return result.exception


def network(*arguments: object) -> nx.DiGraph:
    return nx.node_link_graph(json.loads(out(*arguments, "--format", "json")), edges="edges")


LIVE = [name for name in GRAPHS if name != "ipm"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Runs on the embedded model, one a graph, with a crisis or two among the dialogues."""
    folder = tmp_path_factory.mktemp("runs")
    for name in LIVE:
        small_run(folder / name, graph=name, dialogues=40, seed=3)
    journal = journal_of(folder / "self_refine")
    write_recorded(folder / "recorded.jsonl", journal.dialogues())
    journal.close()
    small_run(folder / "ipm", graph="ipm", replay=str(folder / "recorded.jsonl"))
    small_run(folder / "plain", plain_draft=True, dialogues=4)
    return folder


# ---- a graph ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_of_out_chooses_the_format(suffix, tmp_path):
    file = tmp_path / f"graph{suffix}"
    assert out("self_refine", "--out", file) == f"{SUFFIXES[suffix]} written to {file}\n"
    begins = {
        "ascii": b"self_refine\n", "mermaid": b"---\nconfig", "json": b'{\n  "directed"',
        "svg": b"<?xml", "png": b"\x89PNG",
    }  # fmt: skip
    assert file.read_bytes().startswith(begins[SUFFIXES[suffix]])


def test_without_out_the_drawing_is_text_on_the_output():
    said = out("decoupled")
    assert said.startswith("decoupled\n")
    assert "planner" in said
    assert "refiner" not in said


def test_format_wins_over_the_suffix(tmp_path):
    out("direct", "--format", "svg", "--out", tmp_path / "drawing.txt")
    assert (tmp_path / "drawing.txt").read_text().startswith("<?xml")


def test_plain_draft_has_no_planner():
    assert "planner" in network("self_refine")
    drawn = network("self_refine", "--plain-draft")
    assert "planner" not in drawn
    assert drawn.graph == {"name": "self_refine", "title": "plain draft"}


@pytest.mark.parametrize("name", GRAPHS)
def test_json_has_the_edges_of_the_compiled_graph(name):
    drawn = build_graph(name).get_graph().edges
    assert set(network(name).edges) == {(edge.source, edge.target) for edge in drawn}


# ---- a run on its graph -------------------------------------------------------------------------


def counted(folder: Path) -> tuple[dict[str, Any], list[Dialogue]]:
    """A run's calls by role and its dialogues, read row by row."""
    journal = journal_of(folder)
    roles: dict[str, Any] = {}
    with journal.engine.connect() as db:
        for row in db.execute(select(CALLS)):
            roles.setdefault(row.role, []).append(row)
    return roles, list(journal.dialogues())


@pytest.mark.parametrize("name", GRAPHS)
def test_figures_of_nodes_are_those_of_the_journal(name, runs):
    drawn = network("--run", runs / name)
    calls, dialogues = counted(runs / name)
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    for role, rows in calls.items():
        node = drawn.nodes[role]
        assert node["calls"] == len(rows)
        assert node["mean_latency_ms"] == pytest.approx(fmean(row.latency_ms for row in rows))
        assert (node["errors"], node["re_asks"]) == (0, 0)
    assert drawn.nodes["guard"]["turns"] == drawn.nodes["commit"]["turns"] == len(turns)
    assert drawn.nodes["guard"]["calls"] is None
    crises = sum(turn.guard.crisis for turn in turns)
    assert drawn.nodes["hand_off"]["turns"] == crises > 0
    replied = sum(turn.draft is not None for turn in turns)
    assert drawn.nodes["responder"]["turns"] == replied


@pytest.mark.parametrize("name", GRAPHS)
def test_counts_of_edges_are_those_of_the_turns(name, runs):
    drawn = network("--run", runs / name)
    _, dialogues = counted(runs / name)
    ends = Counter(dialogue.stop_reason for dialogue in dialogues)
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    taken = {edge[:2]: edge[2] for edge in drawn.edges.data("taken")}
    assert taken["__start__", "seeker"] == len(dialogues)
    assert taken["commit", "seeker"] == len(turns) - len(dialogues)
    assert taken["commit", "__end__"] == len(dialogues)
    crises = sum(turn.guard.crisis for turn in turns)
    assert taken["guard", "hand_off"] == taken["hand_off", "commit"] == crises
    assert ends["crisis"] == (0 if name == "ipm" else crises)
    assert taken["guard", "commit"] == sum(turn.reply is None for turn in turns)


@pytest.mark.parametrize("name", [*GRAPHS, "plain"])
def test_what_flows_into_a_node_flows_through_it(name, runs):
    drawn = network("--run", runs / name)
    several = "commit" if name == "ipm" else "refiner"  # it waits for several at once
    for node, figures in drawn.nodes.items():
        if "turns" in figures and node != several:
            flows = sum(taken for *_, taken in drawn.in_edges(node, data="taken"))
            assert flows == figures["turns"], node


def test_errors_and_re_asks_are_counted(tmp_path):
    def planner(ask):
        return "no JSON" if len(ask.messages) == 2 else ANSWERS["planner"]

    def reflector(ask):
        raise ModelError("gone")

    chat = answering(planner=planner, reflector=reflector)
    small_run(tmp_path / "run", chat, dialogues=2, max_turns=3)
    drawn = network("--run", tmp_path / "run")
    calls, _ = counted(tmp_path / "run")
    assert sum(row.attempt > 1 for row in calls["planner"]) > 0
    assert drawn.nodes["planner"]["re_asks"] == sum(row.attempt > 1 for row in calls["planner"])
    assert drawn.nodes["reflector"]["errors"] == len(calls["reflector"]) > 0
    said = out("--run", tmp_path / "run")
    assert f"{drawn.nodes['planner']['re_asks']} re-asks" in said
    assert f"{drawn.nodes['reflector']['errors']} errors" in said


def test_a_guard_with_a_model_has_calls(tmp_path):
    chat = answering()
    small_run(tmp_path / "run", chat, models={"guard": chat.spec}, max_turns=1)
    assert network("--run", tmp_path / "run").nodes["guard"]["calls"] == 2


def test_failed_dialogues_show_in_calls_and_never_reach_the_end(tmp_path):
    def responder(ask):
        raise ModelError("gone")

    small_run(tmp_path / "run", answering(responder=responder), dialogues=3)
    drawn = network("--run", tmp_path / "run")
    assert drawn.nodes["responder"]["errors"] == 3
    assert drawn.nodes["commit"]["turns"] == 0
    assert drawn.edges["commit", "__end__"]["taken"] == 0
    assert run("--run", tmp_path / "run", "--out", tmp_path / "run.png").exit_code == 0


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_run_is_drawn_in_every_format(suffix, runs, tmp_path):
    out("self_refine", "--run", runs / "self_refine", "--out", tmp_path / f"run{suffix}")
    out("--run", runs / "plain", "--out", tmp_path / f"plain{suffix}")
    out("--run", runs / "plain", "--plain-draft", "--out", tmp_path / f"again{suffix}")
    same = [(tmp_path / f"{name}{suffix}").read_bytes() for name in ("plain", "again")]
    assert same[0] == same[1]


def test_drawings_of_a_run_do_not_say_where_it_lies(runs):
    for format in ("ascii", "mermaid", "json", "svg"):
        assert str(runs) not in out("--run", runs / "direct", "--format", format)


# ---- strategies ---------------------------------------------------------------------------------


def test_strategies_are_counted_as_in_the_dialogues(runs):
    found = network("--run", runs / "self_refine", "--strategies")
    _, dialogues = counted(runs / "self_refine")
    used: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for dialogue in dialogues:
        spoken = [t.reply.strategy for t in dialogue.turns if t.reply]
        used.update(s.value for s in spoken if s)
        both = pairwise(spoken)
        pairs.update((a.value, b.value) for a, b in both if a and b)
    assert {n: times for n, times in found.nodes.data("times") if times} == dict(used)
    assert {(a, b): times for a, b, times in found.edges.data("times")} == dict(pairs)


def test_strategies_as_tables_say_counts_and_what_is_left_out(runs):
    found = network("--run", runs / "self_refine", "--strategies")
    said = out("--run", runs / "self_refine", "--strategies")
    for strategy, figures in found.nodes.items():
        line = next(line for line in said.splitlines() if line.startswith(strategy))
        assert f" {figures['times']} " in line
        assert f"{figures['mean_relief']:+.2f}" in line
    assert f"not in the tables: {found.graph['without_strategy']} replies" in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("format", ["svg", "png"])
def test_strategies_as_pictures(format, runs, tmp_path):
    file = tmp_path / f"strategies.{format}"
    out("--run", runs / "decoupled", "--strategies", "--out", file)
    assert file.read_bytes().startswith(b"<?xml" if format == "svg" else b"\x89PNG")


def test_a_run_without_strategies_says_where_they_come_from(runs):
    message = str(error("--run", runs / "direct", "--strategies"))
    assert "no reply of this run has a strategy" in message
    assert "self_refine" in message


# ---- refusals -----------------------------------------------------------------------------------


def test_refusals_name_the_remedy(runs, tmp_path):
    assert "attune graph --run RUN" in str(error())
    assert "decoupled" in str(error())
    assert "--run RUN" in str(error("--strategies"))
    assert "--out graph.png" in str(error("direct", "--format", "png"))
    assert ".svg" in str(error("direct", "--out", tmp_path / "graph.pdf"))
    assert "--format ascii" in str(
        error("--run", runs / "self_refine", "--strategies", "--format", "mermaid")
    )
    assert "cannot be written" in str(error("direct", "--out", tmp_path / "none" / "graph.svg"))


def test_an_unknown_graph_or_run_is_named():
    assert isinstance(error("nope"), ConfigError)
    assert "self_refine, decoupled, direct" in str(error("nope"))
    assert isinstance(error("direct", "--plain-draft"), ConfigError)
    assert isinstance(error("--run", "no/such/run"), RunFolderError)


def test_a_name_that_is_not_the_runs_graph_is_refused(runs):
    message = str(error("decoupled", "--run", runs / "direct"))
    assert "'direct'" in message
    assert "'decoupled'" in message
    assert "--plain-draft" in str(error("--run", runs / "self_refine", "--plain-draft"))
    assert "'direct'" in str(error("decoupled", "--run", runs / "direct", "--strategies"))


def test_an_unknown_format_lists_the_known_ones():
    result = run("direct", "--format", "gif")
    assert result.exit_code == 2
    assert "mermaid" in result.output


def test_an_output_without_box_characters_gets_ascii():
    result = CliRunner(charset="ascii").invoke(app, ["self_refine"])
    assert result.exit_code == 0, result.exception
    assert result.stdout.isascii()
    assert "+-----------+" in result.stdout
