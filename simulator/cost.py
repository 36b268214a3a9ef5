"""What a run costs: tokens by role and model, prices, and the budget that stops it."""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from math import ceil
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from attunement.agents.models.base import Answer
from attunement.agents.models.registry import split_address
from attunement.agents.models.secrets import hosted_base_url, is_at_home
from attunement.agents.reading import explain
from attunement.core.errors import ConfigError
from attunement.core.records import Record

_MILLION = 1_000_000
_TEMPLATE = 50
"""Tokens that a chat template puts around a prompt, amply."""
_FREE_KINDS = ("rehearsal", "scripted", "hf", "vllm", "ollama")


class Price(Record):
    """What a model's tokens cost, in US dollars a million."""

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """For prompt tokens that the provider's cache served; None: as any other."""

    def of(self, prompt: int, cached: int, completion: int) -> float:
        """US dollars for these tokens; `cached` are among the `prompt` tokens."""
        for_cached = self.prompt if self.cached is None else self.cached
        cached = min(cached, prompt)  # a server that counts wrongly must not lower the bill
        fresh = (prompt - cached) * self.prompt
        return (fresh + cached * for_cached + completion * self.completion) / _MILLION


FREE = Price(prompt=0, completion=0)


class Budget(Record):
    """Where a run stops by itself, to be resumed or left. None: nowhere."""

    usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """US dollars of the whole run, resumed or not."""
    tokens: int | None = Field(default=None, ge=1)
    """Prompt and completion tokens of the whole run, resumed or not."""
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """From each start or resumption."""

    def bounded(self, bounds: Mapping[str, float | None]) -> "Budget":
        """This budget with other bounds where given. `ConfigError` for one that is none."""
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        try:
            return Budget.model_validate(self.model_dump() | given)
        except ValidationError as error:
            raise ConfigError(f"the budget: {explain(error)}") from None

    def exceeded(self, usd: float, tokens: float) -> str:
        """Which bound these amounts are over, in words; mostly none."""
        if self.usd is not None and usd > self.usd:
            return f"--max-usd {self.usd:g}"
        if self.tokens is not None and tokens > self.tokens:
            return f"--max-tokens {self.tokens}"
        return ""


class Purse:
    """What a run has spent so far, in every start of it, and what its budget still allows.

    Before a call is made, what it can take at most is set aside: its prompt, and an answer as long
    as it may get. So the budget holds from the first call on.
    """

    def __init__(self, budget: Budget, prices: Mapping[str, Price | None]) -> None:
        self.budget = budget
        self.usd, self.tokens = 0.0, 0
        self._prices = prices
        self._bounded = budget.usd is not None or budget.tokens is not None
        self._aside_usd, self._aside_tokens = 0.0, 0
        self._per_character = dict.fromkeys(prices, 1 / 3)
        """Tokens of a prompt's character, by spec: the most that was seen, at first a guess."""
        self._changed = asyncio.Event()

    def put_down(self, spec: str, prompt: int, cached: int, completion: int) -> None:
        """Enter what a model took, in tokens."""
        self.tokens += prompt + completion
        if price := self._prices.get(spec):
            self.usd += price.of(prompt, cached, completion)

    async def open(self, spec: str, characters: int, longest: int) -> "Reserve | str":
        """Set aside what a call with a prompt of so many characters can take at most, with an
        answer of `longest` tokens.

        Waits while only calls in flight stand in the way. Returns the bound in words where the
        budget has no room for the call.
        """
        while self._bounded:
            prompt = _TEMPLATE + ceil(characters * self._per_character.get(spec, 1 / 3))
            price = self._prices.get(spec) or FREE
            reserve = Reserve(spec, characters, prompt + longest, price.of(prompt, 0, longest))
            exceeded = self.budget.exceeded(
                self.usd + self._aside_usd + reserve.usd,
                self.tokens + self._aside_tokens + reserve.tokens,
            )
            if not exceeded:
                self._set_aside(reserve, 1)
                return reserve
            if not self._aside_tokens:
                return exceeded
            self._changed.clear()
            await self._changed.wait()
        return Reserve(spec, characters)

    def close(self, reserve: "Reserve", answer: Answer | None) -> None:
        """A call has ended, with an answer or without: what it took is entered."""
        self._set_aside(reserve, -1)
        self._changed.set()
        if answer is None:
            return
        spec, rate = reserve.spec, self._per_character.get(reserve.spec, 1 / 3)
        prompt, completion = answer.prompt_tokens, answer.completion_tokens
        if prompt is None or completion is None:  # nobody counts, so it is guessed
            prompt = _TEMPLATE + ceil(reserve.characters * rate)
            completion = ceil(len(answer.text) * rate)
        elif reserve.characters:
            seen = (prompt - _TEMPLATE) / reserve.characters
            self._per_character[spec] = max(rate, seen)
        self.put_down(spec, prompt, answer.cached_tokens or 0, completion)

    def _set_aside(self, reserve: "Reserve", times: int) -> None:
        self._aside_usd += times * reserve.usd
        self._aside_tokens += times * reserve.tokens


@dataclass(frozen=True, slots=True)
class Reserve:
    """What a call in flight can take at most."""

    spec: str
    characters: int
    tokens: int = 0
    usd: float = 0.0


@lru_cache(maxsize=1)
def packaged_prices() -> Mapping[str, Price]:
    """The price table that ships with this package, by spec. It says of which day it is."""
    text = (resources.files("attunement.simulator") / "prices.toml").read_text("utf-8")
    return {spec: Price.model_validate(row) for spec, row in tomllib.loads(text)["prices"].items()}


def price_of(spec: str, own: Mapping[str, Price], base_url: Sequence[str] = ()) -> Price | None:
    """What a model's tokens cost: as the user says, else nothing on one's own machines, else by
    the packaged table. None: unknown."""
    if spec in own:
        return own[spec]
    kind, _, name = spec.partition(":")
    if kind in _FREE_KINDS:
        return FREE
    if kind == "openai":
        model, urls = split_address(name)
        addresses = urls or base_url or (hosted_base_url(),)
        if all(is_at_home(url) for url in addresses):
            return FREE
        spec = f"{urlsplit(addresses[0]).hostname}:{model}"
    return packaged_prices().get(spec)


def check_priced(budget: Budget, prices: Mapping[str, Price | None]) -> None:
    """`ConfigError` for a bound in money on a model whose price nobody knows."""
    unknown = [spec for spec, price in prices.items() if price is None]
    if budget.usd is not None and unknown:
        raise ConfigError(
            f"`--max-usd` needs the price of {unknown[0]!r}; give it with "
            f"--price {unknown[0]}=PROMPT,COMPLETION (US dollars a million tokens)"
        )
