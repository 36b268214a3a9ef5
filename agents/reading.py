"""Reading what a model answered: a record among other words and small slips, or a plain text.

Slips of form are forgiven where only one reading is possible; nothing is ever completed: an answer
that breaks off in the middle holds no record.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from attunement.agents.near_misses import fit_record, words_of
from attunement.agents.slips import BrokenJsonError, CutJsonError, ForgivingJson
from attunement.agents.wording import worded
from attunement.core.records import Record

AnyRecord = TypeVar("AnyRecord", bound=Record)

TEXT_KEYS = ("text", "reply", "response", "answer", "content")
"""Where a plain answer stands in an object that nobody asked for."""

_TAG = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|analysis|scratchpad)"
_OPEN, _CLOSE = rf"(?:<{_TAG}>|\[THINK\]|◁think▷)", rf"(?:</{_TAG}>|\[/THINK\]|◁/think▷)"
_TAGS = re.compile(f"{_OPEN}|{_CLOSE}", re.IGNORECASE)
_BLOCK = re.compile(rf"{_OPEN}.*?(?:{_CLOSE}|\Z)", re.IGNORECASE | re.DOTALL)
_END = re.compile(_CLOSE, re.IGNORECASE)
_START = re.compile(r"\{\s*(?=[\"'“”„‘’}]|\Z)|\[\s*(?=\{\s*[\"'“”„‘’])")
"""Where an object or a list of objects begins; `{` with other words after it is prose."""
_BRACES = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[{}\[\]]', re.DOTALL)
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n((?:(?!```).)*)```", re.DOTALL)


class ReadingError(ValueError):
    """An answer that does not hold the record; the message tells the model what is wrong."""


def read_record(text: str, record: type[AnyRecord]) -> AnyRecord:
    """The record in `text`, alone or among other words. `ReadingError` where there is none.

    Of several objects the last one that has a key of the record counts: what stands before it may
    be an echo of the prompt's example. For the same reason an earlier one never stands in for a
    last one that is wrong or breaks off.
    """
    start, end = text.find("{"), text.rfind("}")
    around = text[:start] + text[end + 1 :]
    if 0 <= start < end and "{" not in around and not _TAGS.search(around):
        try:
            return record.model_validate_json(text[start : end + 1])
        except ValidationError:
            pass  # read again below, with patience
    try:
        return record.model_validate(fit_record(_last_meant(_spoken(text), record), record))
    except ValidationError as error:
        raise ReadingError(explain(error)) from None


def plain_text(text: str) -> str:
    """What a plain answer says: without reasoning, and without a fence or object all around it."""
    text = _spoken(text).strip()
    if text.startswith("```") and (fenced := _FENCE.fullmatch(text)):
        text = fenced[1].strip()
    if text.startswith("{"):
        return _unwrapped(text).strip()
    return text


def explain(error: ValidationError) -> str:
    """A validation error in one line: field, what is wrong, and what was there."""
    found = error.errors(include_url=False)
    return "; ".join(worded(problem) for problem in found[:4])


def _spoken(text: str) -> str:
    """`text` without reasoning; a block that never ends runs to the end of the text."""
    if not _TAGS.search(text):
        return text
    # Some chat templates open the block themselves: then the answer holds its end alone.
    return _END.split(_BLOCK.sub("", text))[-1]


def _unwrapped(text: str) -> str:
    """The one text in an object that is the whole of `text`; else `text` as it is."""
    try:
        found, end = ForgivingJson(text).read(0)
    except (BrokenJsonError, CutJsonError):
        return text
    if not isinstance(found, dict) or end != len(text):
        return text
    texts = [value for key, value in found.items() if len(found) == 1 or key in TEXT_KEYS]
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else text


# ---- which object -------------------------------------------------------------------------------


def _last_meant(text: str, record: type[Record]) -> dict[str, Any]:
    """The last object of `text` that has a key of `record`; where none has, the last one."""
    found = [_unnamed(o, record) if isinstance(o, dict) else o for o in _objects(text)]
    if not found:
        raise ReadingError("there is no JSON object in the answer")
    # A broken object counts as meant: an earlier one must not stand in for it.
    meant = [o for o in found if isinstance(o, ReadingError) or o.keys() & record.model_fields]
    last = (meant or found)[-1]
    if isinstance(last, ReadingError):
        raise last
    return last


def _objects(text: str) -> Iterator[dict[str, Any] | ReadingError]:
    """The outermost objects of `text`, an error for each that is broken."""
    end = 0
    while start := _START.search(text, end):
        try:
            found, end = ForgivingJson(text).read(start.start())
            yield _only(found)
        except BrokenJsonError as error:
            end = _end_of(text, start.start())
            yield ReadingError(f"the JSON object is broken at {str(error)!r}")
        except CutJsonError:
            raise ReadingError("the JSON object is not complete: it breaks off") from None


def _end_of(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`: nothing in a broken object is read."""
    depth = 0
    for found in _BRACES.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(text)


def _only(found: Any) -> dict[str, Any] | ReadingError:
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if isinstance(found, dict):
        return found
    return ReadingError("the answer is a list; it must be one JSON object")


def _unnamed(found: dict[str, Any], record: type[Record]) -> dict[str, Any]:
    """`{"Plan": {...}}` without the record's name."""
    for key, inner in found.items():
        if len(found) == 1 and isinstance(inner, dict) and key not in record.model_fields:
            names = (words_of(kind.__name__, "") for kind in record.__mro__)
            return inner if words_of(key, "") in names else found
    return found
