"""What people prefer who judged pairs blind, and how far they agree.

Their answers are verdicts of the journal, as `attune arena` keeps them. Figures are over attentive
people: those who saw through at least four in five of the attention checks that they met.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from attunement.core.records import Dialogue, Record, Verdict
from attunement.evaluation.figures import (
    Figure,
    Findings,
    Measure,
    Series,
    mean_figure,
    win_rate,
)
from attunement.evaluation.judges.agreement import alphas, coincidences
from attunement.simulator.matching import ORDERS, PERSON, PREFERRED, WHOLE

ATTENTION = "attention check"
"""Name of verdicts on pairs of which one side is unmistakably wrong: 1 right, 0 wrong."""
ATTENTIVE = 0.8
"""Share of attention checks below which somebody's answers are reported apart."""
CHECKS = 3
"""Attention checks below which nobody is: one slip is none."""
DRAFTS = frozenset({"draft"})

WINS = Measure(
    name="win rate", family="people", unit="share", better="higher",
    method="share of people's blind answers that prefer this side, a tie counting half",
)  # fmt: skip
APART = Measure(
    name="win rate of the inattentive", family="people", diagnostic=True, unit="share",
    method="the same, of those who failed more than one in five attention checks",
)  # fmt: skip
TIES = Measure(
    name="ties", family="people", diagnostic=True, unit="share",
    method="share of answers that are ties",
)  # fmt: skip
FIRST = Measure(
    name="first one preferred", family="people", diagnostic=True, unit="share",
    method="share of the answers but ties that prefer what was shown first; sides were placed by "
    "chance, so one half where position plays no part",
)  # fmt: skip
SEEN = Measure(
    name="attention checks passed", family="people", diagnostic=True, unit="share", better="higher",
    method="share of everybody's answers on pairs with an echo of the seeker that prefer the other",
)  # fmt: skip
ALPHA = Measure(
    name="Krippendorff's alpha", family="people", diagnostic=True, better="higher",
    method="agreement of people beyond chance on what several of them judged: this side, the "
    "other, or a tie, as names (Krippendorff 2011)",
)  # fmt: skip
NOBODY = "nobody has judged a pair"


class Answer(NamedTuple):
    """What somebody said about a pair."""

    dialogue: str
    pair: tuple[str, int, str, str]
    """Dialogue, turn, side and name of the verdict."""
    who: str
    value: float | None
    """1 for the subject, 0 for its opponent, 0.5 a tie; None where the pair was skipped."""
    first: bool | None
    """Whether the subject stood first; None where nobody says."""


class Person(Record):
    """Somebody's part."""

    key: str
    answers: int
    skipped: int
    win_rate: float | None
    """None without an answer."""
    checks: int
    """Attention checks that were answered."""
    passed: int
    attentive: bool


