"""What judges and people said of a turn or of a dialogue, in lines to read."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from attunement.core.psychology import ERRORS
from attunement.core.records import Turn, Verdict
from attunement.simulator.annotating import ANNOTATION, annotations
from attunement.simulator.matching import PERSON


def judged_lines(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, bool]]:
    """(words, whether it is a fault) of each; the marks that a judge gave together in one line.

    Annotations are left out: see `annotated_lines`.
    """
    judged = (verdict for verdict in verdicts if verdict.name != ANNOTATION)
    for _, group in groupby(judged, _together):
        found = list(group)
        if len(found) > 1 and ": " in found[0].name:
            marks = ", ".join(f"{_scale(v)} {_number(v)}" for v in found)
            yield _line(found[0], marks), False
            continue
        for verdict in found:
            fault = verdict.name == ERRORS and verdict.value != 0
            yield _line(verdict, _found(verdict)), fault


def annotated_lines(turn: Turn) -> Iterator[tuple[str, bool]]:
    """(words, whether it is a fault) of what each person said of a turn as they read it."""
    for who, said in annotations(turn).items():
        found = [word for word in (said.label, ", ".join(said.errors)) if word]
        note = [said.note] if said.note else []
        yield f"{who}: {'. '.join(['; '.join(found)] * bool(found) + note)}", said.faulty


def _together(verdict: Verdict) -> tuple[object, ...]:
    """Marks of one answer have judge, side and reason in common; others stand alone."""
    mark = verdict.name.partition(": ")[0] if ": " in verdict.name else verdict.name
    return verdict.judge, verdict.about, mark, verdict.reason


def _scale(verdict: Verdict) -> str:
    return verdict.name.rpartition(": ")[2]


def _number(verdict: Verdict) -> str:
    return "not readable" if verdict.value is None else f"{verdict.value:g}"


def _found(verdict: Verdict) -> str:
    if verdict.name == ERRORS:
        none = "not readable" if verdict.value is None else f"no {verdict.name}"
        return verdict.label or none
    said = f"{verdict.name} {_number(verdict)}"
    return f"{said}, {verdict.label}" if verdict.label else said


def _line(verdict: Verdict, found: str) -> str:
    subject = f"{verdict.about}: " if verdict.about else ""
    reason = f". {verdict.reason}" if verdict.reason else ""
    return f"{subject}{found}{reason} (by {verdict.judge.removeprefix(PERSON)})"
