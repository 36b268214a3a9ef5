"""What a training came to, and how it is watched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import orjson
from pydantic import ConfigDict, Field, ValidationError

from attunement.core.errors import UserError
from attunement.core.records import Record
from attunement.trainers.learning.settings import Method

REPORT, HISTORY, SETTINGS, CARD = "report.json", "history.jsonl", "train.toml", "README.md"
ADAPTER, MERGED, CHECKPOINTS, LOGS = "adapter", "merged", "checkpoints", "logs"


class TrainReport(Record):
    """A finished training. `metrics` are those of the weights that were written."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    method: Method
    model: str
    """What the training began with."""
    reference: str | None
    """DPO: `start` for the model that the training began with, or another's folder."""
    corpus: str
    corpus_hash: str
    """Of the files of the set, and of `retain`, that were read."""
    prints: dict[str, str] = Field(default_factory=dict)
    """Setting (`model`, `adapter`, `reference`) -> what tells its weights from others; of a name on
    the hub the name."""
    set: str
    """Empty where the corpus' files have no name but their split's."""
    rows: int
    """Trained on."""
    retained: int = 0
    """Of these, examples of `retain`."""
    validation_rows: int
    trimmed: int
    """Rows, of both splits, whose prompt lost old messages."""
    left_out: dict[str, int]
    """Reason -> rows, of both splits."""
    steps: int
    """Optimiser steps taken."""
    epochs: float
    """Passes over the rows."""
    stopped_early: bool
    """Whether the validation loss no longer fell before all steps were taken."""
    best_step: int | None = None
    """The step whose weights were written, where the validation loss chose it."""
    trainable: int
    """Parameters."""
    parameters: int
    """Of the model, the adapter's not counted."""
    seconds: float
    """Of all its sittings together, from the first step to the last."""
    processes: int = 1
    device: str
    precision: str
    shared_prompts: bool = False
    """Whether a pair's prompt was read once for both of its sides."""
    seed: int
    train_loss: float
    """Mean over all steps."""
    metrics: dict[str, float]
    """On the validation split, empty without one. Of both methods `loss`; of SFT `perplexity` and
    token `accuracy`; of DPO also `nll` (mean negative log-likelihood of a chosen token), `margin`
    (mean of beta times the difference of the two log-ratios), `accuracy` (share of pairs with a
    margin above zero), and the mean log-probabilities `chosen` and `rejected` of whole sides."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is."""

    stage: Literal["reading", "reference", "training", "writing"]
    done: int = 0
    total: int = 0
    """Of `training` in steps, of `reference` in rows."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """The newest, by name: `loss`, `margin`, `eval_loss`, …"""


Watch = Callable[[Progress], None]
"""Is told about the progress, in the training's own thread."""


def silent(progress: Progress) -> None:
    """Watch nothing."""


def read_report(out: Path) -> TrainReport | None:
    """The report of a finished training; None where there is none (yet).

    `UserError` for one that cannot be read.
    """
    path = out / REPORT
    try:
        return TrainReport.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"{str(path)!r} cannot be read: {first}") from None


def write_report(out: Path, report: TrainReport) -> None:
    """By rename, so that it is there exactly if it is whole."""
    value = report.model_dump(mode="json")
    found = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(out / REPORT, found)


def write_whole(path: Path, content: bytes) -> None:
    """Write by rename, and only what is not there already: a full disk leaves what was there.

    Raises what the disk raises; `explaining` makes a sentence of it.
    """
    if path.is_file() and path.read_bytes() == content:
        return
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
