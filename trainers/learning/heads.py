"""A causal model's fused head: log-probabilities of what is learnt, without logits of the rest.

TRL's own head (`add_fused_lm_head`) reads a pair's prompt twice, once with each side, and on a
processor it scores every position of it. This one answers the same call with the same figures, but
lays the pair out as prompt, chosen, rejected in one row (the rejected side takes up the positions
behind the prompt and does not see the chosen one) and scores the sides alone. Long prompts with
short replies take about half the work.
"""

import functools
from types import MethodType
from typing import Any

import torch
from torch import Tensor

from attunement.trainers.learning.models import Precision

CHUNK = 1 << 15
"""Columns of the vocabulary that are held at a time."""
FIGURES = ("log_probs", "entropy", "mean_logits", "is_top1")
_LOOSE = {"float32": 1e-3, "bf16": 0.1, "fp16": 0.05}
"""Mean difference of two log-probabilities up to which two ways are held for the same."""


def base_of(model: Any) -> Any:
    """The model of transformers inside an adapter, or itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def put_head(model: Any, share: bool, plain: bool = False) -> None:
    """Give the model TRL's fused head, and unless `plain`, ours over it.

    With `share`, a batch is held for pairs: chosen rows first, then the rejected in the same order.
    """
    from trl.trainer.utils import add_fused_lm_head

    base = base_of(model)
    take_head(base)
    add_fused_lm_head(base, outputs=FIGURES)
    if plain:
        return
    theirs = base.forward

    @functools.wraps(type(base).forward)
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, **named: Any) -> Any:
        if not fused_lm_head:
            return theirs(*args, **named)
        return _fused(self, share, **named)

    base.forward = MethodType(forward, base)


def take_head(model: Any) -> None:
    """Give the model its own forward pass back."""
    base_of(model).__dict__.pop("forward", None)


def window_of(model: Any) -> int | None:
    """Tokens that a layer looks back at most; None where every layer sees all of a row.

    A shared prompt's mask says nothing of windows, and longer rows would come out otherwise.
    """
    config = base_of(model).config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    local = [kind for kind in kinds or () if kind.startswith(("sliding", "chunked"))]
    if kinds is not None and not local:
        return None
    sizes = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    found = [int(size) for size in sizes if size is not None]
    return min(found) if found else (0 if local else None)


def can_share(model: Any, batch: dict[str, Tensor], precision: Precision) -> bool:
    """Whether the model gives the pairs of a batch the same figures either way.

    Not with attention kernels that take no mask, nor where positions are not told by their numbers
    (state spaces), nor where a row is longer than a window of attention (see `window_of`).
    """
    with torch.no_grad(), autocast(precision):
        put_head(model, share=False, plain=True)
        plain = model(**batch, fused_lm_head=True).log_probs
        try:
            put_head(model, share=True)
            shared = model(**batch, fused_lm_head=True).log_probs
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError, TypeError):
            return False
        finally:
            take_head(model)
    tokens = (batch["labels"][:, 1:] != -100).sum()
    difference = (plain - shared).abs().sum() / tokens
    return bool(difference < _LOOSE[precision.compute])


def autocast(precision: Precision) -> torch.autocast:
    """The numbers that a training computes in, as its trainer sets them."""
    narrow = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision.compute)
    return torch.autocast(precision.device.type, narrow, enabled=narrow is not None)


# ---- the head -----------------------------------------------------------------------------------


def _fused(
    model: Any, share: bool, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, **_: Any
) -> Any:
    """What TRL's head gives for `[rows, width]` ids, mask and labels (-100: not learnt)."""
    from trl.kernels import ChunkedLogProbFunction
    from trl.trainer.utils import FusedCausalLMOutput

    learnt = labels[:, 1:] != -100
    row, column = learnt.nonzero(as_tuple=True)
    inputs: dict[str, Tensor]
    if share:
        inputs, starts, lengths = _packed(model, input_ids, attention_mask, labels)
        pairs = len(starts)
        behind = (row >= pairs) & (column >= starts[row % pairs])
        column = column + behind * lengths[row % pairs]
        row = row % pairs
    else:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
    hidden = model.base_model(**inputs, use_cache=False).last_hidden_state[row, column]
    head, config = model.get_output_embeddings(), model.config.get_text_config()
    apply: Any = ChunkedLogProbFunction.apply
    found = apply(
        hidden, head.weight, head.bias, labels[:, 1:][learnt], 1.0, CHUNK,
        getattr(config, "final_logit_softcapping", None), 1.0, FIGURES,
    )  # fmt: skip
    logps, entropy, mean, top = (
        one.new_zeros(learnt.shape).masked_scatter(learnt, one)
        for one in found
        if one is not None  # what was not asked for
    )
    return FusedCausalLMOutput(
        loss=-logps.sum() / learnt.sum().clamp(min=1), log_probs=logps, entropy=entropy,
        mean_logits=mean, is_top1=top, label_mask=learnt,
    )  # fmt: skip


def _packed(
    model: Any, ids: Tensor, seen: Tensor, labels: Tensor
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The inputs of pairs in one row each, and where their sides begin and the chosen one's length,
    both [pairs].

    A padded column sees what stands before it: a row that sees nothing would give no numbers.
    """
    pairs = len(ids) // 2
    start = (labels != -100).int().argmax(1)[:pairs]
    ends = seen.sum(1)
    turn, end = ends[:pairs], ends[:pairs] + ends[pairs:] - start
    chosen = turn - start
    column = torch.arange(int(end.max()), device=ids.device)
    rejected = column >= turn[:, None]
    place = column - rejected * chosen[:, None]
    source = place.clamp(max=ids.shape[1] - 1)
    packed = torch.where(rejected, ids[pairs:].gather(1, source), ids[:pairs].gather(1, source))
    hides = (column >= start[:, None]) & ~rejected
    allowed = (column[:, None] >= column) & (column < end[:, None])[:, None]
    allowed &= ~(rejected[:, :, None] & hides[:, None])
    inputs = {
        "input_ids": packed, "position_ids": place,
        "attention_mask": _mask(model, allowed[:, None]),
    }  # fmt: skip
    return inputs, start, chosen


def _mask(model: Any, allowed: Tensor) -> Tensor:
    """Truths as the model's attention takes them: [pairs, 1, width, width]."""
    if model.config._attn_implementation == "sdpa":
        return allowed
    least = torch.finfo(model.dtype).min
    return torch.zeros(allowed.shape, dtype=model.dtype, device=allowed.device).masked_fill(
        ~allowed, least
    )
