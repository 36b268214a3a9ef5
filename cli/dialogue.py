"""How a dialogue looks in print: what was said, and, dimmed, what was thought."""

from collections.abc import Iterator
from itertools import islice

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from attunement.cli.verdicts import judged_lines
from attunement.core.records import Dialogue, Reflection, Reply, Turn
from attunement.simulator.journal import Journal

_ALOUD = ("cyan", "green")
"""Colours of the labels of what is said aloud; the words themselves stand in plain text."""
LISTED = 20
"""Dialogues that the list shows."""


def print_dialogues(console: Console, journal: Journal) -> None:
    """The first dialogues of a run, one a line."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("no.", "dialogue", "problem", "emotion", "turns", "strength", "ended"):
        table.add_column(name, no_wrap=name in ("no.", "turns", "strength"))
    for number, dialogue in enumerate(islice(journal.dialogues(), LISTED)):
        persona, outcome = dialogue.persona, dialogue.outcome
        felt = outcome and outcome.first_intensity and outcome.last_intensity
        table.add_row(
            str(number),
            Text(dialogue.id),
            persona.problem,
            persona.emotion,
            str(sum(turn.spoken is not None for turn in dialogue.turns)),
            f"{outcome.first_intensity} to {outcome.last_intensity}" if outcome and felt else "",
            "failed" if dialogue.error else dialogue.stop_reason or "open",
        )
    console.print(table)
    total = sum(journal.counts().values())
    if total > LISTED:
        console.print(Text(f"… and {total - LISTED} more", "dim"))


def print_dialogue(console: Console, dialogue: Dialogue, whole: bool = True) -> None:
    """A dialogue, turn by turn; how it ended, if these are all of its turns."""
    persona = dialogue.persona
    about = f"{persona.problem}, {persona.emotion} {persona.intensity} of 5"
    console.print(Text.assemble((dialogue.id, "bold"), f"  {about}"))
    for label, field, items in (
        ("helps", "what_helps", persona.what_helps),
        ("hurts", "what_hurts", persona.what_hurts),
    ):
        drawn = " (drawn by the importer)" if field in persona.drawn else ""
        console.print(Text(f"{label}{drawn}: {' · '.join(items) or 'not known'}", "dim"))
    talks = f"talks: {persona.manner}, opens up {persona.opens_up}"
    console.print(Text(talks + (" (drawn)" if "manner" in persona.drawn else ""), "dim"))
    for turn in dialogue.turns:
        console.print(Rule(f"turn {turn.number}", style="dim"))
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=10)
        grid.add_column()
        for label, text, style in _lines(turn):
            grid.add_row(Text(label, style), Text(text, "" if style in _ALOUD else style))
        console.print(grid)
    if not whole:
        return
    for words, _ in judged_lines(dialogue.verdicts):
        console.print(Text(f"judged  {words}", "dim"))
    end = f"failed: {dialogue.error}" if dialogue.error else f"ended: {dialogue.stop_reason}"
    console.print(
        Rule(Text(end) if dialogue.stop_reason or dialogue.error else "open", style="dim")
    )


def _lines(turn: Turn) -> Iterator[tuple[str, str, str]]:
    """(label, text, style) of everything in a turn, in the order in which it came about."""
    said = turn.seeker
    yield "seeker", said.text, "cyan"
    if said.emotion:
        rated = f"; the last reply helped {said.rating} of 5" if said.rating else ""
        yield "privately", f"{said.emotion} {said.intensity} of 5{rated}", "dim"
    if turn.guard.crisis:
        yield "crisis", f"{turn.guard.kind}: {turn.guard.evidence}", "red"
    if turn.plan:
        stage = f" ({turn.plan.stage})" if turn.plan.stage else ""
        yield "plan", f"{turn.plan.strategy}{stage}. {turn.plan.reason}".strip(), "dim"
    if turn.draft and turn.spoken != "draft":
        yield "draft", _with_strategy(turn.draft), "dim"
    if turn.reflection:
        yield "reflection", _seen(turn.reflection), "dim"
    for aside in turn.set_aside:
        yield "set aside", f"by the {aside.role}: {aside.reason}", "yellow"
    if turn.reply:
        yield "supporter", _with_strategy(turn.reply), "green"
    if turn.joint:
        yield "joint", turn.joint, "dim"
    if turn.recorded:
        yield "recorded", _with_strategy(turn.recorded), "dim"
    for words, fault in judged_lines(turn.verdicts):
        yield "judged", words, "yellow" if fault else "dim"


def _with_strategy(reply: Reply) -> str:
    return f"{reply.text}  [{reply.strategy}]" if reply.strategy else reply.text


def _seen(reflection: Reflection) -> str:
    needs = f" Needs: {'; '.join(reflection.needs)}." if reflection.needs else ""
    avoid = f" Avoid: {'; '.join(reflection.avoid)}." if reflection.avoid else ""
    felt = f"{reflection.emotion} {reflection.intensity} of 5"
    return f"{reflection.who} {felt}. {reflection.situation}{needs}{avoid}"
