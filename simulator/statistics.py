"""A run on its graph: what each node did and how often each edge was taken, from the journal.

Branches count nowhere: their first turns are copies.
"""

from collections.abc import Mapping

import orjson
from langgraph.graph import END, START
from sqlalchemy import func, select

from attunement.core.records import Record, Turn
from attunement.graphs.drawing.diagram import NodeStats, RunStats, to_networkx
from attunement.graphs.state import Graph
from attunement.simulator.journal import Journal
from attunement.simulator.tables import CALLS, DIALOGUES, TURNS


class TurnCounts(Record):
    """Which ways the committed turns of a run took through its graph."""

    all: int
    first: int
    """Begin a dialogue."""
    crises: int
    """Were handed off."""
    closings: int
    """Hold the seeker's last words, without a reply."""
    last: int
    """End a dialogue that is done."""

    def through(self, node: str) -> int:
        """How many turns passed through a node."""
        if node in ("seeker", "guard", "commit"):
            return self.all
        return self.crises if node == "hand_off" else self.all - self.crises - self.closings

    def along(self, source: str, target: str, label: str | None) -> int:
        """How many turns took an edge."""
        if source == START:
            return self.first
        by_label = {"closing": self.closings, "next turn": self.all - self.first}
        if label in by_label:
            return by_label[label]
        return self.last if target == END else min(self.through(source), self.through(target))


_OF_BRANCHES = select(DIALOGUES.c.idx).where(DIALOGUES.c.origin.is_not(None))


def way_of(turn: Turn, ends: bool) -> TurnCounts:
    """The way of one turn: every count is 0 or 1. `ends`: it ends a dialogue that is done."""
    return TurnCounts(
        all=1,
        first=turn.number == 1,
        crises=turn.spoken == "hand_off",
        closings=turn.spoken is None and turn.recorded is None,
        last=ends,
    )


def run_stats(journal: Journal, compiled: Graph) -> RunStats:
    """What a run did on its graph so far; a turn in progress shows in the calls alone."""
    turns, calls = turn_counts(journal), call_stats(journal)
    graph = to_networkx(compiled)
    nodes = {
        node: NodeStats(turns=turns.through(node), **calls.get(node, {}))
        for node in graph
        if node not in (START, END)
    }
    taken = {(a, b): turns.along(a, b, label) for a, b, label in graph.edges.data("label")}
    return RunStats(nodes, taken)


def turn_counts(journal: Journal) -> TurnCounts:
    """Count the committed turns by the way they took, one at a time."""
    counts = dict.fromkeys(("all", "first", "crises", "closings"), 0)
    query = select(TURNS.c.number, TURNS.c.record).where(TURNS.c.dialogue.not_in(_OF_BRANCHES))
    with journal.engine.connect() as db:
        for number, record in db.execute(query.execution_options(yield_per=500)):
            turn = orjson.loads(record)
            spoken = turn.get("spoken")
            counts["all"] += 1
            counts["first"] += number == 1
            counts["crises"] += spoken == "hand_off"
            counts["closings"] += spoken is None and "recorded" not in turn
    return TurnCounts(**counts, last=journal.counts()["done"])


def call_stats(journal: Journal) -> Mapping[str, dict[str, int | float | None]]:
    """What each role's calls that were sent amount to, as fields of `NodeStats`, in one query."""
    c = CALLS.c
    query = select(
        c.role,
        func.count().label("calls"),
        func.avg(c.latency_ms).label("mean_latency_ms"),
        func.count(c.error).label("errors"),
        func.count().filter(c.attempt > 1).label("re_asks"),
    )
    query = query.where(c.tries > 0, c.dialogue.not_in(_OF_BRANCHES)).group_by(c.role)
    with journal.engine.connect() as db:
        rows = [dict(row) for row in db.execute(query).mappings()]
    return {row.pop("role"): row for row in rows}
