"""The files of a corpus: which sets and splits stand in a folder, by their names alone."""

import re
from dataclasses import dataclass
from pathlib import Path

from attunement.core.errors import UserError, unknown
from attunement.trainers.corpora.rows import EXAMPLE_SETS, PAIR_SETS

KINDS = (".jsonl", ".json", ".parquet")
SPLITS = ("train", "validation", "test", "all")
"""`all`: a file whose name does not say."""
OURS = (*PAIR_SETS, *EXAMPLE_SETS)

_NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
    "heldout": "test", "held-out": "test",
}  # fmt: skip
"""Words of file names, with what `datasets` loads such files as."""
_SPLIT = re.compile(rf"(?<![a-z])({'|'.join(_NAMES)})(?![a-z])", re.IGNORECASE)
_SHARD = re.compile(r"-\d+(?:-of-\d+)?\Z")
_NOT_ROWS = ("corpus.json", "dataset_info.json", "dataset_infos.json", "fit.json")


@dataclass(frozen=True, slots=True)
class File:
    """A file of rows."""

    path: Path
    name: str
    """Its path below the corpus, as findings give it."""
    split: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """The sets of a corpus with their files in order of splits."""

    root: Path
    sets: dict[str, tuple[File, ...]]
    passed_over: tuple[str, ...] = ()
    """Files of a kind that could hold rows, whose name has no split beside others that have."""


def find_corpus(path: Path, only: str | None = None) -> Corpus:
    """The sets of a folder, or of one file. Raises `UserError` where there is nothing to read."""
    if not path.exists():
        raise UserError(f"there is no {str(path)!r}; name a corpus folder or a file of rows")
    if path.is_file():
        if path.suffix.lower() not in KINDS:
            raise UserError(f"{str(path)!r} is none of {', '.join(KINDS)}")
        split = _split_of(path.name) or "all"
        name = path.parent.name if path.parent.name in OURS else _set_of(Path(path.name))
        return _chosen(Corpus(path.parent, {name: (File(path, path.name, split),)}), only)
    return _chosen(_folder(path), only)


def _folder(root: Path) -> Corpus:
    found = [
        path.relative_to(root)
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in KINDS and path.name not in _NOT_ROWS and path.is_file()
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    if not found:
        raise UserError(f"{str(root)!r} holds no file of rows ({', '.join(KINDS)})")
    splits = {path: _split_of(path.name) or _split_folder(path) for path in found}
    named = any(splits.values())
    sets: dict[str, list[File]] = {}
    for path in found:
        if named and not splits[path]:
            continue
        file = File(root / path, path.as_posix(), splits[path] or "all")
        sets.setdefault(_set_of(path), []).append(file)
    ordered = {
        name: tuple(sorted(files, key=lambda file: (SPLITS.index(file.split), file.name)))
        for name, files in sets.items()
    }
    passed = tuple(path.as_posix() for path in found if named and not splits[path])
    return Corpus(root, dict(sorted(ordered.items(), key=_our_order)), passed)


def _our_order(item: tuple[str, object]) -> tuple[int, str]:
    return (OURS.index(item[0]) if item[0] in OURS else len(OURS)), item[0]


def _chosen(corpus: Corpus, only: str | None) -> Corpus:
    if only is None:
        return corpus
    if only not in corpus.sets:
        raise UserError(unknown("set", only, corpus.sets))
    return Corpus(corpus.root, {only: corpus.sets[only]})


def _split_of(name: str) -> str | None:
    """The split that a file's name says; the last one, since the set's name stands first."""
    found = _SPLIT.findall(_dashed(name.lower()))
    return _NAMES[found[-1]] if found else None


def _split_folder(path: Path) -> str | None:
    """A split that a folder on the way is called, as in `train/0001.parquet`."""
    names = (_dashed(part.lower()) for part in reversed(path.parts[:-1]))
    return next((_split_of(name) for name in names if _SPLIT.fullmatch(name)), None)


def _dashed(name: str) -> str:
    """An underscore joins words no more than a dash does."""
    return name.replace("_", "-")


def _set_of(path: Path) -> str:
    """What is left of a path without its split: `response/train.jsonl` -> `response`."""
    stem = _SPLIT.sub("", _dashed(_SHARD.sub("", path.stem))).strip("-. ")
    if _SPLIT.search(_dashed(path.stem)):
        stem = _original(stem, path.stem)
    elif _split_folder(path):
        stem = ""
    folders = [part for part in path.parts[:-1] if not _SPLIT.fullmatch(_dashed(part))]
    return "/".join([*folders, stem] if stem else folders)


def _original(stem: str, full: str) -> str:
    """A set's name as it was spelled: `sft_planner`, not `sft-planner`."""
    spelled = full[: len(stem)]
    return spelled if _dashed(spelled) == stem else stem
