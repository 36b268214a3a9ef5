"""The arena's server: a page for each annotator, what is next on it, and their answers."""

import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from attunement.core.errors import JournalError, UserError
from attunement.core.records import Record
from attunement.simulator.journal import Journal
from attunement.viewer.arena.items import Choice
from attunement.viewer.arena.sitting import Sitting
from attunement.viewer.gate import Gate

_ASSETS = Path(__file__).parent / "assets"
_FILES = ("arena.css", "arena.js", "icon.svg")
_MOST = 1000
"""Bytes that an answer may have."""
OnDone = Callable[[str], None]
"""Is told the key of an annotator who has just judged the last one."""


class Answered(Record):
    """What the page sends."""

    number: Annotated[int, Field(strict=True)]
    """Of the item; `true` and `"1"` are none."""
    choice: Choice


class Arena:
    """The pages of some annotators; their answers go to one journal."""

    def __init__(
        self, sittings: Mapping[str, Sitting], tokens: Mapping[str, str], journal: Journal,
        on_done: OnDone = lambda key: None,
    ) -> None:  # fmt: skip
        self._sittings, self._tokens = sittings, tokens
        self._journal, self._on_done = journal, on_done

    def app(self, host: str) -> ASGIApp:
        """What a server serves; `host` is what it listens on."""
        here = "/{token}/{key}"
        routes = [
            Route(f"{here}/", self._page),
            Route(f"{here}/item", self._item),
            Route(f"{here}/answer", self._answer, methods=["POST"]),
            Route(f"{here}/{{name}}", self._file),
        ]
        return Gate(Starlette(routes=routes), host, self._may_enter)

    def _may_enter(self, path: str) -> bool:
        """Whether a path begins with an annotator's token and key."""
        parts = path.split("/")
        token = self._tokens.get(parts[2]) if len(parts) > 3 else None
        return token is not None and secrets.compare_digest(parts[1].encode(), token.encode())

    async def _page(self, request: Request) -> Response:
        return FileResponse(_ASSETS / "arena.html")

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        return FileResponse(_ASSETS / name) if name in _FILES else _refused(404, "no such file")

    async def _item(self, request: Request) -> Response:
        number = request.query_params.get("number")
        if number is not None and not (number.isascii() and number.isdecimal()):
            return _refused(400, f"`number` must be a number, got {number!r}")
        try:
            return JSONResponse(self._of(request).page(None if number is None else int(number[:9])))
        except UserError as error:
            return _refused(409, str(error))

    async def _answer(self, request: Request) -> Response:
        sitting = self._of(request)
        try:
            answered = Answered.model_validate_json(await _body(request))
            if await sitting.answer(self._journal, answered.number, answered.choice):
                self._on_done(sitting.key)
            return JSONResponse(sitting.page())
        except ValidationError as error:
            return _refused(400, f"unreadable answer: {error.errors()[0]['msg']}")
        except ClientDisconnect:
            return Response(status_code=400)
        except UserError as error:
            return _refused(409, str(error))
        except JournalError as error:
            print(f"attune: {error}", file=sys.stderr, flush=True)
            return _refused(503, "it could not be stored")

    def _of(self, request: Request) -> Sitting:
        return self._sittings[request.path_params["key"]]


async def _body(request: Request) -> bytes:
    """The body; nothing of one that is too long to be an answer."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST:
            return b""
    return body


def _refused(status: Literal[400, 404, 409, 503], why: str) -> Response:
    return JSONResponse({"error": why}, status)
