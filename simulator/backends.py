"""The models of a run: made from its configuration, and asked once what they can do."""

from collections.abc import Mapping, Sequence

from attunement.agents.models.base import ChatBackend
from attunement.agents.models.registry import make_backend, split_address
from attunement.agents.models.secrets import hosted_base_url, keys_in_use
from attunement.core.errors import ConfigError, ModelError
from attunement.core.records import Role
from attunement.graphs.registry import build_graph, roles_of
from attunement.graphs.state import Graph
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import FREE, Price, price_of


def graph_for(config: RunConfig) -> Graph:
    """The graph that a run's dialogues go through. `ConfigError` for one that there is not."""
    return build_graph(config.graph, config.plain_draft, config.mining)


def roles_in(config: RunConfig) -> tuple[Role, ...]:
    """The roles that take part in a run's dialogues."""
    return roles_of(config.graph, config.plain_draft, config.mining)


def roles_by_spec(config: RunConfig) -> dict[str, list[Role]]:
    """The specs of all models that a run asks, sorted, each with its roles.

    A judge reads a run that is finished: it is among them where it is named.
    """
    found: dict[str, list[Role]] = {}
    for role in roles_in(config):
        if spec := config.spec_for(role):
            found.setdefault(spec, []).append(role)
    if judge := config.models.get("judge"):
        found.setdefault(judge, []).append("judge")
    return dict(sorted(found.items()))


def specs_of(config: RunConfig, roles: Sequence[Role] | None = None) -> set[str]:
    """The specs that these roles use, else those of the run's dialogues."""
    return {spec for role in roles or roles_in(config) if (spec := config.spec_for(role))}


def backends_for(config: RunConfig, roles: Sequence[Role] | None = None) -> dict[str, ChatBackend]:
    """One backend for each spec that these roles use, else those of the run's dialogues.

    `ConfigError` for a spec that is none.
    """
    specs = specs_of(config, roles)
    return {
        spec: make_backend(
            spec,
            config.base_url,
            timeout=config.timeout,
            engine=config.engine,
            capabilities=config.capabilities.get(spec),
        )
        for spec in sorted(specs)
    }


def prices_for(config: RunConfig) -> dict[str, Price | None]:
    """The price of each spec that the run asks or has asked; None where nobody knows it."""
    specs = {*roles_by_spec(config), *config.judges, *config.assessors, *config.branch_models}
    return {spec: price_of(spec, config.prices, config.base_url) for spec in sorted(specs)}


def with_servers(config: RunConfig) -> RunConfig:
    """Keep the servers' addresses in the run, so that resuming elsewhere asks the same ones, and
    the names of the variables that hold their keys."""
    names = [spec.partition(":")[2] for spec in roles_by_spec(config) if spec.startswith("openai:")]
    named = [split_address(name)[1] for name in names]
    if all(named) and not config.base_url:
        shared: tuple[str, ...] = ()
    else:
        shared = config.base_url or (hosted_base_url(),)
    if not names:
        return config
    keys = keys_in_use((url for urls in named for url in urls), named=False)
    update = {"base_url": shared, "keys": keys | keys_in_use(shared, named=True)}
    return config.model_copy(update=update)


async def with_capabilities(
    config: RunConfig, backends: Mapping[str, ChatBackend], lost: dict[str, str] | None = None
) -> RunConfig:
    """Find out what the run's models can do, where the run does not know yet.

    `ModelError` for a server that does not answer; but one that only branches ask goes into `lost`,
    with the reason, where that is given: it holds up nobody else.
    """
    found = {}
    for spec, backend in backends.items():
        if not backend.waits or spec in config.capabilities:
            continue
        try:
            found[spec] = await backend.capabilities()
        except ModelError as error:
            if lost is None or spec not in config.branch_models or spec in roles_by_spec(config):
                raise
            lost[spec] = str(error)
    return config.learning(found) if found else config


def not_heeded(config: RunConfig) -> list[str]:
    """What the run asks of its models that they refuse or ignore, a sentence each."""
    return [
        f"{spec} {what} {', '.join(f'`{name}`' for name in known)}"
        + (" (the same run again will differ)" if "seed" in known else "")
        for spec, roles in roles_by_spec(config).items()
        if (found := config.capabilities.get(spec))
        for names, what in ((found.refused, "refuses"), (found.ignored, "ignores"))
        if (known := sorted(_asked(config, roles).intersection(names)))
    ]


def _asked(config: RunConfig, roles: list[Role]) -> set[str]:
    """The request fields that these roles set."""
    sampling = (config.sampling_for(role) for role in roles)
    return {"seed"} | {name for d in sampling for name, value in d if value is not None}


def without_effect(config: RunConfig) -> list[str]:
    """Settings that change nothing in this run, a sentence each.

    `ConfigError` for a server that no model asks: whoever names one means it.
    """
    asked = roles_by_spec(config)
    servers = [spec for spec in asked if spec.startswith("openai:")]
    if config.base_url and not any(not split_address(spec)[1] for spec in servers):
        raise ConfigError(
            f"`base_url` {config.base_url[0]!r} is asked by no model of this run; "
            "name one with --model openai:NAME"
        )
    roles = {role for known in asked.values() for role in known}
    named = {*config.models, *config.decoding_for} - roles
    lines = [f"the {role} takes no part in this run" for role in sorted(named)]
    lines += [f"{spec} has a price, but no part in this run" for spec in config.prices
              if spec not in asked]  # fmt: skip
    if config.budget.usd is not None and all(p == FREE for p in prices_for(config).values()):
        lines.append("the run costs nothing, so that its bound in money never holds")
    return lines
