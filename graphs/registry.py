"""The graphs by name."""

from collections.abc import Callable

from attunement.core.errors import ConfigError, unknown
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
