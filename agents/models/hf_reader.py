"""What surrounds a model of transformers: its tokenizer, chat template and context length."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import transformers
from jinja2 import TemplateError

from attunement.agents.models.base import Engine
from attunement.agents.prompting import ChatMessage
from attunement.core.errors import ConfigError

_hf: Any = transformers  # typed by halves


class Reader:
    """A model's tokenizer, chat template and context length: all of it but the weights."""

    def __init__(self, path: str, engine: Engine) -> None:
        """`ConfigError` for a model that cannot be loaded or has no chat template."""
        with loading(path):
            config = _hf.AutoConfig.from_pretrained(path)
            self.tokenizer = _hf.AutoTokenizer.from_pretrained(path)
        if not self.tokenizer.chat_template:
            raise ConfigError(
                f"`hf:{path}` has no chat template, so it is no chat model; name one that is "
                f"(often called Instruct), or put a chat_template.jinja into its folder"
            )
        made_for = getattr(config.get_text_config(), "max_position_embeddings", None)
        lengths = [n for n in (made_for, engine.context_length) if n]
        self.context: int | None = min(lengths, default=None)
        """Tokens of prompt and answer together."""
        self.guides = self.tokenizer.is_fast and find_spec("llguidance") is not None
        """Whether answers can be held to a record."""

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The prompt as token ids, up to where the assistant begins.

        A template that knows no system message gets it at the head of the first user message.
        """
        try:
            return self._render(messages)
        except TemplateError:
            if [m["role"] for m in messages[:2]] != ["system", "user"]:
                raise
            head = f"{messages[0]['content']}\n\n{messages[1]['content']}"
            return self._render([{"role": "user", "content": head}, *messages[2:]])

    def text(self, tokens: Sequence[int]) -> str:
        """The words of an answer, without special tokens."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _render(self, messages: Sequence[ChatMessage]) -> list[int]:
        text = self.tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=True, tokenize=False
        )
        # verbose would warn of a prompt that is too long: that is checked, and told, elsewhere
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Everything that goes wrong in loading is the caller's to mend; no bars on the terminal."""
    bars = _hf.logging.is_progress_bar_enabled()
    _hf.logging.disable_progress_bar()
    try:
        yield
    except Exception as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ConfigError(f"`hf:` cannot load {name!r}: {why}") from error
    finally:
        if bars:
            _hf.logging.enable_progress_bar()
