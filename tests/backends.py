"""Every chat backend, ready to be asked: what the conformance suite runs over.

To add one, write a context manager that starts what the backend needs and yields a `Ready`, and
name it in `BACKENDS` with its markers, e.g. `"vllm": Entry(vllm, (pytest.mark.vllm,))`. It is
entered once a session. `tiny_model()` and `tiny_adapter()` are folders of a model that loads
anywhere; `serving_process` starts a server on a free port and waits until it answers.
"""

import asyncio
import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from attunement.agents.models.base import Ask, Capabilities, ChatBackend
from attunement.agents.models.rehearsal import RehearsalChat
from attunement.agents.models.scripted import ScriptedChat
from attunement.agents.prompting import ChatMessage
from tests.helpers import ANSWERS

PATIENCE = 180.0
"""Seconds that a server may take to start."""


@dataclass(frozen=True)
class Ready:
    """A backend that can be made, as often as one likes."""

    make: Callable[[], ChatBackend]
    count: Callable[[Sequence[ChatMessage]], int] | None = None
    """Tokens of a prompt, where the model's tokenizer is at hand."""


@dataclass(frozen=True)
class Entry:
    """One backend of the suite."""

    start: Callable[[], AbstractContextManager[Ready]]
    marks: tuple[pytest.MarkDecorator, ...] = ()


# ---- the tiny model -----------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="attunement-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@lru_cache(maxsize=1)
def tiny_model() -> str:
    """The folder of `tests/tiny_llama.py`'s model; one a session. Skips without torch."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    torch.set_num_threads(1)  # two threads on a busy machine take a hundred times as long
    from tests.tiny_llama import make_model

    return str(make_model(_folder() / "model"))


@lru_cache(maxsize=1)
def tiny_adapter() -> str:
    """The folder of a LoRA adapter for `tiny_model()`. Skips without peft."""
    pytest.importorskip("peft")
    from tests.tiny_llama import make_adapter

    return str(make_adapter(_folder() / "adapter", Path(tiny_model())))


def tiny_count(messages: Sequence[ChatMessage]) -> int:
    """Tokens that these messages make for the tiny model, its template's among them."""
    prompt = _tokenizer().apply_chat_template(list(messages), add_generation_prompt=True)
    return len(prompt["input_ids"])


@lru_cache(maxsize=1)
def _tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model())


# ---- servers ------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def serving_process(
    command: Sequence[str], port: int, path: str = "/health", **environment: str
) -> Iterator[str]:
    """Run a server until the block ends; yields its address once `path` answers with 200."""
    with tempfile.TemporaryFile("w+") as log:
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
        server = subprocess.Popen(list(command), stdout=log, stderr=log, env=env)
        try:
            _wait_for(f"http://127.0.0.1:{port}{path}", server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(url: str, server, log) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    log.seek(0)
    raise RuntimeError(f"{url} does not answer:\n{log.read()[-4000:]}")


# ---- the backends -------------------------------------------------------------------------------


@contextmanager
def rehearsal() -> Iterator[Ready]:
    yield Ready(RehearsalChat)


@contextmanager
def scripted() -> Iterator[Ready]:
    def answer(ask: Ask) -> str:
        if ask.schema:
            return json.dumps(ANSWERS[ask.role])
        return " ".join(message["content"] for message in ask.messages)

    yield Ready(lambda: ScriptedChat(answer))


@contextmanager
def hf() -> Iterator[Ready]:
    from attunement.agents.models.hf import HFChat

    model = tiny_model()
    yield Ready(lambda: HFChat(model), tiny_count)


@contextmanager
def hf_with_adapter() -> Iterator[Ready]:
    from attunement.agents.models.hf import HFChat

    model, adapter = tiny_model(), tiny_adapter()
    yield Ready(lambda: HFChat(model, adapter), tiny_count)


@contextmanager
def transformers_serve() -> Iterator[Ready]:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    pytest.importorskip("aiohttp")
    from attunement.agents.models.openai import OpenAIChat

    model, port = tiny_model(), free_port()
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", model, "--host", "127.0.0.1", "--port", str(port),
               "--device", "cpu"]  # fmt: skip
    with serving_process(command, port) as url:
        yield Ready(lambda: OpenAIChat(model, url), tiny_count)


def _needs_vllm() -> None:
    if find_spec("vllm") is None:
        pytest.skip("needs vLLM")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")


@contextmanager
def _vllm(adapter: str | None) -> Iterator[Ready]:
    from attunement.agents.models.vllm import VLLMChat

    model = tiny_model()
    keeper = VLLMChat(model, adapter)  # the engine would end with every test's backend
    asyncio.run(keeper.answer(Ask([{"role": "user", "content": "Hi"}])))
    yield Ready(lambda: VLLMChat(model, adapter), tiny_count)
    asyncio.run(keeper.aclose())


@contextmanager
def vllm() -> Iterator[Ready]:
    _needs_vllm()
    with _vllm(None) as ready:
        yield ready


@contextmanager
def vllm_with_adapter() -> Iterator[Ready]:
    _needs_vllm()
    with _vllm(tiny_adapter()) as ready:
        yield ready


@contextmanager
def vllm_serve() -> Iterator[Ready]:
    _needs_vllm()
    from attunement.agents.models.openai import OpenAIChat

    model, port = tiny_model(), free_port()
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model,
        "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager",
        "--enable-lora", "--lora-modules", f"tiny-adapter={tiny_adapter()}",
        "--enable-prefix-caching", "--enable-prompt-tokens-details",
        "--no-enable-chunked-prefill",  # on a CPU, a seeded prompt read in two steps ends it
        "--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}',
    ]  # fmt: skip
    with serving_process(command, port, VLLM_NO_USAGE_STATS="1") as url:
        known = asyncio.run(_found(OpenAIChat(model, url)))
        yield Ready(lambda: OpenAIChat(model, url, capabilities=known), tiny_count)


async def _found(backend: ChatBackend) -> Capabilities:
    """What a server was found to do, as a run asks before its first call."""
    try:
        return await backend.capabilities()
    finally:
        await backend.aclose()


_VLLM = (
    pytest.mark.vllm,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning",
        "ignore::FutureWarning",
        "ignore::UserWarning",
        "ignore:Unclosed context <zmq:ResourceWarning",  # of an engine that is gone
    ),
)
"""vLLM brings warnings of its own when it is imported."""
BACKENDS = {
    "rehearsal": Entry(rehearsal),
    "scripted": Entry(scripted),
    "hf": Entry(hf),
    "hf+adapter": Entry(hf_with_adapter),
    "openai over transformers serve": Entry(transformers_serve),
    "vllm": Entry(vllm, _VLLM),
    "vllm+adapter": Entry(vllm_with_adapter, _VLLM),
    "openai over vllm serve": Entry(vllm_serve, _VLLM),
}


def every_backend() -> list:
    """The backends as parameters of a fixture, each under its name."""
    return [pytest.param(name, id=name, marks=entry.marks) for name, entry in BACKENDS.items()]
