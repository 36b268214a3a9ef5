"""The interface of chat backends: a LangChain chat model with a fast lane for plain messages.

LangChain's own path builds a message object for every line of the history and runs its callback
machinery (0.3 ms and more a call). A simulator calls `answer` instead, with messages as plain
dicts; everybody else uses the same object as the LangChain chat model that it is.
"""

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from attunement.agents.prompting import ChatMessage, Prompt, packaged_prompts
from attunement.core.records import Record, Role


class Decoding(Record):
    """How a model samples. Defaults: recipe A's temperature and top-p when making pairs."""

    temperature: float = Field(default=0.9, ge=0, le=2)
    """0 always takes the likeliest token."""
    top_p: float = Field(default=0.8, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1, le=1_000_000)
    """None leaves it to the model, as with the repetition penalty."""
    repetition_penalty: float | None = Field(default=None, ge=1, le=10)
    """Divides the logits of tokens that stand in prompt or answer already; 1 does nothing."""
    max_tokens: int = Field(default=512, ge=1, le=1_000_000)
    """Longest answer, in tokens."""


DEFAULT_DECODING = Decoding()


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to a backend."""

    messages: list[ChatMessage]
    role: Role = "responder"
    seed: int = 0
    decoding: Decoding = DEFAULT_DECODING
    schema: type[Record] | None = None
    """The record that the answer has to hold as JSON; None for a plain answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend answered; token counts where it counts them.

    `ValueError` for a text that is none: a server's answer is checked here, before anything of it
    is kept. A count that is none becomes None.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Tokens of the prompt that a prefix cache served."""
    cut: bool = False
    """Whether the answer ran into `max_tokens`."""
    tries: int = 1
    """Times that the request was sent."""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise ValueError(f"the answer's text is {type(self.text).__name__}, not a string")
        self.text.encode()  # a lone surrogate can be neither kept nor sent
        for name in ("prompt_tokens", "completion_tokens", "cached_tokens"):
            count = getattr(self, name)
            if count is not None and not (type(count) is int and 0 <= count < 2**31):
                object.__setattr__(self, name, None)


class Capabilities(Record):
    """What a backend does with what it is asked. None: nobody has found out."""

    structured: Literal["json_schema", "json_object"] | None = None
    """How it can be held to a record; None: it is asked in words, and asked again."""
    seeds: bool | None = None
    """Whether the same seed gives the same answer, and another seed another one."""
    logprobs: bool | None = None
    usage: bool | None = None
    """Whether it counts tokens."""
    adapters: tuple[str, ...] = ()
    """Adapters that it offers beside this model, by the name that a spec takes."""
    context_length: int | None = None
    """Tokens of prompt and answer together."""
    refused: tuple[str, ...] = ()
    """Request fields that it answers with an error: they are not sent."""
    ignored: tuple[str, ...] = ()
    """Request fields that it takes without a word and does not heed."""
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What an OpenAI-compatible server calls the longest answer."""


class Engine(Record):
    """How models in this process run: `hf:` and `vllm:`."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`; vLLM chooses by itself."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`auto` is the checkpoint's own, and float32 on a CPU."""
    max_batch: int = Field(default=32, ge=1, le=4096)
    """Calls that may share a forward pass."""
    context_length: int | None = Field(default=None, ge=64)
    """Tokens of prompt and answer together; None: as the model was made."""
    memory: float | None = Field(default=None, gt=0, le=1)
    """Share of the GPU's memory that vLLM takes for itself; None: its own default."""


class ChatBackend(BaseChatModel):
    """A chat model that answers `Ask`s; as a LangChain model it answers as the responder."""

    waits: ClassVar[bool] = True
    """Whether an answer is waited for; False for a model that answers at once, in this loop."""

    @property
    @abstractmethod
    def spec(self) -> str:
        """The spec that names this model, e.g. `openai:NAME`; part of every request's hash."""

    @abstractmethod
    async def answer(self, ask: Ask) -> Answer:
        """Answer one request. `ModelError` when it fails for good."""

    async def capabilities(self) -> Capabilities:
        """What this backend can do: stated by one in this process, probed where it is a server.

        `ModelError` where it does not answer.
        """
        return Capabilities()

    @property
    def trouble(self) -> str:
        """What keeps this backend from answering at present, for a display; mostly nothing."""
        return ""

    def stop(self) -> None:
        """Send nothing new: a call that waits for its turn or its next try ends in `StoppedError`.

        `aclose` takes it back.
        """

    async def aclose(self) -> None:
        """Give back connections and memory. The backend may be used again afterwards."""

    @property
    def _llm_type(self) -> str:
        return type(self).__name__

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        plain = [
            {"role": m["role"], "content": m["content"]}
            for m in convert_to_openai_messages(messages, text_format="string")
        ]
        answer = await self.answer(Ask(plain, seed=kwargs.get("seed", 0)))
        usage = None
        if answer.prompt_tokens is not None and answer.completion_tokens is not None:
            usage = UsageMetadata(
                input_tokens=answer.prompt_tokens,
                output_tokens=answer.completion_tokens,
                total_tokens=answer.prompt_tokens + answer.completion_tokens,
            )
        message = AIMessage(answer.text, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async def once() -> ChatResult:
            try:
                return await self._agenerate(messages, stop, **kwargs)
            finally:
                await self.aclose()

        return asyncio.run(once())


class UnjournalledChat:
    """A role's chat straight to a backend, with the packaged prompts: nothing is kept."""

    def __init__(self, backend: ChatBackend, role: Role, seed: int = 0) -> None:
        self.prompt = packaged_prompts()[role]
        self._backend, self._role, self._seed = backend, role, seed

    async def __call__(
        self, prompt: Prompt, *, attempt: int = 1, schema: type[Record] | None = None
    ) -> Answer:
        ask = Ask(prompt.messages, self._role, self._seed + attempt - 1, schema=schema)
        return await self._backend.answer(ask)
