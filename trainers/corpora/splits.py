"""Splits by persona, seeded: no persona, and so no dialogue, stands in two of them."""

import re
from collections.abc import Iterable
from itertools import accumulate, pairwise

from attunement.core.errors import UserError
from attunement.core.seeds import derive_seed

SPLITS = ("train", "validation", "test")
_COPY = re.compile(r"\.\d+\Z")
_CUT = 70
"""Characters of an id that a numbered copy keeps."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


def parse_split(text: str) -> tuple[int, ...]:
    """Parts such as `9:1` or `1040:130:130`: train, validation, and test if there are three.

    Raises `UserError` for anything else.
    """
    parts = _THOUSANDS.sub("", text).replace("/", ":").split(":")
    if not 1 <= len(parts) <= len(SPLITS) or not all(p.strip().isdecimal() for p in parts):
        raise UserError(f"`--split` must be parts such as 9:1 or 1040:130:130, got {text!r}")
    shares = tuple(int(part) for part in parts)
    if not all(shares):
        raise UserError(f"`--split` must not hold an empty part, got {text!r}; leave it out")
    return shares


def split_by(personas: Iterable[str], shares: tuple[int, ...], seed: int) -> dict[str, str]:
    """Persona id -> `train`, `validation` or `test`, in shares as near as whole personas allow.

    Copies of one card (`mira`, `mira.2`) stay together. Raises `UserError` where a split would be
    left without a persona.
    """
    family = families(personas)
    drawn = sorted(set(family.values()), key=lambda name: (derive_seed(seed, "split", name), name))
    sizes = _sizes(len(drawn), shares)
    if not all(sizes):
        empty = SPLITS[sizes.index(0)]
        raise UserError(
            f"`--split` {':'.join(map(str, shares))} leaves {empty!r} empty: there are only "
            f"{len(drawn)} personas; give it larger parts, or one part for no split"
        )
    bounds = pairwise((0, *accumulate(sizes)))
    place = {
        name: split
        for split, (start, end) in zip(SPLITS, bounds, strict=False)
        for name in drawn[start:end]
    }
    return {name: place[original] for name, original in family.items()}


def families(personas: Iterable[str]) -> dict[str, str]:
    """Persona id -> the card that it is a numbered copy of, where that one stands beside it."""
    ids = list(dict.fromkeys(personas))
    known = {name[:_CUT]: name for name in reversed(ids)}
    return {name: known.get(_COPY.sub("", name), name) for name in ids}


def _sizes(count: int, shares: tuple[int, ...]) -> list[int]:
    """`count` divided by the method of largest remainders."""
    total = sum(shares)
    sizes = [count * share // total for share in shares]
    by_rest = sorted(range(len(shares)), key=lambda i: -(count * shares[i] % total))
    for i in by_rest[: count - sum(sizes)]:
        sizes[i] += 1
    return sizes
