"""One turn on its graph in print: the way it took, and what each node did and was asked."""

from collections.abc import Iterable

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from attunement.cli.plain import has_lines, plain
from attunement.graphs.drawing.diagram import ASIDE, heading, many, to_networkx
from attunement.graphs.drawing.layout import place
from attunement.graphs.drawing.shades import milliseconds
from attunement.graphs.drawing.text import draw_text
from attunement.simulator.backends import graph_for
from attunement.simulator.config import RunConfig
from attunement.viewer.debugger.records import CallView, Step, TurnPage

_STYLES = {"failed": "red", "set aside": "yellow", "not reached": "dim", "given": "magenta"}


def print_way(console: Console, config: RunConfig, page: TurnPage, title: str) -> None:
    """The run's graph with the way that a turn took, and its nodes in sequence."""
    graph = to_networkx(graph_for(config), title)
    steps = {step.node: step for step in page.steps}
    lines = {
        node: [label, *_in_words(steps.get(node))] for node, label in graph.nodes.data("label")
    }
    labels = {(a, b): label for a, b, label in graph.edges.data("label") if label}
    left = [edge for edge in graph.edges if edge not in set(page.taken)]
    drawn = draw_text(place(graph, lines, labels, ASIDE), left, plain=not has_lines(console))
    legend = "dashed: not taken in this turn"
    console.print(Text(f"{heading(graph)}\n\n{drawn}\n\n{legend}\n"), soft_wrap=True)
    console.print(_table(page.steps))


def _in_words(step: Step | None) -> list[str]:
    if step is None:
        return []
    if step.latency_ms is None:
        return [step.status]
    return [step.status, milliseconds(step.latency_ms)]


def _table(steps: Iterable[Step]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("node", "status", "calls", "latency", "prompt", "completion", "reason"):
        counts = name in ("calls", "latency", "prompt", "completion")
        table.add_column(name, justify="right" if counts else "left", no_wrap=name != "reason")
    for step in steps:
        table.add_row(
            step.node,
            step.status,
            str(len(step.calls)) if step.calls else "",
            "" if step.latency_ms is None else milliseconds(step.latency_ms),
            *("" if n is None else f"{n:,}" for n in (step.prompt_tokens, step.completion_tokens)),
            Text(plain(step.reason)),
            style=_STYLES.get(step.status),
        )
    return table


def print_calls(console: Console, page: TurnPage) -> None:
    """Every call of a turn: the rendered prompt and the raw answer, in the sequence of the turn."""
    calls = [(step.node, call) for step in page.steps for call in step.calls]
    calls += [("judge", call) for call in page.judges]
    for node, call in calls:
        _print_call(console, node, call)
    console.print(Rule(Text(many(len(calls), "call")), style="dim"))


def _print_call(console: Console, node: str, call: CallView) -> None:
    about = f" about {call.about}" if call.about else ""
    again = f", attempt {call.attempt}" if call.attempt > 1 else ""
    console.print(Rule(Text(plain(f"{node}{about}{again}")), style="dim"))
    console.print(Text(plain(_figures(call)), "dim"))
    for message in call.messages:
        console.print(Text(f"{message['role']}:", "cyan"))
        console.print(Text(plain(message["content"])), soft_wrap=True)
    if call.text is not None:
        console.print(Text("answer (cut at its bound):" if call.cut else "answer:", "green"))
        console.print(Text(plain(call.text)), soft_wrap=True)
    if call.error:
        console.print(Text(plain(f"error: {call.error}"), "red"))


def _figures(call: CallView) -> str:
    parts = [call.model, f"prompt {call.prompt_version}", f"seed {call.seed}"]
    tokens = call.prompt_tokens, call.completion_tokens
    if any(tokens):
        parts.append(f"{'/'.join('?' if n is None else f'{n:,}' for n in tokens)} tokens")
    if call.latency_ms is not None:
        parts.append(milliseconds(call.latency_ms))
    if call.tries > 1:
        parts.append(f"sent {call.tries} times")
    if call.tries == 0:
        parts.append("given by hand" if call.model == "person" else "the origin's answer")
    return ", ".join(parts)
