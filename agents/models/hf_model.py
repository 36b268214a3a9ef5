"""A causal language model of transformers: its weights and adapters, and generating a batch."""

import gc
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import transformers
from torch import Tensor

from attunement.agents.models.base import Engine
from attunement.agents.models.hf_reader import Reader, loading
from attunement.agents.models.hf_sampling import Guide, Row, RowSampler, RowStops
from attunement.core.errors import ConfigError
from attunement.core.records import Record

if TYPE_CHECKING:
    from attunement.agents.models.hf_guides import Guides

_hf: Any = transformers  # typed by halves

BASE = "__base__"
"""peft's name for a row that goes without an adapter."""


class Model:
    """A model's weights, with the adapters that have been asked for, on one device."""

    def __init__(self, reader: Reader, path: str, engine: Engine) -> None:
        """`ConfigError` for weights that cannot be loaded or a device that is not there."""
        self.device = _device(engine.device)
        dtype = engine.dtype
        if self.device.type == "cpu":
            dtype = "float32" if dtype == "auto" else dtype
            _leave_a_core()
        with loading(path):
            model = _hf.AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
            self._model: Any = model.to(self.device).eval()
        self._reader = reader
        self.defaults: Any = self._model.generation_config
        """Sampling as the model's makers advise it; `top_k` and the penalty are looked up here."""
        self.ends = _ends(self.defaults.eos_token_id, reader.tokenizer.eos_token_id)
        # What is not set in a call would come from here: rows say all of it themselves.
        self._model.generation_config = _hf.GenerationConfig()
        self._adapters: dict[str, str] = {}
        self._unmixable: set[str] = set()
        self._guides: Guides | None = None
        self.learned_positions = _learned_positions(self._model)
        """Whether it breaks beyond its context, even in a row that has ended."""

    def guide(self, record: type[Record]) -> Guide:
        """A guide to the record's JSON schema, see `Guide`."""
        if self._guides is None:
            from attunement.agents.models.hf_guides import Guides

            size = self._model.config.get_text_config().vocab_size
            self._guides = Guides(self._reader.tokenizer, size, self.ends)
        return self._guides.guide(record)

    def adapter(self, folder: str | None) -> str:
        """The name under which `generate` knows an adapter, which is loaded if need be.

        `ConfigError` for one that is no LoRA adapter or was made for another base.
        """
        if folder is None:
            return BASE
        if folder not in self._adapters:
            name = f"adapter{len(self._adapters)}"
            self._load_adapter(folder, name)
            self._adapters[folder] = name
        return self._adapters[folder]

    def mixes(self, names: set[str]) -> bool:
        """Whether rows of these adapters may be in one batch."""
        return len(names) == 1 or not names & self._unmixable

    def generate(self, rows: Sequence[Row], names: Sequence[str]) -> list[list[int]]:
        """Each row's answer as token ids, its end token included; `names` are their adapters."""
        width = max(len(row.prompt) for row in rows)
        prompts, mask = self._padded(rows, width)
        config = _hf.GenerationConfig(
            do_sample=False, num_beams=1, use_cache=True, eos_token_id=self.ends,
            pad_token_id=self.ends[0], max_new_tokens=max(row.limit for row in rows),
        )  # fmt: skip
        with torch.inference_mode():
            sampler = RowSampler(rows, self.ends, self.device)
            out = self._model.generate(
                input_ids=prompts, attention_mask=mask, generation_config=config,
                logits_processor=_hf.LogitsProcessorList([sampler]),
                stopping_criteria=_hf.StoppingCriteriaList([RowStops(rows, self.device)]),
                **self._choose(names),
            )  # fmt: skip
        return [
            self._answer(ids, row) for ids, row in zip(out[:, width:].tolist(), rows, strict=True)
        ]

    def _padded(self, rows: Sequence[Row], width: int) -> tuple[Tensor, Tensor]:
        """Prompts and attention mask, both [rows, width], padded on the left."""
        ids = [[self.ends[0]] * (width - len(row.prompt)) + row.prompt for row in rows]
        mask = [[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in rows]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)

    def _answer(self, ids: list[int], row: Row) -> list[int]:
        ids = ids[: row.limit]
        last = next((i for i, token in enumerate(ids) if token in self.ends), len(ids))
        return ids[: last + 1]

    def _choose(self, names: Sequence[str]) -> dict[str, Any]:
        if not self._adapters:
            return {}
        if len(set(names)) == 1 and names[0] != BASE:
            self._model.set_adapter(names[0])
            return {}
        return {"adapter_names": list(names)}

    def _load_adapter(self, folder: str, name: str) -> None:
        from peft import PeftConfig

        with loading(folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is missing, which is looked for below
            config = PeftConfig.from_pretrained(folder)
            if config.peft_type != "LORA":
                raise ValueError(f"it is a {config.peft_type} adapter; only LORA ones can be used")
            try:
                self._put_in(folder, name, config)
            except Exception:
                self._take_out(name)
                raise
        self._model.eval()
        if config.use_dora or getattr(config, "alora_invocation_tokens", None):
            self._unmixable.add(name)

    def _put_in(self, folder: str, name: str, config: Any) -> None:
        from peft import get_peft_model

        if not self._adapters:
            self._model = get_peft_model(self._model, config, name)
        loaded = self._model.load_adapter(folder, name, torch_device=str(self.device))
        strange = [*loaded.missing_keys, *loaded.unexpected_keys]
        if strange:
            raise ValueError(f"it was made for another base: {strange[0]} fits nowhere")

    def _take_out(self, name: str) -> None:
        """Undo a failed loading, or the model would go on with half an adapter."""
        if self._adapters and name in self._model.peft_config:
            self._model.delete_adapter(name)
        elif not self._adapters and hasattr(self._model, "peft_config"):
            self._model = self._model.unload()


def free_memory() -> None:
    """Give memory back to the device that nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch might have gone well."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        why = str(error).partition("\n")[0]
        raise ConfigError(f"`device` {wanted!r} cannot be used here: {why}; try auto") from error
    return device


def _leave_a_core() -> None:
    """Torch's threads wait for each other: with one core taken by the loop, all stand still.

    (Ten times as slow on two busy cores.) `OMP_NUM_THREADS` has the last word.
    """
    most = max(1, (os.cpu_count() or 2) - 1)
    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > most:
        torch.set_num_threads(most)


def _ends(*named: int | list[int] | None) -> list[int]:
    """The tokens that end an answer: the generation config's and the tokenizer's."""
    found: dict[int, None] = {}
    for ids in named:
        found |= dict.fromkeys([ids] if isinstance(ids, int) else ids or [])
    if not found:
        raise ConfigError(
            "the model names no end token; set `eos_token` in its tokenizer_config.json"
        )
    return list(found)


def _learned_positions(model: Any) -> bool:
    return any(
        isinstance(part, torch.nn.Embedding) and ("position" in name or "wpe" in name)
        for name, part in model.named_modules()
    )
