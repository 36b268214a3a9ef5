"""The model card: a YAML header that the hub reads, the data, the settings, the figures."""

from pathlib import Path
from typing import Any

import yaml

from attunement.trainers.learning.report import ADAPTER, CARD, MERGED, TrainReport
from attunement.trainers.learning.settings import TrainConfig

_METHOD = {
    "sft": "supervised fine-tuning on completions: prompts are read, not learnt",
    "dpo": "direct preference optimisation (Rafailov et al. 2023)",
}
_MEANING = {
    "loss": "what training lowers",
    "perplexity": "of the completions' tokens",
    "accuracy": {
        "sft": "share of tokens that the model holds for the likeliest",
        "dpo": "share of pairs with a margin above zero",
    },
    "nll": "mean negative log-likelihood of a chosen token",
    "margin": "beta times the mean difference of the two log-ratios to the reference",
    "chosen": "mean log-probability of a chosen side",
    "rejected": "mean log-probability of a rejected side",
}


def write_cards(config: TrainConfig, out: Path, report: TrainReport) -> None:
    """The same card beside the adapter, the whole model and the report."""
    for folder, kind in ((out, None), (out / ADAPTER, "peft"), (out / MERGED, "transformers")):
        if folder.is_dir():
            (folder / CARD).write_text(model_card(config, report, kind), "utf-8")


def model_card(config: TrainConfig, report: TrainReport, library: str | None) -> str:
    """The card as text; `library` loads what stands beside it."""
    header = yaml.safe_dump(
        _header(config, report, library), sort_keys=False, allow_unicode=True, width=100
    )
    sections = [
        f"---\n{header}---\n\n# {Path(config.model).name}, after {config.method.upper()}",
        _about(config, report),
        _data(report),
        "## Settings\n\n" + _bullets(config.model_dump(mode="json", exclude_none=True)),
        _figures(report),
        _limits(),
    ]
    return "\n\n".join(sections) + "\n"


def _header(config: TrainConfig, report: TrainReport, library: str | None) -> dict[str, Any]:
    return {
        "base_model": _plain(config.model),
        **({"library_name": library} if library else {}),
        "pipeline_tag": "text-generation",
        "tags": [
            "emotional-support",
            "dialogue",
            config.method,
            *([] if config.full else ["lora"]),
        ],
        "datasets": [_plain(report.corpus)],
        **({"model-index": [_index(config, report)]} if report.metrics else {}),
    }


def _plain(name: str) -> str:
    """A name on the hub as it is; of a folder its last part, since the hub takes no paths."""
    return Path(name).name if Path(name).exists() else name


def _index(config: TrainConfig, report: TrainReport) -> dict[str, Any]:
    name = _plain(report.corpus)
    dataset = {"name": f"{name} ({report.set}, validation)", "type": name}
    metrics = [
        {"type": name, "name": f"validation {name}", "value": round(value, 6)}
        for name, value in report.metrics.items()
    ]
    result = {"task": {"type": "text-generation"}, "dataset": dataset, "metrics": metrics}
    return {"name": f"{Path(config.model).name}-{config.method}", "results": [result]}


def _about(config: TrainConfig, report: TrainReport) -> str:
    how = _METHOD[config.method]
    if config.method == "dpo":
        how += f", beta {config.beta:g}"
        if config.gamma:
            how += f", beside {config.gamma:g} times the mean likelihood loss of the chosen tokens"
        start = report.reference == "start"
        how += f"; the reference is {'the start model' if start else f'`{report.reference}`'}"
    what = "every parameter" if config.full else f"a LoRA adapter of rank {config.lora.r}"
    return (
        f"Trained from `{config.model}` by {how}. What was trained: {what}, {report.trainable:,} "
        f"parameters beside the model's {report.parameters:,}."
        if not config.full
        else f"Trained from `{config.model}` by {how}. What was trained: {what}, "
        f"{report.trainable:,} of them."
    )


def _data(report: TrainReport) -> str:
    kept = f", {report.retained:,} of them examples to retain," if report.retained else ""
    left = ", ".join(f"{n:,} {reason}" for reason, n in report.left_out.items()) or "none"
    return (
        f"## Data\n\nCorpus `{report.corpus}`, set `{report.set}`, hash `{report.corpus_hash}`: "
        f"{report.rows:,} rows to train on{kept or ','} {report.validation_rows:,} to validate. "
        f"{report.trimmed:,} rows lost their oldest messages to fit; left out: {left}. No message "
        "was cut. The corpus' own card names its sources and licences."
    )


def _bullets(values: dict[str, Any]) -> str:
    return "\n".join(f"- `{name}`: {_shown(value)}" for name, value in values.items())


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _figures(report: TrainReport) -> str:
    best = f", the weights are those of step {report.best_step}" if report.best_step else ""
    early = " (stopped early)" if report.stopped_early else ""
    text = (
        f"## Training and evaluation\n\n{report.steps:,} steps, {report.epochs:.2f} epochs{early}"
        f"{best}; {report.seconds:,.0f} s on {report.device} in {report.precision}, seed "
        f"{report.seed}. Mean training loss {report.train_loss:.4f}."
    )
    if not report.metrics:
        return f"{text} There was no validation split."
    lines = ["| on validation | value | what it is |", "| --- | --- | --- |"]
    for name, value in report.metrics.items():
        meaning = _MEANING[name]
        said = meaning[report.method] if isinstance(meaning, dict) else meaning
        lines.append(f"| {name} | {value:.4f} | {said} |")
    return text + "\n\n" + "\n".join(lines)


def _limits() -> str:
    return (
        "## Limits\n\nThis model answers people in distress as its corpus does. It is for "
        "research: it is no therapist, has no judgement in a crisis, and nobody should rely on it."
    )
