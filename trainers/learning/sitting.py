"""One sitting of a training: from its start, or from a checkpoint, to its end or a stop."""

import gc
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerState

from attunement.core.errors import StoppedError
from attunement.trainers.learning import processes
from attunement.trainers.learning.arguments import arguments_of, lora_of, plan_of, threads
from attunement.trainers.learning.callbacks import History, Rhythm, read_history
from attunement.trainers.learning.card import write_cards
from attunement.trainers.learning.evaluating import example_figures, pair_figures
from attunement.trainers.learning.folder import (
    check_facts,
    drop_broken,
    lay_out,
    mend,
    newest_checkpoint,
    state_of,
)
from attunement.trainers.learning.models import precision_of
from attunement.trainers.learning.prints import prints_of
from attunement.trainers.learning.report import (
    CHECKPOINTS,
    HISTORY,
    LOGS,
    Progress,
    TrainReport,
    Watch,
    write_report,
)
from attunement.trainers.learning.sampling import Buckets
from attunement.trainers.learning.settings import TrainConfig
from attunement.trainers.learning.starting import Start, scored
from attunement.trainers.learning.stopping import Stop
from attunement.trainers.learning.trainers import (
    ExampleTrainer,
    PairTrainer,
    fit_head,
    sharded,
)
from attunement.trainers.learning.writing import count_parameters, write_model


