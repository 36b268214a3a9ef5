"""Where the corpus of a run comes from, in words for its card."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from attunement.core.records import Role
from attunement.simulator.backends import roles_in
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.trainers.corpora.from_run import Harvest
from attunement.trainers.corpora.report import Origin

SOURCES = 20
"""Sources of personas that a card names."""
_ROW = re.compile(r", (?:dialogue|row) \S+;.*", re.DOTALL)
"""Which row of a file a card is from, and which of its fields were drawn."""


@dataclass(slots=True)
class Seen:
    """What the dialogues of runs were made of."""

    personas: dict[str, None] = field(default_factory=dict)
    """Ids, in order."""
    licences: set[str] = field(default_factory=set)
    sources: dict[str, None] = field(default_factory=dict)
    languages: set[str] = field(default_factory=set)
    simulated: int = 0
    """Dialogues with at least one turn."""
    recorded: int = 0
    """The same, of replays."""
    status: Counter[str] = field(default_factory=Counter)
    """All dialogues: `done`, `failed`, `open`."""

    def look_at(self, journal: Journal, config: RunConfig) -> None:
        """Take in the dialogues of a run that were begun."""
        self.status.update(journal.counts())
        for _, persona, _ in journal.cast(begun=True):
            self.recorded += config.replay is not None
            self.simulated += config.replay is None
            if persona.id in self.personas:
                continue
            self.personas[persona.id] = None
            source = _ROW.sub("", persona.source)
            self.licences.add(persona.licence or f"not stated for {source or 'some cards'}")
            self.languages.add(persona.language)
            if source and len(self.sources) < SOURCES:
                self.sources[source] = None


def origin_of(plans: Sequence[Harvest], seen: Seen, shares: Sequence[int], seed: int) -> Origin:
    """The origin of a corpus of one or several runs."""
    first = plans[0]
    options = {
        "chosen": first.chosen,
        "split": ":".join(map(str, shares)) if len(shares) > 1 else "none",
        "seed": seed,
        "iteration": first.iteration,
        **first.filters.model_dump(mode="json"),
        "min_history": {name: first.history(name) for name in first.sets},
    }
    configs = [plan.config for plan in plans]
    how = [f"Made with Attunement {version('attunement')} from {_runs(plans, seen)}."]
    how += dict.fromkeys(_about(config) for config in configs)
    how.append(_preference(first))
    return Origin(
        title=f"Emotional-support corpus from {', '.join(plan.run for plan in plans)}",
        how=tuple(how),
        licences=tuple(sorted(seen.licences)),
        sources=tuple(seen.sources),
        languages=tuple(sorted(seen.languages)),
        limits=(*_unfinished(seen), *_limits(configs)),
        options=options,
    )


def _runs(plans: Sequence[Harvest], seen: Seen) -> str:
    kinds = {"simulated": seen.simulated, "recorded": seen.recorded}
    dialogues = " and ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n)
    names = ", ".join(f"`{plan.run}`" for plan in plans)
    return (
        f"{'run' if len(plans) == 1 else 'runs'} {names}: {dialogues} dialogues "
        f"with {len(seen.personas):,} personas"
    )


def _unfinished(seen: Seen) -> list[str]:
    parts = [f"{seen.status[s]:,} {s}" for s in ("open", "failed") if seen.status[s]]
    if not parts:
        return []
    total = seen.status.total()
    return [f"Of {total:,} dialogues {' and '.join(parts)}: of these only the turns before."]


def _about(config: RunConfig) -> str:
    roles = roles_in(config)
    models: dict[str, list[Role]] = {}
    for role in roles:
        if spec := config.spec_for(role):
            models.setdefault(spec, []).append(role)
    speakers = "; ".join(f"`{spec}` as {', '.join(named)}" for spec, named in models.items())
    feed = (
        "Every supporter turn was produced against the recorded history. " if config.replay else ""
    )
    graph = config.graph + (" without a planner" if config.plain_draft else "")
    if config.judges:
        speakers += f"; judged by {', '.join(f'`{judge}`' for judge in config.judges)}"
    sampling = config.sampling_for("responder")
    set_ = ", ".join(f"{name} {value}" for name, value in sampling if value is not None)
    return (
        f"Graph `{graph}`, seed {config.seed}. {feed}Models: {speakers}. "
        f"Sampling of drafts: {set_ or 'the defaults of the model'}."
    )


def _preference(plan: Harvest) -> str:
    if plan.config.mines:
        return (
            "Inferential preference mining (arXiv 2505.16995): the recorded reply is preferred to "
            "one sample a turn. Strategy pairs stand where the sampled strategy differs; response "
            "pairs were written under the recorded strategy and stay only if every judge finds no "
            "psychological error in the recorded reply and a lack of empathy, an early emotion "
            "shift or a template response in the sample; joint pairs are not filtered."
        )
    labelled = ""
    if plan.filters.errors:
        labelled = " By every judge the chosen side shows no psychological error, the other does."
    if plan.chosen == "recorded":
        human = "Chosen is the human's recorded reply, rejected the model's draft at the same turn."
        return human + labelled
    return (
        "Chosen is the refined reply, rejected the draft that it refines (arXiv 2505.16610). The "
        "refinement saw a reflection on the seeker; the prompt of a pair is the plain task prompt "
        "and shows neither." + labelled
    )


def _limits(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    specs = {c.spec_for(role) for c in configs for role in roles_in(c)}
    limits = []
    if any(c.replay is None for c in configs):
        limits.append("The seekers are simulated; nothing here shows what helps real people.")
    if any(c.replay for c in configs):
        limits.append(
            "The recorded dialogues hold personal stories; treat them as personal data, and keep "
            "to their licence when you share this corpus."
        )
    if "rehearsal" in specs:
        limits.append(
            "`rehearsal` is a rule-based simulator for tests and trials: its drafts are generic on "
            "purpose and its phrases few. Train nothing on them that is meant for people."
        )
    limits.append(
        "Crisis turns were found by rules that miss indirect words, and left out. A model trained "
        "on this corpus has not learnt to handle a crisis."
    )
    return tuple(limits)
