"""Pairs a second and peak memory of our DPO against the stock trainer of TRL, as ratios.

    python -m benchmarks training
    python -m benchmarks.training --size 8b

Both train an adapter for the same model (random weights, built from a config) on the same pairs
(of a real run on the embedded model) with the same loss, one epoch, eight pairs an optimiser step,
in processes of their own, one after the other. Everything else of the stock trainer is as TRL has
it by default; on a processor it computes in float32, as ours does, since its default refuses that.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attunement.simulator.config import RunConfig
from benchmarks.measure import Line, as_child, child
from benchmarks.memory import peak_mb
from benchmarks.runs import carry_out

SIZES: dict[str, dict[str, int]] = {
    "tiny": {"hidden": 64, "layers": 2, "inner": 128, "heads": 2, "vocabulary": 2000, "pairs": 48},
    "pocket": {"hidden": 192, "layers": 4, "inner": 512, "heads": 6, "vocabulary": 2000,
               "pairs": 240},
    "1b": {"hidden": 2048, "layers": 16, "inner": 8192, "heads": 32, "vocabulary": 128_256,
           "pairs": 960},
    "8b": {"hidden": 4096, "layers": 32, "inner": 14_336, "heads": 32, "vocabulary": 128_256,
           "pairs": 480},
}  # fmt: skip
"""Llamas; the last two are the shapes of Llama 3's."""
ROWS = 8
"""Pairs an optimiser step: the stock trainer's default batch, and ours of 4 twice."""
LONGEST = 1024
_TOKENS = 2000
"""Of the tokenizer, which is trained on the pairs."""


def measure(quick: bool) -> list[Line]:
    """On a GPU a billion parameters, else the pocket size."""
    import torch

    size = "tiny" if quick else "1b" if torch.cuda.is_available() else "pocket"
    return compare(size)


