"""Splits of recorded dialogues: ESConv's published one, one by file names, or shares by a seed."""

import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from attunement.core.errors import RecordingError, UserError
from attunement.personas.files import slug
from attunement.personas.recorded import Recording, read_recordings, recording_ids
from attunement.trainers.corpora.splits import SPLITS, parse_split, split_by

ESCONV = "e46be66562b889426a169d0b9e9d8ef3ca8e8273d1d82cf11d1396afbdf823d0"
"""Fingerprint of ESConv's 1,300 dialogues in their published order."""
HELD_OUT = 195
"""Dialogues of the published validation split, and of the test split."""
_NAMES = {
    "train": "train", "training": "train", "valid": "validation", "validation": "validation",
    "val": "validation", "dev": "validation", "test": "test",
}  # fmt: skip


def place(
    files: Sequence[Path], how: str, seed: int = 0, limit: int | None = None
) -> dict[str, str]:
    """Dialogue id -> split, for the first `limit` dialogues of each file, in order.

    `how` is `published`, `files`, or shares such as `9:1`. Reads every file once, so that one that
    is no JSON is refused here. Raises `UserError` where a file does not fit the split.
    """
    stems = [slug(path.stem.lower(), "dialogue") for path in files]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise UserError(f"two files are named {twice!r}, so that ids would clash; rename one")
    if how == "published":
        return _published(files, limit)
    if how == "files":
        return {
            name: split
            for path, split in [(path, split_of_file(path)) for path in files]
            for name in recording_ids(path, limit)
        }
    ids = [name for path in files for name in recording_ids(path, limit)]
    return split_by(ids, _shares(how), seed)


def splits_in(how: str, placed: Iterable[str]) -> tuple[str, ...]:
    """The names of the splits, in order."""
    if how in ("published", "files"):
        found = set(placed)
        return tuple(split for split in SPLITS if split in found)
    return SPLITS[: len(_shares(how))]


def _shares(how: str) -> tuple[int, ...]:
    try:
        return parse_split(how)
    except UserError as error:
        raise UserError(f"{error}; or pass `published` or `files`") from None


# ---- ESConv -------------------------------------------------------------------------------------


def _published(files: Sequence[Path], limit: int | None) -> dict[str, str]:
    if len(files) != 1:
        raise UserError(f"`--split published` is for ESConv.json alone, got {len(files)} files")
    if limit is not None:
        raise UserError("`--split published` needs every dialogue; leave --limit out")
    path = files[0]
    if fingerprint(read_recordings(path)) != ESCONV:
        raise RecordingError(
            f"`{path.name}`: `--split published` is for ESConv's 1,300 dialogues in their "
            "published order, and this is another text; pass --split 9:1"
        )
    ids = list(recording_ids(path))
    split = dict(zip(published_order(len(ids)), _published_names(len(ids)), strict=True))
    return {name: split[i] for i, name in enumerate(ids)}


def published_order(count: int) -> list[int]:
    """Places in the file: validation first, then test, then train."""
    order = list(range(count))
    random.Random(13).shuffle(order)
    return order


def _published_names(count: int) -> list[str]:
    rest = count - 2 * HELD_OUT
    return ["validation"] * HELD_OUT + ["test"] * HELD_OUT + ["train"] * rest


def fingerprint(recordings: Iterable[Recording]) -> str:
    """SHA-256 of role, strategy and text of every utterance; dialogues parted by an empty line."""
    digest = hashlib.sha256()
    for number, recording in enumerate(recordings):
        lines = (f"{u.speaker}\t{u.strategy or ''}\t{u.text}" for u in recording.utterances)
        digest.update((b"\n\n" if number else b"") + "\n".join(lines).encode())
    return digest.hexdigest()


# ---- by file ------------------------------------------------------------------------------------


def split_of_file(path: Path) -> str:
    """The split that a file's name holds as a word: train, valid, validation, val, dev or test."""
    found = {_NAMES[word] for word in re.split(r"[^a-z]+", path.stem.lower()) if word in _NAMES}
    if len(found) != 1:
        several = "several splits" if found else "no split"
        raise UserError(
            f"`--split files` reads each file's split from its name, and {path.name!r} names "
            f"{several}; known: {', '.join(_NAMES)}"
        )
    return found.pop()
