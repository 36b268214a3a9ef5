"""What the pocket model learns from: every supporter role's calls in simulated dialogues.

The embedded simulator plays all roles. Its drafts are generic, its refinements fit the reflection:
so a model that learns its calls can reflect and refine, and still answers directly as to anybody.
That is the state in which recipe A begins.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attunement.personas.drawn import drawn_personas
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.run import create_run, run
from attunement.trainers.corpora.calls import Lesson, lessons_of
from attunement.trainers.pocket.config import PocketConfig

STEM = "pocket"
"""What the ids of these personas begin with: nothing else should draw such."""
SHARES: Mapping[str, tuple[int, dict[str, Any]]] = {
    "plain": (8, {"graph": "self_refine", "plain_draft": True}),
    "direct": (4, {"graph": "direct"}),
    "planned": (2, {"graph": "self_refine"}),
}
"""Runs and their parts of the dialogues: recipe A's, direct replies, and with a planner."""


def simulate_lessons(config: PocketConfig) -> list[Lesson]:
    """Simulate, and return the calls of all roles that are learnt, run after run."""
    whole = sum(part for part, _ in SHARES.values())
    lessons: list[Lesson] = []
    with TemporaryDirectory(prefix="pocket-") as scratch:
        for number, (name, (part, settings)) in enumerate(SHARES.items()):
            dialogues = max(1, config.dialogues * part // whole)
            people = drawn_personas(dialogues, config.seed, f"{STEM}-{name}")
            seed = config.seed * len(SHARES) + number
            run_config = RunConfig(**settings, max_turns=config.max_turns, seed=seed)
            folder = Path(scratch) / name
            create_run(folder, run_config, Cast(people, range(dialogues)))
            run(folder)
            lessons += lessons_of(folder)
    return lessons