class Sitting:
    """What a sitting holds in memory."""

    def __init__(self, config: TrainConfig, out: Path, watch: Watch, stop: Stop) -> None:
        self.config, self.out, self.stop = config, out, stop
        self._main = processes.rank() == 0
        self._told = watch
        self._threads = threads(config.threads)
        self._trainer: Any = None

    def close(self) -> None:
        """Give memory back, and torch its threads."""
        self._trainer = None
        threads(self._threads)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def run(self) -> TrainReport:
        """Read, train, evaluate, write."""
        config, start = self.config, Start(self.config, self._watch)
        rows = start.read(checks=self._main and not (self.out / CHECKPOINTS).exists())
        self._prints = prints_of(config)
        facts = {"corpus_hash": rows.corpus_hash, **self._prints, "processes": processes.count()}
        check_facts(self.out, facts)
        precision = precision_of(config)
        self.plan = plan_of(config, len(rows.train), len(rows.validation), processes.count())
        args = arguments_of(
            config, self.plan, precision, self.out / CHECKPOINTS, bool(rows.validation)
        )
        if self._main:
            lay_out(config, self.out, facts)
            drop_broken(self.out)
        processes.wait()
        start.load(precision, self.out / CHECKPOINTS)
        self._build(start, args)
        self._train()
        return self._finish(start)

    def _watch(self, progress: Progress) -> None:
        """Tell the watch. `StoppedError` where a signal came before there was anything to save."""
        if self._main:
            self._told(progress)
        early = progress.stage in ("reading", "reference")
        if early and self.stop.asked and processes.count() == 1:
            raise StoppedError("stopped before the first step; there was nothing to keep")

    # ---- training -------------------------------------------------------------------------------

    def _build(self, start: Start, args: Any) -> None:
        config, rows = self.config, start.rows
        lora = None if config.full else lora_of(config, start.model)
        kind: Any = PairTrainer if config.method == "dpo" else ExampleTrainer
        self._buckets = Buckets(
            [row.length for row in rows.train], config.batch_size * processes.count(), config.seed
        )
        self._trainer = trainer = kind(
            start.model, args=args, train_dataset=start.train(),
            eval_dataset=start.validation() if rows.validation else None,
            processing_class=start.tokenizer, peft_config=lora, callbacks=self._callbacks(),
        )  # fmt: skip
        trainer.buckets = self._buckets
        trainer.remove_callback(PrinterCallback)
        if config.method == "dpo":
            trainer.precompute_ref_logps = start.reference is not None
        fit_head(trainer, start.shares)
        self._counts = count_parameters(trainer.model)

    def _callbacks(self) -> list[Any]:
        config, plan = self.config, self.plan
        self._history = History(self.out / HISTORY, self._watch, self._main)
        found: list[Any] = [Rhythm(self._buckets, plan.save_every, self.stop), self._history]
        if plan.watches:
            found.append(EarlyStoppingCallback(config.patience or 1))
        if "tensorboard" in config.report_to and self._main:
            from torch.utils.tensorboard import SummaryWriter
            from transformers.integrations import integration_utils

            integrations: Any = integration_utils  # typed by halves
            writer = SummaryWriter(str(self.out / LOGS))
            found.append(integrations.TensorBoardCallback(writer))
        return found

    def _train(self) -> None:
        """Train what is left. `StoppedError` where a signal came between."""
        trainer, checkpoint = self._trainer, newest_checkpoint(self.out)
        if checkpoint and self._main:
            mend(checkpoint)
        processes.wait()
        if checkpoint and self._over(checkpoint):
            self._take_up(checkpoint)
            return
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        state = trainer.state
        if self.stop.asked and state.global_step < self.plan.steps and not self._patience_over():
            raise StoppedError(
                f"stopped at step {state.global_step:,} of {self.plan.steps:,}; nothing is lost"
            )

    def _over(self, checkpoint: Path) -> bool:
        """Whether a sitting had ended its steps, but not written its model."""
        state = state_of(checkpoint) or {}
        callbacks = state.get("stateful_callbacks", {})
        waited = callbacks.get("EarlyStoppingCallback", {}).get("attributes", {})
        waited = waited.get("early_stopping_patience_counter", 0)
        patience = self.config.patience if self.plan.watches else None
        return state["global_step"] >= self.plan.steps or bool(patience and waited >= patience)

    def _take_up(self, checkpoint: Path) -> None:
        trainer = self._trainer
        trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        best = trainer.state.best_model_checkpoint if self.plan.watches else None
        trainer._load_from_checkpoint(best or str(checkpoint))

    def _patience_over(self) -> bool:
        found = [c for c in self._trainer.callback_handler.callbacks
                 if isinstance(c, EarlyStoppingCallback)]  # fmt: skip
        return any(c.early_stopping_patience_counter >= c.early_stopping_patience for c in found)

    # ---- afterwards -----------------------------------------------------------------------------

    def _finish(self, start: Start) -> TrainReport:
        trainer = self._trainer
        self._watch(Progress("writing", self.plan.steps, self.plan.steps))
        report = self._report(start, self._figures(start))
        write_model(self.config, self.out, trainer, start.tokenizer)
        if self._main:
            write_cards(self.config, self.out, report)
            write_report(self.out, report)
            if not self.config.keep_checkpoints:
                shutil.rmtree(self.out / CHECKPOINTS, ignore_errors=True)
        processes.wait()
        return report

    def _figures(self, start: Start) -> dict[str, float]:
        rows, trainer = start.rows.validation, self._trainer
        if not rows:
            return {}
        if sharded(trainer):  # no process has all the weights: means of batches have to do
            found = trainer.evaluate()
            return {"loss": float(found["eval_loss"])}
        model = trainer.accelerator.unwrap_model(trainer.model)
        scores = scored(model, rows, self.config.batch_size, start.precision)
        if self.config.method == "sft":
            return example_figures(scores)
        reference = start.validation_reference
        if reference is None:
            with model.disable_adapter():
                reference = scored(model, rows, self.config.batch_size, start.precision)[:, :, 0]
        return pair_figures(self.config, scores, reference)

    def _report(self, start: Start, metrics: dict[str, float]) -> TrainReport:
        config, rows, state = self.config, start.rows, self._trainer.state
        history = read_history(self.out / HISTORY) if self._main else []
        return TrainReport(
            method=config.method, model=config.model, corpus=config.corpus,
            reference=(config.reference or "start") if config.method == "dpo" else None,
            corpus_hash=rows.corpus_hash, prints=self._prints, set=rows.set,
            rows=len(rows.train), retained=rows.retained,
            validation_rows=len(rows.validation), trimmed=rows.trimmed,
            left_out=dict(rows.left_out.most_common()), steps=state.global_step,
            epochs=round(state.epoch or 0, 4), stopped_early=state.global_step < self.plan.steps,
            best_step=state.best_global_step if self.plan.watches else None,
            trainable=self._counts[0], parameters=self._counts[1],
            seconds=max((row["seconds"] for row in history), default=0.0),
            processes=processes.count(), device=start.precision.device.type,
            precision=start.precision.compute, shared_prompts=start.shares, seed=config.seed,
            train_loss=_mean_loss(history), metrics=metrics,
        )  # fmt: skip


def _mean_loss(history: list[dict[str, Any]]) -> float:
    """Over all steps: a row's loss is the mean since the row before."""
    total, last = 0.0, 0
    for row in history:
        if "loss" in row:
            total += row["loss"] * (row["step"] - last)
            last = row["step"]
    return total / max(last, 1)
