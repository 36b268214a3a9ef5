"""What `attune evaluate` is given: runs, people's ratings of them, surveys to stand beside."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attunement.evaluation.judges.human import People
    from attunement.evaluation.systems import Measured, System


def systems_of(
    words: Sequence[str], evolution: Path | None
) -> "tuple[Sequence[System], dict[str, float]]":
    """What is to be measured, and the reward margin of each iteration that was trained."""
    from attunement.core.errors import ConfigError
    from attunement.evaluation.systems import named_systems

    if evolution and words:
        raise ConfigError("`--evolution` brings its own runs; leave out the others")
    if evolution:
        return _iterations(evolution)
    if not words:
        raise ConfigError("no run is named; try: attune evaluate runs/001")
    return named_systems(words), {}


def _iterations(folder: Path) -> "tuple[Sequence[System], dict[str, float]]":
    """The measured runs of a self-evolution's ledger, M_0 first."""
    from attunement.core.errors import ConfigError
    from attunement.evaluation.systems import System
    from attunement.trainers.evolve.ledger import read_ledger

    ledger = read_ledger(folder)
    if ledger is None or not ledger.entries:
        raise ConfigError(
            f"{str(folder)!r} holds no ledger; name the folder of an attune evolve that has "
            "measured a model"
        )
    named = [
        System(name=f"M_{entry.t}", folders=(folder / f"m{entry.t}" / "evaluate",))
        for entry in ledger.entries
    ]
    margins = {
        f"M_{entry.t}": entry.training.metrics["margin"]
        for entry in ledger.entries
        if entry.training and "margin" in entry.training.metrics
    }
    return named, margins


def people_of_systems(words: Sequence[str], systems: "Sequence[System]") -> "dict[str, People]":
    """The ratings of all files `[NAME=]FILE`, by the system that each names, or the only one."""
    from attunement.evaluation.judges.human import people_of

    by_name: dict[str, tuple[System, list[Path]]] = {s.name: (s, []) for s in systems}
    for word in words:
        name, path = _rated(word, list(by_name))
        by_name[name][1].append(path)
    return {
        name: people_of(paths, system.folders) for name, (system, paths) in by_name.items() if paths
    }


def _rated(word: str, names: Sequence[str]) -> tuple[str, Path]:
    """The system and the file of its ratings."""
    from attunement.core.errors import ConfigError, unknown

    name, equals, path = word.partition("=")
    if Path(word).exists() or not equals:
        if len(names) > 1:
            raise ConfigError(f"whose ratings are in {word!r}? Say --human NAME={word}")
        return names[0], Path(word)
    if name not in names:
        raise ConfigError(unknown("system", name, names))
    return name, Path(path)


def surveys(paths: Sequence[Path], systems: "Sequence[System]") -> "list[Measured]":
    """The surveys of some files, to stand beside these systems.

    Where files are called the same their folders are named too. `ConfigError`, before one is read,
    where two names are the same all the same.
    """
    from dataclasses import replace

    from attunement.evaluation.survey import read_survey
    from attunement.evaluation.systems import beside

    names = _survey_names(paths, {system.name for system in systems})
    found = []
    for name, path in zip(names, paths, strict=True):
        one = beside(path, read_survey(path))
        found.append(replace(one, facts=one.facts.model_copy(update={"name": name})))
    return found


def _survey_names(paths: Sequence[Path], taken: Collection[str]) -> list[str]:
    from attunement.core.errors import ConfigError

    often = Counter(path.name for path in paths)
    files = [
        path.name if often[path.name] == 1 else f"{path.resolve().parent.name}/{path.name}"
        for path in paths
    ]
    names = [f"survey of {file}" for file in files]
    for name, path in zip(names, paths, strict=True):
        if names.count(name) > 1:
            raise ConfigError(
                f"`--survey` {str(path)!r}: two of them are {name!r}; give each file once, and "
                "name its folder so that they differ"
            )
        if name in taken:
            raise ConfigError(
                f"a system is named {name!r}, as `--survey` {str(path)!r} is; give it another with "
                "NAME=RUN"
            )
    return names
