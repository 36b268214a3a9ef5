"""Prompts that fit as in training: what is too long loses its oldest messages whole."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import PrivateAttr

from attunement.agents.models.base import Answer, Ask, Capabilities, ChatBackend
from attunement.agents.prompting import ChatMessage
from attunement.trainers.lint.encoding import Encoder
from attunement.trainers.lint.shapes import Sample, Turns, parse
from attunement.trainers.lint.shortening import shorter


class Fit:
    """Shortens prompts to at most `longest` tokens of a tokenizer with a chat template."""

    def __init__(self, tokenizer: Any, longest: int) -> None:
        self._tokenizer, self._encode, self.longest = tokenizer, Encoder(tokenizer), longest

    def __call__(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        """The messages, or as many of the newest as fit.

        A seeker's last one stays whole, however long: that is for the model's context to refuse.
        """
        messages = list(messages)
        if self._size(messages) <= self.longest:
            return messages
        options = [_messages(option.prompt) for option in shorter(_sample(messages))]
        low, high = 0, len(options) - 1
        while low < high:
            middle = (low + high) // 2
            if self._size(options[middle]) > self.longest:
                low = middle + 1
            else:
                high = middle
        return options[low] if options else messages

    def _size(self, messages: list[ChatMessage]) -> int:
        text = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return len(self._encode([text])[0])


def _sample(messages: list[ChatMessage]) -> Sample:
    raw = {"prompt": messages, "completion": [{"role": "assistant", "content": "-"}]}
    shape, prompt, sides = parse(raw)
    return Sample(0, "", 0, "test", raw, shape, prompt, sides)


def _messages(turns: Turns) -> list[ChatMessage]:
    return [{"role": role, "content": text} for role, text in turns]


class FittedChat(ChatBackend):
    """A model whose prompts are shortened before it is asked; it goes by the model's own spec."""

    _inner: ChatBackend = PrivateAttr()
    _fit: Fit = PrivateAttr()

    def __init__(self, inner: ChatBackend, fit: Fit) -> None:
        super().__init__()
        self._inner, self._fit = inner, fit

    @property
    def spec(self) -> str:
        return self._inner.spec

    async def answer(self, ask: Ask) -> Answer:
        """The model's answer to what fits of the prompt."""
        return await self._inner.answer(replace(ask, messages=self._fit(ask.messages)))

    async def capabilities(self) -> Capabilities:
        return await self._inner.capabilities()

    def stop(self) -> None:
        self._inner.stop()

    async def aclose(self) -> None:
        await self._inner.aclose()
