"""Which support strategy follows which, and what relief came after: a network of the eight."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from attunement.core.records import Dialogue
from attunement.core.strategies import Strategy
from attunement.simulator.exchanges import Exchange, exchanges_in


@dataclass(slots=True)
class _Tally:
    """Sums over the turns that count towards one strategy or one transition."""

    times: int = 0
    relief: int = 0
    reliefs: int = 0
    rating: int = 0
    ratings: int = 0

    def add(self, said: Exchange, answered: Exchange | None) -> None:
        """Count a turn: what the seeker said, and what they said to the reply."""
        self.times += 1
        if answered is None:
            return
        if said.intensity is not None and answered.intensity is not None:
            self.relief += said.intensity - answered.intensity
            self.reliefs += 1
        if answered.rating is not None:
            self.rating += answered.rating
            self.ratings += 1

    def figures(self) -> dict[str, int | float | None]:
        """The tally as attributes of a node or an edge."""
        return {
            "times": self.times,
            "mean_relief": self.relief / self.reliefs if self.reliefs else None,
            "reliefs": self.reliefs,
            "mean_rating": self.rating / self.ratings if self.ratings else None,
            "ratings": self.ratings,
        }


def transitions(dialogues: Iterable[Dialogue]) -> nx.DiGraph:
    """The strategy-transition network of some dialogues, read once; see `network`."""
    return network(exchanges_in(dialogue.turns) for dialogue in dialogues)


def network(dialogues: Iterable[Sequence[Exchange]]) -> nx.DiGraph:
    """The strategy-transition network of some dialogues' exchanges, read once.

    Nodes: the eight strategies, with `times` used. Edges from A to B: how many `times` B's turn
    came next after A's in the same dialogue. Both carry what followed: `mean_relief`, the drop of
    the seeker's intensity (1-5) from this turn to their next, over `reliefs` turns where both are
    known; and `mean_rating`, which the seeker's next turn gave (1-5), over `ratings` turns. A mean
    over nothing is None. On an edge they belong to B's turn.
    Graph: `dialogues`, `replies`, and how many of these were `without_strategy`, such as hand-offs;
    a reply without one is no node and breaks the chain.
    """
    nodes: defaultdict[Strategy, _Tally] = defaultdict(_Tally)
    edges: defaultdict[tuple[Strategy, Strategy], _Tally] = defaultdict(_Tally)
    seen = replies = 0
    for dialogue in dialogues:
        seen += 1
        before: Strategy | None = None
        for said, answered in zip(dialogue, [*dialogue[1:], None], strict=False):
            replies += said.replied
            if said.strategy:
                nodes[said.strategy].add(said, answered)
            if said.strategy and before:
                edges[before, said.strategy].add(said, answered)
            before = said.strategy
    used = sum(tally.times for tally in nodes.values())
    graph = nx.DiGraph(dialogues=seen, replies=replies, without_strategy=replies - used)
    # Plain strings, not enum members, so that the network writes and reads back as JSON.
    graph.add_nodes_from((str(s), nodes[s].figures()) for s in Strategy)
    graph.add_edges_from((str(a), str(b), edges[a, b].figures()) for a, b in sorted(edges))
    return graph
