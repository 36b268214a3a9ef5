"""What judges said of a system alone: marks on every scale, errors, and how far to trust them.

Marks stand in the journal as verdicts named `reply: empathy` or `dialogue: empathy`. A judge whose
name begins with `person:` is a person. A mark that could not be read is counted, and enters no
mean.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean

import numpy as np

from attunement.agents.models.registry import without_address
from attunement.agents.rating import DIALOGUE_TOP, REPLY_TOP
from attunement.core.psychology import ERRORS
from attunement.core.records import Dialogue, Verdict
from attunement.evaluation.figures import (
    Family,
    Figure,
    Findings,
    Measure,
    added_up,
    computed,
    mean_figure,
)
from attunement.evaluation.judges.agreement import (
    alphas,
    coincidences,
    correlations,
    kappas,
    moments,
)
from attunement.evaluation.judges.trust import panel_of, split, warnings
from attunement.simulator.matching import PERSON, WHOLE
from attunement.simulator.rating import SCALES, Rated, mark_name

TOPS: Mapping[Rated, int] = {"reply": REPLY_TOP, "dialogue": DIALOGUE_TOP}
_SOURCES: Mapping[Rated, str] = {
    "reply": "recipe B's scale, 0 to 5", "dialogue": "ESC-Eval's scale, 0 to 4",
}  # fmt: skip

Place = tuple[str, int, str]
"""Dialogue key, turn (0: the whole dialogue), side."""
Marks = dict[Place, dict[str, float | None]]
"""What was judged -> judge -> mark; None where it could not be read."""


class JudgeMeter:
    """Marks and labels of a system's replies and dialogues, models' and people's."""

    def __init__(
        self,
        writers: Mapping[str, Collection[str]] | None = None,
        panel: Collection[str] | None = None,
    ) -> None:
        """`writers`: a run's seed and a side (`0/refined`; `0/`: the whole dialogue) -> the models
        that wrote it, by which a judge that marks itself is found. `panel`: the models whose marks
        count; None is all there are.
        """
        self._writers, self._panel = writers or {}, panel
        self._marks: defaultdict[str, Marks] = defaultdict(dict)
        self._errors: defaultdict[str, dict[Place, list[float | None]]] = defaultdict(dict)
        self._words: dict[Place, int] = {}

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Read what was said of a dialogue and of its turns."""
        replies = [turn.reply for turn in dialogue.turns if turn.reply]
        whole = sum(len(reply.text.split()) for reply in replies)
        self._take((key, WHOLE, ""), dialogue.verdicts, whole)
        for turn in dialogue.turns:
            for verdict in turn.verdicts:
                if verdict.name in _KNOWN and verdict.about not in (None, turn.spoken):
                    continue  # a mark of a side that nobody heard is none of the system
                said = getattr(turn, verdict.about) if verdict.about else None
                place = key, turn.number, verdict.about or ""
                self._take(place, [verdict], len(said.text.split()) if said else 0)

    def _take(self, place: Place, verdicts: Iterable[Verdict], words: int) -> None:
        for verdict in verdicts:
            if verdict.name in _KNOWN and self._counts(verdict.judge):
                self._marks[verdict.name].setdefault(place, {})[verdict.judge] = verdict.value
                self._words[place] = words
            elif verdict.name == ERRORS:
                self._errors[verdict.judge].setdefault(place, []).append(verdict.value)

    def _counts(self, judge: str) -> bool:
        return self._panel is None or judge.startswith(PERSON) or judge in self._panel

    def findings(self) -> Findings:
        """The panel's and each judge's marks, their agreement and biases; the same of people."""
        figures: list[Figure] = []
        notes: list[str] = []
        for what, scales in SCALES.items():
            panel, left_out = panel_of(
                self._seen(what), "dialogues" if what == "dialogue" else "replies"
            )
            notes += left_out
            for scale in scales:
                if marks := self._marks.get(mark_name(what, scale)):
                    figures += self._of_scale(what, scale, marks, panel)
            trust = list(self._trust(what))
            for judge in sorted({judge for judge, _ in trust}):
                own = {f.measure.name.rpartition(": ")[2]: f for j, f in trust if j == judge}
                notes += warnings(judge, f"{what} marks", own)
            figures += [figure for _, figure in trust]
        figures += [_errors(judge, found) for judge, found in sorted(self._errors.items())]
        if not any(figure.measure.family == "judges" for figure in figures):
            figures.append(_none("judges", "no judge has been asked; name one with --judge SPEC"))
        agreed = {
            figure.measure.name.removesuffix(": agreement"): figure
            for figure in figures
            if figure.measure.family == "judges" and figure.measure.name.endswith(": agreement")
        }
        notes += filter(None, [split(agreed)])
        return Findings(figures, notes=notes)

    def _seen(self, what: Rated) -> dict[str, list[bool]]:
        """Judge -> whether its answer on each reply or dialogue could be read."""
        found: dict[str, dict[Place, bool]] = {}
        for scale in SCALES[what]:
            for place, given in self._marks.get(mark_name(what, scale), {}).items():
                for judge, mark in _models(given).items():
                    known = found.setdefault(judge, {})
                    known[place] = known.get(place, False) or mark is not None
        return {judge: list(places.values()) for judge, places in sorted(found.items())}

    def _of_scale(
        self, what: Rated, scale: str, marks: Marks, panel: Collection[str]
    ) -> Iterator[Figure]:
        """One scale: the panel's mean, each judge's, and how far they agree."""
        name = mark_name(what, scale)
        for family, who in (("judges", _models), ("people", _people)):
            given = {place: who(by_judge) for place, by_judge in marks.items()}
            judges = sorted({judge for by_judge in given.values() for judge in by_judge})
            if judges:
                counted = [j for j in judges if family == "people" or j in panel]
                yield from _of_family(name, what, given, judges, counted, family)  # type: ignore[arg-type]
        yield from _against_people(name, marks)

    def _trust(self, what: Rated) -> Iterator[tuple[str, Figure]]:
        """How far each model can be trusted with its marks, over all scales together."""
        scales = [self._marks.get(mark_name(what, scale), {}) for scale in SCALES[what]]
        judges = sorted({j for marks in scales for given in marks.values() for j in _models(given)})
        if len(judges) == 1:
            why = f"{judges[0]} alone: nobody to agree with"
            yield judges[0], _none("judges", why, f"{what}: agreement")
        for judge in judges:
            asked = (p for marks in scales for p, given in marks.items() if judge in given)
            given = [
                (place, [m[place][judge] for m in scales if judge in m.get(place, ())])
                for place in dict.fromkeys(asked)
            ]
            yield judge, _unread(what, judge, given)
            yield judge, self._length(what, judge, given)
            yield judge, self._own(what, judge, judges, scales)

    def _length(
        self, what: Rated, judge: str, given: Sequence[tuple[Place, list[float | None]]]
    ) -> Figure:
        known = ((place, [mark for mark in marks if mark is not None]) for place, marks in given)
        parts = added_up(
            (place[0], moments([self._words[place]], [fmean(marks)]))
            for place, marks in known
            if marks
        )
        measure = Measure(
            name=f"{what} marks, {judge}: length coefficient", family="judges", unit="r",
            diagnostic=True,
            method="correlation of the mean mark with the words of what was marked; 0 is no bias",
        )  # fmt: skip
        return computed(measure, parts, correlations, {}, "marks or lengths are all alike")

    def _own(
        self, what: Rated, judge: str, judges: Sequence[str], scales: Sequence[Marks]
    ) -> Figure:
        """How much better a judge marks what its own model wrote than the others mark it."""
        measure = Measure(
            name=f"{what} marks, {judge}: self-preference", family="judges", unit="points",
            diagnostic=True,
            method="this judge's marks of what its own model wrote, minus the other judges' marks "
            "of the same; a judge that is milder to everybody shows it too",
        )  # fmt: skip
        model, own_words = without_address(judge), self._writers
        if not any(model in specs for specs in own_words.values()):
            return Figure(measure, why="the judge has written nothing of this")
        sums: dict[str, tuple[float, float]] = {}
        for marks in scales:
            for place, by_judge in marks.items():
                if model not in own_words.get(f"{place[0].partition('/')[0]}/{place[2]}", ()):
                    continue
                others = [by_judge.get(j) for j in judges if j != judge]
                known, own = [m for m in others if m is not None], by_judge.get(judge)
                if known and own is not None:
                    total, n = sums.get(place[0], (0.0, 0.0))
                    sums[place[0]] = (total + own - fmean(known), n + 1)
        return mean_figure(measure, sums, why="no other judge has marked it")


_KNOWN = frozenset(mark_name(what, scale) for what in SCALES for scale in SCALES[what])


def _models(marks: Mapping[str, float | None]) -> dict[str, float | None]:
    return {judge: m for judge, m in marks.items() if not judge.startswith(PERSON)}


def _people(marks: Mapping[str, float | None]) -> dict[str, float | None]:
    return {judge: m for judge, m in marks.items() if judge.startswith(PERSON)}


def _of_family(
    name: str,
    what: Rated,
    given: Marks,
    judges: Sequence[str],
    counted: Sequence[str],
    family: Family,
) -> Iterator[Figure]:
    """`judges` have marked, and of them these are `counted` in the mean."""
    top = TOPS[what]
    who = "people" if family == "people" else "judges"
    # A person who rates the model's reply beside others' has the same name of a figure: tell apart.
    title = f"{name}, people" if family == "people" else name
    # Models are asked about everything: what one of them could not be read on is left out, so that
    # a mild judge that fails now and then shifts nothing. People mark what they like.
    whole = family == "judges"
    method = f"mean over {who}, then over what {'all' if whole else 'any'} of them marked: "
    method += _SOURCES[what]
    panel = Measure(name=title, family=family, unit="points", better="higher", method=method)
    rows = ((p, [m.get(j) for j in counted if whole or j in m]) for p, m in given.items())
    yield replace(_mean(panel, rows, whole), basis=", ".join(counted) if whole else "")
    if len(judges) == 1:  # that is the panel; `_trust` says that nobody can agree with it
        return
    for judge in judges:
        name = f"{title}, {judge.removeprefix(PERSON)}"
        alone = panel.model_copy(update={"name": name, "diagnostic": True})
        yield _mean(alone, ((p, [m[judge]]) for p, m in given.items() if judge in m))
    yield _alpha(title, given, top, family)
    for one, other in combinations(judges, 2):
        yield _kappa(title, given, (one, other), top, family)


def _mean(
    measure: Measure, rows: Iterable[tuple[Place, Sequence[float | None]]], whole: bool = False
) -> Figure:
    """A mean of means; `whole`: only of what has all its marks."""
    sums: dict[str, tuple[float, float]] = {}
    for place, marks in rows:
        known = [mark for mark in marks if mark is not None]
        if known and not (whole and len(known) < len(marks)):
            total, n = sums.get(place[0], (0.0, 0.0))
            sums[place[0]] = total + fmean(known), n + 1
    return mean_figure(measure, sums, why="no mark could be read")


def _alpha(title: str, given: Marks, top: int, family: Family) -> Figure:
    units = (
        (place[0], [mark for m in by_judge.values() if (mark := _on_scale(m, top)) is not None])
        for place, by_judge in given.items()
    )
    parts = added_up((key, coincidences([unit], top)) for key, unit in units)
    measure = Measure(
        name=f"{title}: agreement", family=family, unit="alpha", better="higher",
        diagnostic=True,
        method="Krippendorff's alpha (ordinal) between the judges; 1 is perfect, 0 what chance "
        "gives; marks between two points of the scale are left out",
    )  # fmt: skip
    why = "nothing was marked twice, or one mark throughout"
    return computed(measure, parts, lambda sums: alphas(sums, "ordinal"), {}, why)


def _kappa(title: str, given: Marks, judges: tuple[str, str], top: int, family: Family) -> Figure:
    rows = []
    for place, by_judge in given.items():
        one, other = (_on_scale(by_judge.get(judge), top) for judge in judges)
        if one is not None and other is not None:
            table = np.zeros((top + 1, top + 1))
            table[one, other] = 1
            rows.append((place[0], table))
    names = " and ".join(judge.removeprefix(PERSON) for judge in judges)
    measure = Measure(
        name=f"{title}: kappa of {names}", family=family, unit="kappa", better="higher",
        diagnostic=True,
        method="Cohen's kappa with quadratic weights between these two",
    )  # fmt: skip
    why = "nothing that both marked, or one mark throughout"
    return computed(measure, added_up(rows), lambda sums: kappas(sums, weighted=True), {}, why)


def _on_scale(mark: float | None, top: int) -> int | None:
    """The mark as a whole number of the scale; None where it is none."""
    return int(mark) if mark is not None and mark == int(mark) and 0 <= mark <= top else None


def _against_people(name: str, marks: Marks) -> Iterator[Figure]:
    """How far the panel of models says what people say, where both have marked."""
    rows = []
    apart: dict[str, tuple[float, float]] = {}
    both = False
    for place, by_judge in marks.items():
        one, other = (
            [m for m in who(by_judge).values() if m is not None] for who in (_models, _people)
        )
        both = both or bool(_models(by_judge) and _people(by_judge))
        if one and other:
            x, y = fmean(one), fmean(other)
            rows.append((place[0], moments([x], [y])))
            total, n = apart.get(place[0], (0.0, 0.0))
            apart[place[0]] = total + abs(x - y), n + 1
    if not both:
        return
    measure = Measure(
        name=f"{name}: judges and people", family="people", unit="r", better="higher",
        diagnostic=True,
        method="correlation of the models' mean mark with the people's mean mark of the same",
    )  # fmt: skip
    why = "marks are all alike, or never of the same"
    yield computed(measure, added_up(rows), correlations, {}, why)
    distance = measure.model_copy(update={
        "name": f"{name}: judges and people apart", "unit": "points", "better": "lower",
        "method": "mean distance of the models' mean mark from the people's",
    })  # fmt: skip
    yield mean_figure(distance, apart, why="never marked the same")


def _unread(what: Rated, judge: str, given: Sequence[tuple[Place, list[float | None]]]) -> Figure:
    sums: dict[str, tuple[float, float]] = {}
    for place, marks in given:
        total, n = sums.get(place[0], (0.0, 0.0))
        sums[place[0]] = total + sum(mark is None for mark in marks), n + len(marks)
    measure = Measure(
        name=f"{what} marks, {judge}: unreadable", family="judges", unit="share", better="lower",
        diagnostic=True,
        method="share of marks that are missing: the answer could not be read, or gave none",
    )  # fmt: skip
    return mean_figure(measure, sums)


def _errors(judge: str, found: Mapping[Place, Sequence[float | None]]) -> Figure:
    sums: dict[str, tuple[float, float]] = {}
    for place, values in found.items():
        if None not in values:
            total, n = sums.get(place[0], (0.0, 0.0))
            sums[place[0]] = total + float(any(values)), n + 1
    measure = Measure(
        name=f"psychological errors, {judge}", family="judges", unit="share", better="lower",
        method="share of labelled replies, of every side, in which the judge found an error",
    )  # fmt: skip
    return mean_figure(measure, sums, why="no label could be read")


def _none(family: Family, why: str, name: str = "marks") -> Figure:
    return Figure(Measure(name=name, family=family, method="by judges", diagnostic=True), why=why)
