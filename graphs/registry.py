"""The graphs by name."""

from collections.abc import Callable
from functools import lru_cache

from attunement.agents.prompting import ROLES_WITH_PROMPT
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Role
from attunement.graphs import decoupled, direct, self_refine
from attunement.graphs.state import Graph

GRAPHS: dict[str, Callable[[], Graph]] = {
    "self_refine": self_refine.build,
    "decoupled": decoupled.build,
    "direct": direct.build,
}


def build_graph(name: str, plain_draft: bool = False) -> Graph:
    """The graph of that name. `ConfigError` lists the known ones."""
    if name not in GRAPHS:
        raise ConfigError(unknown("graph", name, GRAPHS))
    if plain_draft and name != "self_refine":
        raise ConfigError(f"`plain_draft` is an option of graph 'self_refine', not of {name!r}")
    return self_refine.build(plain_draft=True) if plain_draft else GRAPHS[name]()


@lru_cache
def roles_of(name: str, plain_draft: bool = False) -> tuple[Role, ...]:
    """The roles that take part in a graph, by the names of its nodes."""
    nodes = build_graph(name, plain_draft).nodes
    return tuple(role for role in ROLES_WITH_PROMPT if role in nodes)
