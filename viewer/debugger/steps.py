"""One turn on its graph: what every node did, what it was asked, and which way the turn took."""

from collections.abc import Mapping, Sequence

from langgraph.graph import END, START

from attunement.core.records import Dialogue, Turn
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.simulator.writer import Row
from attunement.viewer.debugger.deeds import ByNode, Deed, Way, deeds_of, way_through
from attunement.viewer.debugger.drawing import graph_view
from attunement.viewer.debugger.finding import NotFound, asker_of, dialogue_at, has_begun
from attunement.viewer.debugger.reading import turn_view
from attunement.viewer.debugger.records import CallView, GraphView, Step, TurnPage
from attunement.viewer.debugger.unfinished import begun_turn, way_so_far

_NOT_REACHED = Deed("not reached")
_SAME = (
    "attempt", "about", "model", "prompt_version", "seed", "request_hash", "messages", "text",
    "prompt_tokens", "completion_tokens", "cached_tokens", "cut", "tries", "latency_ms", "error",
)  # fmt: skip
"""What a page gets of a call, as the journal has it."""


def turn_page(journal: Journal, config: RunConfig, index: int, number: int) -> TurnPage:
    """A turn on its graph. `NotFound` if there is none.

    A turn that a dialogue has begun and not committed, because it failed there or goes on there,
    comes after its last one. Of it is known what the answers say that there are.
    """
    dialogue = dialogue_at(journal, index)
    last = len(dialogue.turns)
    begun = dialogue.stop_reason is None and has_begun(journal, index, last + 1)
    if not 1 <= number <= last + begun:
        there = f"it has turns 1 to {last + begun}" if last + begun else "it has none yet"
        raise NotFound(f"dialogue {index} has no turn {number}: {there}")
    asker = asker_of(journal, index, number)
    calls = [call for call in journal.calls(asker) if call["turn"] == number]
    by_node, copied = _by_node(calls), asker != index
    graph = graph_view(config)
    turn, deeds, way = _what_happened(dialogue, number, by_node, graph, copied, config.mines)
    judges = [call for call in calls if call["role"] == "judge" and not copied]
    return TurnPage(
        view=turn_view(dialogue, turn),
        graph=graph,
        steps=_steps(graph, deeds, by_node),
        taken=way.taken,
        judges=tuple(map(_call, judges)),
        last=last + begun,
    )


def _what_happened(
    dialogue: Dialogue, number: int, calls: ByNode, graph: GraphView, copied: bool, mines: bool
) -> tuple[Turn, Mapping[str, Deed], Way]:
    if number > len(dialogue.turns):
        turn, begun = begun_turn(dialogue, calls, mines)
        return turn, begun, way_so_far(number, begun, graph)
    turn = dialogue.turns[number - 1]
    way = way_through(dialogue, turn, graph)
    return turn, deeds_of(dialogue, turn, way.reached, calls, copied), way


def _by_node(calls: Sequence[Row]) -> ByNode:
    """Calls by the role that made them, judges left out."""
    found: dict[str, list[Row]] = {}
    for call in calls:
        if call["role"] != "judge":
            found.setdefault(call["role"], []).append(call)
    return found


def _steps(graph: GraphView, deeds: Mapping[str, Deed], calls: ByNode) -> tuple[Step, ...]:
    """Every node in the sequence of the graph, those that were reached first."""
    nodes = [node.id for node in graph.nodes if node.id not in (START, END)]
    nodes.sort(key=lambda node: node not in deeds)
    return tuple(_step(n, deeds.get(n, _NOT_REACHED), calls.get(n, ())) for n in nodes)


def _step(node: str, deed: Deed, calls: Sequence[Row]) -> Step:
    def summed(name: str) -> float | None:
        known = [call[name] for call in calls if call[name] is not None]
        return sum(known) if known else None

    sums = {name: summed(name) for name in ("latency_ms", "prompt_tokens", "completion_tokens")}
    return Step.model_validate(
        {
            "node": node,
            "status": deed.status,
            "reason": deed.reason,
            "calls": [_call(call) for call in calls],
            "parsed": deed.parsed,
            **sums,
        }
    )


def _call(call: Row) -> CallView:
    return CallView.model_validate({name: call[name] for name in _SAME})
