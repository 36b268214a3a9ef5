"""Which of two models preferred, how far they agree, and how biased they are.

A win rate alone says little: judges prefer what stands first, what is longer and what they wrote
themselves. So each stands beside the others here. A model judges every pair in both orders, and a
pair counts for it only where both answers can be read. What people prefer is in `people`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import log

import numpy as np

from attunement.agents.models.registry import without_address
from attunement.core.records import Verdict
from attunement.evaluation.figures import (
    Better,
    Figure,
    Findings,
    Measure,
    added_up,
    computed,
    ratios,
    win_rate,
)
from attunement.evaluation.judges.agreement import (
    alphas,
    coincidences,
    correlations,
    kappas,
    moments,
)
from attunement.evaluation.judges.trust import panel_of, split, warnings
from attunement.simulator.matching import ORDERS, PERSON, Pair

_NOBODY = "no judge has been asked for pairs"
_ONE = "one judge alone: nobody to agree with"


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with what was said of it."""

    key: str
    """Of its dialogue."""
    pair: Pair
    verdicts: Sequence[Verdict]
    writers: tuple[str, str] = ("", "")
    """The models that wrote the subject and its opponent, without addresses; empty: a person."""


@dataclass(frozen=True, slots=True)
class _Ruling:
    """One judge's answers on one pair, by order; None where one cannot be read."""

    item: Judged
    answers: Mapping[str, float | None]

    @property
    def value(self) -> float | None:
        """The mean of the answers, 1 where the subject won; None where one is missing."""
        known = [answer for answer in self.answers.values() if answer is not None]
        return sum(known) / len(known) if known and len(known) == len(self.answers) else None

    @property
    def decided(self) -> int | None:
        """0 the opponent, 1 a tie or answers that take each other back, 2 the subject."""
        value = self.value
        return None if value is None else _side(value)


Rulings = Mapping[str, Mapping[int, _Ruling]]
"""Judge -> number of the item -> its ruling."""


def preference_findings(
    items: Iterable[Judged], what: str, panel: Collection[str] | None = None
) -> Findings:
    """What judges prefer, and their biases. `what` names it in figures: `refined over draft`.

    `panel`: the models that count; None is all that have judged.
    """
    items = list(items)
    rulings = {j: r for j, r in _rulings(items).items() if panel is None or j in panel}
    seen = {j: [r.value is not None for r in found.values()] for j, found in rulings.items()}
    counted, notes = panel_of(seen, "pairs")
    figures = [_win_rate({judge: rulings[judge] for judge in counted}, what)]
    for judge, found in rulings.items():
        own = list(_of_judge(list(found.values()), judge, what, len(rulings) == 1))
        notes += warnings(judge, "pairs", {f.measure.name.rpartition(": ")[2]: f for f in own})
        figures += [*own, _self_preference(judge, rulings)]
    if rulings:
        agreement, *kappas = _agreement(rulings)
        notes += filter(None, [split({"pairs": agreement})])
        figures += [agreement, *kappas]
        figures += _with_people(items, rulings)
    return Findings(figures, notes=notes)


def _rulings(items: Iterable[Judged]) -> Rulings:
    found: dict[str, dict[int, _Ruling]] = {}
    for number, item in enumerate(items):
        answers: dict[str, dict[str, float | None]] = {}
        for verdict in item.verdicts:
            if not verdict.judge.startswith(PERSON):
                answers.setdefault(verdict.judge, {})[verdict.label or ""] = verdict.value
        for judge, by_order in answers.items():
            found.setdefault(judge, {})[number] = _Ruling(item, by_order)
    return dict(sorted(found.items()))


def _trust(name: str, method: str, unit: str = "share", better: Better = "") -> Measure:
    """A measure of the judges themselves."""
    name = f"pairs{name}"
    return Measure(
        name=name, family="judges", unit=unit, better=better, method=method, diagnostic=True
    )


def _rate(name: str, method: str, diagnostic: bool = False) -> Measure:
    return Measure(
        name=name, family="judges", unit="share", better="higher", method=method,
        diagnostic=diagnostic,
    )  # fmt: skip


