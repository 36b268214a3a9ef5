"""The debugger's server: its pages, what they ask for, and what they send."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from attunement.core.records import Change, Record, Turn
from attunement.simulator.annotating import Annotation, annotate
from attunement.viewer.debugger.asking import HANDLERS, Answered, body, query, refuse
from attunement.viewer.debugger.comparing import Compared, compare_dialogues, compare_runs
from attunement.viewer.debugger.drawing import graph_page, strategy_page
from attunement.viewer.debugger.events import Bell
from attunement.viewer.debugger.finding import NotFound, dialogue_at
from attunement.viewer.debugger.keeper import Keeper
from attunement.viewer.debugger.listing import Asked
from attunement.viewer.debugger.reading import dialogue_page, turn_view
from attunement.viewer.debugger.records import Runs
from attunement.viewer.debugger.replies import AskedReplies
from attunement.viewer.debugger.settings import settings_of
from attunement.viewer.debugger.shelf import Reading, Shelf
from attunement.viewer.debugger.steps import turn_page
from attunement.viewer.gate import Gate

BUILT = Path(__file__).parent / "built"
_DIALOGUE = "/runs/{run}/dialogues/{dialogue:int}"
_TURN = f"{_DIALOGUE}/turns/{{turn:int}}"
_ANNOTATION, _CHANGE = 20_000, 1_000_000
"""Bytes that a body may have."""


class _Of(Record):
    """Whose settings: a dialogue's, or those of the run."""

    dialogue: Annotated[int, Field(ge=0, lt=2**40)] | None = None


