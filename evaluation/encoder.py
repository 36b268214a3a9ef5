"""A local encoder: how near two texts are in meaning, by sentence and by token.

    encoder = load_encoder("models/all-MiniLM-L6-v2")
    similarities(encoder, generated, recorded)      # cosine of the two embeddings
    bert_scores(encoder, generated, recorded)       # precision, recall, F1

Any folder of a transformers model is read, nothing is fetched. A folder in the layout of
sentence-transformers says how its tokens are pooled; else it is their mean. Only figures of one
encoder are to be compared.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from attunement.core.errors import ConfigError, unknown

_LONGEST = 512
"""Tokens of a text at most, where the folder names no limit; what is longer is cut."""
_LAYERS = ("Transformer", "Pooling", "Normalize")
"""What a sentence-transformers folder may be made of here."""
_POOLED = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token"}


class Encoder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """What tells it from other encoders, for a report."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """A row of length 1 for each text, shape (texts, d); zeros for a text without tokens."""
        ...


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An encoder that has vectors of single tokens too."""

    def embed_tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        """For each text a row of length 1 for each of its tokens, shape (tokens, d), without those
        that a tokenizer adds."""
        ...


# ---- figures ------------------------------------------------------------------------------------


def similarities(encoder: Encoder, generated: Sequence[str], recorded: Sequence[str]) -> np.ndarray:
    """Cosine of each reply's embedding with that of the recorded one, shape (replies,)."""
    if not generated:
        return np.zeros(0)
    return np.asarray((encoder.embed(generated) * encoder.embed(recorded)).sum(-1))


def bert_scores(
    encoder: TokenEncoder, generated: Sequence[str], recorded: Sequence[str]
) -> np.ndarray:
    """BERTScore of each reply: precision, recall, F1; shape (replies, 3).

    Zhang et al. 2020, with the last layer, without idf weights and without rescaling.
    """
    sides = zip(encoder.embed_tokens(generated), encoder.embed_tokens(recorded), strict=True)
    return np.array([greedy_match(ours, theirs) for ours, theirs in sides]).reshape(-1, 3)


def greedy_match(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 of token vectors of length 1, shapes (m, d) and (n, d).

    Every token is matched with the nearest of the other side. A side without tokens: 0.
    """
    if not len(ours) or not len(theirs):
        return 0.0, 0.0, 0.0
    near = ours @ theirs.T
    precision, recall = float(near.max(1).mean()), float(near.max(0).mean())
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both > 0 else 0.0


def drift(before: np.ndarray, after: np.ndarray) -> float:
    """How far the mean embedding has moved: 1 minus the cosine of the two means, 0 to 2.

    Shapes (texts, d), of equal or different numbers of texts; NaN where a side has no direction.
    """
    if not len(before) or not len(after):
        return float("nan")
    one, other = before.mean(0), after.mean(0)
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return 1 - float(one @ other) / length if length > 0 else float("nan")


# ---- a folder's model ---------------------------------------------------------------------------


def load_encoder(folder: str | Path, device: str = "auto", batch: int = 32) -> TokenEncoder:
    """The encoder in a folder. `device`: `cpu`, `cuda`, …; `auto` takes a GPU where there is one.

    `ConfigError` for a folder that is none or holds no model, and for missing packages.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ConfigError(
            f"`encoder` {str(folder)!r} is no folder; give one that holds a transformers model"
        )
    where, pooling = _layout(folder)
    try:
        return _FolderEncoder(folder, where, pooling, device, batch)
    except ImportError as error:
        raise ConfigError(
            f"an encoder needs {error.name or 'transformers'!r}, which is not here; "
            "pip install 'attunement[hf]'"
        ) from None
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"`encoder` {str(folder)!r} cannot be loaded: {why}") from None


def _layout(folder: Path) -> tuple[Path, str]:
    """Where the transformers model lies, and how its tokens are pooled: `mean` or `cls`."""
    listed = folder / "modules.json"
    if not listed.exists():
        return folder, "mean"
    layers = {str(layer["type"]).rpartition(".")[2]: str(layer["path"]) for layer in _read(listed)}
    if other := next((name for name in layers if name not in _LAYERS), None):
        raise ConfigError(f"{str(listed)!r}: {unknown('layer', other, _LAYERS)}")
    where = folder / layers.get("Transformer", "")
    if "Pooling" not in layers:
        return where, "mean"
    return where, _pooling(folder / layers["Pooling"] / "config.json")


