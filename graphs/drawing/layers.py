"""Which layer each node of a drawing stands in, and which way each edge takes between them."""

from collections.abc import Sequence

import networkx as nx

Edge = tuple[str, str]


class Layers:
    """A graph cut into layers, as far from the start as the longest way there.

    An edge to the next layer leads straight down, one to or from a node aside down the side column;
    what leads back or skips a layer takes a lane on the left. Where several edges leave a node they
    share a bus under it, where several arrive they share one over it.
    """

    def __init__(self, graph: nx.DiGraph, aside: Sequence[str]) -> None:
        self.graph = graph
        self.aside = [node for node in graph if node in aside]
        self.edges: list[Edge] = list(graph.edges)
        self.back = _back_edges(graph)
        self.layer = self._layers()
        self.rows = self._rows()
        self.lanes = [e for e in self.edges if self._takes_a_lane(e)]
        self.straight = [e for e in self.edges if e not in self.lanes and e[1] not in self.aside]
        self.forks = {e for e in self.edges if self._forks(e)}
        self.joins = {e for e in self.edges if self._joins(e)}

    def row(self, node: str) -> list[str]:
        """The layer of a node, from left to right."""
        return self.rows[self.layer[node]]

    def is_first(self, node: str) -> bool:
        """Whether nothing stands to the left of a node in its layer."""
        return self.row(node)[0] == node

    def is_last(self, node: str) -> bool:
        """Whether nothing stands to the right of a node in its layer."""
        return self.row(node)[-1] == node

    def span(self, edge: Edge) -> int:
        """How many layers an edge passes."""
        return abs(self.layer[edge[0]] - self.layer[edge[1]])

    def off_centre(self, node: str) -> float:
        """How far to the right of its layer's middle a node stands, in boxes."""
        inside = self.inside(self.layer[node])
        return inside.index(node) - (len(inside) - 1) / 2

    def inside(self, layer: int) -> list[str]:
        """The nodes of a layer without those aside."""
        return [node for node in self.rows[layer] if node not in self.aside]

    def ports(self, node: str) -> list[tuple[Edge, bool]]:
        """What leaves (True) or enters (False) a node on its left, from top to bottom.

        Lanes do not cross there: first those that go up, the innermost on top, then those that go
        down, the outermost on top.
        """
        leaving = [(e, True) for e in self.lanes if e[0] == node and e not in self.forks]
        entering = [(e, False) for e in self.lanes if e[1] == node and e not in self.joins]

        def from_top(port: tuple[Edge, bool]) -> tuple[bool, int]:
            edge, leaves = port
            down = edge not in self.back if leaves else edge in self.back
            return down, -self.span(edge) if down else self.span(edge)

        return sorted(leaving + entering, key=from_top)

    def _layers(self) -> dict[str, int]:
        dag = nx.DiGraph()
        dag.add_nodes_from(self.graph)
        dag.add_edges_from(e for e in self.edges if e not in self.back)
        generations = nx.topological_generations(dag)
        return {node: i for i, nodes in enumerate(generations) for node in nodes}

    def _rows(self) -> list[list[str]]:
        """The layers; a node that stands aside does so where the fewest others stand."""
        count = max(self.layer.values(), default=-1) + 1
        rows: list[list[str]] = [[] for _ in range(count)]
        for node in self.graph:
            if node not in self.aside:
                rows[self.layer[node]].append(node)
        others = [len(row) for row in rows]
        for node in self.aside:
            after = [self.layer[b] for a, b in self.edges if a == node and (a, b) not in self.back]
            free = range(self.layer[node], min(after, default=count))
            self.layer[node] = min(free, key=lambda i: (others[i], i))
            rows[self.layer[node]].append(node)
        return rows

    def _takes_a_lane(self, edge: Edge) -> bool:
        if edge in self.back:
            return True
        return not (set(edge) & set(self.aside)) and self.span(edge) > 1

    def _forks(self, edge: Edge) -> bool:
        """Whether an edge runs along the bus under its source."""
        source, _ = edge
        if edge in self.lanes:
            return not self.is_first(source)
        if edge in self.straight:
            siblings = [e for e in self.straight if e[0] == source]
            return source not in self.aside and len(siblings) > 1
        return source in self.aside or not self.is_last(source)

    def _joins(self, edge: Edge) -> bool:
        """Whether an edge runs along the bus over its target."""
        source, target = edge
        if edge in self.lanes:
            return edge not in self.back or not self.is_first(target)
        if edge not in self.straight or edge in self.forks:
            return False
        if source in self.aside:
            return True
        siblings = [e for e in self.straight if e[1] == target and e not in self.forks]
        return (
            len([e for e in siblings if e[0] not in self.aside]) > 1
            or self.off_centre(source) != self.off_centre(target)
        )  # fmt: skip


def _back_edges(graph: nx.DiGraph) -> set[Edge]:
    """The edges that close a cycle, as a walk from the first node finds them."""
    back: set[Edge] = set()
    on_the_way: set[str] = set()
    for source, target, kind in nx.dfs_labeled_edges(graph):
        if kind == "forward":
            on_the_way.add(target)
        elif kind == "reverse":
            on_the_way.discard(target)
        elif target in on_the_way:
            back.add((source, target))
    return back