def compare(size: str) -> list[Line]:
    """Both trainers on one size."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, model = _lay_out(Path(folder), **SIZES[size])
        found = {
            work: child("benchmarks.training", work=work, model=str(model), corpus=str(corpus),
                        out=str(Path(folder) / work))
            for work in ("stock", "ours")
        }  # fmt: skip
    ours, stock = found["ours"], found["stock"]
    what = f"{stock['parameters'] / 1e6:,.1f}M parameters, {stock['device']}, {ours['precision']}"
    ratio = ours["pairs"] / ours["steps_s"] / (stock["pairs"] / stock["steps_s"])
    whole = ours["pairs"] / ours["all_s"] / (stock["pairs"] / stock["steps_s"])
    return [
        Line("stock DPO step", stock["pairs"] / stock["steps_s"], "pairs/s", note=what),
        Line("our DPO step", ours["pairs"] / ours["steps_s"], "pairs/s",
             note="prompts shared" if ours["shared"] else "prompts not shared"),
        Line("ours against stock", ratio, "x"),
        Line("  with the time for asking the reference once", whole, "x", note="one epoch"),
        Line("peak memory, stock", stock["peak_mb"], "MB", note=stock["peak_of"]),
        Line("peak memory, ours", ours["peak_mb"], "MB",
             note=f"{ours['peak_mb'] / stock['peak_mb']:.2f} x stock"),
    ]  # fmt: skip


# ---- the model and the pairs --------------------------------------------------------------------


def _lay_out(
    folder: Path, hidden: int, layers: int, inner: int, heads: int, vocabulary: int, pairs: int
) -> tuple[Path, Path]:
    import torch
    import transformers

    hf: Any = transformers  # typed by halves
    corpus = _corpus(folder, pairs)
    tokenizer = _tokenizer(hf, corpus)
    ids = {name: getattr(tokenizer, name) for name in ("eos_token_id", "pad_token_id")}
    config = hf.LlamaConfig(
        hidden_size=hidden, num_hidden_layers=layers, intermediate_size=inner,
        num_attention_heads=heads, num_key_value_heads=max(2, heads // 4), vocab_size=vocabulary,
        max_position_embeddings=2 * LONGEST, tie_word_embeddings=False, **ids,
    )  # fmt: skip
    torch.manual_seed(0)
    gpu = torch.cuda.is_available()
    with torch.device("cuda" if gpu else "cpu"):
        model = hf.LlamaForCausalLM(config).to(torch.bfloat16 if gpu else torch.float32)
    hf.logging.disable_progress_bar()
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return corpus, folder / "model"


def _corpus(folder: Path, pairs: int) -> Path:
    """That many pairs; the simulator gives about five a dialogue."""
    from attunement.trainers.corpora.making import corpus_config, make_corpus

    carry_out(folder / "run", RunConfig(dialogues=max(24, pairs // 2), max_turns=8))
    config = corpus_config(sets=["response"], filters={"min_history": 1, "max_length_ratio": 0})
    make_corpus([folder / "run"], folder / "made", config)
    lines = (folder / "made" / "response" / "train.jsonl").read_text("utf-8").splitlines()
    if len(lines) < pairs:
        raise RuntimeError(f"the run gave {len(lines)} pairs, {pairs} are wanted")
    target = folder / "corpus" / "response" / "train.jsonl"
    target.parent.mkdir(parents=True)
    target.write_text("\n".join(lines[:pairs]) + "\n", "utf-8")
    return folder / "corpus"


def _tokenizer(hf: Any, corpus: Path) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    marks = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_TOKENS, special_tokens=marks, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    rows = (corpus / "response" / "train.jsonl").read_text("utf-8").splitlines()
    bpe.train_from_iterator(
        (m["content"] for row in rows for m in json.loads(row)["prompt"]), trainer
    )
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<|pad|>", eos_token="<|end|>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
    )
    return tokenizer


# ---- in processes of their own ------------------------------------------------------------------


def _work(work: str, model: str, corpus: str, out: str) -> dict[str, Any]:
    import torch
    import transformers

    hf: Any = transformers
    hf.logging.set_verbosity_error()
    hf.logging.disable_progress_bar()
    gpu = torch.cuda.is_available()
    found = {"ours": _ours, "stock": _stock}[work](model, corpus, out)
    peak = torch.cuda.max_memory_allocated() / 2**20 if gpu else peak_mb()
    return found | {
        "peak_mb": peak, "peak_of": "of the GPU's" if gpu else "the whole process",
        "device": torch.cuda.get_device_name() if gpu else "cpu",
    }  # fmt: skip


def _ours(model: str, corpus: str, out: str) -> dict[str, Any]:
    from attunement.trainers.learning.report import Progress
    from attunement.trainers.learning.settings import train_config
    from attunement.trainers.learning.training import train

    began: dict[str, float] = {}

    def watch(progress: Progress) -> None:
        began.setdefault(progress.stage, time.perf_counter())

    config = train_config(
        method="dpo", model=model, corpus=corpus, check=False, report_to=("none",),
        max_length=LONGEST, batch_size=4, accumulation=ROWS // 4,
    )  # fmt: skip
    report = train(config, Path(out), watch)
    # The first word of each of the two comes when its first batch, or step, is done.
    asked = began["training"] - began["reference"]
    return {
        "pairs": report.rows, "steps_s": report.seconds, "all_s": report.seconds + asked,
        "shared": report.shared_prompts, "precision": report.precision,
    }  # fmt: skip


def _stock(model: str, corpus: str, out: str) -> dict[str, Any]:
    import datasets  # type: ignore[import-untyped]
    import torch
    from peft import LoraConfig
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    datasets.disable_progress_bars()
    hf: Any = __import__("transformers")
    on_cpu = {} if torch.cuda.is_available() else {"use_cpu": True, "bf16": False}
    args = DPOConfig(
        out, num_train_epochs=1, report_to="none", save_strategy="no", disable_tqdm=True,
        loss_type=["sigmoid", "sft"], loss_weights=[1.0, 1.0], **on_cpu,
    )  # fmt: skip
    assert args.per_device_train_batch_size * args.gradient_accumulation_steps == ROWS
    rows = datasets.load_dataset("json", data_files=f"{corpus}/response/train.jsonl")["train"]
    clock = _clock(hf)
    trainer = DPOTrainer(
        model, args=args, callbacks=[clock],
        train_dataset=rows.select_columns(["prompt", "chosen", "rejected"]),
        processing_class=hf.AutoTokenizer.from_pretrained(model),
        peft_config=LoraConfig(
            r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )  # fmt: skip
    trainer.train()
    own = sum(p.numel() for name, p in trainer.model.named_parameters() if "lora" not in name)
    return {"pairs": len(trainer.train_dataset), "steps_s": clock.seconds, "parameters": own}


def _clock(hf: Any) -> Any:
    """A callback that takes the time from before the first step to behind the last."""

    class Clock(hf.TrainerCallback):  # type: ignore[misc]
        began = seconds = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.seconds = time.perf_counter() - self.began

    return Clock()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--size", choices=list(SIZES), default="pocket")
    for line in compare(parser.parse_args().size):
        print(f"{line.what}: {line.measured}  {line.note}")


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        as_child(_work)
    else:
        _main()
