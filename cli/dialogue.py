"""How a dialogue looks in print: what was said, and, dimmed, what was thought."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from attunement.cli.inferred import inferred_line
from attunement.cli.plain import has_colours, plain
from attunement.cli.verdicts import annotated_lines, judged_lines
from attunement.core.records import Dialogue, Persona, Reflection, Reply, Turn
from attunement.simulator.forking import in_words

if TYPE_CHECKING:
    from attunement.viewer.debugger.records import Word

_ALOUD = {"seeker": "cyan", "supporter": "green"}
"""Colours of the labels of what is said aloud; the words themselves stand in plain text."""
_LABELS = {"crisis": "red", "set aside": "yellow"}
_STYLES = {"removed": "red strike", "added": "green underline"}
_MARKS = {"removed": "[-{}-]", "added": "{{+{}+}}"}
"""Of a word diff without colours, as `git diff --word-diff` has them."""
Line = tuple[str, str | Text]
"""A label, and what stands beside it."""


def print_dialogue(
    console: Console, dialogue: Dialogue, only: int | None = None,
    branches: Iterable[Dialogue] = (),
) -> None:  # fmt: skip
    """A dialogue, turn by turn, how it ended and its branches; or `only` its turn of that number.

    What a reply did is said below it, so the next turn need not say it again.
    """
    print_head(console, dialogue)
    effects = {turn.number: effect_line(dialogue, turn) for turn in dialogue.turns}
    for turn in dialogue.turns:
        if only in (None, turn.number):
            told = only is None and bool(effects.get(turn.number - 1))
            print_turn(console, dialogue, turn, effect=effects[turn.number], told=told)
    if only is not None:
        return
    for words, _ in judged_lines(dialogue.verdicts):
        console.print(Text(f"judged  {plain(words)}", "dim"))
    console.print(Rule(Text(plain(ending(dialogue))), style="dim"))
    for branch in branches:
        assert branch.fork is not None, branch.id
        changed = plain(in_words(branch.fork.change, branch.fork.turn))
        console.print(Text.assemble(("branch ", "magenta"), branch.id, (f"  {changed}", "dim")))


def ending(dialogue: Dialogue) -> str:
    """How a dialogue ended."""
    if dialogue.error:
        return f"failed: {dialogue.error}"
    return f"ended: {dialogue.stop_reason}" if dialogue.stop_reason else "open"


def print_head(console: Console, dialogue: Dialogue) -> None:
    """Who the seeker is, and what a branch changes."""
    persona, fork = dialogue.persona, dialogue.fork
    about = f"{persona.problem}, {persona.emotion} {persona.intensity} of 5"
    console.print(Text.assemble((dialogue.id, "bold"), f"  {about}"))
    if fork:
        changed = plain(in_words(fork.change, fork.turn))
        console.print(Text.assemble(("branch of ", "magenta"), fork.origin, f", {changed}"))
    for line in _card(persona):
        console.print(Text(plain(line), "dim"))


def _card(persona: Persona) -> Iterator[str]:
    for label, field, items in (
        ("helps", "what_helps", persona.what_helps),
        ("hurts", "what_hurts", persona.what_hurts),
    ):
        drawn = " (drawn by the importer)" if field in persona.drawn else ""
        yield f"{label}{drawn}: {' · '.join(items) or 'not known'}"
    talks = f"talks: {persona.manner}, opens up {persona.opens_up}"
    yield talks + (" (drawn)" if "manner" in persona.drawn else "")


def effect_line(dialogue: Dialogue, turn: Turn) -> str:
    """What a turn's reply did, as the seeker's next turn tells; empty where nothing tells."""
    from attunement.viewer.debugger.reading import effect_of

    found, said = effect_of(dialogue, turn), []
    if found and found.rating:
        said.append(f"rated {found.rating} of 5")
    if found and found.before and found.after:
        said.append(f"feeling {found.before} to {found.after}")
    return "; ".join(said)


def print_turn(
    console: Console, dialogue: Dialogue, turn: Turn, name: str = "", effect: str = "",
    told: bool = False,
) -> None:  # fmt: skip
    """One turn of a dialogue; `name` stands before its number where several are mixed.

    `effect` stands below its reply; `told`: what the reply before it did has been said.
    """
    fork = dialogue.fork
    copied = " (as in its origin)" if fork and turn.number < fork.turn else ""
    number = f"turn {turn.number}{copied}"
    console.print(Rule(Text(f"{name}  {number}" if name else number), style="dim"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=10)
    grid.add_column()
    for label, said in _lines(dialogue.persona, turn, has_colours(console), effect, told):
        style = _ALOUD.get(label, _LABELS.get(label, "dim"))
        words = said if isinstance(said, Text) else Text(plain(said), style)
        grid.add_row(Text(label, style), words)
    console.print(grid)


def _lines(persona: Persona, turn: Turn, colours: bool, effect: str, told: bool) -> Iterator[Line]:
    """Everything in a turn, in the order in which it came about."""
    said = turn.seeker
    yield "seeker", Text(plain(said.text))
    if said.emotion:
        rated = f"; the last reply helped {said.rating} of 5" if said.rating and not told else ""
        yield "privately", f"{said.emotion} {said.intensity} of 5{rated}"
    if turn.guard.crisis:
        yield "crisis", f"{turn.guard.kind}: {turn.guard.evidence}"
    if turn.plan:
        stage = f" ({turn.plan.stage})" if turn.plan.stage else ""
        yield "plan", f"{turn.plan.strategy}{stage}. {turn.plan.reason}".strip()
    yield from _drafted(turn)
    for aside in turn.set_aside:
        reason = Text(plain(f"by the {aside.role}: {aside.reason}"), "yellow")
        yield "set aside", reason
    if turn.reflection:
        yield "reflection", _seen(turn.reflection)
        if found := inferred_line(persona, turn):
            yield "inferred", found
    yield from _replied(turn, colours)
    if effect:
        yield "then", effect
    for words, fault in judged_lines(turn.verdicts):
        yield "judged", Text(plain(words), "yellow" if fault else "dim")
    for words, fault in annotated_lines(turn):
        yield "annotated", Text(plain(words), "yellow" if fault else "green")


def _drafted(turn: Turn) -> Iterator[Line]:
    """The draft, unless it is spoken or its word diff says it."""
    if turn.draft and turn.spoken != "draft" and not _words(turn):
        yield "draft", _with_strategy(turn.draft)


def _replied(turn: Turn, colours: bool) -> Iterator[Line]:
    if words := _words(turn):
        yield "rewritten", diff_text(words, colours).append(_strategies(turn), "dim")
    if turn.reply:
        yield "supporter", Text(plain(_with_strategy(turn.reply)))
    if turn.joint:
        yield "joint", turn.joint
    if turn.recorded:
        yield "recorded", _with_strategy(turn.recorded)


def _words(turn: Turn) -> "tuple[Word, ...]":
    """The word diff of draft and refinement; empty where they do not share a word."""
    from attunement.viewer.diff import word_diff

    if not turn.draft or not turn.refined or turn.draft.text == turn.refined.text:
        return ()
    words = word_diff(turn.draft.text, turn.refined.text)
    return words if any(w.kind == "same" and w.text.strip() for w in words) else ()


def diff_text(words: "Iterable[Word]", colours: bool) -> Text:
    """A word diff: struck and underlined in colour, or between marks."""
    text = Text()
    for word in words:
        said = plain(word.text)
        if word.kind == "same":
            text.append(said, "dim" if colours else None)
        elif colours:
            text.append(said, _STYLES[word.kind])
        else:
            text.append(_MARKS[word.kind].format(said))
    return text


def _strategies(turn: Turn) -> str:
    assert turn.draft is not None
    assert turn.refined is not None
    before, after = turn.draft.strategy, turn.refined.strategy
    return f"  [{before} → {after}]" if before and after and before != after else ""


def _with_strategy(reply: Reply) -> str:
    return f"{reply.text}  [{reply.strategy}]" if reply.strategy else reply.text


def _seen(reflection: Reflection) -> str:
    needs = f" Needs: {'; '.join(reflection.needs)}." if reflection.needs else ""
    avoid = f" Avoid: {'; '.join(reflection.avoid)}." if reflection.avoid else ""
    felt = f"{reflection.emotion} {reflection.intensity} of 5"
    return f"{reflection.who} {felt}. {reflection.situation}{needs}{avoid}"
