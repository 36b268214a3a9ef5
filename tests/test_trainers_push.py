"""Pushing a corpus: the hub's own client against a small hub of the test's own."""

import asyncio
import base64
import json
import socket
import threading
from contextlib import contextmanager

import pytest
from aiohttp import web

from attunement.core.errors import AttunementError, ConfigError, UserError
from attunement.trainers.corpora.push import check_token, push

hub = pytest.importorskip("huggingface_hub")


class Hub:
    """What the hub was asked and holds. `refuse` answers every request with that status."""

    def __init__(self):
        self.refuse = None
        self.made, self.files, self.tokens = [], {}, set()

    async def answer(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers.get("Authorization"))
        if self.refuse:
            return web.json_response({"error": "no way"}, status=self.refuse)
        path = request.path
        if path == "/api/repos/create":
            self.made.append(await request.json())
            return web.json_response({"url": f"{request.url.origin()}/datasets/me/talks"})
        if path == "/api/validate-yaml":
            content = (await request.json())["content"]
            assert content.startswith("---\npretty_name: ")
            return web.json_response({"errors": [], "warnings": []})
        if path == "/api/datasets/me/talks/preupload/main":
            wanted = (await request.json())["files"]
            files = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                     for f in wanted]  # fmt: skip
            return web.json_response({"files": files})
        if path == "/api/datasets/me/talks/commit/main":
            for line in (await request.text()).splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    self.files[value["path"]] = base64.b64decode(value["content"])
            url = f"{request.url.origin()}/datasets/me/talks/commit/1"
            return web.json_response({"commitUrl": url, "commitOid": "1", "pullRequestUrl": None})
        return web.json_response({"error": "not found"}, status=404)


@contextmanager
def running(found: Hub):
    ready, over, port = threading.Event(), threading.Event(), []

    async def serve():
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/{path:.*}", found.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.append(site._server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.to_thread(over.wait)
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{port[0]}"
    finally:
        over.set()
        thread.join()


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    (folder / "response").mkdir(parents=True)
    (folder / "README.md").write_text("---\npretty_name: Talks\nlicense: mit\n---\n\n# Talks\n")
    (folder / "response" / "train.jsonl").write_text('{"prompt": []}\n')
    return folder


@pytest.fixture
def a_hub(monkeypatch):
    found = Hub()
    with running(found) as url:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
        yield found


def test_a_corpus_arrives_whole_in_a_private_repository(a_hub, corpus):
    url = push(corpus, "me/talks")
    assert url.endswith("/datasets/me/talks")
    assert a_hub.files == {
        str(path.relative_to(corpus)): path.read_bytes()
        for path in corpus.rglob("*") if path.is_file()
    }  # fmt: skip
    (made,) = a_hub.made
    assert made["visibility"] == "private"
    assert made["type"] == "dataset"
    assert "Bearer hf_of_the_test" in a_hub.tokens


def test_public_is_said_aloud(a_hub, corpus):
    push(corpus, "me/talks", public=True)
    assert a_hub.made[0]["visibility"] == "public"


@pytest.mark.parametrize(("status", "error"), [(401, UserError), (403, UserError)])
def test_a_refusal_says_so_and_that_the_corpus_is_whole(a_hub, corpus, status, error):
    a_hub.refuse = status
    with pytest.raises(error, match=rf"the hub refused 'me/talks' \({status}\).*is whole in"):
        push(corpus, "me/talks")
    assert not a_hub.files


def test_a_name_that_is_none_is_refused_before_anything_is_sent(a_hub, corpus):
    with pytest.raises(UserError, match="`--push` 'a/b/c'"):
        push(corpus, "a/b/c")
    assert not a_hub.made


def test_a_hub_out_of_reach_is_no_users_mistake(corpus, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
    with pytest.raises(AttunementError, match="cannot be reached") as caught:
        push(corpus, "me/talks")
    assert not isinstance(caught.value, UserError)


def test_without_a_token_nothing_begins(monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(hub, "get_token", lambda: None)
    with pytest.raises(ConfigError, match="`--push` needs a token; set HF_TOKEN"):
        check_token()
