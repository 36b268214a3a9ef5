"""What is wrong with a card, as one sentence: pydantic's complaints in the words of the house."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from attunement.core.errors import unknown
from attunement.core.records import BigFive, Demographics, Persona

_NESTED: dict[str, type[BaseModel]] = {"demographics": Demographics, "big_five": BigFive}
Loc = tuple[int | str, ...]
"""Path of a field inside a card, as pydantic gives it."""
LONGEST = 60
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """A value for a message: short, and never a whole nested structure."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST else f"{value[:LONGEST]}…")
    return f"a {type(value).__name__}"


def first_problem(error: ValidationError) -> tuple[Loc, str]:
    """Where the first problem of a card lies (the path of its field) and what is wrong."""
    details = error.errors(include_url=False)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return details[0]["loc"], _sentence(details[0]) + more


def field_name(loc: Loc) -> str:
    """A field's path as it is written in messages, e.g. `what_helps.1`; lists count from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)


def _sentence(problem: ErrorDetails) -> str:
    loc, context, value = problem["loc"], problem.get("ctx", {}), problem["input"]
    match problem["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            model = _NESTED.get(str(loc[0]), Persona) if len(loc) > 1 else Persona
            return unknown("field", loc[-1], model.model_fields)
        case "string_unicode":
            return "holds half a character (a lone surrogate); mend the text"
        case "string_too_short":
            return "must not be empty; leave the field out instead"
        case "string_too_long":
            return f"must be at most {context['max_length']:,} characters, got {len(value):,}"
    return f"{_rule(problem, context)}, got {shown(value)}"


def _rule(problem: ErrorDetails, context: dict[str, Any]) -> str:
    match problem["type"]:
        case "literal_error":
            return f"must be {context['expected']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "int_parsing" | "int_type" | "int_from_float":
            return "must be a whole number"
        case "string_type":
            return "must be text (in quotes where YAML would read it otherwise)"
        case "string_pattern_mismatch":
            return _PATTERNS[str(problem["loc"][0])]
        case "tuple_type":
            return "must be a list of sentences"
        case "model_type":
            return "must be a mapping of names to values"
    return problem["msg"][:1].lower() + problem["msg"][1:]


_PATTERNS = {
    "id": "must be 1 to 80 letters, digits, dots, dashes or underscores",
    "language": "must be a language tag such as 'en' or 'pt-BR'",
}
