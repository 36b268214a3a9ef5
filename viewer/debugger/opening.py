"""The debugger, from run folders to a link that works until Ctrl-C."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

from pydantic import Field

from attunement.core.errors import ConfigError, RunFolderError
from attunement.core.records import Record
from attunement.viewer.debugger.app import Debugger
from attunement.viewer.debugger.shelf import Shelf, shelf_for
from attunement.viewer.gate import new_token
from attunement.viewer.serving import address_of, listen, serve

_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Options(Record):
    """What a view is asked for."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    annotator: str = "me"
    """Who annotates here."""


def serve_view(runs: Sequence[Path], options: Options, ready: Callable[[str], None]) -> None:
    """Serve the pages of some runs, or of all below `runs`, until Ctrl-C. `ready` gets the link as
    soon as it works.

    `ConfigError` where the key is none or the port is taken, `RunFolderError` where there is
    no run, or none of those that are named can be read.
    """
    if not _KEY.fullmatch(options.annotator):
        raise ConfigError(
            f"`--annotator` must be 1 to 40 letters, digits, - or _, got {options.annotator!r}; "
            "e.g. mira"
        )
    shelf = shelf_for(runs)
    if runs and not shelf.readings():
        shelf.close()
        raise RunFolderError(next(iter(shelf.troubles.values())))
    asyncio.run(_serve(shelf, options, ready))


async def _serve(shelf: Shelf, options: Options, ready: Callable[[str], None]) -> None:
    token = new_token()
    debugger = Debugger(shelf, token, options.annotator)
    try:
        sock = listen(options.host, options.port)
        link = f"{address_of(sock, options.host)}/{token}/"
        with closing(sock):
            await serve(debugger.app(options.host), sock, lambda: ready(link), debugger.bell.end)
    finally:
        await debugger.close()
