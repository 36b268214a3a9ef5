"""A browser on the debugger: `attune view` as a process, and pages that tell what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser import NAMES, browsing
from tests.test_cli import ATTUNE

expect.set_options(timeout=15_000)
WIRETAP = Path(__file__).parent / "wiretap"
DESKTOP, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TELL = "addEventListener('securitypolicyviolation', (event) => violated(event.violatedDirective))"
"""Tells of whatever the page's policy had to forbid."""
NUMBERS = "tbody tr td:first-child.number"
"""The dialogues' numbers in a list of them."""
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""By how many pixels a page scrolls sideways."""


@contextmanager
def viewing(*runs: Path, cwd: Path | None = None) -> Iterator[str]:
    """`attune view` on runs; yields its link, and ends it with Ctrl-C. `cwd`: where it is called.

    At the end the server may have turned to nobody.
    """
    words = [ATTUNE, "view", *runs, "--annotator", "ada"]
    with TemporaryDirectory() as folder:
        wire = Path(folder) / "wire"
        paths = [str(WIRETAP), *filter(None, [os.environ.get("PYTHONPATH")])]
        heard = {"PYTHONPATH": os.pathsep.join(paths), "WIRETAP": str(wire)}
        with subprocess.Popen(
            list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=cwd, env=os.environ | heard,
        ) as process:  # fmt: skip
            try:
                assert process.stdout
                assert process.stderr
                link = process.stdout.readline().strip()
                assert link.startswith("http://127.0.0.1:"), process.stderr.read()
                yield link
            finally:
                process.send_signal(signal.SIGINT)
                rest, troubles = process.communicate(timeout=30)
        assert process.returncode == 0, troubles
        assert "Traceback" not in rest + troubles, troubles
        assert not wire.exists(), wire.read_text("utf-8")


@contextmanager
def offline(*runs: Path, cwd: Path | None = None) -> Iterator[tuple]:
    """A browser, and the link of `attune view` on runs.

    At the end neither the server nor a page may have turned to anybody but this server.
    """
    with TemporaryDirectory() as folder, viewing(*runs, cwd=cwd) as link:
        log = Path(folder) / "net.json"
        with logging_net(log) as browser:
            yield browser, link
        net, server = read_net(log), {urlsplit(link).netloc}
        assert (net.connected, net.looked_up, net.asked) == (server, set(), server)


@contextmanager
def looking(browser, link: str, at: str = "", **settings) -> Iterator:
    """A page of a link, at `at` behind its hash. At the end nothing may have gone wrong on it.

    Wrong is a script's error, an error in the console, a dialog, a violation of the page's policy,
    and a request to anybody but the link's server (`allowed` may name more beginnings).
    """
    context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce"} | settings)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.asked, page.wrong = [], []
    page.expose_function("violated", lambda what: page.wrong.append(f"forbidden: {what}"))
    page.add_init_script(TELL)
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: (page.wrong.append(dialog.message), dialog.dismiss()))
    page.link = link
    try:
        visit(page, at)
        yield page
        assert page.wrong == []
        assert [url for url in page.asked if not url.startswith(link)] == []
    finally:
        context.close()


def visit(page, at: str) -> None:
    """Go to a page by its address; its content is there afterwards."""
    page.goto(f"{page.link}#/{at}")
    ready(page)


def ready(page) -> None:
    """Wait until a page shows what it asked for."""
    expect(page.locator("main h1")).to_have_count(1)
    expect(page.locator("main :is(.loading[role=status], [aria-busy=true])")).to_have_count(0)


def unfold(page) -> None:
    """Open all that is folded, and what is folded in it."""
    folded = page.locator(":is(main, dialog) details:not([open])")
    while folded.count():
        folded.evaluate_all("all => all.forEach((one) => { one.open = true; })")


def hash_of(page) -> str:
    """The address of the page that is shown."""
    return urlsplit(page.url).fragment


def there(locator, many: int | None = None) -> None:
    """Wait until something is to be seen, or so many of it."""
    if many is None:
        expect(locator.first).to_be_visible()
    else:
        expect(locator).to_have_count(many)


def at(page, part: str) -> None:
    """Wait until the address has a part."""
    page.wait_for_url(lambda url: part in url)
    ready(page)


# ---- what a browser connected to ----------------------------------------------------------------

NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""No name leads anywhere: a browser has makers of its own that it would ask for this and that."""


@contextmanager
def logging_net(log: Path) -> Iterator:
    """A browser that has written down at its end what it did on the net.

    What it asks of its own accord finds no name; what a page asks for is logged all the same.
    """
    with browsing() as found:
        program = next(filter(None, map(shutil.which, NAMES)), found.browser_type.executable_path)
        quiet = ["--no-sandbox", "--disable-background-networking", NOWHERE]
        found.close()
        browser = found.browser_type.launch(
            executable_path=program, args=[*quiet, f"--log-net-log={log}"]
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Net:
    """What a browser did on the net."""

    connected: frozenset[str]
    """`host:port` of every connection that was tried, and of every packet that was sent."""
    looked_up: frozenset[str]
    """Names that were looked up."""
    asked: frozenset[str]
    """`host:port` of all that pages of 127.0.0.1 asked for."""


def read_net(log: Path) -> Net:
    """The log of a browser that has closed."""
    content = json.loads(log.read_text("utf-8"))
    types, events = content["constants"]["logEventTypes"], content["events"]

    def of(name: str) -> list[dict]:
        return [event for event in events if event["type"] == types[name]]

    # A connection without a packet only asks the system which way packets would go.
    sending = {event["source"]["id"] for event in of("UDP_BYTES_SENT")}
    packets = [event for event in of("UDP_CONNECT") if event["source"]["id"] in sending]
    requests = [
        urlsplit(event["params"]["url"]).netloc
        for event in of("URL_REQUEST_START_JOB")
        if "127.0.0.1" in event.get("params", {}).get("initiator", "")
    ]
    return Net(
        connected=_values([*of("TCP_CONNECT_ATTEMPT"), *packets], "address"),
        looked_up=_values(of("HOST_RESOLVER_MANAGER_JOB"), "host"),
        asked=frozenset(requests),
    )


def _values(events: list[dict], name: str) -> frozenset[str]:
    return frozenset(event["params"][name] for event in events if name in event.get("params", {}))
