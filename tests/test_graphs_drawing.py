"""Drawings: nothing is missing, nothing overlaps, and the same graph gives the same bytes."""

import json
import os
import re
import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from attunement.graphs.drawing import diagram
from attunement.graphs.drawing.diagram import NodeStats, RunStats, to_networkx
from attunement.graphs.drawing.layout import place
from attunement.graphs.drawing.picture import sheet_of
from attunement.graphs.drawing.placement import Box, Placement, cells
from attunement.graphs.drawing.shades import Scale, ink, luminance_of, shade_at
from attunement.graphs.drawing.text import draw_text
from attunement.graphs.registry import GRAPHS, build_graph

ALL = [*((name, False) for name in GRAPHS), ("self_refine", True)]
BUSY = NodeStats(turns=1234, calls=12_345, mean_latency_ms=12_345.6, errors=12, re_asks=345)


def stats_for(graph: nx.DiGraph) -> RunStats:
    """Large figures everywhere, so that labels are as long as they get."""
    nodes = {n: BUSY for n in graph if graph.in_degree(n) and graph.out_degree(n)}
    return RunStats(nodes, dict.fromkeys(graph.edges, 12_345))


@pytest.fixture(params=ALL, ids=lambda p: p[0] + "-plain" * p[1])
def compiled(request):
    return build_graph(*request.param)


@pytest.fixture(params=["bare", "run"])
def graph(request, compiled):
    bare = to_networkx(compiled)
    return bare if request.param == "bare" else to_networkx(compiled, "run 1", stats_for(bare))


def edges_of(compiled) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in compiled.get_graph().edges}


def owned(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x, box.right + 1) for y in range(box.y, box.bottom + 1)}


def assert_clear(placement: Placement) -> None:
    """Boxes stand apart; lines touch boxes only at their ends; words lie on no box."""
    area = {node: owned(box) for node, box in placement.boxes.items()}
    for a, b in combinations(area, 2):
        assert not area[a] & area[b], (a, b)
    covered = set().union(*area.values())
    for (source, target), route in placement.routes.items():
        way = list(cells(route.points))
        assert way[0] in area[source]
        assert way[-1] in area[target]
        assert not covered & set(way[1:-1]), (source, target)
        assert not covered & words(route), (source, target)


def words(route) -> set[tuple[int, int]]:
    (x, y), length = route.label_at, len(route.label)
    return {(x + i, y) for i in range(length)}


# ---- nothing is missing -------------------------------------------------------------------------


def test_json_reads_back_as_the_graph(compiled, graph):
    read = nx.node_link_graph(json.loads(diagram.to_json(graph)), edges="edges")
    assert set(read.edges) == edges_of(compiled)
    assert nx.utils.graphs_equal(read, graph)


def test_mermaid_has_every_edge_with_its_label(compiled, graph):
    text = diagram.to_mermaid(graph)
    for edge in compiled.get_graph().edges:
        line = rf"\t{edge.source} -.* {edge.target};"
        assert re.search(line.replace("-.* ", rf"-.*{edge.data or ''}.*> "), text), edge


def test_text_draws_every_edge_from_box_to_arrow(compiled, graph):
    lines = diagram.to_text(graph).split("\n")[2:]
    placement = diagram.placement_of(graph)
    assert set(placement.routes) == edges_of(compiled)
    for edge, route in placement.routes.items():
        drawn = [lines[y][x] for x, y in list(cells(route.points))[1:-1]]
        assert set(drawn) <= set("│─╭╮╰╯├┤┬┴┼┆┄▼▶"), edge
        assert drawn[-1] in "▼▶", edge


def test_text_has_every_name_and_label(compiled, graph):
    text = diagram.to_text(graph)
    for node in graph.nodes.values():
        assert f" {node['label']} " in text
    for label in diagram.edge_labels(graph).values():
        assert label in text


