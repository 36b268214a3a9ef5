"""What a check is: it sees every row once and then says what it found."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, TypeVar

from attunement.trainers.lint.report import FIRST, Finding
from attunement.trainers.lint.seen import People, Places
from attunement.trainers.lint.shapes import Sample

Kind = Literal["response", "strategy", "joint"]
"""What a set's completions are: a reply, a strategy's bare name, `[Strategy] reply`."""
ENOUGH = 30
"""Rows from which on a statistic is judged; fewer say too little."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A threshold as `--threshold` sets it."""

    default: float
    meaning: str


class Defect(NamedTuple):
    """What a finding says about its kind."""

    name: str
    what: str
    remedy: str


SHARE = Bound(0.0, "tolerated share of rows")


Bounds = Mapping[str, Bound]
"""By name."""


@dataclass(slots=True)
class Tally:
    """Rows with one defect: how many, the first of them, and what is wrong with the first."""

    count: int = 0
    rows: list[str] = field(default_factory=list)
    example: str = ""

    def add(self, place: str, detail: str) -> None:
        """Count a row."""
        self.count += 1
        if self.count == 1:
            self.example = detail
        if self.count <= FIRST:
            self.rows.append(place)


@dataclass(frozen=True, slots=True)
class Scope:
    """What checks of one set know besides its rows."""

    kind: Kind = "response"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Those that were set; the others keep their default."""
    persona_column: str = "persona_id"
    max_length: int | None = None
    end_token: str = ""
    special_tokens: tuple[str, ...] = ()
    places: Places = field(default_factory=Places)
    """Of all rows so far, unreadable ones too."""
    malformed: Tally = field(default_factory=Tally)
    """Rows of no known format, as they were read."""
    people: People = field(default_factory=People)
    """Whose the rows of this and earlier sets are."""


class Check(ABC):
    """One named check of one set. `see` gets each readable row, once, in order."""

    name: ClassVar[str]
    what: ClassVar[str]
    remedy: ClassVar[str]
    bounds: ClassVar[Bounds]
    """Its thresholds by name."""
    needs_tokenizer: ClassVar[bool] = False

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.limits = {
            name: scope.thresholds.get(name, bound.default) for name, bound in self.bounds.items()
        }

    @property
    def defect(self) -> Defect:
        """What its findings say."""
        return Defect(self.name, self.what, self.remedy)

    @classmethod
    def applies(cls, scope: Scope) -> bool:
        """Whether this check has a meaning in such a set."""
        return True

    @abstractmethod
    def see(self, sample: Sample) -> None:
        """Look at a row."""

    @abstractmethod
    def findings(self) -> Iterator[Finding]:
        """What was found; called once, at the end."""

    def statistics(self) -> dict[str, float]:
        """Figures worth printing even where nothing is wrong."""
        return {}

    def above(
        self, name: str, value: float, count: int, total: int, detail: str, rows: Sequence[str] = ()
    ) -> Finding:
        """The finding about a statistic that is above its threshold `name`."""
        return Finding(
            check=name, what=self.what, remedy=self.remedy, over=True,
            threshold=self.limits[name], value=value, count=count, share=count / total,
            rows=tuple(rows), example=detail,
        )  # fmt: skip

    def notes(self) -> Iterator[str]:
        """What was not judged, or is no defect but good to know."""
        yield from ()


def of_rows(defect: Defect, tally: Tally, total: int, tolerated: float) -> Iterator[Finding]:
    """The finding about a tally of rows, if it holds one."""
    if not tally.count:
        return
    share = tally.count / total if total else 0.0
    yield Finding(
        check=defect.name, what=defect.what, remedy=defect.remedy, over=share > tolerated,
        threshold=tolerated, value=share, count=tally.count, share=share,
        rows=tuple(tally.rows), example=shortened(tally.example),
    )  # fmt: skip


class RowCheck(Check):
    """A check that looks at each row by itself. A subclass says what is wrong with one."""

    share: ClassVar[str]
    """Name of the threshold that is the tolerated share: the check's own, or `<name>-share`."""

    def __init_subclass__(cls) -> None:
        own = cls.__dict__.get("bounds", {})
        cls.share = f"{cls.name}-share" if cls.name in own else cls.name
        cls.bounds = {**own, cls.share: SHARE}

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.tally = Tally()

    @abstractmethod
    def fault(self, sample: Sample) -> str | None:
        """What is wrong with a row, or None."""

    def see(self, sample: Sample) -> None:
        """Look at a row."""
        if detail := self.fault(sample):
            self.tally.add(sample.place, detail)

    def findings(self) -> Iterator[Finding]:
        """The rows at fault."""
        total = len(self.scope.places)
        yield from of_rows(self.defect, self.tally, total, self.limits[self.share])


def shortened(text: str, most: int = 200) -> str:
    """A text on one line for print: control characters shown, the middle of a long one left out."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown if len(shown) <= most else f"{shown[: most * 2 // 3]} … {shown[-most // 4 :]}"


_Found = TypeVar("_Found")


def remembered(look: Callable[[str], _Found]) -> Callable[[str], _Found]:
    """A function of a text that remembers short ones.

    The prompts of a dialogue repeat its messages; long texts stand alone and would fill the memory.
    """
    known = lru_cache(maxsize=1 << 15)(look)
    return lambda text: known(text) if len(text) < 1000 else look(text)
