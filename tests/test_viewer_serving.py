"""Listening for pages: what is said where it cannot be."""

import socket

import pytest

from attunement.core.errors import ConfigError
from attunement.viewer.serving import listen


def told(host: str, port: int = 0) -> str:
    with pytest.raises(ConfigError, match="cannot listen on `--host`") as caught:
        listen(host, port)
    return str(caught.value)


@pytest.mark.parametrize("host", ["x..y", "203.0.113.7"])
def test_a_host_that_is_none_of_ours_is_no_matter_of_the_port(host):
    assert told(host).endswith("; --host 127.0.0.1 is this machine")


def test_a_port_that_is_taken_is_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        why = told("127.0.0.1", taken.getsockname()[1])
    assert why.endswith("; --port 0 takes a free port")
