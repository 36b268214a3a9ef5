"""What tells weights and corpora from others of their kind, wherever they stand."""

import hashlib
import struct
from pathlib import Path

from attunement.trainers.learning.settings import TrainConfig

WEIGHTS_READ = ("model", "adapter", "reference")
"""Settings that name weights."""
_SMALL = (
    "config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja",
)  # fmt: skip
"""Files beside the weights that a training depends on."""
_SAMPLE, _PLACES = 1 << 16, 64
"""Bytes of a file of weights that are looked at in one place, and in how many places."""


def base_print(folder: Path) -> str | None:
    """What tells a base from another of the same shape: sizes, headers and samples of its weights,
    which are taken evenly, since an adapter that was merged may have changed a few tensors alone.

    None for what is no local folder of safetensors.
    """
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        return None
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            size = path.stat().st_size
            header = file.read(struct.unpack("<Q", file.read(8))[0])
            for part in (str(size).encode(), header):
                found.update(hashlib.sha256(part).digest())
            for place in range(_PLACES):
                file.seek(max(size - _SAMPLE, 0) * place // (_PLACES - 1))
                found.update(file.read(_SAMPLE))
    return found.hexdigest()[:16]


def prints_of(config: TrainConfig) -> dict[str, str]:
    """Setting -> what tells the weights (and tokenizer) that it names from others; of a name on the
    hub, and of weights that are no safetensors, the name itself."""
    named = {name: getattr(config, name) for name in WEIGHTS_READ}
    return {name: _print_of(Path(path)) or path for name, path in named.items() if path}


def _print_of(folder: Path) -> str | None:
    weights = base_print(folder)
    if weights is None:
        return None
    found = hashlib.sha256(weights.encode())
    for name in _SMALL:
        if (path := folder / name).is_file():
            found.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]
