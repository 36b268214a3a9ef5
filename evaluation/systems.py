"""The systems of an evaluation: a name and its run folders, read once by every meter.

systems = named_systems(["runs/001", "tuned=runs/002,runs/003"])
measured = [measure(system, meters_for(FAMILIES)) for system in systems]
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import get_args

from attunement.agents.models.registry import without_address
from attunement.core.errors import ConfigError, unknown
from attunement.core.records import SUPPORTER_ROLES, Dialogue, Record, Side
from attunement.evaluation.encoder import Encoder
from attunement.evaluation.figures import Family, Findings, Meter
from attunement.evaluation.judges.human import People
from attunement.simulator.backends import roles_in
from attunement.simulator.config import RunConfig
from attunement.simulator.frame import open_run
from attunement.simulator.journal import Journal

FAMILIES: tuple[Family, ...] = get_args(Family)
Watch = Callable[[Iterable[Dialogue], int, str], Iterable[Dialogue]]
"""Passes dialogues on and shows how far it is: (dialogues, how many, what they are)."""


class System(Record):
    """What is measured."""

    name: str
    folders: tuple[Path, ...]
    """Run folders: the same thing with several seeds, say."""


class Facts(Record):
    """What a system's figures are made of."""

    name: str
    folders: tuple[str, ...]
    dialogues: int
    """Finished ones: all figures are of these."""
    personas: int
    failed: int
    """Left out, as are unfinished ones: their figures would be of a part."""
    unfinished: int
    replayed: int
    """Among the finished ones, replays of recorded dialogues."""
    models: tuple[str, ...]
    """Specs of the models behind the supporter."""
    graphs: tuple[str, ...]
    shared: int | None = None
    """Dialogues that the baseline has too; None for the baseline itself, and for what is no run."""

    @property
    def is_run(self) -> bool:
        """Whether it was simulated; else it stands beside the systems, as the survey of a corpus
        does, and nothing is tested against it."""
        return bool(self.graphs)


@dataclass(frozen=True, slots=True)
class Measured:
    """A system with everything that was found out about it."""

    facts: Facts
    personas: dict[str, str]
    """Key of each finished dialogue -> its persona."""
    findings: list[Findings] = field(default_factory=list)


# ---- which ones ---------------------------------------------------------------------------------


def named_systems(words: Sequence[str]) -> tuple[System, ...]:
    """`FOLDER` or `NAME=FOLDER[,FOLDER…]`, one a system; a folder's name is made unique.

    `ConfigError` for a name that is given twice, and for a word that names nothing.
    """
    given = [_parted(word) for word in words]
    sets = [sorted(folder.resolve() for folder in folders) for _, folders in given]
    if same := [word for i, word in enumerate(words) if sets[i] in sets[:i]]:
        raise ConfigError(f"{same[0]!r} is there twice: a run does not differ from itself")
    if twice := [name for name, n in Counter(n for n, _ in given if n).items() if n > 1]:
        raise ConfigError(f"two systems are named {twice[0]!r}; give each its own name")
    names = _unique([name or _short(folders[0], given) for name, folders in given])
    return tuple(
        System(name=name, folders=folders) for name, (_, folders) in zip(names, given, strict=True)
    )


def _parted(word: str) -> tuple[str, tuple[Path, ...]]:
    """The name, empty where none is given, and the folders of one word."""
    if Path(word).is_dir():  # whatever signs its path may hold
        return "", (Path(word),)
    name, equals, rest = word.partition("=")
    folders = [Path(part) for part in (rest if equals else word).split(",") if part]
    if not folders or (equals and not name.strip()):
        raise ConfigError(f"a system must be FOLDER or NAME=FOLDER[,FOLDER], got {word!r}")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError(f"system {word!r} names a folder twice; name each once")
    return name.strip(), tuple(folders)


def _short(folder: Path, given: Sequence[tuple[str, tuple[Path, ...]]]) -> str:
    """The folder's name; with the parent's where another system's folder is called the same."""
    whole = folder.resolve()
    same = {f[0].resolve() for n, f in given if not n and f[0].resolve().name == whole.name}
    return f"{whole.parent.name}/{whole.name}" if len(same) > 1 else whole.name


def _unique(names: Sequence[str]) -> list[str]:
    """The second of a name gets a number."""
    found: list[str] = []
    for name in names:
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name} ({number})"
        found.append(free)
    return found


def baseline_of(systems: Sequence[System], name: str | None) -> System:
    """The system that all others are held against: the first, unless one is named."""
    known = {system.name: system for system in systems}
    if name is not None and name not in known:
        raise ConfigError(unknown("baseline", name, known))
    return known[name] if name is not None else systems[0]


def families(names: Sequence[str]) -> tuple[Family, ...]:
    """The families of these names, or all; `ConfigError` for an unknown one."""
    wanted = [name.strip() for part in names for name in part.split(",") if name.strip()]
    if wrong := [name for name in wanted if name not in FAMILIES]:
        raise ConfigError(unknown("family", wrong[0], FAMILIES) + "; choose with --only")
    return tuple(f for f in FAMILIES if f in wanted) if wanted else FAMILIES


# ---- reading ------------------------------------------------------------------------------------


