"""YAML with the line of every field, and refusals for what YAML lets pass in silence."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import yaml

from attunement.core.errors import PersonaError
from attunement.personas.checking import Loc

# The same parser in C is about ten times as fast; nearly every PyYAML wheel has it.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_DEEPEST = 20
"""Cards nest four levels deep; the parser in C overruns its stack on very deep ones."""


class Item(NamedTuple):
    """One entry of a YAML list (or the only value of a file), with its node for line numbers."""

    node: yaml.Node
    value: Any


def yaml_items(text: str, file: str) -> Iterator[Item]:
    """The entries of a list, or the one value of a text that is no list; none in an empty text.

    Raises `PersonaError` with file and line for what is no YAML, for a key that is given twice in
    one mapping, and for nesting that no card needs.
    """
    _refuse_deep(text, file)
    loader = Loader(text)
    try:
        root = _guarded(loader.get_single_node, file)
        for node in root.value if isinstance(root, yaml.SequenceNode) else [root]:
            if node is not None:
                _refuse_repeats(node, file)
                yield Item(node, _guarded(partial(loader.construct_document, node), file, node))
    finally:
        loader.dispose()


def line_of(node: yaml.Node, loc: Loc = ()) -> int:
    """Line of the field at `loc`, or of the nearest thing around it that is there."""
    for part in loc:
        found = _child(node, part)
        if found is None:
            break
        node = found
    return _line(node)


def _line(thing: Any) -> int:
    return int(thing.start_mark.line) + 1


def _child(node: yaml.Node, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _guarded(step: Callable[[], Any], file: str, node: yaml.Node | None = None) -> Any:
    try:
        return step()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise PersonaError(f"`{file}`{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # e.g. a date that is none
        line = f", in what begins at line {_line(node)}" if node else ""
        reason = str(error).partition("\n")[0]
        raise PersonaError(f"`{file}`{line}: cannot be read as YAML: {reason}") from None


def _refuse_deep(text: str, file: str) -> None:
    depth, events = 0, yaml.parse(text, Loader)
    while event := _guarded(lambda: next(events, None), file):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise PersonaError(f"`{file}`, line {_line(event)}: nested deeper than {_DEEPEST}")


def _refuse_repeats(node: yaml.Node, file: str, depth: int = 2) -> None:
    """YAML keeps the last of two equal keys without a word; for a card that is a slip."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                where = f"`{file}`, line {_line(key)}, field `{key.value}`"
                raise PersonaError(f"{where}: is given twice; keep one of them")
            seen.add(key.value)
        if depth:
            _refuse_repeats(value, file, depth - 1)
