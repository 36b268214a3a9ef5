"""What a run costs: tokens by role and model, prices, and the budget that stops it."""

import ipaddress
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from attunement.agents.models.base import Answer
from attunement.agents.models.registry import split_address
from attunement.agents.models.secrets import hosted_base_url
from attunement.agents.reading import explain
from attunement.core.errors import ConfigError
from attunement.core.records import Record

_MILLION = 1_000_000
_FREE_KINDS = ("rehearsal", "scripted", "hf", "vllm", "ollama")


class Price(Record):
    """What a model's tokens cost, in US dollars a million."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
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

    usd: float | None = Field(default=None, gt=0)
    """US dollars of the whole run, resumed or not."""
    tokens: int | None = Field(default=None, ge=1)
    """Prompt and completion tokens of the whole run, resumed or not."""
    minutes: float | None = Field(default=None, gt=0)
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


@dataclass(slots=True)
class _Account:
    """What the calls to one model have taken."""

    price: Price | None
    in_flight: int = 0
    dearest_usd: float = 0.0
    """The most that one call has cost so far."""
    dearest_tokens: float = 0.0


class Purse:
    """What a run has spent so far, in every start of it, and what its budget still allows."""

    def __init__(self, budget: Budget, prices: Mapping[str, Price | None]) -> None:
        self.budget = budget
        self.usd, self.tokens = 0.0, 0
        self._accounts = {spec: _Account(price) for spec, price in prices.items()}

    def put_down(self, calls: int, spec: str, prompt: int, cached: int, completion: int) -> None:
        """Enter what calls to a model took, in tokens."""
        account = self._accounts.setdefault(spec, _Account(None))
        tokens = prompt + completion
        usd = account.price.of(prompt, cached, completion) if account.price else 0.0
        self.tokens += tokens
        self.usd += usd
        account.dearest_usd = max(account.dearest_usd, usd / calls)
        account.dearest_tokens = max(account.dearest_tokens, tokens / calls)

    def open(self, spec: str) -> str:
        """A call to a model is about to be made. The bound, if any, that would be exceeded if it
        and all calls in flight took as much as the dearest so far; the call is then not made."""
        accounts = self._accounts.values()
        self._accounts[spec].in_flight += 1
        exceeded = self.budget.exceeded(
            self.usd + sum(a.in_flight * a.dearest_usd for a in accounts),
            self.tokens + sum(a.in_flight * a.dearest_tokens for a in accounts),
        )
        if exceeded:
            self._accounts[spec].in_flight -= 1
        return exceeded

    def close(self, spec: str, answer: Answer | None) -> None:
        """A call has ended, with an answer or without."""
        self._accounts[spec].in_flight -= 1
        if answer:
            counts = (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens)
            self.put_down(1, spec, *(count or 0 for count in counts))


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
        if all(_is_at_home(url) for url in addresses):
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


def _is_at_home(url: str) -> bool:
    """Whether an address is of this machine or a private network."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal"))
