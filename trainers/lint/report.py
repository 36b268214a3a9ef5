"""What the lint says: findings with their rows and a remedy, statistics, one report a corpus."""

from pydantic import ConfigDict, Field

from attunement.core.records import Record

FIRST = 10
"""Rows that a finding names."""


class _Figures(Record):
    """A record whose numbers may be endless: an effect where nothing varies."""

    model_config = ConfigDict(ser_json_inf_nan="strings")


class Finding(_Figures):
    """One kind of defect in one set."""

    check: str
    """Its name, as `--threshold` takes it."""
    what: str
    """What it is, in a phrase."""
    over: bool
    """Whether it is above its threshold, and so fails the lint."""
    threshold: float
    """Of a defect of rows: the tolerated share. Of a statistic: its bound."""
    value: float
    """What is held against the threshold."""
    count: int
    """Rows concerned."""
    share: float
    """`count` by the rows of the set that were looked at."""
    rows: tuple[str, ...] = ()
    """The first of them, as `file:line` (lines of JSON lines, else rows; both from 1)."""
    example: str = ""
    """What is wrong with the first one."""
    remedy: str
    """What to do, in a sentence."""


class SetReport(_Figures):
    """One set of a corpus."""

    name: str
    """Empty where the files have no name but their split's."""
    kind: str
    """What its completions are: `response`, `strategy` or `joint`."""
    rows: int
    """All of them, unreadable ones too."""
    splits: dict[str, int]
    formats: dict[str, int]
    """Rows by the format that their content shows."""
    findings: tuple[Finding, ...]
    statistics: dict[str, float] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was not judged, and why."""


class FitReport(Record):
    """What `--fit` made."""

    max_length: int
    whole: int
    """Rows that fitted as they were."""
    shortened: int
    """Rows that lost old messages."""
    messages_removed: int
    left_out: dict[str, int]
    """Reason -> rows."""
    files_left_out: tuple[str, ...] = ()
    """Files that had no row left."""


class LintReport(_Figures):
    """A corpus, looked over."""

    corpus: str
    tokenizer: str | None = None
    max_length: int | None = None
    sets: tuple[SetReport, ...]
    notes: tuple[str, ...] = ()
    fit: FitReport | None = None
    """Where `--fit` wrote the corpus that this report is about."""

    @property
    def clean(self) -> bool:
        """Whether nothing is above its threshold."""
        return not any(finding.over for s in self.sets for finding in s.findings)
