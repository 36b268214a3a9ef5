"""What a report says where scripts are off: the run in figures and the list of its dialogues."""

from collections.abc import Iterable
from html import escape

from attunement.viewer.debugger.records import Count, DialogueCard, RunPage
from attunement.viewer.report.embedding import Carried


def fallback(carried: Carried) -> str:
    """Plain HTML, every foreign word escaped."""
    page = carried.page
    figures = "".join(f"<li>{escape(line)}</li>\n" for line in _figures(page))
    rows = "".join(map(_row, carried.cards))
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    return (
        f"<h1>Run {escape(page.card.name)}</h1>\n<ul>\n{figures}</ul>\n"
        f"<h2>{escape(carried.sampled())}</h2>\n"
        "<p>To read them, allow this file its script: it asks no server for anything.</p>\n"
        f"<table>\n<tr>{head}</tr>\n{rows}</table>"
    )


_COLUMNS = ("no.", "persona", "problem", "emotion", "replies", "intensity", "ended")


def _row(card: DialogueCard) -> str:
    felt = card.outcome
    known = felt.first_intensity is not None and felt.last_intensity is not None
    cells = (
        str(card.index) if card.origin is None else f"{card.index}, branch of {card.origin}",
        card.name,
        card.problem,
        card.emotion,
        str(card.turns),
        f"{felt.first_intensity} to {felt.last_intensity}" if known else "",
        card.stop_reason or card.status,
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"


def _figures(page: RunPage) -> Iterable[str]:
    card = page.card
    yield f"graph {card.graph}; models: {', '.join(card.models)}"
    yield f"{card.dialogues:,} dialogues: {card.done:,} done, {card.failed:,} failed, " + (
        f"{card.open:,} open"
    )
    yield f"{card.turns:,} replies, {card.set_aside:,} turns set aside, {card.crises:,} crises"
    if page.ended:
        yield f"ended: {_counts(page.ended)}"
    if page.relief is not None:
        yield f"mean relief {page.relief:+.2f} points of 1 to 5"
    if page.rating is not None:
        yield f"mean rating {page.rating:.2f} of 5"
    if page.problems:
        yield f"problems: {_counts(page.problems)}"
    if page.errors:
        yield f"errors: {_counts(page.errors)}"


def _counts(counts: Iterable[Count]) -> str:
    return ", ".join(f"{count.count:,} {count.name}" for count in counts)
