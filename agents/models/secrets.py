"""Where keys come from: the environment, or a `.env` that is read into it; nowhere else.

A key is never part of a configuration, a journal, an export or a message.
"""

import ipaddress
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from attunement.core.errors import ConfigError

HOSTED = "https://api.openai.com/v1"
HIDDEN = "***"
"""What is shown in a key's place."""
_KEY, _BASE_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"


def load_env_file() -> None:
    """Read `.env` of the current folder into the environment; what is set already stays."""
    from dotenv import load_dotenv

    load_dotenv(".env")


def hosted_base_url() -> str:
    """The address of an `openai:` model that names none."""
    return os.environ.get(_BASE_URL) or HOSTED


@lru_cache(maxsize=64)
def key_names(url: str) -> tuple[str, ...]:
    """The variables that may hold the key for an address, the most particular first.

    `OPENAI_API_KEY_` with the host behind it (in capitals, `_` for all but letters and digits) is
    for this host alone; `OPENAI_API_KEY` is for hosts that have none of their own; see `key_for`.
    """
    host = re.sub(r"[^A-Z0-9]+", "_", (urlsplit(url).hostname or "").upper())
    return (f"{_KEY}_{host}", _KEY)


def key_for(url: str, named: bool = True) -> str:
    """The key for an address, or nothing; OpenAI's own address needs one (`ConfigError`).

    `named`: whether the whole run is sent there (--base-url). A stranger that a single spec names
    is not shown the key of all: it has one of its own, or none.
    """
    name = _key_name(url, named)
    key = os.environ[name] if name else ""
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"`{name}` holds a line break or another character that no key has")
    if not key and url == HOSTED:
        raise ConfigError(
            f"`{_KEY}` is not set; export it or put it into .env, "
            "or name your own server with --base-url"
        )
    return key


def _key_name(url: str, named: bool) -> str | None:
    """The variable that holds the key for an address; see `key_for`."""
    names = key_names(url)
    if not (named or is_at_home(url) or url == hosted_base_url().rstrip("/")):
        names = names[:1]
    return next((name for name in names if os.environ.get(name)), None)


def is_at_home(url: str) -> bool:
    """Whether an address is of this machine or a private network."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal"))


def keys_in_use(urls: Iterable[str], named: bool) -> dict[str, str]:
    """The variables whose keys these addresses are sent, each with its value hidden."""
    return {name: HIDDEN for url in urls if (name := _key_name(url, named))}


def redact(text: str, key: str) -> str:
    """A text without the key that it may repeat."""
    return text.replace(key, HIDDEN) if key else text
