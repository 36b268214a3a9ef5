"""Which pairs people get to judge, in which sequence, and which side stands first."""

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from itertools import groupby
from random import Random

from attunement.core.seeds import derive_seed
from attunement.simulator.matching import ORDERS, Order, Pair
from attunement.viewer.arena.items import Item, check_on

_BLOCK = (*ORDERS, *ORDERS)
"""Each order comes twice in four pairs, so that a sitting broken off is balanced too."""


def lay_out(pairs: Iterable[Pair], n: int, every: int, seed: int) -> list[Item]:
    """Up to n pairs to judge, with one attention check in every block of `every` items.

    The same pairs, n, every and seed give the same list. Everybody gets this one sequence, so that
    people who stop early have still judged the same pairs. Where in its block a check stands is
    drawn: nobody can count them out. `every` 0: no checks.
    """
    found = draw(pairs, 2 * n if every else n, seed)
    judged, spare = found[:n], found[n:]
    if not every:
        return [Item(pair=pair) for pair in judged]
    # Checks stand on pairs that nobody judges; where there are none left, on the last of the list.
    checks = (check_on(pair) for pair in (*spare, *reversed(judged)))
    return list(_mixed(judged, (check for check in checks if check), every, seed))


def draw(pairs: Iterable[Pair], n: int, seed: int) -> list[Pair]:
    """Up to n pairs, evenly over dialogues: each gives one before any gives its second.

    Pairs of one dialogue must come one after another. No more than n are held at a time, and the
    list for a larger n begins with the one for a smaller.
    """
    return [pair for _, pair in nsmallest(n, _ranked(pairs, seed), key=lambda found: found[0])]


def orders(seed: int, annotator: str, kind: str) -> Iterator[Order]:
    """Where the subject stands in each of an annotator's pairs: random, and balanced all along."""
    block = 0
    while True:
        four = list(_BLOCK)
        Random(derive_seed(seed, "arena order", annotator, kind, block)).shuffle(four)
        yield from four
        block += 1


def _ranked(pairs: Iterable[Pair], seed: int) -> Iterator[tuple[tuple[int, int], Pair]]:
    """Each pair behind its rank: how many its dialogue gives before it, then chance."""
    for index, of_one in groupby(pairs, key=lambda pair: pair.index):
        mixed = sorted(of_one, key=lambda pair: derive_seed(seed, "arena turn", index, pair.turn))
        for place, pair in enumerate(mixed):
            yield (place, derive_seed(seed, "arena dialogue", index, place)), pair


def _mixed(judged: list[Pair], checks: Iterator[Item], every: int, seed: int) -> Iterator[Item]:
    """Blocks of pairs, each with a check somewhere among them while there are any."""
    for start in range(0, len(judged), every - 1):
        block = [Item(pair=pair) for pair in judged[start : start + every - 1]]
        check = next(checks, None) if len(block) == every - 1 else None
        if check:
            block.insert(Random(derive_seed(seed, "arena check", start)).randrange(every), check)
        yield from block
