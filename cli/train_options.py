"""The options that `attune train sft` and `attune train dpo` share."""

from pathlib import Path
from typing import Annotated

import typer

Corpus = Annotated[
    str | None,
    typer.Argument(metavar="CORPUS", help="A folder made by `attune pairs` or `attune corpus`."),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; must not exist.")]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Settings as TOML; options override it.")
]
Model = Annotated[
    str | None, typer.Option(metavar="PATH", help="The model to begin with: a folder, or a name.")
]
Adapter = Annotated[
    str | None, typer.Option(metavar="DIR", help="A LoRA adapter of the model to go on from.")
]
SetName = Annotated[
    str | None, typer.Option("--set", metavar="NAME", help="Which set of the corpus.")
]
Rank = Annotated[int | None, typer.Option(help="LoRA's rank; else 8.")]
Alpha = Annotated[int | None, typer.Option(help="LoRA's alpha; else 16.")]
Dropout = Annotated[float | None, typer.Option(help="Of the adapter; else 0.")]
Target = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Modules, by comma; else all-linear.")
]
Full = Annotated[bool | None, typer.Option("--full", help="Train every parameter, no adapter.")]
Merge = Annotated[bool | None, typer.Option("--merge", help="Write the whole model as well.")]
LearningRate = Annotated[float | None, typer.Option(help="Else 1e-4 for SFT, 5e-6 for DPO.")]
Epochs = Annotated[float | None, typer.Option(help="Else 2 for SFT, 1 for DPO.")]
MaxSteps = Annotated[int | None, typer.Option(metavar="N", help="Optimiser steps at most.")]
BatchSize = Annotated[int | None, typer.Option(metavar="N", help="Rows a forward pass; else 4.")]
Accumulation = Annotated[
    int | None, typer.Option(metavar="N", help="Forward passes an optimiser step; else 2.")
]
Warmup = Annotated[float | None, typer.Option(metavar="SHARE", help="Of the steps; else 0.03.")]
Schedule = Annotated[str | None, typer.Option(help="cosine, linear or constant.")]
WeightDecay = Annotated[float | None, typer.Option(help="Else 0.")]
MaxLength = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Tokens a row; longer ones lose their oldest messages. Else 1024."
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(metavar="N", help="Evaluations without gain before it stops; 0 never. Else 3."),
]
EvaluateEvery = Annotated[int | None, typer.Option(metavar="N", help="Steps; else an epoch.")]
SaveEvery = Annotated[
    int | None, typer.Option(metavar="N", help="Steps between checkpoints; else an epoch.")
]
Precision = Annotated[str | None, typer.Option(help="auto, float32, bf16 or fp16.")]
Checkpointing = Annotated[
    bool | None,
    typer.Option(
        "--gradient-checkpointing/--no-gradient-checkpointing",
        help="Less memory for more time; else on a GPU only.",
    ),
]
Device = Annotated[str | None, typer.Option(help="auto or cpu.")]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Of the processor.")]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same weights.")]
ReportTo = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="By comma: tensorboard (else), wandb, mlflow, …; or none."),
]
NoCheck = Annotated[
    bool, typer.Option("--no-check", help="Learn even from what attune lint refuses.")
]
KeepCheckpoints = Annotated[
    bool | None, typer.Option("--keep-checkpoints", help="Leave them behind at the end.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the unfinished training in --out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
