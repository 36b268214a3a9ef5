"""Serving a page until Ctrl-C."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from attunement.core.errors import ConfigError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. `ConfigError` where that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except (OSError, OverflowError, UnicodeError) as error:
        raise _cannot(host, port, error) from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen()
    except (OSError, OverflowError) as error:
        sock.close()
        raise _cannot(host, port, error) from None
    return sock


def address_of(sock: socket.socket, host: str) -> str:
    """Where the page is, as one types it: `http://127.0.0.1:40123`."""
    name = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else host
    name = f"[{name}]" if ":" in name and "[" not in name else name
    return f"http://{name}:{sock.getsockname()[1]}"


async def serve(
    app: ASGIApp, sock: socket.socket, ready: Callable[[], None],
    on_stop: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Answer until the first Ctrl-C or SIGTERM, or until the terminal is closed, what is being
    answered included; `on_stop` is to end what would go on for good."""
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", ws="none", proxy_headers=False,
        server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Server(config)
    logging.getLogger("uvicorn.error").addFilter(_unless_cut_off)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True
        on_stop()

    with contextlib.ExitStack() as caught:
        for number in _ends():
            # Only the main thread may watch signals, and not on every platform.
            with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, stop)
                caught.callback(loop.remove_signal_handler, number)
        loop.call_soon(ready)
        await server.serve(sockets=[sock])


def _ends() -> list[signal.Signals]:
    """The signals that end the serving; that of a closed terminal unless it is ignored (nohup)."""
    ends = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        ends.append(signal.SIGHUP)
    return ends


def _unless_cut_off(record: logging.LogRecord) -> bool:
    """Whether something went wrong: answers that Ctrl-C cuts off did not."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    """Leaves signals to us: what comes after the serving must not be cut short by them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _cannot(host: str, port: int, error: Exception) -> ConfigError:
    why = getattr(error, "strerror", None) or str(error)
    # A host that is unknown, or no address of this machine, is none at any port.
    unknown = isinstance(error, socket.gaierror | UnicodeError)
    elsewhere = unknown or getattr(error, "errno", None) == errno.EADDRNOTAVAIL
    instead = "--host 127.0.0.1 is this machine" if elsewhere else "--port 0 takes a free port"
    return ConfigError(f"cannot listen on `--host` {host!r} `--port` {port}: {why}; {instead}")
