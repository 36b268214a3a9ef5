"""What recipe B came to: six systems on held-out dialogues, and what DPO did to the planner."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from attunement.core.errors import UserError
from attunement.core.records import Record
from attunement.evaluation.bootstrap import Interval
from attunement.evaluation.strategy import StrategyScore
from attunement.evaluation.text import TextScore
from attunement.trainers.learning.report import TrainReport

REPORT, MARKDOWN = "report.json", "report.md"


class SystemScore(Record):
    """One system on the test split."""

    name: str
    strategies: StrategyScore | None
    """None where the recorded strategy is given: the upper bound of the replies."""
    replies: TextScore
    cut: int
    """Replies that ran into `max_tokens`."""


class DecoupledReport(Record):
    """Everything that came of a run of the recipe."""

    dialogues: dict[str, int]
    """By split."""
    turns: int
    """Supporter turns of the test split."""
    base: str
    """Folder or name of the model that the adapters are for."""
    trainings: dict[str, TrainReport]
    """`base`, `sft/planner`, …, `dpo/joint`."""
    mined: dict[str, dict[str, int]]
    """Set of pairs -> `kept`, or why not -> supporter turns of the train split."""
    systems: tuple[SystemScore, ...]
    """The six, then the replies under the recorded strategies."""
    likelihood: dict[str, StrategyScore]
    """`planner sft`, …: strategies by the likelihood of the eight names."""
    baselines: dict[str, StrategyScore]
    prior_expectation: dict[str, float]
    """Figures of the baseline `prior` without the luck of its draws."""
    gains: dict[str, dict[str, Interval]]
    """What preference learning did: `planner, sampled`, … -> figure -> after minus before, paired
    by turn."""


def read_decoupled_report(out: Path) -> DecoupledReport | None:
    """The report of a run folder; None where there is none yet."""
    path = out / "report" / REPORT
    try:
        return DecoupledReport.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise UserError(f"{str(path)!r} cannot be read: {str(error).splitlines()[0]}") from None


# ---- tables -------------------------------------------------------------------------------------

Rows = list[list[str]]


class Table(Record):
    """A table of plain texts, for a terminal or a Markdown file."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table with its title."""
        lines = [self.head, ("---",) * len(self.head), *self.rows]
        return f"## {self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(report: DecoupledReport) -> tuple[Table, ...]:
    """The report as tables: systems, replies in both conventions, strategies, gains, mining."""
    return (
        _systems(report), _mean_replies(report), _corpus_replies(report), _planners(report),
        _gains(report), _mined(report),
    )  # fmt: skip


def markdown(report: DecoupledReport) -> str:
    """The report as a Markdown file."""
    counts = ", ".join(f"{count:,} {split}" for split, count in report.dialogues.items())
    head = (
        "# Recipe B: planner and responder apart (arXiv 2505.16995)\n\n"
        f"Dialogues: {counts}. {report.turns:,} supporter turns of the test split, each on its "
        "recorded history. Intervals (95 %) resample dialogues. Shares and text figures in percent."
    )
    return "\n\n".join([head, *(table.markdown() for table in tables(report))]) + "\n"


_CHOICE = ("B", "macro-F1", "weighted-F1", "accuracy", "unreadable")


def _choice(score: StrategyScore | None) -> list[str]:
    if score is None:
        return ["-"] * len(_CHOICE)
    shares = [_percent(x) for x in (score.macro_f1, score.weighted_f1, score.accuracy)]
    return [_figure(score.bias, 2), *shares, f"{score.unreadable:,}"]


def _systems(report: DecoupledReport) -> Table:
    rows = [[system.name, *_choice(system.strategies)] for system in report.systems]
    return _table("The six systems: strategies as they were sampled", ["system", *_CHOICE], rows)


def _mean_replies(report: DecoupledReport) -> Table:
    names = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "f1", "rouge_l", "distinct_1", "distinct_2")
    head = [
        "system", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "F1", "ROUGE-L", "Distinct-1",
        "Distinct-2",
    ]  # fmt: skip
    rows = [
        [system.name, *(_figure(getattr(system.replies.mean, name)) for name in names)]
        for system in report.systems
    ]
    return _table("Replies, mean of single replies (the paper's convention)", head, rows)


def _corpus_replies(report: DecoupledReport) -> Table:
    rows = []
    for system in report.systems:
        text = system.replies
        corpus = (text.corpus.bleu, text.corpus.distinct_1, text.corpus.distinct_2)
        plain = ["-" if value is None else f"{value:.1f}" for value in corpus]
        rows.append(
            [system.name, *plain, _figure(text.words), f"{text.empty:,}", f"{system.cut:,}"]
        )
    head = ["system", "BLEU", "Distinct-1", "Distinct-2", "words", "empty", "cut"]
    return _table("Replies, corpus level (sacrebleu)", head, rows)


def _planners(report: DecoupledReport) -> Table:
    rows = [[f"{name}, likeliest", *_choice(score)] for name, score in report.likelihood.items()]
    rows += [[name.replace("_", " "), *_choice(s)] for name, s in report.baselines.items()]
    prior = report.prior_expectation
    shares = [f"{100 * prior[name]:.1f}" for name in ("macro_f1", "weighted_f1", "accuracy")]
    rows.append(["prior, expected", f"{prior['bias']:.2f}", *shares, "0"])
    title = "Strategies by likelihood of the eight names, and baselines that read nothing"
    return _table(title, ["who", *_CHOICE], rows)


def _gains(report: DecoupledReport) -> Table:
    rows = [
        [name, _figure(gains.get("bias"), 2, "+"),
         *(_percent(gains.get(n), "+") for n in ("macro_f1", "weighted_f1", "accuracy"))]
        for name, gains in report.gains.items()
    ]  # fmt: skip
    head = ["who", "B", "macro-F1", "weighted-F1", "accuracy"]
    return _table("What preference learning changed (after minus before, paired)", head, rows)


def _mined(report: DecoupledReport) -> Table:
    reasons = list(dict.fromkeys(reason for counts in report.mined.values() for reason in counts))
    rows = [
        [reason, *(f"{counts.get(reason, 0):,}" for counts in report.mined.values())]
        for reason in reasons
    ]
    return _table("Mined turns of the train split", ["what became of them", *report.mined], rows)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(title=title, head=tuple(head), rows=tuple(map(tuple, rows)))


def _percent(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return "-"
    parts: Mapping[str, float] = interval.model_dump(include={"value", "low", "high"})
    return _figure(interval.model_copy(update={k: 100 * v for k, v in parts.items()}), 1, sign)


def _figure(interval: Interval | None, digits: int = 1, sign: str = "") -> str:
    if interval is None:
        return "-"
    shown = f"{sign}.{digits}f"
    return f"{interval.value:{shown}} ({interval.low:{shown}} to {interval.high:{shown}})"
