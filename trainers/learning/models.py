"""What a training begins with: tokenizer, weights, device and precision."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
import transformers

from attunement.core.errors import ConfigError
from attunement.trainers.learning import processes
from attunement.trainers.learning.folder import check_there
from attunement.trainers.learning.settings import TrainConfig

_hf: Any = transformers  # typed by halves


@dataclass(frozen=True, slots=True)
class Precision:
    """On what, and in which numbers, a training computes."""

    device: torch.device
    compute: Literal["float32", "bf16", "fp16"]
    """Of matrix products; the adapter's weights, and all that are trained, are float32."""
    weights: torch.dtype
    """Of a model whose own weights stand still."""


def precision_of(config: TrainConfig) -> Precision:
    """What `device` and `precision` mean here. `ConfigError` for what the device has not."""
    device = _device(config)
    compute = config.precision
    if compute == "auto":
        gpu = device.type == "cuda" and torch.cuda.is_bf16_supported()
        compute = "bf16" if gpu else "float32"
    if compute == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ConfigError("`precision` 'bf16': this GPU has no bf16; take fp16 or float32")
    if compute == "fp16" and device.type != "cuda":
        raise ConfigError(f"`precision` 'fp16' needs a GPU, this is {device.type!r}; take bf16")
    # A processor gains nothing from small weights but loses digits: autocast does there.
    small = compute != "float32" and device.type == "cuda" and not config.full
    narrow = torch.bfloat16 if compute == "bf16" else torch.float16
    return Precision(device, compute, narrow if small else torch.float32)


def _device(config: TrainConfig) -> torch.device:
    if config.device == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", processes.local_rank())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def load_tokenizer(name: str) -> Any:
    """The model's tokenizer. `ConfigError` where it has no chat template or no end token.

    One without a padding token pads with its end token: what is padding is told by masks, so that
    the end of a reply is learnt all the same.
    """
    with loading("model", name):
        tokenizer = _hf.AutoTokenizer.from_pretrained(name)
    if not tokenizer.chat_template:
        raise ConfigError(
            f"`model` {name!r} has no chat template, so it is no chat model; name one that is "
            "(often called Instruct), or put a chat_template.jinja into its folder"
        )
    if tokenizer.eos_token_id is None:
        raise ConfigError(
            f"`model` {name!r} names no end token, so that replies could not learn to end; set "
            "`eos_token` in its tokenizer_config.json"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(name: str, precision: Precision, tokenizer: Any) -> Any:
    """The weights, on the device. `ConfigError` for what cannot be loaded or does not fit."""
    with loading("model", name):
        model = _hf.AutoModelForCausalLM.from_pretrained(name, dtype=precision.weights)
    size = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > size:
        raise ConfigError(
            f"`model` {name!r}: its tokenizer has {len(tokenizer):,} tokens, its weights "
            f"{size:,}; resize the embeddings, or take the tokenizer it was trained with"
        )
    return model.to(precision.device)


def check_length(model: Any, config: TrainConfig) -> None:
    """`ConfigError` where rows would be longer than the model's context."""
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if longest is not None and config.max_length > longest:
        raise ConfigError(
            f"`max_length` {config.max_length} is more than the {longest} tokens that "
            f"{config.model!r} was made for; pass --max-length {longest}"
        )


@contextmanager
def loading(kind: str, name: str) -> Iterator[None]:
    """What goes wrong in loading is the caller's to mend; no bars on the terminal."""
    check_there(kind, name)
    bars = _hf.logging.is_progress_bar_enabled()
    _hf.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # peft asks transformers for a name that is to go
            warnings.filterwarnings("ignore", ".*gradient_checkpointing.*", FutureWarning)
            # of parts of an adapter that are missing, which is looked for
            warnings.filterwarnings("ignore", ".*adapter keys.*", UserWarning)
            yield
    except ConfigError:
        raise
    except Exception as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ConfigError(f"`{kind}` {name!r} cannot be loaded: {why}") from error
    finally:
        if bars:
            _hf.logging.enable_progress_bar()
