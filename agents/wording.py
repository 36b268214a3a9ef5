"""What is wrong with a value, in plain words: pydantic's complaints as one sentence each."""

import re
from typing import Any

from pydantic_core import ErrorDetails

_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such name",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be names with values",
    "model_type": "must be names with values",
    "model_attributes_type": "must be names with values",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
}
_TELLS = ("missing", "extra_forbidden", "string_too_short", "string_too_long")
"""Kinds that say already what was there."""


def worded(problem: ErrorDetails) -> str:
    """Field, what is wrong, and what was there, unless the sentence says it."""
    loc, value = problem["loc"], problem["input"]
    named = loc[-1:] == ("[key]",)  # the name of an entry is wrong, not what it holds
    where = ".".join(str(part) for part in (loc[:-2] if named else loc))
    said = ("a name in it " if named else "") + _rule(problem, problem.get("ctx") or {})
    got = repr(str(value)[:80])
    if where and problem["type"] not in _TELLS and not isinstance(value, dict | list):
        said += "" if got in said else f", got {got}"
    return f"`{where}`: {said}" if where else said


def _rule(problem: ErrorDetails, context: dict[str, Any]) -> str:
    kind = problem["type"]
    if found := _KINDS.get(kind):
        return found
    if kind in _BOUNDS and context:
        return _BOUNDS[kind].format_map({name: _number(bound) for name, bound in context.items()})
    if kind == "string_too_short" and context.get("min_length") == 1:
        return "must not be empty"
    if kind == "string_too_long" and context:
        return (
            f"must be at most {context['max_length']:,} characters, got {len(problem['input']):,}"
        )
    if kind == "json_invalid" and context:
        return f"no JSON: {context['error']}"
    return re.sub(r"^\w+ should", "must", problem["msg"].removeprefix("Value error, "))


def _number(bound: float) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)
