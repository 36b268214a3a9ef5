"""What happens between steps: history, checkpoints, the order of rows, stopping."""

import time
from pathlib import Path
from typing import Any

import orjson
from transformers import TrainerCallback

from attunement.trainers.learning.report import Progress, Watch, write_whole
from attunement.trainers.learning.sampling import Buckets
from attunement.trainers.learning.stopping import Stop

_NAMES = {
    "rewards/margins": "margin", "rewards/accuracies": "accuracy",
    "rewards/chosen": "reward_chosen", "rewards/rejected": "reward_rejected",
    "logps/chosen": "chosen", "logps/rejected": "rejected",
    "mean_token_accuracy": "token_accuracy", "logits/chosen": "logits_chosen",
    "logits/rejected": "logits_rejected", "num_tokens": "tokens",
}  # fmt: skip
"""TRL's names -> ours."""
_LEFT_OUT = (
    "train_", "eval_runtime", "eval_samples_", "eval_steps_", "eval_num_tokens", "total_flos",
)  # fmt: skip


def plain_names(logs: dict[str, Any]) -> dict[str, float]:
    """A trainer's figures under our names; validation's begin with `eval_`."""
    found = {}
    for name, value in logs.items():
        if name.startswith(_LEFT_OUT) or not isinstance(value, int | float):
            continue
        prefix = "eval_" if name.startswith("eval_") else ""
        short = name.removeprefix(prefix)
        found[prefix + _NAMES.get(short, short)] = float(value)
    return found


class History(TrainerCallback):
    """A row of history.jsonl for each step that is logged."""

    def __init__(self, path: Path, watch: Watch, writes: bool) -> None:
        self._path, self._watch, self._writes = path, watch, writes
        self._before, self._began = 0.0, time.monotonic()
        self._newest: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since the first step, breaks left out."""
        return self._before + time.monotonic() - self._began

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Rows behind the checkpoint go: those steps are taken again."""
        kept = [row for row in read_history(self._path) if row["step"] <= state.global_step]
        if self._writes:
            write_whole(self._path, b"".join(map(_line, kept)))
        self._before = max((row["seconds"] for row in kept), default=0.0)
        self._began = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Write the row, and tell the watch."""
        figures = plain_names(logs or {})
        if not figures.keys() - {"epoch"}:
            return
        row = {"step": state.global_step, "seconds": round(self.seconds, 3), **figures}
        if self._writes:
            with self._path.open("ab") as file:
                file.write(_line(row))
        self._newest |= figures
        self._tell(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell the watch."""
        self._tell(state)

    def _tell(self, state: Any) -> None:
        if self._writes:
            progress = Progress("training", state.global_step, state.max_steps, dict(self._newest))
            self._watch(progress)


def read_history(path: Path) -> list[dict[str, Any]]:
    """The rows of a history, without half a line that a kill has left."""
    rows = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            break
    return rows


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


class Rhythm(TrainerCallback):
    """Epochs of the order, checkpoints beside those of evaluations, and an orderly stop."""

    def __init__(self, buckets: Buckets, save_every: int, stop: Stop) -> None:
        self._buckets, self._save_every, self._stop = buckets, save_every, stop

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint brings the rhythm of the sitting that wrote it; this one's holds."""
        state.compute_steps(args, state.max_steps)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Of an epoch that is resumed, the state says how much is done."""
        self._buckets.epoch = int((state.epoch or 0) + 1e-6)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save in time. Where it is saved it is logged too: a log averages since the last one."""
        if state.global_step % self._save_every == 0:
            control.should_save = True
        if self._stop.wanted():
            control.should_save = control.should_training_stop = True
        if control.should_save:
            control.should_log = True