def test_pictures_have_every_edge_and_all_words_as_text(compiled, graph):
    svg = ElementTree.fromstring(diagram.to_picture(graph, "svg"))
    said = {"".join(element.itertext()).strip() for element in svg.iter() if "text" in element.tag}
    for lines in diagram.node_lines(graph).values():
        assert set(lines) <= said
    assert set(diagram.edge_labels(graph).values()) <= said
    sheet = sheet_of(graph, diagram.placement_of(graph), "x")
    heads = [patch for patch in sheet.axes.patches if type(patch).__name__ == "Polygon"]
    assert len(heads) == len(edges_of(compiled)) + 1  # and one in the key


def test_svg_names_itself(graph):
    svg = ElementTree.fromstring(diagram.to_picture(graph, "svg"))
    assert svg.find("{http://www.w3.org/2000/svg}title").text == diagram.heading(graph)


def test_figures_stand_in_their_box(compiled):
    nodes = {
        "seeker": NodeStats(turns=9, calls=9, mean_latency_ms=0.128),
        "guard": NodeStats(turns=1),
        "responder": NodeStats(turns=8, calls=1200, mean_latency_ms=1234.5, errors=1, re_asks=2),
    }
    lines = diagram.node_lines(to_networkx(compiled, "run", RunStats(nodes)))
    assert lines["seeker"] == ["seeker", "9 calls, 0.13 ms"]
    assert lines["guard"] == ["guard", "1 turn"]
    assert lines["responder"] == ["responder", "1,200 calls, 1,234 ms", "2 re-asks, 1 error"]
    assert lines["commit"] == ["commit"]


def test_a_call_that_never_came_back_has_no_latency(compiled):
    nodes = {"responder": NodeStats(turns=0, calls=1, errors=1)}
    graph = to_networkx(compiled, "run", RunStats(nodes))
    assert diagram.node_lines(graph)["responder"] == ["responder", "1 call", "1 error"]
    assert diagram.to_picture(graph, "png").startswith(b"\x89PNG")


# ---- nothing overlaps ---------------------------------------------------------------------------


def test_nothing_overlaps(graph):
    placement = diagram.placement_of(graph)
    assert_clear(placement)
    lines = {cell for route in placement.routes.values() for cell in cells(route.points)}
    for route in placement.routes.values():
        assert not lines & words(route), route.label
    for a, b in combinations(placement.routes.values(), 2):
        assert not words(a) & words(b), (a.label, b.label)


def test_lines_of_different_ways_share_cells_only_where_they_fork_or_join(graph):
    placement = diagram.placement_of(graph)
    for (a, b), (c, d) in combinations(placement.routes, 2):
        first, second = (set(cells(placement.routes[e].points)) for e in ((a, b), (c, d)))
        if a != c and b != d:
            assert not first & second, ((a, b), (c, d))


def test_layers_follow_the_flow(compiled):
    boxes = diagram.placement_of(to_networkx(compiled)).boxes
    tops = {node: box.y for node, box in boxes.items()}
    assert tops["__start__"] < tops["seeker"] < tops["guard"] < tops["commit"] < tops["__end__"]
    assert tops["guard"] < tops["hand_off"] < tops["commit"]
    assert all(boxes["hand_off"].centre > box.right for node, box in boxes.items()
               if node != "hand_off")  # fmt: skip


def test_draft_and_reflection_stand_side_by_side():
    for plain_draft in (False, True):
        boxes = diagram.placement_of(to_networkx(build_graph("self_refine", plain_draft))).boxes
        assert boxes["responder"].y == boxes["reflector"].y


def test_a_usual_run_fits_a_terminal(compiled):
    usual = NodeStats(turns=1234, calls=1234, mean_latency_ms=1234, errors=3, re_asks=45)
    bare = to_networkx(compiled)
    stats = RunStats(dict.fromkeys(stats_for(bare).nodes, usual), dict.fromkeys(bare.edges, 1234))
    # Mining has three roles side by side, and the hand-off beside them.
    width = 120 if compiled.name == "ipm" else 80
    assert diagram.placement_of(to_networkx(compiled, "run", stats)).width <= width


