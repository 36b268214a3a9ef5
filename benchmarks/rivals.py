"""Other clients that make the calls of the same dialogues: bare aiohttp, the stock chat clients.

They are given the finished requests in a file, so that all they do is send, receive and read the
answer's text. Nothing of this package is imported beside them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict

import orjson
import uvloop

from benchmarks.measure import Cost, as_child

RIVALS: dict[str, tuple[str, ...]] = {
    "bare aiohttp": ("aiohttp",),
    "stock openai client": ("openai",),
    "LangGraph + ChatOpenAI": ("langgraph", "langchain_openai"),
}
"""Each with the packages that it needs."""
SAMPLING = {"temperature": 0.9, "top_p": 0.8, "max_tokens": 512, "seed": 1}
Messages = list[dict[str, str]]
Requests = dict[str, list[Messages]]
"""The messages of every call of one dialogue, by role and turn."""
Send = Callable[[Messages], Awaitable[str]]
Dialogue = Callable[[], Awaitable[None]]


def missing(name: str) -> str:
    """Why a rival cannot be measured here, or nothing."""
    lacking = [package for package in RIVALS[name] if find_spec(package) is None]
    return f"skipped: {', '.join(lacking)} not installed" if lacking else ""


def in_plain_python(send: Send, requests: Requests) -> Dialogue:
    """A dialogue as a plain coroutine."""

    async def dialogue() -> None:
        for turn in range(len(requests["planner"])):
            await send(requests["seeker"][turn])
            await send(requests["planner"][turn])
            await asyncio.gather(
                send(requests["responder"][turn]), send(requests["reflector"][turn])
            )
            await send(requests["refiner"][turn])
        await send(requests["seeker"][-1])

    return dialogue


@asynccontextmanager
async def bare_aiohttp(base_url: str, requests: Requests) -> AsyncIterator[Dialogue]:
    """The least that a client can do."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def send(messages: Messages) -> str:
            body = orjson.dumps({"model": "latency", "messages": messages, **SAMPLING})
            async with session.post(f"{base_url}/chat/completions", data=body) as response:
                answer: dict[str, Any] = orjson.loads(await response.read())
                return str(answer["choices"][0]["message"]["content"])

        yield in_plain_python(send, requests)


@asynccontextmanager
async def stock_openai(base_url: str, requests: Requests) -> AsyncIterator[Dialogue]:
    """The stock client as its documentation shows it."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:

        async def send(messages: Any) -> str:
            answer = await client.chat.completions.create(
                model="latency", messages=messages, **SAMPLING
            )
            return answer.choices[0].message.content or ""

        yield in_plain_python(send, requests)


@asynccontextmanager
async def stock_langgraph(base_url: str, requests: Requests) -> AsyncIterator[Dialogue]:
    """The same five calls as nodes of a LangGraph graph over LangChain's stock chat model."""
    from langchain_openai import ChatOpenAI
    from langgraph.graph import END, START, StateGraph

    chat = ChatOpenAI(model="latency", base_url=base_url, api_key="none", **SAMPLING)

    class State(TypedDict, total=False):
        turn: int
        seeker: str
        planner: str
        responder: str
        reflector: str
        refiner: str

    def node(role: str) -> Any:
        async def ask(state: State) -> dict[str, Any]:
            answer = await chat.ainvoke(requests[role][state["turn"]])
            step = {"turn": state["turn"] + 1} if role == "refiner" else {}
            return {role: answer.content, **step}

        return ask

    builder = StateGraph(State)
    for role in requests:
        builder.add_node(f"ask_{role}", node(role))
    over = len(requests["planner"])
    builder.add_edge(START, "ask_seeker")
    builder.add_conditional_edges(
        "ask_seeker", lambda s: END if s["turn"] == over else "ask_planner", ["ask_planner", END]
    )
    builder.add_edge("ask_planner", "ask_responder")
    builder.add_edge("ask_planner", "ask_reflector")
    builder.add_edge(["ask_responder", "ask_reflector"], "ask_refiner")
    builder.add_edge("ask_refiner", "ask_seeker")
    graph = builder.compile()

    async def dialogue() -> None:
        await graph.ainvoke({"turn": 0}, {"recursion_limit": 10 * (over + 1)})

    yield dialogue


CLIENTS = dict(zip(RIVALS, (bare_aiohttp, stock_openai, stock_langgraph), strict=True))


def _work(name: str, base_url: str, in_flight: int, dialogues: int, requests: str) -> Any:
    finished: Requests = orjson.loads(Path(requests).read_bytes())

    async def all_dialogues() -> None:
        left = iter(range(dialogues))
        async with CLIENTS[name](base_url, finished) as dialogue:

            async def worker() -> None:
                for _ in left:
                    await dialogue()

            await asyncio.gather(*(worker() for _ in range(in_flight)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, Cost() as cost:
        runner.run(all_dialogues())
    return {"wall": cost.wall, "cpu": cost.cpu}


if __name__ == "__main__":
    as_child(_work)
