"""What to make of recorded dialogues, and what was seen in them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError

from attunement.agents.reading import explain
from attunement.core.errors import ConfigError, UserError, unknown
from attunement.core.records import Record
from attunement.core.strategies import Strategy, parse_strategy
from attunement.personas.shapes import named_strategy, plain_name
from attunement.trainers.corpora.instructions import Instructions
from attunement.trainers.corpora.report import FileFormat
from attunement.trainers.corpora.rows import EXAMPLE_SETS, ExampleSet

Recipe = Literal["self_evolution", "decoupled"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
SETS: dict[Recipe, tuple[ExampleSet, ...]] = {
    "self_evolution": ("sft_direct",),
    "decoupled": ("sft_planner", "sft_responder", "sft_joint"),
}
"""What each recipe fine-tunes."""
SPLIT: dict[Recipe, str] = {"self_evolution": "9:1", "decoupled": "1040:130:130"}
"""Each recipe's split of ESConv, by dialogue."""


class RecordedCorpus(Record):
    """What to make of recorded dialogues."""

    recipe: Recipe
    """How turns are prepared: `personas/preprocessing.py`."""
    sets: tuple[ExampleSet, ...] = Field(min_length=1)
    split: str
    """Shares by dialogue, `published`, or `files`."""
    seed: int = 0
    min_history: int = Field(default=1, ge=1)
    """Seeker turns before a reply, at least."""
    keep_crisis: bool = False
    """Keep turns in which, or behind which, the rules find a crisis."""
    strategies: dict[str, Strategy | None] = Field(default_factory=dict)
    """A corpus' own names -> ESConv's; None for a name that counts as no strategy."""
    instructions: int = Field(default=500, ge=1)
    """How many to add to `sft_direct`, where a file of them is given."""
    limit: int | None = Field(default=None, ge=1)
    """Dialogues of each file."""
    format: FileFormat = "jsonl"

    @classmethod
    def parse(cls, **settings: Any) -> "RecordedCorpus":
        """The settings, with the recipe's own where they are None; `ConfigError` in a sentence."""
        recipe = settings.get("recipe")
        if recipe not in RECIPES:
            raise ConfigError(unknown("recipe", recipe, RECIPES))
        given = {name: value for name, value in settings.items() if value is not None}
        try:
            return cls.model_validate({"sets": SETS[recipe], "split": SPLIT[recipe]} | given)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None


@dataclass(slots=True)
class Names:
    """Reads strategies' names, and counts those that were read as another."""

    own: Mapping[str, Strategy | None]
    """The user's own table, by `plain_name`."""
    read: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __call__(self, name: str) -> Strategy | None:
        """`ValueError` for an unknown name, with the known ones and how to place it."""
        if self.own and plain_name(name) in self.own:
            found = self.own[plain_name(name)]
        else:
            try:
                found = named_strategy(name)
            except UserError as error:
                advice = f"place it with --strategy-map {f'{name}=STRATEGY'!r}"
                raise UserError(f"{error}; {advice}") from None
        if found != name:
            self.read[name, found or "no strategy"] += 1
        return found


@dataclass(slots=True)
class Seen:
    """What the files held, for the card."""

    dialogues: int = 0
    utterances: int = 0
    blank: int = 0
    """Utterances without words, which are left out before anything else."""
    greetings: int = 0
    """Turns at the beginning, of either speaker, that are nothing but a greeting."""
    crises: int = 0
    """Dialogues with a crisis by the rules."""
    licences: dict[str, None] = field(default_factory=dict)
    names: Names = field(default_factory=lambda: Names({}))
    instructions: Instructions | None = None


def parse_names(pairs: Iterable[str]) -> dict[str, Strategy | None]:
    """`NAME=STRATEGY` pairs; `NAME=` alone counts as no strategy. `ConfigError` for others."""
    named: dict[str, Strategy | None] = {}
    for pair in pairs:
        name, equals, strategy = pair.rpartition("=")
        if not equals or not name.strip():
            raise ConfigError(f"`--strategy-map` must be NAME=STRATEGY, got {pair!r}")
        named[name.strip()] = parse_strategy(strategy) if strategy.strip() else None
    return named


def parse_tasks(text: str | None) -> tuple[ExampleSet, ...] | None:
    """`direct,planner` as sets; None for None. `ConfigError` for an unknown task."""
    if text is None:
        return None
    by_task = {name.removeprefix("sft_"): name for name in EXAMPLE_SETS}
    wanted = [task.strip() for task in text.split(",") if task.strip()]
    if bad := next((task for task in wanted if task not in by_task), None):
        raise ConfigError(unknown("task", bad, by_task))
    if not wanted:
        raise ConfigError(f"`--for` names no task; known: {', '.join(by_task)}")
    return tuple(dict.fromkeys(by_task[task] for task in wanted))