def _figure(
    measure: Measure, rows: Iterator[tuple[str, float]], why: str, **levels: float
) -> Figure:
    """A mean over items, by dialogue."""
    parts = added_up((key, np.array((value, 1.0))) for key, value in rows)
    return Figure(measure, parts, ratios, levels=levels, why="" if parts else why)


def _win_rate(rulings: Rulings, what: str) -> Figure:
    """Each pair's mean over its judges, where all of them could be read."""
    rows = []
    for number in sorted({number for found in rulings.values() for number in found}):
        ruled = [found[number] for found in rulings.values() if number in found]
        values = [ruling.value for ruling in ruled if ruling.value is not None]
        if len(values) == len(rulings):
            rows.append((ruled[0].item.key, float(np.mean(values))))
    method = "share of pairs decided for this side, ties half; of several judges the mean"
    why = "no pair was read in both orders by every judge" if rulings else _NOBODY
    figure = _figure(_rate(what, method), iter(rows), why, chance=0.5)
    return replace(win_rate(figure), basis=", ".join(rulings))


def _of_judge(rulings: Sequence[_Ruling], judge: str, what: str, alone: bool) -> Iterator[Figure]:
    by = f", {judge}"
    readable = [r for r in rulings if r.value is not None]
    answers = [
        (r.item, order, a) for r in rulings for order, a in r.answers.items() if a is not None
    ]
    decided = [(item, order, answer) for item, order, answer in answers if answer != 0.5]
    if not alone:  # else it is the panel's
        measure = _rate(f"{what}, {judge}", "by this judge alone, ties half", diagnostic=True)
        won = ((r.item.key, r.value) for r in readable if r.value is not None)
        yield win_rate(_figure(measure, won, "no answer could be read in both orders", chance=0.5))
    yield _figure(
        _trust(f"{by}: order flips", "share of pairs whose verdict changes with the order",
                 better="lower"),
        ((r.item.key, float(len(set(r.answers.values())) > 1)) for r in readable),
        "no pair was read in both orders",
    )  # fmt: skip
    yield _figure(
        _trust(f"{by}: chose the first",
                 "share of decided answers that took what stood first; half is no bias"),
        ((item.key, float((answer == 1) == (order == ORDERS[0])))
         for item, order, answer in decided),
        "no answer that was not a tie",
        chance=0.5,
    )  # fmt: skip
    yield from _of_length(answers, decided, by)
    unread = ((r.item.key, float(a is None)) for r in rulings for a in r.answers.values())
    yield _figure(
        _trust(f"{by}: unreadable", "share of answers that could not be read",
                 better="lower"), unread, "nothing was asked",
    )  # fmt: skip


Answers = Sequence[tuple[Judged, str, float]]


def _of_length(answers: Answers, decided: Answers, by: str) -> Iterator[Figure]:
    lengths = [(item, _log_ratio(item.pair), answer) for item, _, answer in answers]
    uneven = [(item, ratio, a) for item, ratio, a in lengths if ratio and a != 0.5]
    longer = sum(ratio > 0 for _, ratio, _ in uneven) / len(uneven) if uneven else 0.0
    yield _figure(
        _trust(f"{by}: chose the longer",
                 "share of decided answers, on sides of unequal length in words, that took the "
                 "longer one; beside it how often the subject is the longer one"),
        ((item.key, float((answer == 1) == (ratio > 0))) for item, ratio, answer in uneven),
        "no decided answer on sides of unequal length",
        **{"subject is longer": longer},
    )  # fmt: skip
    parts = added_up((item.key, moments([ratio], [answer])) for item, ratio, answer in lengths)
    measure = _trust(
        f"{by}: length coefficient",
        "correlation of the answer (1 the subject) with the logarithm of subject's over opponent's "
        "words; 0 is no bias", unit="r",
    )  # fmt: skip
    yield computed(measure, parts, correlations, {}, "the answers or the lengths are all alike")


