"""How far long work is: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import typer

PLAIN_EVERY = 5.0
"""Seconds between lines where there is no terminal."""
_Item = TypeVar("_Item")


def watched(items: Iterable[_Item], total: int, what: str = "dialogues") -> Iterator[_Item]:
    """The items, with their progress on stderr."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, what, total, console=console, transient=True)
        return
    last = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        if time.monotonic() - last >= PLAIN_EVERY:
            last = time.monotonic()
            typer.echo(f"{number:,} of {total:,} {what}", err=True)
