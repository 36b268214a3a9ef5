"""The first lines of a report: of each system the figures that a reader wants to know first."""

from collections.abc import Iterator

from attunement.evaluation.comparison import Comparison, Row
from attunement.evaluation.paired import Paired, units_for
from attunement.evaluation.report.words import (
    cell,
    decimals,
    head,
    judged,
    levels,
    p_value,
)

HEADLINES = (
    ("outcome", "relief"), ("outcome", "rating"), ("outcome", "fit"),
    ("judges", "dialogue: overall"), ("judges", "reply: empathy"),
    ("judges", "preferred over "), ("judges", "refined over draft"), ("people", "win rate"),
    ("strategy", "macro-F1"), ("reflection", "emotion accuracy"), ("text", "sentence BLEU-1"),
)  # fmt: skip
"""Family and name; a name that ends in a blank goes on with the baseline's."""
MOST = 4
"""Figures of one system."""


def in_short(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """A line for each system that is held against the baseline, or for the only one.

    Its beginning (`refined against plain`) and the rest; nothing of a system without a headline.
    """
    baseline = comparison.baseline
    for name in comparison.others or (baseline,):
        if rows := _headlines(comparison, name):
            if not comparison.others:
                yield name, "; ".join(_alone(row, name) for row in rows)
            elif name not in comparison.apart:
                said = "; ".join(_held(comparison, row, name) for row in rows)
                yield f"{name} against {baseline}", said


def _headlines(comparison: Comparison, name: str) -> list[Row]:
    """The first few that the system has; who was preferred is always among them."""
    by_name = {(row.measure.family, row.measure.name): row for row in comparison.figures}
    names = [(family, what + comparison.baseline if what.endswith(" ") else what)
             for family, what in HEADLINES]  # fmt: skip
    found = [by_name[key] for key in names if key in by_name]
    found = [row for row in found if row.systems[name].value is not None]
    late = [row for row in found[MOST:] if _preferred(row)]
    return found[: MOST - len(late[:1])] + late[:1]


def _preferred(row: Row) -> bool:
    """Whether it says which of two was preferred by the judges."""
    return row.measure.family == "judges" and " over " in row.measure.name


def _held(comparison: Comparison, row: Row, name: str) -> str:
    """A difference, and whether it is more than chance."""
    found, digits, baseline = row.against[name], decimals(row), comparison.baseline
    if found.value is None:
        if row.systems[baseline].value is None:
            return f"{_alone(row, name)} ({baseline} has none)"
        return f"{_alone(row, name)}, not compared: {found.why}"
    if found.level is not None:
        said = f"{row.measure.name} in {cell(row.systems[name], digits)}"
    else:
        said = f"{_name(row)} {cell(found, digits, sign=True)}"
    return said + _verdict(comparison, row, found)


def _verdict(comparison: Comparison, row: Row, found: Paired) -> str:
    if found.significant:
        good = judged(row.measure, found)
        share = found.higher if (found.value or 0) > 0 else found.lower
        often = (
            f"; {good} in {100 * share:.0f} % of dialogues" if good and share is not None else ""
        )
        often = often if found.level is None else ""
        return f" {good} (p {p_value(found.p_corrected)}{often})".replace("p <", "p < ")
    if found.p is None and not found.units:
        return ", not tested"
    if found.p is None or found.units < units_for(comparison.tests):
        return f", too few {'people' if comparison.by == 'persona' else 'dialogues'}"
    return f", no difference beyond chance (p {p_value(found.p_corrected)})"


def _alone(row: Row, name: str) -> str:
    """A figure with what it has to be read against."""
    digits, shown = decimals(row), row.systems[name]
    said = levels(row.model_copy(update={"systems": {name: shown}}), digits)
    text = f"{_name(row)} {cell(shown, digits)}"
    return f"{text} against {said}" if said else text


def _name(row: Row) -> str:
    """Percentages alone say their unit."""
    return head(row.measure) if row.measure.unit == "%" else row.measure.name