class PeopleMeter:
    """Reads people's verdicts on dialogues, or on pairs: those against the named opponents."""

    def __init__(self, opponents: Collection[str] = DRAFTS, nobody: str = NOBODY) -> None:
        self._names = {PREFERRED + opponent for opponent in opponents}
        self._nobody = nobody
        self._answers: list[Answer] = []
        self._checks: list[Answer] = []

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Read what people said of a dialogue and of its replies."""
        for turn, verdict in _by_people(dialogue):
            if verdict.name == ATTENTION or verdict.name in self._names:
                self.take(key, turn, verdict)

    def take(self, key: str, turn: int, verdict: Verdict) -> None:
        """Read one person's verdict on a pair of that dialogue and turn."""
        place = (key, turn, verdict.about or "", verdict.name)
        who = verdict.judge.removeprefix(PERSON)
        first = verdict.label == ORDERS[0] if verdict.label else None
        answer = Answer(key, place, who, verdict.value, first)
        (self._checks if verdict.name == ATTENTION else self._answers).append(answer)

    def people(self) -> list[Person]:
        """Everybody who was shown one of these pairs, by key."""
        return [self._person(key) for key in sorted({answer.who for answer in self._answers})]

    def findings(self) -> Findings:
        """Win rate, ties, position, attention and agreement; the win rate also by annotator."""
        people = self.people()
        attentive = {person.key for person in people if person.attentive}
        said = [answer for answer in self._answers if answer.value is not None]
        heard = [answer for answer in said if answer.who in attentive]
        apart = [answer for answer in said if answer.who not in attentive]
        none = "nobody attentive has judged a pair" if apart else self._nobody
        known = {person.key for person in people}
        seen = [c for c in self._checks if c.who in known and c.value is not None]
        decided = [a for a in heard if a.value != 0.5 and a.first is not None]
        figures = (
            win_rate(_share(WINS, heard, _won, none, chance=0.5)),
            _share(APART, apart, _won, "nobody was inattentive", chance=0.5),
            _share(TIES, heard, lambda answer: answer.value == 0.5, none),
            _share(FIRST, decided, lambda answer: (answer.value == 1) == answer.first,
                   "no answer but ties, or nobody says what stood first" if heard else none,
                   chance=0.5),
            _share(SEEN, seen, _won, "nobody has answered an attention check"),
            _alpha(heard),
        )  # fmt: skip
        return Findings(figures, (self._by_annotator(said, people),))

    @property
    def judged(self) -> int:
        """Pairs that somebody judged."""
        return len({answer.pair for answer in self._answers if answer.value is not None})

    def _person(self, key: str) -> Person:
        mine = [answer for answer in self._answers if answer.who == key]
        said = [answer.value for answer in mine if answer.value is not None]
        met = [c.value for c in self._checks if c.who == key and c.value is not None]
        return Person(
            key=key,
            answers=len(said),
            skipped=len(mine) - len(said),
            win_rate=sum(said) / len(said) if said else None,
            checks=len(met),
            passed=int(sum(met)),
            attentive=len(met) < CHECKS or sum(met) >= ATTENTIVE * len(met),
        )

    def _by_annotator(self, said: list[Answer], people: list[Person]) -> Series:
        named = {person.key: person.key + ("" if person.attentive else " *") for person in people}
        points = {
            name: _share(WINS, [a for a in said if a.who == key], _won, NOBODY, chance=0.5)
            for key, name in named.items()
        }
        method = f"{WINS.method}; * failed more than one in five attention checks"
        measure = WINS.model_copy(update={"name": "win rate by annotator", "method": method})
        return Series(measure, points)


def _by_people(dialogue: Dialogue) -> Iterator[tuple[int, Verdict]]:
    by_turn = ((turn.number, turn.verdicts) for turn in dialogue.turns)
    for turn, verdicts in ((WHOLE, dialogue.verdicts), *by_turn):
        yield from ((turn, verdict) for verdict in verdicts if verdict.judge.startswith(PERSON))


def _won(answer: Answer) -> float:
    assert answer.value is not None
    return answer.value


def _share(
    measure: Measure,
    answers: Iterable[Answer],
    value: Callable[[Answer], float],
    why: str,
    **levels: float,
) -> Figure:
    """A mean over answers; those of one dialogue hang together."""
    sums: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for answer in answers:
        total, count = sums[answer.dialogue]
        sums[answer.dialogue] = (total + value(answer), count + 1)
    return mean_figure(measure, sums, levels, why)


def _alpha(answers: Iterable[Answer]) -> Figure:
    """Agreement on the pairs that several people judged."""
    by_pair: defaultdict[tuple[str, int, str, str], dict[str, int]] = defaultdict(dict)
    for answer in answers:
        by_pair[answer.pair][answer.who] = round(2 * _won(answer))
    shared = {pair: list(by_who.values()) for pair, by_who in by_pair.items() if len(by_who) > 1}
    if not shared:
        return Figure(ALPHA, why="no pair was judged by two attentive people")
    if len({value for values in shared.values() for value in values}) == 1:
        return Figure(ALPHA, why="everybody gave one and the same answer throughout")
    units: defaultdict[str, list[list[int]]] = defaultdict(list)
    for (dialogue, *_), values in shared.items():
        units[dialogue].append(values)
    parts = {dialogue: coincidences(found, top=2) for dialogue, found in units.items()}
    return Figure(ALPHA, parts, of=lambda tables: alphas(tables, "nominal"))
