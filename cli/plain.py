"""Foreign text on a terminal: words as they are, and nothing that would steer the terminal."""

import re

from rich.console import Console

from attunement.core.text import CONTROLS

_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of what follows, other people's words included."""


def plain(text: str) -> str:
    """The text with a replacement character for each character that would not show."""
    return _TURNING.sub("\ufffd", CONTROLS.sub("\ufffd", text))


def has_colours(console: Console) -> bool:
    """Whether words can be told apart by colour; else marks have to do it."""
    return console.color_system is not None and not console.no_color


def has_lines(console: Console) -> bool:
    """Whether the output can show box-drawing characters."""
    try:
        "╭┆▼".encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
