"""When a judge is not to be relied on: thresholds, and what a report says of it."""

from collections.abc import Iterator, Mapping, Sequence

from attunement.evaluation.figures import Figure
from attunement.evaluation.paired import FEWEST

FLIPS = 0.2
"""Share of pairs whose verdict changes with the order."""
PLACE = 0.15
"""Distance from one half of how often the first is chosen."""
UNREADABLE = 0.1
"""Share of answers that cannot be read."""
LENGTH = 0.5
"""Correlation, of either sign, with the words."""
AGREEMENT = 0.667
"""Krippendorff's alpha below which he allows not even tentative conclusions (2004, p. 241)."""


def warnings(judge: str, what: str, figures: Mapping[str, Figure]) -> Iterator[str]:
    """A sentence for each threshold that a judge is beyond. `figures` by the last part of their
    name: `order flips`; `what` was judged, as in `pairs`."""
    for name, figure in figures.items():
        value = figure.value
        if value is None or len(figure.parts) < FEWEST:
            continue
        if name == "unreadable" and UNREADABLE < value < 1:
            yield f"{judge}: {value:.0%} of its answers on {what} could not be read"
        elif name == "order flips" and value > FLIPS:
            yield f"{judge} is not to be relied on: its verdict changes with the order in " + (
                f"{value:.0%} of pairs"
            )
        elif name == "chose the first" and abs(value - 0.5) > PLACE:
            yield f"{judge} is not to be relied on: it chose what stood first in {value:.0%}"
        elif name == "length coefficient" and abs(value) > LENGTH:
            yield f"{judge} goes by length on {what}: r = {value:.2f} with the words"
        elif name == "agreement" and value < AGREEMENT:
            yield f"the judges agree too little on {what} to be averaged: alpha = {value:.2f}"


def split(figures: Mapping[str, Figure]) -> str:
    """What judges agree too little on, of figures of agreement by the name of what was judged."""
    known = {n: f.value for n, f in figures.items() if len(f.parts) >= FEWEST}
    low = [f"{n} ({v:.2f})" for n, v in known.items() if v is not None and v < AGREEMENT]
    return f"the judges agree too little to be averaged (alpha): {', '.join(low)}" if low else ""


def panel_of(seen: Mapping[str, Sequence[bool]], what: str) -> tuple[list[str], list[str]]:
    """The judges whose mean counts, and a sentence for each who is left out.

    `seen`: judge -> whether each of its answers could be read. A panel is of judges that were asked
    about all that any of them was, and of whom anything could be read; else of all.
    """
    most = max(map(len, seen.values()), default=0)
    kept = [judge for judge, read in seen.items() if len(read) == most and any(read)]
    told = [
        f"{judge} has judged {len(read)} of {most} {what} and is left out of the panel"
        for judge, read in seen.items()
        if len(read) < most
    ]
    told += [
        f"{judge}: none of its answers on {what} could be read; it is left out of the panel"
        for judge, read in seen.items()
        if len(read) == most and not any(read)
    ]
    return kept or list(seen), told
