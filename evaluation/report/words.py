"""Figures in words, the same in Markdown and on the terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor, isfinite, log10

from attunement.core.records import Record
from attunement.evaluation.comparison import Comparison, Curve, Row, Shown
from attunement.evaluation.figures import Family, Measure
from attunement.evaluation.paired import Paired

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
    if largest >= 1000:
        return 0
    if largest >= 10:
        return 1
    return 2 if largest >= 0.1 or largest == 0 else min(5, max(3, -floor(log10(largest))))


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
    said = not measure.unit or measure.name.startswith(measure.unit)
    return measure.name if said else f"{measure.name} ({measure.unit})"


def judged(measure: Measure, found: Paired) -> str:
    """Whether a difference is for the better; empty where neither way is."""
    if not measure.better or not found.value:
        return ""
    return "better" if (found.value > 0) == (measure.better == "higher") else "worse"


def findings(comparison: Comparison) -> list[Finding]:
    """What is more than chance, in the order of systems and figures."""
    found = [_finding(*one) for one in comparison.significant()]
    order = comparison.others
    return sorted(found, key=lambda finding: order.index(finding.system))


def _finding(row: Row, name: str, found: Paired) -> Finding:
    good = judged(row.measure, found)
    return Finding(
        system=name,
        figure=head(row.measure),
        way=("higher" if (found.value or 0) > 0 else "lower") + (f", {good}" if good else ""),
        difference=cell(found, decimals(row), sign=True),
        effect=number(found.effect, 2),
        n=found.n,
        p=p_value(found.p_corrected),
    )


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