def measure(
    system: System,
    meters: Sequence[Meter],
    watch: Watch | None = None,
    rated: People | None = None,
) -> Measured:
    """One pass over a system's journals, each finished dialogue read by every meter, with what
    people said of it in a file of theirs (`rated`).

    `ConfigError` where two of its dialogues stand at the same place, or where none is finished;
    `RunFolderError` for a folder that is no run.
    """
    people: dict[str, str] = {}
    tally: Counter[str] = Counter()
    models: dict[str, None] = {}
    graphs: dict[str, None] = {}
    for folder in system.folders:
        config, journal = open_run(folder)
        roles = (role for role in roles_in(config) if role in SUPPORTER_ROLES)
        models |= dict.fromkeys(spec for role in roles if (spec := config.spec_for(role)))
        graphs[config.graph] = None
        with closing(journal):
            for dialogue in _dialogues(journal, system, watch):
                if dialogue.stop_reason is None:
                    tally["failed" if dialogue.error else "unfinished"] += 1
                    continue
                key = place_of(dialogue, config.seed)
                _check_new(key, people, system)
                people[key] = dialogue.persona.id
                tally["replayed"] += dialogue.recorded is not None
                heard = rated.into(dialogue, config.seed) if rated else dialogue
                for meter in meters:
                    meter.add(key, heard)
    if not people:
        raise ConfigError(
            f"system {system.name!r} has no finished dialogue ({tally['failed']} failed, "
            f"{tally['unfinished']} unfinished); go on with: attune resume {system.folders[0]}"
        )
    facts = Facts(
        name=system.name, folders=tuple(str(folder) for folder in system.folders),
        dialogues=len(people), personas=len(set(people.values())), failed=tally["failed"],
        unfinished=tally["unfinished"], replayed=tally["replayed"], models=tuple(models),
        graphs=tuple(graphs),
    )  # fmt: skip
    return Measured(facts, people, [meter.findings() for meter in meters])


def _dialogues(journal: Journal, system: System, watch: Watch | None) -> Iterable[Dialogue]:
    if watch is None:
        return journal.dialogues()
    total = sum(journal.counts().values())
    return watch(journal.dialogues(), total, f"dialogues of {system.name}")


def beside(source: Path, findings: Findings) -> Measured:
    """What is no run but has figures to be shown beside those of runs: the survey of a corpus."""
    parts = (figure.parts for figure in findings.figures)
    keys = list(dict.fromkeys(key for part in parts for key in part))
    facts = Facts(
        name=f"survey of {source.name}", folders=(str(source),), dialogues=len(keys),
        personas=len(keys), failed=0, unfinished=0, replayed=0, models=(), graphs=(),
    )  # fmt: skip
    return Measured(facts, {key: key for key in keys}, [findings])


def place_of(dialogue: Dialogue, seed: int) -> str:
    """The key of a dialogue: equal for two systems only on the same seed, card and recording."""
    card = dialogue.persona.model_dump_json()
    lines = "\n".join(f"{line.speaker} {line.text}" for line in dialogue.recorded or ())
    digits = blake2b(f"{card}\n{lines}".encode(), digest_size=4).hexdigest()
    return f"{seed}/{dialogue.id}/{digits}"


def _check_new(key: str, people: dict[str, str], system: System) -> None:
    if key in people:
        seed, _, rest = key.partition("/")
        id = rest.rpartition("/")[0]
        raise ConfigError(
            f"system {system.name!r} has dialogue {id!r} twice with seed {seed}: they cannot be "
            "told apart; give its runs seeds of their own, or make them two systems"
        )


def writer_of(config: RunConfig, side: Side | None = None) -> str:
    """The model that wrote a side of a run's replies, else what was spoken: its spec, without the
    address of a server. Empty for a human's reply."""
    if side == "recorded":
        return ""
    refines = config.graph == "self_refine" and side != "draft"
    return without_address(config.spec_for("refiner" if refines else "responder") or "")


def writers_of(system: System) -> dict[str, frozenset[str]]:
    """A run's seed and a side (`0/refined`; `0/`: the whole dialogue) -> the models that wrote it;
    `RunFolderError` for a folder that is no run."""
    found: dict[str, frozenset[str]] = {}
    sides: tuple[Side | None, ...] = (None, "draft", "refined")
    for folder in system.folders:
        config, journal = open_run(folder)
        journal.close()
        for side in sides:
            key = f"{config.seed}/{side or ''}"
            found[key] = found.get(key, frozenset()) | {writer_of(config, side)}
    return found


def meters_for(
    wanted: Sequence[Family],
    encoder: Encoder | None = None,
    reference: str | None = None,
    writers: Mapping[str, Collection[str]] | None = None,
    panel: Collection[str] | None = None,
) -> list[Meter]:
    """New meters of some families, for one system.

    `reference`: the judge whose strategies the planner is held against. `writers`: as `writers_of`
    has them; they tell a judge that judges itself. `panel`: the judges that count; None is all.
    """
    made: list[Meter] = []
    # Imported here: a family that is not asked for costs no start.
    if "outcome" in wanted:
        from attunement.evaluation.outcome_meter import OutcomeMeter

        made.append(OutcomeMeter())
    if "text" in wanted:
        from attunement.evaluation.text_meter import TextMeter

        made.append(TextMeter(encoder))
    if "strategy" in wanted:
        from attunement.evaluation.strategy_meter import StrategyMeter

        made.append(StrategyMeter(reference))
    if "reflection" in wanted:
        from attunement.evaluation.inference import InferenceMeter

        made.append(InferenceMeter())
    if "judges" in wanted or "people" in wanted:
        from attunement.evaluation.judges.marks import JudgeMeter

        made.append(JudgeMeter(writers, panel))
    if "realism" in wanted:
        from attunement.evaluation.realism.meter import RealismMeter

        made.append(RealismMeter())
    return made
