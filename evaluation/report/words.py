"""Figures in words, the same in Markdown and on the terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor, isfinite, log10

from attunement.core.records import Record
from attunement.evaluation.comparison import NOT_MEASURED, Comparison, Curve, Row, Shown
from attunement.evaluation.figures import Family, Measure
from attunement.evaluation.paired import FEWEST, LEVEL, Paired, units_for
from attunement.graphs.drawing.diagram import many

MINUS = "\N{MINUS SIGN}"
NONE = "n/a"
TITLES: dict[Family, str] = {
    "outcome": "Outcome",
    "text": "Text",
    "strategy": "Strategy",
    "reflection": "Reflection",
    "judges": "Judges",
    "people": "People",
    "realism": "Realism of the seekers",
    "stability": "Stability",
}
FIRST: tuple[Family, ...] = (
    "outcome", "judges", "people", "reflection", "strategy", "text", "realism", "stability",
)  # fmt: skip
"""The families by what a reader wants to know first."""
_NOTHING = 5e-6
"""What is smaller is the rounding of sums."""


class Finding(Record):
    """A difference that is more than chance, in words."""

    system: str
    figure: str
    way: str
    """`higher, better`; without the judgement where neither way is good."""
    difference: str
    effect: str
    n: int
    p: str
    """Corrected."""


def decimals(row: Row) -> int:
    """Digits after the point for all numbers of a row: enough for its largest."""
    values = [v for s in row.systems.values() for v in (s.value, s.low, s.high) if v is not None]
    return _digits(values)


def point_decimals(curve: Curve) -> int:
    """The same for a series."""
    shown = (s for points in curve.systems.values() for s in points.values())
    return _digits([v for s in shown for v in (s.value, s.low, s.high) if v is not None])


def _digits(values: Sequence[float]) -> int:
    largest = max((abs(v) for v in values if isfinite(v)), default=1.0)
    if largest < _NOTHING:
        return 2
    if largest >= 1000:
        return 0
    if largest >= 10:
        return 1
    return 2 if largest >= 0.1 else min(5, max(3, -floor(log10(largest))))


def number(value: float | None, digits: int, sign: bool = False) -> str:
    """A number with its minus as wide as a plus; never a minus before zero."""
    if value is None:
        return NONE
    text = f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"
    if not any(c in "123456789" for c in text):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def cell(shown: Shown | Paired | None, digits: int, sign: bool = False) -> str:
    """A figure with its bounds, where it has any."""
    if shown is None or shown.value is None:
        return NONE
    text = number(shown.value, digits, sign)
    if shown.low is None:
        return text
    return f"{text} [{number(shown.low, digits, sign)}, {number(shown.high, digits, sign)}]"


def p_value(p: float | None) -> str:
    """Three digits after the point; below them says so."""
    if p is None:
        return NONE
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def head(measure: Measure) -> str:
    """The name with its unit, unless it names it."""
    said = not measure.unit or f"{measure.name} ".startswith(f"{measure.unit} ")
    return measure.name if said else f"{measure.name} ({measure.unit})"


def judged(measure: Measure, found: Paired) -> str:
    """Whether a difference is for the better; empty where neither way is."""
    if not measure.better or not found.value:
        return ""
    return "better" if (found.value > 0) == (measure.better == "higher") else "worse"


def findings(comparison: Comparison) -> list[Finding]:
    """What is more than chance: by system, of each what a reader wants to know first."""
    order = comparison.others
    found = [one for one in comparison.significant() if not one[0].measure.diagnostic]
    found.sort(key=lambda one: (order.index(one[1]), FIRST.index(one[0].measure.family)))
    return [_finding(*one) for one in found]


def found_in_all(comparison: Comparison, found: Sequence[Finding]) -> str:
    """`3 of 12 differences from plain are more than chance`."""
    tests = many(comparison.tests, "difference")
    verb = "is" if len(found) == 1 else "are"
    return f"{len(found)} of {tests} from {comparison.baseline} {verb} more than chance"


def _finding(row: Row, name: str, found: Paired) -> Finding:
    good = judged(row.measure, found)
    return Finding(
        system=name,
        figure=head(row.measure),
        way=_way(found) + (f", {good}" if good else ""),
        difference=cell(found, decimals(row), sign=True),
        effect=effect(found),
        n=found.n,
        p=p_value(found.p_corrected),
    )


def _way(found: Paired) -> str:
    up = (found.value or 0) > 0
    if found.level is None:
        return "higher" if up else "lower"
    return f"{'above' if up else 'below'} {found.level:g}"


def effect(found: Paired) -> str:
    """Cohen's d_z; empty for a win rate, which has none."""
    return "" if found.level is not None else number(found.effect, 2)


def against(found: Paired, system: str, baseline: str) -> str:
    """What was taken from what."""
    return f"{system} {MINUS} {baseline}" if found.level is None else f"{system} {_half(found)}"


def _half(found: Paired) -> str:
    return f"against {found.level:g}"