def _pooling(path: Path) -> str:
    settings = _read(path)
    named = settings.get("pooling_mode")
    wanted = [named] if named else [k for k, v in settings.items() if "_mode_" in k and v is True]
    for name, key in _POOLED.items():
        if wanted in ([name], [key]):
            return name
    raise ConfigError(f"{str(path)!r}: {unknown('pooling', ', '.join(wanted) or 'none', _POOLED)}")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error}") from None


class _FolderEncoder:
    """A transformers model of a folder, its tokens pooled."""

    def __init__(self, folder: Path, where: Path, pooling: str, device: str, batch: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._torch, self._device, self._batch = torch, device, batch
        self._pooling, self._folder = pooling, folder
        self._tokenizer: Any = AutoTokenizer.from_pretrained(where, local_files_only=True)
        self._tokenizer.padding_side = "right"  # so that the first token is a text's own
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        with _without_bars():
            model: Any = AutoModel.from_pretrained(where, local_files_only=True, dtype="float32")
        self._model = model.to(device).eval()
        self._longest = _longest(where, self._tokenizer, model.config)

    @property
    def name(self) -> str:
        return f"{self._folder.resolve().name} ({self._pooling})"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        pool = self._first if self._pooling == "cls" else self._mean
        return np.stack(self._each(texts, pool)) if texts else np.zeros((0, self._size))

    def embed_tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        return self._each(texts, lambda hidden, mask, own: hidden[own & mask])

    @property
    def _size(self) -> int:
        return int(self._model.config.hidden_size)

    def _mean(self, hidden: np.ndarray, mask: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.asarray(hidden[mask].mean(0))

    def _first(self, hidden: np.ndarray, mask: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.asarray(hidden[0])

    def _each(
        self,
        texts: Sequence[str],
        take: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    ) -> list[np.ndarray]:
        """What `take` takes of each text's last layer, with length 1, in the order of the texts.

        It is handed (tokens, d), which of the tokens are no padding, and which the text's own.
        """
        found: dict[str, np.ndarray] = {}
        for block in self._blocks(texts):
            for text, (hidden, mask, own) in zip(block, self._read(block), strict=True):
                if mask.any():
                    found[text] = _unit(take(hidden, mask, own))
        nothing = take(np.zeros((1, self._size)), np.ones(1, bool), np.zeros(1, bool))
        return [found.get(text, nothing) for text in texts]

    def _blocks(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Texts with words, each once, those of about one length together."""
        different = sorted({text for text in texts if text.strip()}, key=lambda t: (len(t), t))
        for start in range(0, len(different), self._batch):
            yield different[start : start + self._batch]

    def _read(self, block: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        given = self._tokenizer(
            block, padding=True, truncation=True, max_length=self._longest,
            return_special_tokens_mask=True, return_tensors="pt",
        )  # fmt: skip
        special = given.pop("special_tokens_mask").numpy().astype(bool)
        given.pop("token_type_ids", None)  # one text alone: all zero, which is the default
        mask = given["attention_mask"].numpy().astype(bool)
        with self._torch.inference_mode():
            hidden = self._model(**given.to(self._device)).last_hidden_state.float().cpu().numpy()
        yield from zip(hidden, mask, ~special, strict=True)


@contextmanager
def _without_bars() -> Iterator[None]:
    from transformers.utils import logging as untyped

    logging: Any = untyped
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _longest(where: Path, tokenizer: Any, config: Any) -> int:
    """Tokens of a text at most: the least of what folder, tokenizer and model say."""
    places = getattr(config, "max_position_embeddings", None)
    if places and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        places -= 2  # their numbers begin behind that of padding
    limits = [tokenizer.model_max_length, places]
    settings = where / "sentence_bert_config.json"
    if settings.exists():
        limits.append(_read(settings).get("max_seq_length"))
    # A tokenizer without a limit says 10^30.
    return min([*(int(limit) for limit in limits if limit and limit < 10**6), _LONGEST])


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows with length 1; a row of zeros stays one."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12))
