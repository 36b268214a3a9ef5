"""`attune` in the tests' own process, where heavy libraries are loaded once."""

import io
import os
import subprocess
import sys
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from attunement.cli.app import main


def attune(*args: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """What a call of the command says and returns; signals and start-up need a process instead."""
    words = ["attune", *map(str, args)]
    out, err = _stream(), _stream()
    with (
        chdir(cwd),
        patch.dict(os.environ, {"COLUMNS": "200", **env}),
        patch.object(sys, "argv", words),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")
        try:
            main()
            code = 0
        except SystemExit as ending:
            code = ending.code
    return subprocess.CompletedProcess(words, code, _text(out), _text(err))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()
