"""Writes down whom Python turns to: this folder on PYTHONPATH, a file named in WIRETAP."""

import os
import sys

_FILE = os.environ.get("WIRETAP")
_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_HERE = ("127.", "::1", "localhost", "0.0.0.0", "::")


def _listen(event: str, args: tuple[object, ...]) -> None:
    if event not in _EVENTS or not _FILE:
        return
    where = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
    host = where[0] if isinstance(where, tuple) else where
    if isinstance(host, bytes):
        host = host.decode("utf-8", "replace")
    if host and not str(host).startswith(_HERE) and not str(host).startswith("/"):
        with open(_FILE, "a", encoding="utf-8") as file:  # noqa: PTH123  # before pathlib is there
            file.write(f"{event} {where}\n")


sys.addaudithook(_listen)
