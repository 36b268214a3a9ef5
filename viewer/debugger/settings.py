"""What a run was made with, as a page shows it and a fork may change it."""

from attunement.core.psychology import DEFINITIONS
from attunement.core.records import Emotion
from attunement.core.strategies import Stage, Strategy
from attunement.simulator.backends import roles_in
from attunement.simulator.branches import lineage_of
from attunement.simulator.config import RunConfig
from attunement.simulator.heritage import config_of, prompts_of
from attunement.simulator.journal import Journal
from attunement.viewer.debugger.finding import dialogue_at
from attunement.viewer.debugger.records import Settings


def settings_of(
    journal: Journal, config: RunConfig, dialogue: int | None = None, held: bool = False
) -> Settings:
    """A run's roles with their models and prompts, and the names that a change may use; of a branch
    what the forks up to it have made of them. `held`: whether another process runs the run."""
    roles, prompts = roles_in(config), journal.prompts()
    if dialogue is not None and dialogue_at(journal, dialogue).fork:
        lineage = lineage_of(journal.engine, dialogue)
        config, prompts = config_of(config, lineage), prompts_of(prompts, lineage)
    return Settings(
        roles=roles,
        models={role: spec for role in roles if (spec := config.spec_for(role))},
        prompts={role: prompts[role].text for role in roles if config.spec_for(role)},
        strategies=tuple(Strategy),
        stages=tuple(Stage),
        emotions=tuple(Emotion),
        error_types={str(error): meaning for error, meaning in DEFINITIONS.items()},
        config=config.dump(),
        held=held,
    )
