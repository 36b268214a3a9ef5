"""What is kept of calls and handed to trainers: messages, calls, preference pairs, examples."""

from typing import Literal, Self

from pydantic import model_validator

from attunement.core.records import Record, Role


class Message(Record):
    """One chat message in the OpenAI shape."""

    role: Literal["system", "user", "assistant"]
    content: str


class Call(Record):
    """One model call as the journal holds it."""

    dialogue_id: str
    turn: int
    role: Role
    about: str
    """What a judge was asked about, and who it is; empty for every other role."""
    attempt: int
    """1, or 2 and 3 for a re-ask after an answer that could not be read."""
    model: str
    prompt_version: str
    """Content hash of the role's prompt file."""
    seed: int
    request_hash: str
    messages: tuple[Message, ...]
    text: str | None
    """The answer, or None where the call failed for good."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Prompt tokens that a prefix cache served."""
    cut: bool = False
    """Whether the answer ran into `max_tokens`."""
    tries: int = 1
    """Times that the request was sent."""
    latency_ms: float | None = None
    error: str | None = None


class PreferencePair(Record):
    """A preference pair in TRL's conversational shape: one prompt, two completions."""

    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]

    @model_validator(mode="after")
    def _is_a_preference(self) -> Self:
        _check_prompt(self.prompt)
        _check_completion("chosen", self.chosen)
        _check_completion("rejected", self.rejected)
        if self.chosen == self.rejected:
            raise ValueError("`chosen` and `rejected` must differ")
        return self


class Example(Record):
    """An example for supervised fine-tuning in TRL's prompt-completion shape."""

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]

    @model_validator(mode="after")
    def _ends_with_an_answer(self) -> Self:
        _check_prompt(self.prompt)
        _check_completion("completion", self.completion)
        return self


def _check_prompt(prompt: tuple[Message, ...]) -> None:
    if not prompt or prompt[-1].role != "user":
        raise ValueError("`prompt` must end with the seeker (role 'user')")


def _check_completion(name: str, side: tuple[Message, ...]) -> None:
    if not side or side[0].role != "assistant":
        raise ValueError(f"`{name}` must begin with role 'assistant'")
