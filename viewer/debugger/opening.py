"""The debugger, from run folders to a link that works until Ctrl-C."""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from attunement.core.errors import ConfigError
from attunement.core.records import Record
from attunement.viewer.debugger.app import Debugger
from attunement.viewer.debugger.events import Bell
from attunement.viewer.debugger.shelf import Shelf, shelf_for
from attunement.viewer.gate import new_token
from attunement.viewer.serving import address_of, listen, serve

_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LOOK = 0.2
"""Seconds between two looks whether the serving is to end."""


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
    no run.
    """
    if not _KEY.fullmatch(options.annotator):
        raise ConfigError(
            f"`--annotator` must be 1 to 40 letters, digits, - or _, got {options.annotator!r}; "
            "e.g. mira"
        )
    asyncio.run(_serve(shelf_for(runs), options, ready))


async def _serve(shelf: Shelf, options: Options, ready: Callable[[str], None]) -> None:
    token = new_token()
    debugger = Debugger(shelf, token, options.annotator)
    try:
        sock = listen(options.host, options.port)
        link = f"{address_of(sock, options.host)}/{token}/"
        watch = asyncio.create_task(_end_streams(sock, debugger.bell))
        try:
            await serve(debugger.app(options.host), sock, lambda: ready(link))
        finally:
            watch.cancel()
            sock.close()
    finally:
        await debugger.close()


async def _end_streams(sock: socket.socket, bell: Bell) -> None:
    """End the streams of news with the serving: the server closes its socket first, and then waits
    for what is being answered."""
    while sock.fileno() != -1:  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(_LOOK)
    bell.end()