def nothing_found(comparison: Comparison) -> str:
    """What to say where no difference is more than chance: could one be? Empty where no two systems
    meet, of which `apart` says why."""
    tests, units = comparison.tests, comparison.most_units
    if not tests:
        return _untestable(comparison)
    needed = units_for(tests)
    if units < needed:
        what = "people" if comparison.by == "persona" else "dialogues"
        return (
            f"Too few {what}: with {units} no difference could be told from chance after the "
            f"correction of {many(tests, 'test')}; that needs at least {needed}."
        )
    if tests == 1:
        return f"The one difference is no more than chance: its p is not below {LEVEL}."
    return f"No difference is more than chance: none of {tests} has a corrected p below {LEVEL}."


def _untestable(comparison: Comparison) -> str:
    """Why no test was made of systems that meet."""
    most = max((facts.shared or 0 for facts in comparison.systems), default=0)
    if most == 0:
        return ""
    if most == 1:
        return "One shared dialogue: nothing can be tested."
    if most < FEWEST:
        return f"{most} shared dialogues: too few, nothing can be tested (from {FEWEST} on)."
    rows = [row for row in comparison.figures if not row.measure.diagnostic]
    units = max((one.units for row in rows for one in row.against.values()), default=0)
    if 0 < units < FEWEST:
        persona = comparison.by == "persona"
        what = many(units, "person", "people") if persona else many(units, "shared dialogue")
        return f"Only {what} to compare: too few, nothing can be tested (from {FEWEST} on)."
    held = (
        one.why for row in rows for name, one in row.against.items()
        if None not in (row.systems[name].value, row.systems[comparison.baseline].value)
    )  # fmt: skip
    return f"Nothing could be tested: {next(held, 'no two systems have the same figure')}."


def strangers(comparison: Comparison) -> Iterator[str]:
    """Of each system that shares nothing with the baseline, why."""
    for name, why in comparison.apart.items():
        yield f"{name} and {comparison.baseline} share no dialogue: {why}."


def nothing_there(comparison: Comparison) -> Iterator[tuple[Family, str]]:
    """The families without a figure, with the reason; what was asked for where there is none."""
    for family in comparison.families:
        rows = [row for row in comparison.figures if row.measure.family == family]
        shown = [one for row in rows for one in row.systems.values()]
        if (rows or not comparison.figures) and all(one.value is None for one in shown):
            whys = [one.why for one in shown if one.why != NOT_MEASURED]
            yield family, next(iter(whys), "nothing was measured")


def basis(row: Row) -> str:
    """Who or what a row rests on: `by rehearsal`; of each system, where that is not the same."""
    by_system = {name: shown.basis for name, shown in row.systems.items() if shown.basis}
    if len({*by_system.values()}) <= 1:
        return "".join(f"by {said}" for said in {*by_system.values()})
    return "; ".join(f"{name} by {said}" for name, said in by_system.items())


def levels(row: Row, digits: int) -> str:
    """What a row has to be read against; one number where it is the same for all systems."""
    names = dict.fromkeys(name for shown in row.systems.values() for name in shown.levels)
    said = []
    for name in names:
        values = [s.levels[name] for s in row.systems.values() if name in s.levels]
        texts = dict.fromkeys(number(value, digits) for value in values)
        said.append(f"{name} {' / '.join(texts)}")
    return ", ".join(said)


def together(reasons: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Names by the reason that they share, in the order in which reasons come."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons:
        named = found.setdefault(reason, [])
        if name not in named:
            named.append(name)
    return found


def missing(rows: Sequence[Row], systems: Sequence[str], most: int | None = None) -> Iterator[str]:
    """Why figures of these systems are not there: `BLEU, METEOR: live dialogues have no …`.

    `most`: figures that are named at most; the others are counted.
    """
    by_figure: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name in systems:
            shown = row.systems[name]
            if shown.value is None:
                by_figure.setdefault((row.measure.name, shown.why), []).append(name)
    said = (
        (figure, f"{why}{'' if len(names) == len(systems) else f' ({_list(names)})'}")
        for (figure, why), names in by_figure.items()
    )
    for why, figures in together(said).items():
        yield f"{_list(figures, most)}: {why}"


def without_bounds(rows: Sequence[Row]) -> Iterator[str]:
    """Why figures that are there have no interval, where a reason is given."""
    lacking = (
        (row.measure.name, shown.why)
        for row in rows
        for shown in row.systems.values()
        if shown.value is not None and shown.low is None and shown.why
    )
    for why, figures in together(lacking).items():
        yield f"{', '.join(figures)}: no interval, {why}"


def untested(rows: Sequence[Row], baseline: str, systems: Sequence[str]) -> Iterator[str]:
    """Why figures of these systems are not tested, where the baseline has them too."""
    lacking = [
        (name, row.measure.name, found.why)
        for row in rows
        for name, found in row.against.items()
        if name in systems and found.p is None and found.why and row.systems[name].value is not None
        and row.systems[baseline].value is not None
    ]  # fmt: skip
    for name in dict.fromkeys(name for name, *_ in lacking):
        reasons = together((figure, why) for other, figure, why in lacking if other == name)
        for why, figures in reasons.items():
            yield f"{name} and {baseline}, {', '.join(figures)}: {why}"


def _list(names: Sequence[str], most: int | None = None) -> str:
    if most is None or len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def and_list(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
