"""What to do next: the verbs that go on from what was just done."""

import shutil
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text


def print_following(console: Console, verbs: Sequence[tuple[str, str]]) -> None:
    """Print commands, each with what it does."""
    # Right after `make demo` the command is in the virtual environment only.
    attune = "attune" if shutil.which("attune") else sys.argv[0]
    lines = [(f"{attune} {verb}", what) for verb, what in verbs]
    widest = max(len(verb) for verb, _ in lines)
    console.print()
    for verb, what in lines:
        line = Text.assemble((f"  {verb:{widest}}", "bold"), f"  {what}")
        console.print(line, soft_wrap=True)
