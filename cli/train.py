"""`attune train`: models that learn from corpora."""

from pathlib import Path
from typing import Annotated, Any

import typer

from attunement.cli import train_options as o
from attunement.cli.train_pocket import pocket

app = typer.Typer(no_args_is_help=True, help="Train a model: pocket, sft, dpo.")
app.command("pocket")(pocket)


@app.command("sft")
def sft(
    out: o.Out,
    corpus: o.Corpus = None,
    model: o.Model = None,
    config: o.Config = None,
    adapter: o.Adapter = None,
    set_name: o.SetName = None,
    rank: o.Rank = None,
    alpha: o.Alpha = None,
    dropout: o.Dropout = None,
    target: o.Target = None,
    full: o.Full = None,
    merge: o.Merge = None,
    learning_rate: o.LearningRate = None,
    epochs: o.Epochs = None,
    max_steps: o.MaxSteps = None,
    batch_size: o.BatchSize = None,
    accumulation: o.Accumulation = None,
    warmup: o.Warmup = None,
    schedule: o.Schedule = None,
    weight_decay: o.WeightDecay = None,
    max_length: o.MaxLength = None,
    patience: o.Patience = None,
    evaluate_every: o.EvaluateEvery = None,
    save_every: o.SaveEvery = None,
    precision: o.Precision = None,
    gradient_checkpointing: o.Checkpointing = None,
    device: o.Device = None,
    threads: o.Threads = None,
    seed: o.Seed = None,
    report_to: o.ReportTo = None,
    no_check: o.NoCheck = False,
    keep_checkpoints: o.KeepCheckpoints = None,
    resume: o.Resume = False,
    as_json: o.AsJson = False,
) -> None:
    """Learn completions: the replies of a corpus' examples, not their prompts.

    Example: attune train sft corpora/001 --model models/qwen --out models/m0
    """
    _train("sft", locals())


@app.command("dpo")
def dpo(
    out: o.Out,
    corpus: o.Corpus = None,
    model: o.Model = None,
    config: o.Config = None,
    adapter: o.Adapter = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Another reference than the model to begin with."),
    ] = None,
    set_name: o.SetName = None,
    beta: Annotated[float | None, typer.Option(help="DPO's inverse temperature; else 0.1.")] = None,
    gamma: Annotated[
        float | None,
        typer.Option(help="Weight of the chosen side's likelihood, 0 for plain DPO; else 1."),
    ] = None,
    precompute: Annotated[
        bool | None,
        typer.Option(
            "--precompute/--no-precompute", help="Ask the reference once, or in every step."
        ),
    ] = None,
    retain: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="A corpus of examples that it must go on to know."),
    ] = None,
    rank: o.Rank = None,
    alpha: o.Alpha = None,
    dropout: o.Dropout = None,
    target: o.Target = None,
    full: o.Full = None,
    merge: o.Merge = None,
    learning_rate: o.LearningRate = None,
    epochs: o.Epochs = None,
    max_steps: o.MaxSteps = None,
    batch_size: o.BatchSize = None,
    accumulation: o.Accumulation = None,
    warmup: o.Warmup = None,
    schedule: o.Schedule = None,
    weight_decay: o.WeightDecay = None,
    max_length: o.MaxLength = None,
    patience: o.Patience = None,
    evaluate_every: o.EvaluateEvery = None,
    save_every: o.SaveEvery = None,
    precision: o.Precision = None,
    gradient_checkpointing: o.Checkpointing = None,
    device: o.Device = None,
    threads: o.Threads = None,
    seed: o.Seed = None,
    report_to: o.ReportTo = None,
    no_check: o.NoCheck = False,
    keep_checkpoints: o.KeepCheckpoints = None,
    resume: o.Resume = False,
    as_json: o.AsJson = False,
) -> None:
    """Learn preferences: the chosen side of a corpus' pairs over the rejected one.

    Several GPUs: accelerate launch --config_file configs/accelerate/fsdp.yaml
    -m attunement.cli.app train dpo …

    Example: attune train dpo corpora/001 --model models/m0 --out models/m1
    """
    _train("dpo", locals())


def _train(method: str, given: dict[str, Any]) -> None:
    from attunement.cli.train_progress import watching
    from attunement.core.errors import StoppedError
    from attunement.trainers.learning import processes
    from attunement.trainers.learning.report import read_report
    from attunement.trainers.learning.training import train

    out, resume, as_json = (given.pop(name) for name in ("out", "resume", "as_json"))
    config = _config(method, out, resume, given)
    try:
        with watching() as watch:
            report = train(config, out, watch, resume)
    except (StoppedError, KeyboardInterrupt) as error:
        if processes.rank() == 0 and (done := read_report(out)) is not None:
            _say(done, out, as_json)
            typer.echo("The signal came behind the last step: the training has finished.", err=True)
        elif processes.rank() == 0:
            said = str(error) or "stopped at once; what the newest checkpoint holds is kept"
            again = f"attune train {method} --out {out} --resume"
            typer.echo(f"{said.capitalize()}. Go on with: {again}", err=True)
        raise typer.Exit(130) from None
    if processes.rank() == 0:
        _say(report, out, as_json)


def _config(method: str, out: Path, resume: bool, given: dict[str, Any]) -> Any:
    """What the options say, over the file's settings, or those of the training to resume."""
    from attunement.core.errors import ConfigError
    from attunement.trainers.learning.report import SETTINGS
    from attunement.trainers.learning.settings import train_config

    path = given.pop("config")
    if resume and path is None and (out / SETTINGS).is_file():
        path = out / SETTINGS
    lora = {
        "r": given.pop("rank"),
        "alpha": given.pop("alpha"),
        "dropout": given.pop("dropout"),
    }
    if target := given.pop("target"):
        lora["target"] = _names(target) if target != "all-linear" else target
    lora = {name: value for name, value in lora.items() if value is not None}
    if report_to := given.pop("report_to"):
        given["report_to"] = _names(report_to)
    settings = {
        "set": given.pop("set_name"), "check": False if given.pop("no_check") else None,
        "lora": lora or None,
    }  # fmt: skip
    for name, what in (("model", "--model models/qwen"), ("corpus", "attune train … corpora/001")):
        if path is None and given[name] is None:
            raise ConfigError(f"name a {name}: {what}")
    return train_config(path, method=method, **given, **settings)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _say(report: Any, out: Path, as_json: bool) -> None:
    from rich.console import Console

    from attunement.cli.train_table import print_report

    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_report(Console(), report, out)