class _Pair(Record):
    """Two things to compare."""

    a: str
    b: str
    offset: Annotated[int, Field(ge=0, lt=2**40)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Debugger:
    """The pages of some runs. `close` it, in the loop that served it, when the serving ends."""

    def __init__(self, shelf: Shelf, token: str, annotator: str) -> None:
        self._shelf, self._token, self._annotator = shelf, token, annotator
        self.bell = Bell()
        self._annotating = asyncio.Lock()
        """One after another: each replaces what it has read."""
        self._keeper = Keeper(shelf, self.bell.ring)
        self._keeper.start()

    def app(self, host: str) -> ASGIApp:
        """What a server serves; `host` is what it listens on."""
        api = [
            Route("/runs", self._runs),
            Route("/runs/{run}", self._run),
            Route("/runs/{run}/graph", self._graph),
            Route("/runs/{run}/strategies", self._strategies),
            Route("/runs/{run}/settings", self._settings),
            Route("/runs/{run}/dialogues", self._dialogues),
            Route("/runs/{run}/replies", self._replies),
            Route(_DIALOGUE, self._dialogue),
            Route(_TURN, self._turn),
            Route(f"{_TURN}/annotation", self._annotate, methods=["POST"]),
            Route(f"{_TURN}/fork", self._fork, methods=["POST"]),
            Route("/compare/runs", self._compare_runs),
            Route("/compare/dialogues", self._compare_dialogues),
            Route("/events", self._events),
        ]
        routes = [
            Route("/{token}/", self._page),
            Mount("/{token}/api", Router(api, redirect_slashes=False)),
            Route("/{token}/{name}", self._file),
        ]
        app = Starlette(routes=routes, exception_handlers=HANDLERS)
        app.router.redirect_slashes = False
        return Gate(app, host, self._may_enter)

    async def close(self) -> None:
        """End what goes on beside the serving, and let go of the runs."""
        self._keeper.stop()
        for reading in self._shelf.everything():
            await run_in_threadpool(reading.jobs.close)
            await reading.journal.close_writer()
        self._shelf.close()

    def _may_enter(self, path: str) -> bool:
        parts = path.split("/")
        return len(parts) > 2 and secrets.compare_digest(parts[1].encode(), self._token.encode())

    # ---- the pages' files -----------------------------------------------------------------------

    def _page(self, request: Request) -> Response:
        return FileResponse(BUILT / "index.html")

    def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        known = {path.name for path in BUILT.iterdir()}
        return FileResponse(BUILT / name) if name in known else refuse(404, f"no file {name!r}")

    # ---- reading; in threads, so that no request waits for another ------------------------------

    def _runs(self, request: Request) -> Response:
        return Answered(Runs(runs=self._shelf.cards(), annotator=self._annotator))

    def _run(self, request: Request) -> Response:
        return Answered(self._of(request).page())

    def _graph(self, request: Request) -> Response:
        run = self._of(request)
        return Answered(graph_page(run.journal, run.config))

    def _strategies(self, request: Request) -> Response:
        return Answered(strategy_page(self._of(request).journal))

    def _settings(self, request: Request) -> Response:
        run = self._of(request)
        dialogue, held = query(request, _Of).dialogue, run.jobs.held_elsewhere()
        return Answered(settings_of(run.journal, run.config, dialogue, held))

    def _dialogues(self, request: Request) -> Response:
        return Answered(self._of(request).listed(query(request, Asked)))

    def _replies(self, request: Request) -> Response:
        return Answered(self._of(request).replied(query(request, AskedReplies)))

    def _dialogue(self, request: Request) -> Response:
        run, index = self._of(request), request.path_params["dialogue"]
        page = dialogue_page(run.journal, run.config, index)
        return Answered(page.model_copy(update={"problem": run.jobs.problem(index)}))

    def _turn(self, request: Request) -> Response:
        run, at = self._of(request), request.path_params
        return Answered(turn_page(run.journal, run.config, at["dialogue"], at["turn"]))

    def _compare_runs(self, request: Request) -> Response:
        pair = query(request, _Pair)
        a, b = (_compared(self._shelf.find(key)) for key in (pair.a, pair.b))
        return Answered(compare_runs(a, b, pair.offset, pair.limit))

    def _compare_dialogues(self, request: Request) -> Response:
        pair = query(request, _Pair)
        (a, one), (b, other) = (self._named(name) for name in (pair.a, pair.b))
        return Answered(compare_dialogues(_compared(a), one, _compared(b), other))

    def _of(self, request: Request) -> Reading:
        return self._shelf.find(request.path_params["run"])

    def _named(self, name: str) -> tuple[Reading, int]:
        """A run and a dialogue's index from `R/D`."""
        run, _, index = name.rpartition("/")
        if not (index.isascii() and index.isdecimal() and len(index) < 19):
            raise NotFound(f"no dialogue {name!r}; name a run's key and a number, as in 0/3")
        return self._shelf.find(run), int(index)

    # ---- writing, and news ----------------------------------------------------------------------

    async def _annotate(self, request: Request) -> Response:
        said = await body(request, Annotation, _ANNOTATION)
        run = await run_in_threadpool(self._of, request)
        index, number = request.path_params["dialogue"], request.path_params["turn"]
        async with self._annotating:
            turn = await run_in_threadpool(_turn_at, run, index, number)
            await annotate(run.journal, index, turn, said, self._annotator)
        self._keeper.look_now()
        dialogue = await run_in_threadpool(dialogue_at, run.journal, index)
        return Answered(turn_view(dialogue, dialogue.turns[number - 1]))

    async def _fork(self, request: Request) -> Response:
        change = await body(request, Change, _CHANGE)
        run = await run_in_threadpool(self._of, request)
        index, number = request.path_params["dialogue"], request.path_params["turn"]
        await run_in_threadpool(_forkable_at, run, index, number)
        forked = await run_in_threadpool(run.jobs.fork, index, number, change)
        self._keeper.look_now()
        return Answered(forked)

    async def _events(self, request: Request) -> Response:
        news: Any = self.bell.news(self._shelf) if request.method == "GET" else ()
        return StreamingResponse(news, media_type="text/event-stream")


def _turn_at(run: Reading, index: int, number: int) -> Turn:
    turns = dialogue_at(run.journal, index).turns
    if not 1 <= number <= len(turns):
        raise NotFound(f"dialogue {index} has no turn {number}; it has {len(turns)}")
    return turns[number - 1]


def _forkable_at(run: Reading, index: int, number: int) -> None:
    """`NotFound` where there is no such turn, nor one that was begun and failed."""
    dialogue = dialogue_at(run.journal, index)
    if dialogue.error is None or number != len(dialogue.turns) + 1:
        _turn_at(run, index, number)


def _compared(run: Reading) -> Compared:
    return Compared(run.journal, run.page())
