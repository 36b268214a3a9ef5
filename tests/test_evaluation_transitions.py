"""The strategy-transition network: counts and means that can be checked by hand."""

import json
from collections import Counter
from itertools import combinations
from xml.etree import ElementTree

import networkx as nx
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from attunement.core.records import Dialogue, Reply, Risky, SeekerTurn, Turn
from attunement.core.strategies import Strategy
from attunement.evaluation.transition_picture import draw_transitions, sheet_of
from attunement.evaluation.transitions import transitions
from attunement.graphs.drawing.diagram import to_json
from tests.helpers import PERSONA, journal_of, small_run

Q, F, S = "Question", "Reflection of feelings", "Providing Suggestions"


def dialogue(*turns: tuple) -> Dialogue:
    """Turns as (strategy or None, intensity, rating of the last reply); "" is a goodbye."""
    made = []
    for number, (strategy, intensity, rating) in enumerate(turns, 1):
        said = SeekerTurn(text="x", intensity=intensity, rating=rating)
        draft = None if strategy == "" else Reply(text="y", strategy=strategy)
        spoken = draft and "draft"
        made.append(Turn(number=number, seeker=said, draft=draft, spoken=spoken))
    return Dialogue(id="d", persona=PERSONA, turns=tuple(made))


def test_relief_and_rating_come_from_the_seekers_next_turn():
    found = transitions([dialogue((Q, 5, None), (F, 4, 2), (S, 2, 5), ("", 3, 1))])
    relief = {s: found.nodes[s]["mean_relief"] for s in (Q, F, S)}
    rating = {s: found.nodes[s]["mean_rating"] for s in (Q, F, S)}
    assert relief == {Q: 1, F: 2, S: -1}
    assert rating == {Q: 2, F: 5, S: 1}
    assert found.edges[Q, F]["mean_relief"] == 2
    assert found.edges[F, S]["mean_relief"] == -1


def test_transitions_stay_within_a_dialogue():
    found = transitions([dialogue((Q, 5, None), ("", 4, 4)), dialogue((F, 5, None), (F, 4, 4))])
    assert dict(found.edges) == {(F, F): found.edges[F, F]}
    assert found.edges[F, F]["times"] == 1


def test_what_is_not_known_enters_no_mean():
    found = transitions([dialogue((Q, 5, None), (Q, None, None), (Q, 2, 3), (Q, 2, None))])
    assert found.nodes[Q] == {
        "times": 4, "mean_relief": 0.0, "reliefs": 1, "mean_rating": 3.0, "ratings": 1,
    }  # fmt: skip
    assert found.nodes[F]["mean_relief"] is None
    assert transitions([dialogue((Q, 5, None))]).nodes[Q]["mean_relief"] is None


def test_a_reply_without_strategy_is_counted_apart_and_breaks_the_chain():
    found = transitions([dialogue((Q, 5, None), (None, 4, 4), (F, 3, 4), ("", 2, 5))])
    assert found.graph == {"dialogues": 1, "replies": 3, "without_strategy": 1}
    assert not found.edges
    assert found.nodes[Q]["mean_relief"] == 1


def test_the_spoken_reply_counts_not_the_draft():
    said = SeekerTurn(text="x", intensity=3)
    draft, refined = Reply(text="y", strategy=Q), Reply(text="z", strategy=S)
    turn = Turn(number=1, seeker=said, draft=draft, refined=refined, spoken="refined")
    found = transitions([Dialogue(id="d", persona=PERSONA, turns=(turn,))])
    assert (found.nodes[Q]["times"], found.nodes[S]["times"]) == (0, 1)


def test_a_hand_off_has_no_strategy():
    turn = Turn(
        number=1, seeker=SeekerTurn(text="x"), guard=Risky(crisis=True, kind="suicide"),
        hand_off=Reply(text="y"), spoken="hand_off",
    )  # fmt: skip
    found = transitions([Dialogue(id="d", persona=PERSONA, turns=(turn,))])
    assert found.graph == {"dialogues": 1, "replies": 1, "without_strategy": 1}


def test_all_eight_are_nodes_in_their_order_even_unused():
    found = transitions([])
    assert list(found) == [s.value for s in Strategy]
    assert found.graph["replies"] == 0


def test_dialogues_are_read_one_at_a_time():
    alive: Counter[str] = Counter()

    class Watched(Dialogue):
        def __del__(self):
            alive["now"] -= 1

    def stream():
        for _ in range(50):
            made = Watched(id="d", persona=PERSONA, turns=dialogue((Q, 5, None), (F, 4, 4)).turns)
            alive["now"] += 1
            alive["most"] = max(alive["most"], alive["now"])
            yield made
            del made

    assert transitions(stream()).graph["dialogues"] == 50
    assert alive["most"] <= 2


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> nx.DiGraph:
    folder = tmp_path_factory.mktemp("runs") / "run"
    small_run(folder, dialogues=20, seed=5)
    return transitions(journal_of(folder).dialogues())


def test_json_reads_back_as_the_network(network):
    read = nx.node_link_graph(json.loads(to_json(network)), edges="edges")
    assert nx.utils.graphs_equal(read, network)


def test_picture_has_every_strategy_and_arrow(network):
    svg = ElementTree.fromstring(draw_transitions(network, "t", "svg"))
    said = {"".join(element.itertext()).strip() for element in svg.iter() if "text" in element.tag}
    assert set(network) <= said
    patches = sheet_of(network, "t").axes.patches
    assert sum(type(p).__name__ == "Polygon" for p in patches) == network.number_of_edges()


def test_picture_is_the_same_each_time(network):
    for kind in ("svg", "png"):
        assert draw_transitions(network, "t", kind) == draw_transitions(network, "t", kind)


def full_network() -> nx.DiGraph:
    """Every strategy after every other, with large figures."""
    figures = {"mean_relief": -1.25, "reliefs": 1, "mean_rating": 3.5, "ratings": 1}
    graph = nx.DiGraph(dialogues=1, replies=9, without_strategy=12_345)
    names = [s.value for s in Strategy]
    graph.add_nodes_from((s, {"times": 12_345 - i, **figures}) for i, s in enumerate(names))
    graph.add_edges_from((a, b, {"times": 1234, **figures}) for a in names for b in names)
    return graph


def test_names_and_numbers_do_not_overlap_and_stay_on_the_sheet():
    for graph in (full_network(), transitions([dialogue((Q, 5, None), (Q, 4, 4))])):
        sheet = sheet_of(graph, "strategies: run 001, 12,345 dialogues")
        canvas = FigureCanvasAgg(sheet.figure)
        extents = {t: t.get_window_extent(canvas.get_renderer()) for t in sheet.axes.texts}
        discs = [p for p in sheet.axes.patches if type(p).__name__ == "Ellipse"]
        for (a, first), (b, second) in combinations(extents.items(), 2):
            assert not first.padded(-1).overlaps(second.padded(-1)), (a, b)
        for text, extent in extents.items():
            assert extent.x0 > 0, text
            assert extent.x1 < sheet.figure.bbox.x1, text
            assert not any(disc.get_window_extent().padded(-2).overlaps(extent) for disc in discs)


def test_a_network_without_any_relief_can_be_drawn():
    found = transitions([dialogue((Q, None, None), (F, None, None))])
    assert draw_transitions(found, "t", "png").startswith(b"\x89PNG")
