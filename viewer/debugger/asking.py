"""Reading what a request asks for, and refusing what cannot be read or done."""

import sys
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from attunement.agents.reading import explain
from attunement.core.errors import AttunementError, JournalError, UserError
from attunement.viewer.debugger.finding import NotFound
from attunement.viewer.debugger.records import Refusal

_Model = TypeVar("_Model", bound=BaseModel)


class UnreadableError(UserError):
    """A request that says nothing sensible."""


class Answered(Response):
    """A record as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Text for the body."""
        text: str = content.model_dump_json()
        return text.encode()


def query(request: Request, kind: type[_Model]) -> _Model:
    """What an address asks for behind its `?`; names that are not known there, and
    those without a value, are passed over."""
    given = request.query_params
    try:
        return kind.model_validate(
            {name: given[name] for name in kind.model_fields if given.get(name)}
        )
    except ValidationError as error:
        raise UnreadableError(f"this cannot be asked for: {explain(error)}") from None


async def body(request: Request, kind: type[_Model], most: int) -> _Model:
    """What a request sends, of at most so many bytes."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > most:
            raise UnreadableError(f"this is too long: at most {most:,} bytes can be sent here")
    try:
        return kind.model_validate_json(bytes(found))
    except ValidationError as error:
        raise UnreadableError(f"this cannot be read: {explain(error)}") from None


def refuse(status: int, why: str) -> Response:
    """Why something was not done."""
    return Answered(Refusal(error=why), status)


def _user_error(request: Request, error: Exception) -> Response:
    kinds = ((NotFound, 404), (UnreadableError, 400), (UserError, 409), (JournalError, 503))
    status = next((status for kind, status in kinds if isinstance(error, kind)), 500)
    if status >= 500:
        print(f"attune: {error}", file=sys.stderr, flush=True)
    return refuse(status, str(error))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    address = request.url.path.partition("/api/")[2]
    why = {404: f"no such page: api/{address}", 405: f"{request.method} is not possible here"}
    refusal = refuse(error.status_code, why.get(error.status_code, error.detail))
    refusal.headers.update(error.headers or {})
    return refusal


def _journal(request: Request, error: Exception) -> Response:
    cause = getattr(error, "orig", None) or error
    return refuse(503, f"the run's journal cannot be read now: {cause}")


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


def _bug(request: Request, error: Exception) -> Response:
    # Starlette raises it again when this is sent, and the server prints where it came from.
    return refuse(500, f"this failed, which is a fault of the program: {type(error).__name__}")


HANDLERS: dict[Any, ExceptionHandler] = {
    AttunementError: _user_error,
    HTTPException: _http,
    SQLAlchemyError: _journal,
    ClientDisconnect: _gone,
    Exception: _bug,
}
"""What is answered where something is refused or fails."""
