"""What the other tests check of the net, checked: a page that turns elsewhere is noticed."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.looking import WIRETAP, logging_net, looking, read_net

PAGE = """<main><h1>A page that turns elsewhere</h1></main>
<script>fetch("{other}/tracked").catch(() => {{}});
new Image().src = "http://elsewhere.example/pixel.png"</script>"""


@pytest.fixture
def servers():
    """Two addresses: one serves a page that asks the other for something."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            port = self.server.server_address[1]
            others = [at for at in ports if at != port]
            content = PAGE.format(other=f"http://127.0.0.1:{others[0]}").encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    running = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    ports = [server.server_address[1] for server in running]
    for server in running:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"127.0.0.1:{port}" for port in ports]
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_page_that_turns_elsewhere_is_noticed(servers, tmp_path):
    page_of, other = servers
    log = tmp_path / "net.json"
    with (
        logging_net(log) as browser,
        pytest.raises(AssertionError),
        looking(browser, f"http://{page_of}/") as page,
    ):
        page.wait_for_load_state("networkidle")
    assert [urlsplit(url).netloc for url in page.asked if page_of not in url] == [
        other, "elsewhere.example",
    ]  # fmt: skip
    net = read_net(log)
    assert net.connected == {page_of, other}
    assert net.asked - {page_of} == {other, "elsewhere.example"}


def test_a_program_that_turns_elsewhere_is_noticed(tmp_path):
    """As `viewing` listens to the server: also where its loop connects."""
    code = (
        "import asyncio, contextlib\n"
        "async def turn():\n"
        "    with contextlib.suppress(OSError, TimeoutError):\n"
        "        async with asyncio.timeout(0.01):\n"
        "            await asyncio.open_connection('192.0.2.1', 9)\n"
        "asyncio.run(turn())"
    )
    wire = tmp_path / "wire"
    heard = {"PYTHONPATH": str(WIRETAP), "WIRETAP": str(wire)}
    subprocess.run([sys.executable, "-c", code], env=os.environ | heard, check=True, timeout=30)
    assert "socket.connect ('192.0.2.1', 9)" in wire.read_text("utf-8")
