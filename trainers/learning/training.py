"""Training: from settings and a corpus to an adapter or a whole model, with its report.

    train(train_config(Path("train.toml")), Path("models/m1"))

Nothing in the folder says that it is finished but report.json, which is written last.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError, StoppedError
from attunement.trainers.learning.folder import check_finished, check_folder, check_there
from attunement.trainers.learning.report import TrainReport, Watch, read_report, silent
from attunement.trainers.learning.rows import choose_set
from attunement.trainers.learning.settings import TrainConfig
from attunement.trainers.lint.files import find_corpus

_NEEDED = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")


def train(
    config: TrainConfig, out: Path, watch: Watch = silent, resume: bool = False
) -> TrainReport:
    """Train, and leave model, report, history and card in `out`.

    With `resume` an unfinished folder is gone on with from its newest checkpoint, a finished one is
    returned as it is, and one that is not there is begun.

    Raises `ConfigError` for settings that do not hold (and a folder that exists), `UserError` for a
    corpus that nothing can be learnt from, `TrainingError` where the training itself breaks down,
    and `StoppedError` where a signal asked it to stop: its state is saved then. One that came too
    late to stop anything raises it too, when the training has finished: the caller may have more
    to stop.
    """
    check_folder(config, out, resume)
    if resume and (done := read_report(out)):
        check_finished(config, out, done)
        return done
    _check_packages()
    _check_there(config)
    from attunement.trainers.learning.explaining import explained
    from attunement.trainers.learning.sitting import Sitting
    from attunement.trainers.learning.stopping import heeding_signals

    with quiet(), explained(config, out), heeding_signals() as stop:
        sitting = Sitting(config, out, watch, stop)
        try:
            report = sitting.run()
        finally:
            sitting.close()
    if stop.asked:
        raise StoppedError("asked to stop behind the last step; the training has finished")
    return report


def _check_there(config: TrainConfig) -> None:
    """What can be said before torch is imported, which takes seconds."""
    for kind in ("model", "adapter", "reference"):
        if name := getattr(config, kind):
            check_there(kind, name)
    choose_set(config)
    if config.retain:
        find_corpus(Path(config.retain))


def _check_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"training needs {', '.join(missing)}; install with: pip install 'attunement[train]'"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """No bars, no chatter: a training tells its watch how far it is."""
    import datasets  # type: ignore[import-untyped]
    import transformers

    hf: Any = transformers
    bars, level = hf.logging.is_progress_bar_enabled(), hf.logging.get_verbosity()
    data_bars = datasets.are_progress_bars_disabled()
    hf.logging.disable_progress_bar()
    hf.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            # peft and trl ask transformers for a name that is to go
            warnings.filterwarnings("ignore", ".*gradient_checkpointing.*", FutureWarning)
            yield
    finally:
        hf.logging.set_verbosity(level)
        if bars:
            hf.logging.enable_progress_bar()
        if not data_bars:
            datasets.enable_progress_bars()
