"""Deltas of message lists: what a request changes against the one before it."""

import json
from collections.abc import Sequence

import orjson

from attunement.agents.prompting import ChatMessage


def split_delta(before: Sequence[ChatMessage], now: Sequence[ChatMessage]) -> str:
    """`now` as JSON: its number of messages, then each that differs from the one in its place as
    [place, role, characters kept from the start, new text, characters kept from the end].
    """
    changes: list[object] = [len(now)]
    for place, message in enumerate(now):
        old = before[place] if place < len(before) else None
        if old == message:
            continue
        head, body, tail = _splice(old["content"] if old else "", message["content"])
        changes.append([place, message["role"], head, body, tail])
    return orjson.dumps(changes).decode()


def join_delta(before: Sequence[ChatMessage], delta: str) -> list[ChatMessage]:
    """The inverse of `split_delta`."""
    count, *changes = json.loads(delta)
    messages = [*before[:count], *([{}] * (count - len(before)))]
    for place, role, head, body, tail in changes:
        old = before[place]["content"] if place < len(before) else ""
        content = old[:head] + body + old[len(old) - tail :]
        messages[place] = {"role": role, "content": content}
    return messages


def _splice(before: str, now: str) -> tuple[int, str, int]:
    head = _common(before, now)
    tail = _common(before[head:][::-1], now[head:][::-1])
    return head, now[head : len(now) - tail], tail


def _common(a: str, b: str) -> int:
    """The length of the longest common prefix, by bisection."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle - 1)
    return low
