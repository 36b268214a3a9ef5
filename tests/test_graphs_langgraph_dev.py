"""LangGraph's own development server loads langgraph.json and runs a graph, without a network.

In an environment of its own, because the server's licence and pins are none of ours:
make test-langgraph
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from attunement.core.records import Turn
from attunement.personas.cards import library

pytestmark = pytest.mark.langgraph
ROOT = Path(__file__).parents[1]
STARTS_IN = 120
"""Seconds that the server may take; usually it takes two."""


@contextmanager
def dev_server(folder: Path):
    """`langgraph dev` on a free port; yields the port. What it says is kept in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser", "--no-reload",
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    # Without these it counts its uses with its makers, and asks for a newer version of itself.
    quiet = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "1"}
    heard = {"PYTHONPATH": str(ROOT / "tests" / "wiretap"), "WIRETAP": str(folder / "wire")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | quiet | heard
        )
        try:
            until = time.monotonic() + STARTS_IN
            while not _answers(port):
                assert process.poll() is None, (folder / "log").read_text("utf-8")
                assert time.monotonic() < until, (folder / "log").read_text("utf-8")
                time.sleep(0.2)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        return bool(ask(port, "GET", "/ok"))
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: object = None) -> object:
    """What the server says, from JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"content-type": "application/json"}
    with closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
    assert answer.status == 200, content
    return json.loads(content)


def test_the_development_server_runs_the_graphs_on_the_embedded_model_offline(tmp_path):
    persona = next(card for card in library() if card.risk == "none")
    with dev_server(tmp_path) as port:
        found = ask(port, "POST", "/assistants/search", {})
        assert {one["graph_id"] for one in found} == {"self_refine", "decoupled", "direct", "ipm"}
        drawn = ask(port, "GET", f"/assistants/{_id(found, 'self_refine')}/graph")
        # The server hands its own settings to a factory that takes any: that gave another graph.
        assert {"planner", "reflector", "refiner"} <= {node["id"] for node in drawn["nodes"]}
        run = {"assistant_id": "self_refine", "input": {"persona": persona.model_dump(mode="json")}}
        state = ask(port, "POST", "/runs/wait", run)
    turns = [Turn.model_validate(turn) for turn in state["turns"]]
    assert len(turns) > 1
    assert all(turn.improved for turn in turns if turn.spoken == "refined")
    assert state["stop"]
    assert not (tmp_path / "wire").exists(), (tmp_path / "wire").read_text("utf-8")


def _id(assistants: list[dict], graph: str) -> str:
    return next(one["assistant_id"] for one in assistants if one["graph_id"] == graph)
