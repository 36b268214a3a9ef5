"""A run's arena, from the folder to the pages: what is judged, by whom, and where."""

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated

from pydantic import Field

from attunement.core.errors import ConfigError
from attunement.core.records import Record
from attunement.simulator.frame import open_run
from attunement.simulator.journal import Journal
from attunement.simulator.matching import Pair, between, refinements
from attunement.viewer.arena.app import Arena, OnDone
from attunement.viewer.arena.drawing import lay_out
from attunement.viewer.arena.items import Item
from attunement.viewer.arena.sitting import Sitting, Stored, stored_answers
from attunement.viewer.gate import new_token
from attunement.viewer.serving import address_of, listen, serve

_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Options(Record):
    """What an arena is asked for."""

    n: Annotated[int, Field(ge=1)] = 50
    """Pairs that everybody judges, where there are as many."""
    seed: int = 0
    attention: Annotated[int, Field(ge=0)] = 10
    """One item in so many is an attention check; 0: none."""
    annotators: tuple[str, ...] = ()
    """Their keys; none: whoever answered before, else one that is made up."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0


class Link(Record):
    """Where an annotator goes."""

    key: str
    url: str
    done: int
    total: int


def serve_arena(
    run: Path, against: Path | None, options: Options,
    ready: Callable[[Sequence[Link]], None], on_done: OnDone = lambda key: None,
) -> None:  # fmt: skip
    """Serve the pages until Ctrl-C. `ready` gets the links as soon as they work.

    `ConfigError` where there is nothing to judge, a key is none, or the port is taken.
    """
    check(options)
    with opened(run, against) as (journal, pairs):
        items = lay_out(pairs, options.n, options.attention, options.seed)
        stored = stored_answers(journal)
        keys = options.annotators or _known(stored, items) or (f"p-{secrets.token_hex(3)}",)
        sittings = {
            key: Sitting(key, items, options.seed, stored.get(key, {}))
            for key in dict.fromkeys(keys)
        }
        asyncio.run(_serve(journal, sittings, options, ready, on_done))


@contextmanager
def opened(run: Path, against: Path | None) -> Iterator[tuple[Journal, Iterator[Pair]]]:
    """A run's journal, and the pairs that it gives; `ConfigError` where it gives none."""
    _, journal = open_run(run)
    with closing(journal):
        pairs = refinements(journal) if against is None else between(run, against)
        first = next(pairs, None)
        if first is None:
            raise ConfigError(
                f"run {str(run)!r} has no refinement that differs from its draft; name a second "
                f"run to compare it with: attune arena {run} OTHER"
            )
        yield journal, chain((first,), pairs)


def check(options: Options) -> None:
    """`ConfigError` for a key that is none, and for attention checks without a pair between."""
    for key in options.annotators:
        if not _KEY.fullmatch(key):
            raise ConfigError(
                f"`--annotator` must be 1 to 40 letters, digits, - or _, got {key!r}; e.g. mira"
            )
    if options.attention == 1:
        raise ConfigError("`--attention` must be 0 (none) or at least 2, got 1; 10 is usual")


def _known(stored: Stored, items: Sequence[Item]) -> tuple[str, ...]:
    """Who has judged some of this before: they find their way back without naming themselves."""
    places = {item.place for item in items}
    return tuple(sorted(key for key, said in stored.items() if places & said.keys()))


async def _serve(
    journal: Journal, sittings: dict[str, Sitting], options: Options,
    ready: Callable[[Sequence[Link]], None], on_done: OnDone,
) -> None:  # fmt: skip
    sock = listen(options.host, options.port)
    try:
        tokens = {key: new_token() for key in sittings}
        arena, where = Arena(sittings, tokens, journal, on_done), address_of(sock, options.host)
        links = [_link(where, tokens[key], sitting) for key, sitting in sittings.items()]
        await serve(arena.app(options.host), sock, lambda: ready(links))
    finally:
        sock.close()
        await journal.close_writer()


def _link(where: str, token: str, sitting: Sitting) -> Link:
    url = f"{where}/{token}/{sitting.key}/"
    return Link(key=sitting.key, url=url, done=sitting.done, total=sitting.total)
