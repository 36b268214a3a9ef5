"""What a run was made with, as a page shows it and a fork may change it."""

from attunement.core.psychology import DEFINITIONS
from attunement.core.records import Emotion
from attunement.core.strategies import Stage, Strategy
from attunement.simulator.backends import roles_in
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.viewer.debugger.records import Settings


def settings_of(journal: Journal, config: RunConfig) -> Settings:
    """A run's roles with their models and prompts, and the names that a change may use."""
    roles, prompts = roles_in(config), journal.prompts()
    return Settings(
        roles=roles,
        models={role: spec for role in roles if (spec := config.spec_for(role))},
        prompts={role: prompts[role].text for role in roles},
        strategies=tuple(Strategy),
        stages=tuple(Stage),
        emotions=tuple(Emotion),
        error_types={str(error): meaning for error, meaning in DEFINITIONS.items()},
        config=config.dump(),
    )
