"""Who may ask a local page's server for anything: who has its link, from its own address."""

import ipaddress
import secrets
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ANYWHERE = ("0.0.0.0", "::", "")
"""Addresses to listen on that are no names of this machine."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The page loads nothing but its own files, and runs no script that stands in a text."""
REFUSED = "Refused. Open the link as the program printed it; a restart prints a new one.\n"


def new_token() -> str:
    """What makes a link unguessable."""
    return secrets.token_urlsafe(16)


class Gate:
    """Refuses requests without a token, and those that another site's page sends.

    `may_enter` gets the path. A foreign Host is what a page has that turned its own name into this
    machine's address; a foreign Origin, what any other page's script has.
    """

    def __init__(self, app: ASGIApp, host: str, may_enter: Callable[[str], bool]) -> None:
        self._app, self._host, self._may_enter = app, host, may_enter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may enter, and say 403 to the rest."""
        if scope["type"] != "http":
            return
        fits = self._from_here(scope) and self._may_enter(scope["path"])
        answer = self._app if fits else PlainTextResponse(REFUSED, 403)
        await answer(scope, receive, _with_headers(send))

    def _from_here(self, scope: Scope) -> bool:
        headers, (_, port) = Headers(scope=scope), scope["server"]
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._ours(hosts[0], port):
            return False
        return all(origin == f"{scope['scheme']}://{hosts[0]}" for origin in origins)

    def _ours(self, host: str, port: int) -> bool:
        try:
            found = urlsplit(f"//{host}")
            name, at = found.hostname or "", found.port or 80
        except ValueError:
            return False
        if at != port:
            return False
        if name in _LOOPBACK or name == self._host.lower():
            return True
        return self._host in _ANYWHERE and (_is_address(name) or name == socket.gethostname())


def _is_address(name: str) -> bool:
    """Whether it is an IP address: those are nobody's to point elsewhere, as a name is."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sending
