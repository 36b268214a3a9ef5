"""Training on a GPU: in bf16, with gradient checkpointing, and the same model afterwards."""

import math

import pytest
import torch

from tests.learning import make_small, quick, write_corpus

pytest.importorskip("trl")
from attunement.trainers.learning.training import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning"),
]


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_it_learns_in_bf16_and_what_it_writes_is_read_on_a_processor(tmp_path, method):
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    from transformers import AutoModelForCausalLM

    model, corpus = make_small(tmp_path / "model"), write_corpus(tmp_path / "corpus", train=64)
    config = quick(method, model, corpus, device="auto", epochs=4, merge=True)
    report = train(config, tmp_path / "out")
    untrained = train(config.model_copy(update={"max_steps": 1, "learning_rate": 1e-9}),
                      tmp_path / "untrained")  # fmt: skip
    assert (report.device, report.precision) == ("cuda", "bf16")
    assert math.isfinite(report.train_loss)
    assert report.metrics["loss"] < untrained.metrics["loss"]
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "merged")
    assert all(torch.isfinite(weight).all() for weight in whole.parameters())
