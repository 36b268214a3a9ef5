"""What a run will take, from a few of its dialogues: calls, tokens, money, time.

The probe dialogues are the run's own, spread over its cast, so nothing is spent twice: `resume`
goes on from them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from attunement.agents.seeker import describe
from attunement.core.errors import AttunementError
from attunement.core.records import Record
from attunement.graphs.state import supporter_turns
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import Price
from attunement.simulator.journal import Journal, Task

PROBES = 8
"""Dialogues that an estimate runs."""


class Range(Record):
    """An expected amount, and what it would be if all dialogues were like the least and the most
    demanding probe."""

    expected: float
    least: float
    most: float


class Estimate(Record):
    """What a whole run is expected to take, the probe dialogues among it."""

    dialogues: int
    probes: int
    calls: Range
    prompt_tokens: Range | None
    """None where a model does not count its tokens, as with the others."""
    completion_tokens: Range | None
    usd: Range | None
    """None where a price is unknown."""
    minutes: Range
    """Expected: at the rate of the probes, as many dialogues at a time. Least: if as many as the
    run may have in flight go as fast. Most: all like the slowest probe, at that rate."""
    failed: int
    """Probes that failed; they do not count above."""


class _Probe:
    """What one dialogue took. Amounts are None where something of them is unknown."""

    def __init__(self, task: Task, prices: Mapping[str, Price | None], length: float) -> None:
        per_turn: dict[int, Counter[str]] = defaultdict(Counter)
        self.calls: float = len(task.calls)
        self.prompt_tokens: float | None = 0.0
        self.completion_tokens: float | None = 0.0
        self.usd: float | None = 0.0
        for call in task.calls:
            per_turn[call["turn"]][call["role"]] += call["latency_ms"]
            self._add(call, prices.get(call["model"]), length)
        self.minutes: float | None = sum(map(_path, per_turn.values())) / 60_000

    def _add(self, call: Mapping[str, object], price: Price | None, length: float) -> None:
        prompt, completion = call["prompt_tokens"], call["completion_tokens"]
        if not isinstance(prompt, int) or not isinstance(completion, int):
            self.prompt_tokens = self.completion_tokens = self.usd = None
            return
        if call["role"] == "seeker":
            prompt = round(prompt * length)
        cached = call["cached_tokens"]
        if self.prompt_tokens is not None and self.completion_tokens is not None:
            self.prompt_tokens += prompt
            self.completion_tokens += completion
        if price is None:
            self.usd = None
        elif self.usd is not None:
            self.usd += price.of(prompt, cached if isinstance(cached, int) else 0, completion)


def _path(latency: Mapping[str, float]) -> float:
    """Milliseconds of a turn: its calls in a row, draft and reflection side by side; where
    preferences are mined, everything side by side."""
    if "seeker" not in latency and "joint" in latency:
        return max(latency.values())
    return sum(latency.values()) - min(latency.get("responder", 0), latency.get("reflector", 0))


def choose_probes(dialogues: int, probes: int = PROBES) -> list[int]:
    """Dialogues spread evenly over a run, by their index."""
    count = min(probes, dialogues)
    return [round((i + 0.5) * dialogues / count - 0.5) for i in range(count)]


def estimate(
    journal: Journal,
    config: RunConfig,
    prices: Mapping[str, Price | None],
    probed: Sequence[int],
) -> Estimate:
    """Extend the probe dialogues to the whole run.

    In replay by its supporter turns, which are known; live by its dialogues, with the seeker's
    prompts lengthened or shortened to the mean card of the cast. `AttunementError` if every probe
    failed.
    """
    sizes, cards = _cast(journal)
    done = list(journal.tasks("done", probed))
    if not done:
        raise AttunementError("every probe dialogue failed: there is nothing to estimate from")
    mean_card = fmean(cards.values())
    probes = [_Probe(t, prices, _longer(t, cards[t.index], mean_card)) for t in done]
    probe_sizes = [sizes[task.index] for task in done]

    def whole(name: str) -> Range | None:
        amounts = [getattr(probe, name) for probe in probes]
        if None in amounts:
            return None
        size = sum(sizes.values())
        rates = [amount / own for amount, own in zip(amounts, probe_sizes, strict=True)]
        mean = sum(amounts) / sum(probe_sizes)
        return Range(expected=size * mean, least=size * min(rates), most=size * max(rates))

    calls, minutes = whole("calls"), whole("minutes")
    assert calls is not None
    assert minutes is not None
    seen, wide = (min(n, len(sizes)) for n in (len(probed), config.concurrency))
    return Estimate(
        dialogues=len(sizes),
        probes=len(done),
        calls=calls,
        prompt_tokens=whole("prompt_tokens"),
        completion_tokens=whole("completion_tokens"),
        usd=whole("usd"),
        minutes=Range(
            expected=minutes.expected / min(seen, wide),
            least=minutes.expected / max(seen, wide),
            most=minutes.most / min(seen, wide),
        ),
        failed=len(probed) - len(done),
    )


def _cast(journal: Journal) -> tuple[dict[int, int], dict[int, int]]:
    """By dialogue: its size (supporter turns in replay, else 1), and its card's characters."""
    sizes, cards = {}, {}
    for index, persona, recorded in journal.cast():
        sizes[index] = len(supporter_turns(recorded)) if recorded else 1
        cards[index] = len(describe(persona))
    return sizes, cards


def _longer(task: Task, card: int, mean_card: float) -> float:
    """How much longer a seeker's prompts would be with a card of mean length, as a factor."""
    lengths = [sum(len(m["content"]) for m in call["messages"])
               for call in task.calls if call["role"] == "seeker"]  # fmt: skip
    return 1 + (mean_card - card) / fmean(lengths) if lengths else 1.0
