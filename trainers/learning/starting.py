"""What a sitting begins with: rows, tokenizer, weights, and what the reference says of the rows."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from trl.trainer.utils import disable_dropout_in_model

from attunement.core.errors import ConfigError
from attunement.trainers.learning import processes
from attunement.trainers.learning.adapters import put_in
from attunement.trainers.learning.arguments import check_report_to
from attunement.trainers.learning.gate import check_corpus
from attunement.trainers.learning.heads import can_share, put_head, take_head, window_of
from attunement.trainers.learning.models import (
    Precision,
    check_length,
    load_model,
    load_tokenizer,
)
from attunement.trainers.learning.reference import Scores, Told, collate, score
from attunement.trainers.learning.report import Progress, Watch
from attunement.trainers.learning.rows import Row, Rows, choose_set, load_rows
from attunement.trainers.learning.settings import TrainConfig
from attunement.trainers.learning.trainers import example_columns, pair_columns

SAVED = "reference.npz"
_TRIED = 2
"""Pairs, of the shortest and of the longest, on which shared prompts are tried."""


class Start:
    """What is read and loaded before the first step."""

    rows: Rows
    tokenizer: Any
    model: Any
    precision: Precision
    shares = False
    """Whether a pair's prompt is read once for both of its sides."""
    reference: np.ndarray | None = None
    """Log-probabilities [rows, 2] of the train split; None where the trainer asks in every step."""
    validation_reference: np.ndarray | None = None

    def __init__(self, config: TrainConfig, watch: Watch) -> None:
        self._config, self._watch = config, watch

    def read(self, checks: bool) -> Rows:
        """The corpus in tokens, looked over by the lint where it `checks`."""
        config = self._config
        self._watch(Progress("reading"))
        check_report_to(config.report_to)
        self.tokenizer = load_tokenizer(config.model)
        name, _ = choose_set(config)
        if checks and config.check:
            check_corpus(config, name, self.tokenizer)
        self.rows = load_rows(config, self.tokenizer)
        self.rows.validation.sort(key=lambda row: row.length)
        assert all(
            row.length <= config.max_length for row in [*self.rows.train, *self.rows.validation]
        )
        return self.rows

    def load(self, precision: Precision, folder: Path) -> None:
        """The weights; before them another reference's, whose figures are kept in `folder`."""
        config, self.precision = self._config, precision
        if config.method == "dpo" and config.reference:
            self._ask_another(folder)
        self.model = self._load(config.model, precision)
        check_length(self.model, config)
        if config.adapter:
            self.model = put_in(self.model, config.adapter, config.model)
        if config.method == "dpo":
            disable_dropout_in_model(self.model)  # not of the adapter, which is put on later
            self.shares = self._shares(self.model)
            if not config.reference and (config.precompute or config.full):
                self._ask(self.model, folder)
        if config.full:
            self.model.float()

    def train(self) -> Any:
        """The train split as the trainer wants it."""
        rows = self.rows.train
        if self._config.method == "sft":
            return example_columns(rows)
        return pair_columns(rows, self.reference)

    def validation(self) -> Any:
        """The validation split as the trainer wants it."""
        rows = self.rows.validation
        if self._config.method == "sft":
            return example_columns(rows)
        return pair_columns(rows, self.validation_reference)

    # ---- the reference --------------------------------------------------------------------------

    def _load(self, name: str, precision: Precision) -> Any:
        model = load_model(name, precision, self.tokenizer)
        return model if self._whole_here() else model.cpu()

    def _whole_here(self) -> bool:
        """Whether the weights fit on the device as they are: spread ones may not."""
        config = self._config
        asks = config.precompute or config.full or config.reference is not None
        return not processes.spread() or (config.method == "dpo" and asks)

    def _ask_another(self, folder: Path) -> None:
        """The other model is freed before the one that learns is loaded: never two in memory."""
        if self._recall(folder):
            return
        other = self._load(str(self._config.reference), self.precision)
        self._ask(other, folder, share=self._shares(other))
        del other
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _ask(self, model: Any, folder: Path, share: bool | None = None) -> None:
        """What a model says of both splits, kept for a sitting that goes on with this training."""
        if self._recall(folder):
            return
        put_head(model, self.shares if share is None else share)
        splits = [self.rows.train, self.rows.validation]
        total = sum(map(len, splits))
        found: list[np.ndarray] = []
        for split in splits:
            done = sum(map(len, found))

            def told(rows: int, done: int = done) -> None:
                self._watch(Progress("reference", done + rows, total))

            scores = scored(model, split, self._config.batch_size, self.precision, told)
            found.append(scores[:, :, 0])
        take_head(model)
        self.reference, self.validation_reference = found
        if processes.rank() == 0:
            _save(folder / SAVED, train=found[0], validation=found[1])

    def _recall(self, folder: Path) -> bool:
        path = folder / SAVED
        if not path.exists():
            return False
        with np.load(path) as saved:
            self.reference, self.validation_reference = saved["train"], saved["validation"]
        return True

    def _shares(self, model: Any) -> bool:
        """`ConfigError` where it is asked for and the model cannot."""
        wanted = self._config.share_prompts
        if wanted is False or processes.spread():
            return False
        able = self._sees_whole_rows(model) and all(
            can_share(model, collate(rows, self.precision.device), self.precision)
            for rows in self._to_try()
        )
        if wanted and not able:
            raise ConfigError(
                f"`share_prompts`: {self._config.model!r} gives other figures where prompts are "
                "read once; leave it out"
            )
        return able

    def _sees_whole_rows(self, model: Any) -> bool:
        window = window_of(model)
        return window is None or window >= self._config.max_length

    def _to_try(self) -> tuple[list[Row], list[Row]]:
        """The shortest and the longest rows."""
        ordered = sorted([*self.rows.train, *self.rows.validation], key=lambda row: row.length)
        number = min(_TRIED, self._config.batch_size)
        return ordered[:number], ordered[-number:]


def scored(
    model: Any, rows: Sequence[Row], batch: int, precision: Precision, told: Told = lambda _: None
) -> Scores:
    """The scores of rows, each process seeing to its share."""
    if not rows:
        return np.zeros((0, 2, 3))
    mine = processes.share(rows)
    return processes.joined(score(model, mine, batch, precision, told), len(rows))


def _save(path: Path, **arrays: np.ndarray) -> None:
    part = path.with_name(f".{path.name}")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    part.replace(path)
