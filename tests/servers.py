"""Small OpenAI-compatible servers for tests: what they answer is said by the test."""

import asyncio
import threading
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web

from attunement.agents.models.base import Ask
from attunement.agents.models.rehearsal import RehearsalChat

GOOD = {
    "choices": [{"message": {"role": "assistant", "content": "Hello é"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2},
}


@asynccontextmanager
async def serving(*answers, models=None):
    """A server that gives its answers in turn (the last one for ever); yields (url, requests).

    `models` answers `GET /models`; else there is none.
    """
    requests = []

    async def complete(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        requests.append((dict(request.headers), body))
        answer = answers[min(len(requests), len(answers)) - 1]
        if callable(answer):
            return await answer(request)
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    if models:
        app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1", requests
    finally:
        await runner.cleanup()


@contextmanager
def in_a_thread(*answers, models=None):
    """`serving` in a thread of its own; yields (url, requests)."""
    ready, over, box = threading.Event(), threading.Event(), []

    async def serve():
        async with serving(*answers, models=models) as found:
            box.append(found)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield box[0]
    finally:
        over.set()
        thread.join()


ROLES = {"You play": "seeker", "You plan": "planner", "You are a supporter": "responder",
         "You help a supporter": "reflector", "You refine": "refiner"}  # fmt: skip


def role_of(body):
    system = body["messages"][0]["content"]
    return next((role for start, role in ROLES.items() if system.startswith(start)), None)


async def embedded(request):
    """The embedded roles behind HTTP, and one answer for whoever probes."""
    body = await request.json()
    role = role_of(body)
    text = "Good morning."
    if role:
        text = (await RehearsalChat().answer(Ask(body["messages"], role))).text
    return web.json_response({"choices": [{"message": {"content": text}}]})


def status(code, headers=None, text="no"):
    async def respond(request):
        return web.Response(status=code, headers=headers, text=text)

    return respond


async def reset(request):
    request.transport.abort()
    return web.Response()


async def half(request):
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    request.transport.close()
    return response


async def garbage(request):
    return web.Response(text="<html>gateway</html>")
