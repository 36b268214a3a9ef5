"""What `attune show` shows for what it was asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from attunement.core.errors import UserError
from attunement.core.records import Dialogue, Turn
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    run: Path
    dialogue: str | None
    turn: int | None
    calls: bool
    graph: bool
    follow: bool
    search: str | None
    worst: bool
    strategy: str | None
    branches: bool
    offset: int | None
    limit: int | None
    every: bool
    prefix: bool
    as_json: bool

    @property
    def listing(self) -> list[str]:
        """The options that are about the list alone."""
        found = {"--offset": self.offset, "--limit": self.limit, "--all": self.every or None}
        return [name for name, value in found.items() if value is not None]

    def places(self) -> int | None:
        """How many of what was found to show; None for all, as in JSON unless a number is named."""
        from attunement.cli.show_list import LISTED

        everything = self.every or (self.as_json and self.limit is None)
        return None if everything else self.limit or LISTED


def check(asked: Asked) -> None:
    """`UserError` for options that mean nothing together."""
    kinds = {
        "--prefix": asked.prefix, "--search": asked.search is not None, "--follow": asked.follow,
        "--worst": asked.worst, "--graph": asked.graph, "--calls": asked.calls,
    }  # fmt: skip
    chosen = [name for name, wanted in kinds.items() if wanted]
    if len(chosen) > 1 and chosen != ["--graph", "--calls"]:
        raise UserError(f"`{chosen[0]}` and `{chosen[1]}` show different things; choose one")
    if asked.dialogue is None and asked.turn is not None:
        raise UserError("`--turn` needs a dialogue; e.g. attune show RUN 0 --turn 2")
    if asked.dialogue is not None and (asked.prefix or asked.worst or asked.search is not None):
        raise UserError(f"`{chosen[0]}` is about the whole run; leave the dialogue out")
    if asked.turn is not None and asked.follow:
        raise UserError("`--follow` shows every turn as it comes; leave `--turn` out")
    if asked.calls and asked.turn is None:
        raise UserError("`--calls` needs a turn; e.g. attune show RUN 0 --turn 2 --calls")
    if asked.strategy is not None and not asked.worst:
        raise UserError(
            "`--strategy` chooses among replies; e.g. attune show RUN --worst --strategy Question"
        )
    if asked.graph and asked.dialogue is not None and asked.turn is None:
        raise UserError("`--graph` draws a run, or one turn: add --turn 2, or leave the dialogue")
    _check_list(asked, chosen)


def _check_list(asked: Asked, chosen: list[str]) -> None:
    about_list = [*asked.listing, *(["--branches"] * asked.branches)]
    if asked.search is not None or asked.worst:  # what is found can be many, too
        about_list = [name for name in about_list if name in ("--branches", "--offset")]
    if about_list and asked.dialogue is not None:
        own = "a dialogue's own branches stand below it anyway"
        instead = own if about_list[0] == "--branches" else "leave it out"
        raise UserError(f"`{about_list[0]}` is about the list of dialogues; {instead}")
    if about_list and (chosen or asked.as_json):
        other = (*chosen, "--json")[0]
        raise UserError(
            f"`{about_list[0]}` is about the list of dialogues; leave it out of {other}"
        )
    if asked.every and (asked.limit is not None or asked.offset is not None):
        raise UserError("`--all` shows every dialogue; leave --offset and --limit out")


def show(console: Console, asked: Asked, config: RunConfig, journal: Journal) -> None:
    """Show it."""
    if asked.prefix:
        _show_prefix(console, asked, journal)
    elif asked.search is not None:
        _show_found(console, asked, asked.search, journal)
    elif asked.worst:
        _show_worst(console, asked, config, journal)
    elif asked.follow:
        _follow(console, asked, journal)
    elif asked.dialogue is not None:
        _show_dialogue(console, asked, asked.dialogue, config, journal)
    elif asked.graph:
        _show_graph(console, asked, config, journal)
    else:
        _show_run(console, asked, config, journal)


def _dump(record: BaseModel) -> None:
    typer.echo(record.model_dump_json(indent=2))


# ---- a run --------------------------------------------------------------------------------------


def _show_run(console: Console, asked: Asked, config: RunConfig, journal: Journal) -> None:
    from attunement.cli.show_list import LISTED, print_dialogues
    from attunement.cli.summary import print_summary
    from attunement.evaluation.summary import summarise
    from attunement.simulator.backends import prices_for
    from attunement.simulator.frame import being_run

    if not asked.as_json:
        limit = None if asked.every else asked.limit or LISTED
        print_dialogues(console, journal, asked.offset or 0, limit, asked.branches)
        if asked.listing:  # somebody leafs through the list
            return
    summary = summarise(journal, prices_for(config))
    if asked.as_json:
        _dump(summary)
    else:
        running = being_run(asked.run)
        print_summary(console, asked.run, summary, mines=config.mines, running=running)


def _show_prefix(console: Console, asked: Asked, journal: Journal) -> None:
    from attunement.cli.prefix_table import print_prefix
    from attunement.evaluation.prefix import prefix_report

    report = prefix_report(journal)
    if asked.as_json:
        _dump(report)
    else:
        print_prefix(console, report)


def _show_found(console: Console, asked: Asked, text: str, journal: Journal) -> None:
    from attunement.cli.searching import print_found, search

    found = search(journal, text)
    if asked.as_json:
        _dump_rows(islice(found, asked.places()))
    else:
        print_found(console, found, asked.places())


def _show_worst(console: Console, asked: Asked, config: RunConfig, journal: Journal) -> None:
    from attunement.cli.show_worst import print_worst, worst
    from attunement.core.strategies import parse_strategy

    strategy = parse_strategy(asked.strategy) if asked.strategy is not None else None
    found, total = worst(journal, config, asked.places(), strategy)
    if asked.as_json:
        _dump_rows(found)
    else:
        print_worst(console, found, total)


def _dump_rows(found: Iterable[BaseModel]) -> None:
    rows = [one.model_dump(mode="json") for one in found]
    typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


def _show_graph(console: Console, asked: Asked, config: RunConfig, journal: Journal) -> None:
    from attunement.cli.plain import has_lines
    from attunement.graphs.drawing.diagram import many, to_networkx, to_text
    from attunement.simulator.backends import graph_for
    from attunement.simulator.statistics import run_stats
    from attunement.viewer.debugger.drawing import graph_page

    if asked.as_json:
        _dump(graph_page(journal, config))
        return
    dialogues = many(sum(journal.counts().values()), "dialogue")
    compiled = graph_for(config)
    title = f"run {asked.run.resolve().name}, {dialogues}"
    drawn = to_networkx(compiled, title, run_stats(journal, compiled))
    console.print(Text(to_text(drawn, plain=not has_lines(console))), soft_wrap=True)


def _follow(console: Console, asked: Asked, journal: Journal) -> None:
    from attunement.cli.dialogue import ending, print_head, print_turn
    from attunement.cli.follow import Follower, follow
    from attunement.viewer.debugger.finding import index_of

    one = journal.find(asked.dialogue) if asked.dialogue is not None else None
    follower = Follower(journal, index_of(journal, one.id) if one else None)

    def show_turn(dialogue: Dialogue, turn: Turn) -> None:
        if asked.as_json:
            row = {"dialogue_id": dialogue.id, **turn.model_dump(mode="json")}
            typer.echo(orjson.dumps(row).decode())
            return
        print_turn(console, dialogue, turn, "" if one else dialogue.id)
        if dialogue.stop_reason and turn.number == len(dialogue.turns):
            console.print(Rule(Text(f"{dialogue.id}  {ending(dialogue)}"), style="dim"))

    if one and not asked.as_json:
        print_head(console, one)
    follow(follower, show_turn, Console(stderr=True) if asked.as_json else console)


# ---- a dialogue ---------------------------------------------------------------------------------


def _show_dialogue(
    console: Console, asked: Asked, name: str, config: RunConfig, journal: Journal
) -> None:
    from attunement.cli.dialogue import print_dialogue
    from attunement.viewer.debugger.finding import index_of

    found = journal.find(name)
    if asked.turn is not None and (asked.calls or asked.graph):
        _show_steps(console, asked, index_of(journal, found.id), asked.turn, config, journal)
        return
    turns = tuple(t for t in found.turns if asked.turn in (None, t.number))
    if asked.turn is not None and not turns:
        raise UserError(f"`--turn` must be from 1 to {len(found.turns)}, got {asked.turn}")
    if asked.as_json:
        _dump(found.model_copy(update={"turns": turns}))
        return
    origin = DIALOGUES.c.origin == index_of(journal, found.id)
    branches = list(journal.dialogues(origin, branches=True))
    print_dialogue(console, found, only=asked.turn, branches=branches)


def _show_steps(
    console: Console, asked: Asked, index: int, turn: int, config: RunConfig, journal: Journal
) -> None:
    from attunement.cli.turn_graph import print_calls, print_way
    from attunement.viewer.debugger.steps import turn_page

    page = turn_page(journal, config, index, turn)
    if asked.as_json:
        _dump(page)
        return
    if asked.graph:
        name = asked.run.resolve().name
        print_way(console, config, page, f"run {name}, dialogue {index}, turn {turn}")
    if asked.calls:
        print_calls(console, page)