def test_words_fit_their_boxes_and_each_other_in_pictures(graph):
    placement = diagram.placement_of(graph)
    sheet = sheet_of(graph, placement, diagram.heading(graph))
    canvas = FigureCanvasAgg(sheet.figure)
    texts = [t for t in sheet.axes.texts if t.get_text()]
    extents = [t.get_window_extent(canvas.get_renderer()) for t in texts]
    sheet_box = sheet.figure.bbox
    frames = [
        patch.get_window_extent() for patch in sheet.axes.patches
        if type(patch).__name__ == "FancyBboxPatch"
    ]  # fmt: skip
    for text, extent in zip(texts, extents, strict=True):
        assert sheet_box.x0 < extent.x0, text
        assert extent.x1 < sheet_box.x1, text
        for frame in frames:
            inside = frame.x0 < extent.x0 and extent.x1 < frame.x1
            assert inside or not frame.overlaps(extent), text
    for (a, first), (b, second) in combinations(zip(texts, extents, strict=True), 2):
        assert not first.padded(-1).overlaps(second.padded(-1)), (a, b)


NODES = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=8, unique=True)


@given(st.data(), NODES)
@settings(max_examples=150, deadline=None)
def test_any_graph_can_be_laid_out_clearly(data, names):
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    some = st.sampled_from(names)
    graph.add_edges_from(data.draw(st.lists(st.tuples(some, some), max_size=14)))
    aside = data.draw(st.lists(some, max_size=2))
    labels = {edge: "a label" for edge in graph.edges if data.draw(st.booleans())}
    placement = place(graph, {name: [name] for name in names}, labels, aside)
    assert_clear(placement)
    assert draw_text(placement)


# ---- the same drawing each time -----------------------------------------------------------------

_PRINT_HASHES = """
import hashlib
from attunement.graphs.drawing import diagram as d
from attunement.graphs.registry import build_graph
g = d.to_networkx(build_graph("self_refine"))
parts = [d.to_text(g), d.to_json(g), d.to_mermaid(g)]
parts += [d.to_picture(g, "svg"), d.to_picture(g, "png")]
print([hashlib.sha256(p.encode() if isinstance(p, str) else p).hexdigest() for p in parts])
"""


def test_other_processes_draw_the_same_bytes():
    def hashes(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _PRINT_HASHES]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert hashes("1") == hashes("2")


def test_svg_holds_no_date_and_no_version(graph):
    svg = diagram.to_picture(graph, "svg")
    assert b"date" not in svg
    assert b"Matplotlib v" not in svg


# ---- shades and plain text ----------------------------------------------------------------------


def test_darker_means_more_without_colour_too():
    luminances = [luminance_of(shade_at(i / 50)) for i in range(51)]
    assert luminances == sorted(luminances, reverse=True)
    assert len(set(luminances)) == 51


def test_words_can_be_read_on_every_shade():
    for i in range(101):
        shade = shade_at(i / 100)
        low, high = sorted((luminance_of(shade), luminance_of(ink(shade))))
        assert (high + 0.05) / (low + 0.05) >= 4.5, shade


def test_a_scale_of_one_value_or_none():
    assert Scale.of([None]) is None
    assert Scale.of([2.0, None]).share(2.0) == 0.5
    assert Scale.of([1.0, 3.0]).share(9.0) == 1.0


def test_slowest_node_is_darkest(compiled):
    nodes = {
        "seeker": NodeStats(turns=1, calls=1, mean_latency_ms=10),
        "responder": NodeStats(turns=1, calls=1, mean_latency_ms=90),
    }
    text = diagram.to_mermaid(to_networkx(compiled, "run", RunStats(nodes)))
    fills = dict(re.findall(r"style (\w+) fill:(#\w+)", text))
    assert set(fills) == {"seeker", "responder"}
    assert luminance_of(fills["responder"]) < luminance_of(fills["seeker"])


def test_plain_text_is_ascii_and_as_large(graph):
    fancy, plain = diagram.to_text(graph), diagram.to_text(graph, plain=True)
    assert plain.isascii()
    assert list(map(len, plain.split("\n"))) == list(map(len, fancy.split("\n")))
