"""A run in figures: what became of its dialogues, what it cost, and how well it fitted."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import fmean

from attunement.core.records import Dialogue, Record
from attunement.evaluation.reflection import ReflectionMeter, ReflectionScore
from attunement.simulator.cost import FREE, Price
from attunement.simulator.journal import Journal
from attunement.simulator.usage import Usage


class Spent(Record):
    """What the calls of one role to one model cost. None where nobody counts or knows."""

    role: str
    model: str
    calls: int
    prompt_tokens: int | None
    cached_tokens: int | None
    """Among the prompt tokens, those that the server says its prefix cache served."""
    completion_tokens: int | None
    usd: float | None


class RunSummary(Record):
    """What a run did, read from its journal. Means are None where nothing entered them."""

    dialogues: int
    done: int
    failed: int
    open: int
    stop_reasons: dict[str, int]
    crises: int
    """Dialogues that hold a crisis turn."""
    replayed: bool
    """Whether recorded dialogues were replayed."""
    turns: int
    """Supporter turns; a live dialogue's closing turn, which has no reply, does not count."""
    set_aside: dict[str, int]
    """Turns that a role spoilt, by role."""
    set_aside_reasons: dict[str, int]
    """Why, the commonest first, at most three."""
    refined: int
    """Turns with a draft and a refinement of other words: what becomes preference pairs."""
    calls: dict[str, int]
    """Journalled model calls by role."""
    failed_calls: int
    prompt_tokens: int | None
    """None where no answer counted them."""
    completion_tokens: int | None
    cached_tokens: int | None
    spent: tuple[Spent, ...]
    """By role and model."""
    usd: float | None
    """US dollars in all; None where the price or the tokens of a model are unknown."""
    mean_intensity_change: float | None
    """Mean of last minus first intensity over dialogues, in points; below zero is relief."""
    mean_rating: float | None
    """Mean over dialogues of the seeker's mean rating, 1 to 5."""
    reflection: ReflectionScore
    errors: dict[str, int]
    """Why dialogues failed, the commonest first, at most five."""


def summarise(journal: Journal, prices: Mapping[str, Price | None] | None = None) -> RunSummary:
    """Read a run's journal once, a page at a time. `prices` are those of the run's models."""
    stops: Counter[str] = Counter()
    aside: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    changes: list[float] = []
    ratings: list[float] = []
    crises = turns = refined = 0
    replayed = False
    meter = ReflectionMeter()
    for dialogue in journal.dialogues():
        stops.update([dialogue.stop_reason] if dialogue.stop_reason else [])
        errors.update([dialogue.error] if dialogue.error else [])
        changes += _change(dialogue)
        ratings += _rating(dialogue)
        crises += any(turn.guard.crisis for turn in dialogue.turns)
        for turn in dialogue.turns:
            turns += turn.spoken is not None or turn.recorded is not None
            refined += turn.improved
            replayed = replayed or turn.recorded is not None
            aside.update({item.role for item in turn.set_aside})
            reasons.update(f"{item.role}: {item.reason}" for item in turn.set_aside)
            meter.add(dialogue.persona, turn)
    counts, usage = journal.counts(), journal.usage()
    calls: Counter[str] = Counter()
    for row in usage:
        calls[row.role] += row.calls
    spent = tuple(_spent(row, (prices or {}).get(row.model)) for row in usage)
    return RunSummary(
        dialogues=sum(counts.values()),
        done=counts["done"],
        failed=counts["failed"],
        open=counts["open"],
        stop_reasons=dict(stops.most_common()),
        crises=crises,
        replayed=replayed,
        turns=turns,
        set_aside=dict(aside.most_common()),
        set_aside_reasons=_commonest(reasons, 3),
        refined=refined,
        calls=dict(calls),
        failed_calls=sum(row.failed for row in usage),
        prompt_tokens=_total(row.prompt_tokens for row in usage),
        completion_tokens=_total(row.completion_tokens for row in usage),
        cached_tokens=_total(row.cached_tokens for row in usage),
        spent=spent,
        usd=sum(s.usd or 0 for s in spent) if all(s.usd is not None for s in spent) else None,
        mean_intensity_change=fmean(changes) if changes else None,
        mean_rating=fmean(ratings) if ratings else None,
        reflection=meter.score(),
        errors=_commonest(errors, 5),
    )


def _spent(row: Usage, price: Price | None) -> Spent:
    tokens = (row.prompt_tokens, row.completion_tokens)
    usd = None
    if price and (price == FREE or None not in tokens or row.failed == row.calls):
        usd = price.of(row.prompt_tokens or 0, row.cached_tokens or 0, row.completion_tokens or 0)
    return Spent(
        role=row.role,
        model=row.model,
        calls=row.calls,
        prompt_tokens=row.prompt_tokens,
        cached_tokens=row.cached_tokens,
        completion_tokens=row.completion_tokens,
        usd=usd,
    )


def _commonest(messages: Counter[str], most: int) -> dict[str, int]:
    """The commonest messages, those that differ in their numbers alone taken together."""
    first: dict[str, str] = {}
    together: Counter[str] = Counter()
    for message, count in messages.items():
        together[first.setdefault(re.sub(r"\d+", "0", message), message)] += count
    return dict(together.most_common(most))


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _change(dialogue: Dialogue) -> list[float]:
    outcome = dialogue.outcome
    if not outcome or outcome.first_intensity is None or outcome.last_intensity is None:
        return []
    return [outcome.last_intensity - outcome.first_intensity]


def _rating(dialogue: Dialogue) -> list[float]:
    outcome = dialogue.outcome
    return [outcome.mean_rating] if outcome and outcome.mean_rating is not None else []
