"""The recorded dialogues of a recipe-B run: split, subsampled, and written one file a split.

Every later stage reads these files, so that no stage can see a dialogue of another split.
"""

from collections.abc import Sequence
from pathlib import Path

import orjson

from attunement.core.errors import ConfigError, RecordingError
from attunement.core.seeds import derive_seed
from attunement.personas.files import json_values
from attunement.personas.recorded import recording_ids
from attunement.trainers.corpora.published import place
from attunement.trainers.corpora.splits import SPLITS
from attunement.trainers.decoupled.config import Subsample


def split_file(folder: Path, split: str) -> Path:
    """Where the dialogues of a split stand."""
    return folder / f"{split}.jsonl"


def write_splits(
    files: Sequence[Path], folder: Path, split: str, subsample: Subsample, seed: int
) -> dict[str, int]:
    """Write `train.jsonl`, `validation.jsonl` and `test.jsonl`; returns dialogues by split.

    Which dialogue is in which split is decided as by `attune corpus import`; which of them are
    used, and in what order, by the seed. `UserError` for a file that does not fit the split,
    `ConfigError` where a split has no dialogue.
    """
    split_of = place(files, split, seed)
    if missing := [name for name in SPLITS if name not in split_of.values()]:
        raise ConfigError(
            f"`split` {split!r} leaves {missing[0]!r} empty; recipe B needs three parts, "
            "such as 8:1:1"
        )
    chosen = {name: _chosen(split_of, name, getattr(subsample, name), seed) for name in SPLITS}
    lines = _lines(files, {dialogue for ids in chosen.values() for dialogue in ids})
    folder.mkdir(parents=True, exist_ok=True)
    for name, ids in chosen.items():
        split_file(folder, name).write_bytes(b"".join(lines[dialogue] for dialogue in ids))
    return {name: len(ids) for name, ids in chosen.items()}


def _chosen(split_of: dict[str, str], split: str, count: int | None, seed: int) -> list[str]:
    """The dialogues of a split in an order drawn by the seed, so that any first of them are a
    sample."""
    ids = [dialogue for dialogue, where in split_of.items() if where == split]
    drawn = sorted(ids, key=lambda dialogue: (derive_seed(seed, "subsample", dialogue), dialogue))
    return drawn[:count]


def _lines(files: Sequence[Path], wanted: set[str]) -> dict[str, bytes]:
    """The dialogues as their files have them, one JSON line each."""
    found: dict[str, bytes] = {}
    for path in files:
        values = zip(recording_ids(path), json_values(path, RecordingError), strict=True)
        for dialogue, value in values:
            if dialogue in wanted:
                found[dialogue] = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    return found
