"""How a run looks in print: its summary, and one turn before and after refinement."""

from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from attunement.cli.following import print_following
from attunement.cli.plain import plain
from attunement.core.records import Dialogue, Turn
from attunement.evaluation.summary import RunSummary
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Tally


def print_summary(
    console: Console,
    folder: Path,
    summary: RunSummary,
    tally: Tally | None = None,
    seconds: float = 0.0,
    mines: bool = False,
    running: bool = False,
) -> None:
    """The run summary as a table, and the verbs that go on from here; `running`: another process
    is at it."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), title=Text(f"Run {folder}"))
    table.title_justify = "left"
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in _rows(summary):
        table.add_row(name, Text(plain(value)))
    if running:
        table.add_row("now", "being run by another process")
    if tally and tally.calls and seconds:
        again = f", {tally.tries} sent again" if tally.tries else ""
        table.add_row("this time", f"{tally.calls} calls in {seconds:.1f} s{again}")
    console.print()
    console.print(table)
    if any(row.model != "rehearsal" for row in summary.spent):
        console.print()
        console.print(_cost(summary))
    following = [
        (f"view {folder}", "all of it in a browser"),
        (f"show {folder} 0", "read a dialogue"),
        (f"export {folder} --out turns.jsonl", "every turn as a JSON line"),
        (f"graph --run {folder}", "the graph with counts and latency"),
    ]
    if summary.refined or mines:
        corpus = f"pairs {folder}{' --mine ipm' * mines} --out corpora/{folder.resolve().name}"
        following.append((corpus, "preference pairs, with a dataset card"))
    if not mines and not summary.open:
        following.append((f"evaluate {folder}", "how good it was, with intervals"))
    if summary.failed and not running:
        following.insert(0, (f"resume {folder} --retry-failed", "try the failed dialogues again"))
    if summary.open:
        finish = (f"resume {folder}", "finish it")
        watch = (f"show {folder} --follow", "each turn as soon as it is there")
        following.insert(0, watch if running else finish)
    print_following(console, following)


def _rows(s: RunSummary) -> list[tuple[str, str]]:
    rows = [
        ("dialogues", f"{s.done} done, {s.failed} failed, {s.open} open" + _listed(s.stop_reasons)),
        (
            "turns",
            f"{s.turns} replies, {s.refined} of them refined{_listed(s.set_aside, 'set aside by')}",
        ),
        ("calls", f"{sum(s.calls.values())}" + _listed(s.calls)),
        ("tokens", f"{_known(s.prompt_tokens)} prompt, {_known(s.completion_tokens)} completion"),
    ]
    if s.turns and 2 * sum(s.set_aside.values()) >= s.turns:
        rows.append(("warning", "half of the turns or more were set aside"))
    rows += [("set aside", f"{count} x {why}") for why, count in s.set_aside_reasons.items()]
    if s.crises:
        rows.append(("crisis", f"handed off and flagged: {s.crises} of the dialogues"))
    if s.mean_intensity_change is not None:
        rows.append(("intensity", f"{s.mean_intensity_change:+.2f} points from first to last turn"))
    if s.mean_rating is not None:
        rows.append(("rating", f"{s.mean_rating:.2f} of 5 by the seekers"))
    r = s.reflection
    figures = []
    if r.emotion_accuracy is not None:
        figures.append(
            f"emotion right in {r.emotion_accuracy:.0%} of {r.turns} turns "
            f"(always the commonest: {r.emotion_majority:.0%})"
        )
    if r.intensity_error is not None:
        figures.append(
            f"intensity off by {r.intensity_error:.2f} (always 3: {r.intensity_error_middle:.2f})"
        )
    if r.need_recall is not None:
        figures.append(f"needs recalled {r.need_recall:.0%}")
    if figures:
        truth = "the recording's one label a dialogue" if s.replayed else "what the seeker feels"
        rows.append(("reflection", f"against {truth}: {', '.join(figures)}"))
    rows += [("failed", f"{count} x {error}") for error, count in s.errors.items()]
    return rows


def _cost(s: RunSummary) -> Table:
    """What the run has cost, by role and model."""
    table = Table(title="Cost", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("role", "model"):
        table.add_column(name, style="dim", overflow="fold")
    for name in ("calls", "prompt", "cached", "completion", "USD"):
        table.add_column(name, justify="right")
    for row in s.spent:
        tokens = (row.prompt_tokens, row.cached_tokens, row.completion_tokens)
        table.add_row(row.role, row.model, f"{row.calls:,}", *map(_known, tokens), _money(row.usd))
    tokens = (s.prompt_tokens, s.cached_tokens, s.completion_tokens)
    calls = f"{sum(s.calls.values()):,}"
    table.add_row("all", "", calls, *map(_known, tokens), _money(s.usd), style="bold")
    return table


def _money(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:,.2f}"


def _known(count: int | None) -> str:
    return "uncounted" if count is None else f"{count:,}"


def _listed(counts: dict[str, int], heading: str = "") -> str:
    items = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f" ({heading + ' ' if heading else ''}{items})" if counts else ""


def print_example(console: Console, journal: Journal) -> None:
    """One turn's draft and refinement side by side."""
    found = next((pair for d in journal.dialogues() if (pair := _refined(d))), None)
    if found is None:
        return
    dialogue, turn = found
    assert turn.draft is not None
    assert turn.refined is not None
    who = dialogue.persona.name or dialogue.persona.id
    console.print(Text.assemble((f"{plain(who)}: ", "bold"), plain(turn.seeker.text)))
    sides = Table.grid(expand=True, padding=(0, 1))
    sides.add_column(ratio=1)
    sides.add_column(ratio=1)
    sides.add_row(
        Panel(Text(plain(turn.draft.text)), title="before: draft", subtitle=turn.draft.strategy),
        Panel(
            Text(plain(turn.refined.text)), title="after: refined", subtitle=turn.refined.strategy
        ),
    )
    console.print(sides)


def _refined(dialogue: Dialogue) -> tuple[Dialogue, Turn] | None:
    """A turn to show: refined, not the first, so that there was somebody to get to know."""
    for turn in dialogue.turns[1:]:
        if turn.improved:
            return dialogue, turn
    return None
