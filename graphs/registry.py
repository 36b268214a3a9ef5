"""The graphs by name."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from attunement.agents.prompting import ROLES_WITH_PROMPT
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import MINED, MINING, Mined, Role
from attunement.graphs import decoupled, direct, ipm, self_refine
from attunement.graphs.state import Graph

GRAPHS: dict[str, Callable[[], Graph]] = {
    "self_refine": self_refine.build,
    "decoupled": decoupled.build,
    "direct": direct.build,
    MINING: ipm.build,
}


def build_graph(name: str, plain_draft: bool = False, mining: Sequence[Mined] = MINED) -> Graph:
    """The graph of that name; two have an option of their own. `ConfigError` lists the known."""
    if name not in GRAPHS:
        raise ConfigError(unknown("graph", name, GRAPHS))
    if plain_draft and name != "self_refine":
        raise ConfigError(f"`plain_draft` is an option of graph 'self_refine', not of {name!r}")
    if set(mining) != set(MINED) and name != MINING:
        raise ConfigError(f"`mining` is an option of graph {MINING!r}, not of {name!r}")
    if name == MINING:
        return ipm.build_mining(mining)
    return self_refine.build_plain_draft() if plain_draft else GRAPHS[name]()


@lru_cache
def roles_of(
    name: str, plain_draft: bool = False, mining: tuple[Mined, ...] = MINED
) -> tuple[Role, ...]:
    """The roles that take part in a graph, by the names of its nodes."""
    nodes = build_graph(name, plain_draft, mining).nodes
    return tuple(role for role in ROLES_WITH_PROMPT if role in nodes)
