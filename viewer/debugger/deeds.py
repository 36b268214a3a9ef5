"""What each node of a committed turn did, and which way the turn took, from its record."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.graph import END, START

from attunement.core.records import Dialogue, Record, Turn
from attunement.simulator.recorder import GIVEN
from attunement.simulator.statistics import way_of
from attunement.simulator.writer import Row
from attunement.viewer.debugger.records import GraphView, NodeStatus

Edge = tuple[str, str]
ByNode = Mapping[str, Sequence[Row]]
"""A turn's calls by the node that made them: nodes are named after roles."""
_FIELDS = {
    "seeker": "seeker", "guard": "guard", "planner": "plan", "responder": "draft",
    "joint": "joint", "reflector": "reflection", "refiner": "refined", "hand_off": "hand_off",
}  # fmt: skip
"""Which field of a turn a node fills."""
_IDLE = {
    "responder": "the recording names no strategy to reply under",
    "refiner": "there is no reflection to refine by; the draft stands",
}
"""Why a node that was reached may have had nothing to do."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a node did that was reached."""

    status: NodeStatus
    reason: str = ""
    parsed: Any = None
    """As JSON."""


@dataclass(frozen=True, slots=True)
class Way:
    """Which way a turn took."""

    reached: Collection[str]
    taken: tuple[Edge, ...]


def way_through(dialogue: Dialogue, turn: Turn, graph: GraphView) -> Way:
    """The way of a committed turn. It begins with the edge that led to it."""
    ends = dialogue.stop_reason is not None and turn.number == len(dialogue.turns)
    way = way_of(turn, ends)
    taken = (e for e in graph.edges if way.along(e.source, e.target, e.label or None))
    nodes = (node.id for node in graph.nodes if node.id not in (START, END))
    return Way(
        reached={node for node in nodes if way.through(node)},
        taken=in_sequence(((edge.source, edge.target) for edge in taken), graph),
    )


def in_sequence(edges: Iterable[Edge], graph: GraphView) -> tuple[Edge, ...]:
    """The edges that a turn took, as it took them: first the one that led to it."""
    place = {node.id: number for number, node in enumerate(graph.nodes)}

    def when(edge: Edge) -> tuple[bool, int, int]:
        return edge[1] != "seeker", place[edge[0]], place[edge[1]]

    return tuple(sorted(edges, key=when))


def deeds_of(
    dialogue: Dialogue, turn: Turn, reached: Collection[str], calls: ByNode, copied: bool
) -> dict[str, Deed]:
    """What the nodes did that a committed turn reached. `copied`: it was the origin's turn."""
    aside = {item.role: item.reason for item in turn.set_aside}
    deeds = {}
    for node in reached:
        parsed = as_json(_ending(dialogue, turn) if node == "commit" else _result(turn, node))
        if node in aside:
            deeds[node] = Deed("set aside", aside[node], parsed if node != "guard" else None)
        elif parsed is None:
            deeds[node] = Deed("set aside", _IDLE.get(node, "it left nothing"))
        else:
            deeds[node] = Deed(status_by(calls.get(node, ()), copied), "", parsed)
    return deeds


def status_by(calls: Sequence[Row], copied: bool = False) -> NodeStatus:
    """The status of a node that did its work, by where its answers come from."""
    if any(call["model"] == GIVEN for call in calls):
        return "given"
    kept = calls and (copied or not any(call["tries"] for call in calls))
    return "kept" if kept else "done"


def as_json(value: Any) -> Any:
    """A record as JSON, without what is not known; other values as they are."""
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, Record) else value


def _result(turn: Turn, node: str) -> Any:
    return getattr(turn, _FIELDS[node], None) if node in _FIELDS else None


def _ending(dialogue: Dialogue, turn: Turn) -> dict[str, Any]:
    last = turn.number == len(dialogue.turns)
    return {
        "spoken": turn.spoken,
        "set_aside": [item.role for item in turn.set_aside],
        "stop_reason": dialogue.stop_reason if last else None,
    }
