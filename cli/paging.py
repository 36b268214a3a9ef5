"""A pager for what is longer than the screen."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console


@contextmanager
def paged(console: Console, wanted: bool) -> Iterator[None]:
    """What is printed within goes through a pager if it is longer than the screen; never where
    input or output is no terminal."""
    command = pager_command() if wanted and _on_terminal(console) else []
    if not command:
        yield
        return
    with console.capture() as captured:
        yield
    text = captured.get()
    if text.count("\n") < console.height or not _through(command, text):
        console.file.write(text)
        console.file.flush()


def _on_terminal(console: Console) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and not console.is_dumb_terminal


def pager_command() -> list[str]:
    """`PAGER` if it is set, else less or more; nothing where there is none, or it is `cat`."""
    try:
        words = shlex.split(os.environ.get("PAGER", "less" if shutil.which("less") else "more"))
    except ValueError:  # a quote that is never closed
        words = []
    return words if words and words[0] != "cat" and shutil.which(words[0]) else []


def _through(command: list[str], text: str) -> bool:
    """Show a text in a pager; False where it did not start."""
    env = {"LESS": "-R"} | os.environ  # so that less shows colours, unless it is told otherwise
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=env)
    except OSError:
        return False
    else:
        assert pager.stdin is not None
        with suppress(BrokenPipeError):  # it was left before its end
            pager.stdin.write(text.encode(errors="replace"))
            pager.stdin.close()
        pager.wait()
        return True
    finally:
        signal.signal(signal.SIGINT, before)
