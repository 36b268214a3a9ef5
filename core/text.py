"""What no text should hold."""

import re

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters but tab and line ends: invisible, and terminals and databases stumble."""
