"""A turn that was begun and not committed: its dialogue failed in it, or goes on there.

What its nodes said is read from their answers once more, as the agents do.
"""

from collections.abc import Mapping
from typing import Any

from langgraph.graph import END, START

from attunement.agents.guard import Watch
from attunement.agents.planner import StagedPlan
from attunement.agents.reading import plain_text, read_record
from attunement.core.records import (
    Dialogue,
    Plan,
    Record,
    Reflection,
    Reply,
    Risky,
    SeekerTurn,
    Turn,
)
from attunement.core.strategies import parse_strategy
from attunement.graphs.state import supporter_turns
from attunement.simulator.writer import Row
from attunement.viewer.debugger.deeds import ByNode, Deed, Way, as_json, in_sequence, status_by
from attunement.viewer.debugger.records import GraphView

UNSAID = "(nothing that could be read)"
"""Stands for the seeker's words where the seeker gave none."""
_NEEDED = ("seeker", "responder")
"""Without their answers there is no turn."""


def begun_turn(dialogue: Dialogue, calls: ByNode, mines: bool) -> tuple[Turn, dict[str, Deed]]:
    """What is known of the turn after a dialogue's last one, and what its nodes did so far.
    `mines`: its replies follow the recorded strategy, not the plan."""
    read = {node: _read(node, rows[-1]) for node, rows in calls.items()}
    found = {node: value for node, value in read.items() if not isinstance(value, Exception)}
    number = len(dialogue.turns) + 1
    turn = _turn(dialogue, number, found, mines)
    deeds = {node: _deed(node, value, calls[node]) for node, value in read.items()}
    if "seeker" not in read:
        deeds["seeker"] = Deed("done", "", as_json(turn.seeker))
    if deeds["seeker"].status != "failed":
        deeds.setdefault("guard", Deed("done"))
    return turn, deeds


def way_so_far(number: int, deeds: Mapping[str, Deed], graph: GraphView) -> Way:
    """The way of a turn that was begun; it ends where nobody has answered yet."""
    entry = (START if number == 1 else "commit", "seeker")
    edges = [(edge.source, edge.target) for edge in graph.edges]
    inside = [(a, b) for a, b in edges if a in deeds and b in deeds and END not in (a, b)]
    return Way(reached=set(deeds), taken=in_sequence([entry, *inside], graph))


def _read(node: str, call: Row) -> Any:
    """What a role's last answer holds, or why it holds nothing."""
    if call["error"]:
        return ValueError(call["error"])
    text = str(call["text"])
    try:
        return _parsed(node, text)
    except ValueError as error:
        return error


def _parsed(node: str, text: str) -> Record | str:
    records: dict[str, type[Record]] = {
        "seeker": SeekerTurn, "guard": Watch, "reflector": Reflection, "refiner": Reply,
    }  # fmt: skip
    if node in records:
        return read_record(text, records[node])
    if node == "planner":
        return _plan(text)
    if not (said := plain_text(text)):
        raise ValueError("empty answer")
    return Reply(text=said) if node == "responder" else said


def _plan(text: str) -> Plan:
    """A plan, or a strategy's bare name, as some planners are asked for."""
    if "{" not in text:
        return Plan(strategy=parse_strategy(plain_text(text).strip(" \n\"'`*.[]")))
    plan = read_record(text, StagedPlan)
    return Plan(stage=plan.stage, strategy=plan.strategy, reason=plan.reason)


def _deed(node: str, read: Any, calls: Any) -> Deed:
    if isinstance(read, Exception):
        return Deed("failed" if node in _NEEDED else "set aside", str(read))
    return Deed(status_by(calls), "", as_json(read))


def _turn(dialogue: Dialogue, number: int, found: Mapping[str, Any], mines: bool) -> Turn:
    said, human = found.get("seeker", SeekerTurn(text=UNSAID)), None
    if dialogue.recorded is not None:
        said, human = _recorded(dialogue, number)
    plan: Plan | None = found.get("planner")
    draft: Reply | None = found.get("responder")
    told = human if mines else plan
    if draft and told:
        draft = draft.model_copy(update={"strategy": told.strategy})
    watch = found.get("guard")
    return Turn(
        number=number,
        seeker=said,
        guard=Risky(crisis=watch.crisis, kind=watch.kind, found_by="model") if watch else Risky(),
        plan=plan,
        draft=draft,
        reflection=found.get("reflector"),
        refined=found.get("refiner"),
        joint=found.get("joint"),
        recorded=human,
    )


def _recorded(dialogue: Dialogue, number: int) -> tuple[SeekerTurn, Reply]:
    """In a replay, what the recording says there."""
    lines = dialogue.recorded or ()
    place = supporter_turns(lines)[number - 1]
    said = next(u.text for u in reversed(lines[:place]) if u.speaker == "seeker" and u.text.strip())
    return SeekerTurn(text=said), Reply(text=lines[place].text, strategy=lines[place].strategy)