def _log_ratio(pair: Pair) -> float:
    """Logarithm of the subject's words over its opponent's, of what supporters say."""
    ours, theirs = (
        sum(len(line.text.split()) for line in side if line.speaker == "supporter")
        for side in (pair.subject, pair.against)
    )
    return log(max(1, ours) / max(1, theirs))


def _self_preference(judge: str, rulings: Rulings) -> Figure:
    """How much oftener a judge takes what it wrote itself than the other judges take it."""
    measure = _trust(
        f", {judge}: self-preference",
        "win rate of the side that the judge's own model wrote, by this judge minus by the other "
        "judges, on the same pairs; 0 is none", unit="share",
    )  # fmt: skip
    rows, model = [], without_address(judge)
    for number, ruling in rulings[judge].items():
        own = [place for place, writer in enumerate(ruling.item.writers) if writer == model]
        others = [f[number].value for j, f in rulings.items() if j != judge and number in f]
        known = [value for value in others if value is not None]
        if len(own) == 1 and ruling.value is not None and known:
            gain = ruling.value - float(np.mean(known))
            rows.append((ruling.item.key, gain if own == [0] else -gain))
    why = "no other judge has judged pairs of which this one wrote one side"
    return _figure(measure, iter(rows), why)


def _agreement(rulings: Rulings) -> Iterator[Figure]:
    by_item: dict[int, list[_Ruling]] = {}
    for found in rulings.values():
        for number, ruling in found.items():
            if ruling.decided is not None:
                by_item.setdefault(number, []).append(ruling)
    rows = (
        (found[0].item.key, coincidences([[r.decided or 0 for r in found]], 2))
        for found in by_item.values()
        if len(found) > 1
    )
    measure = _trust(
        ": agreement",
        "Krippendorff's alpha (nominal: subject, tie, opponent) between the judges; 1 is perfect, "
        "0 what chance gives", unit="alpha", better="higher",
    )  # fmt: skip
    why = _ONE if len(rulings) == 1 else "nothing was judged twice, or one answer throughout"
    yield computed(measure, added_up(rows), lambda sums: alphas(sums, "nominal"), {}, why)
    for one, other in combinations(rulings, 2):
        yield _kappa(rulings, one, other)


def _with_people(items: Sequence[Judged], rulings: Rulings) -> Iterator[Figure]:
    """How far the panel decides as people do, where both have."""
    rows = []
    for number, item in enumerate(items):
        said = [v.value for v in item.verdicts if v.judge.startswith(PERSON)]
        people = [value for value in said if value is not None]
        panel = [found[number].value for found in rulings.values() if number in found]
        judges = [value for value in panel if value is not None]
        if people and judges:
            table = np.zeros((3, 3))
            table[_side(float(np.mean(judges))), _side(float(np.mean(people)))] = 1
            rows.append((item.key, table))
    if not rows:
        return
    measure = Measure(
        name="pairs: judges and people", family="people", unit="kappa", better="higher",
        diagnostic=True,
        method="Cohen's kappa of subject, tie, opponent between the judges' mean and the people's",
    )  # fmt: skip
    yield computed(measure, added_up(rows), kappas, {}, "one answer throughout")


def _side(value: float) -> int:
    """0 the opponent, 1 a tie, 2 the subject."""
    return 1 + int(np.sign(value - 0.5))


def _kappa(rulings: Rulings, one: str, other: str) -> Figure:
    rows = []
    for number in sorted(rulings[one].keys() & rulings[other].keys()):
        a, b = rulings[one][number], rulings[other][number]
        if a.decided is not None and b.decided is not None:
            table = np.zeros((3, 3))
            table[a.decided, b.decided] = 1
            rows.append((a.item.key, table))
    measure = _trust(f": kappa of {one} and {other}", "Cohen's kappa of subject, tie, "
                       "opponent between these two", unit="kappa", better="higher")  # fmt: skip
    why = "no pair that both decided, or one answer always"
    return computed(measure, added_up(rows), kappas, {}, why)
