"""Row formats, told apart by content: TRL's and LLaMA-Factory's, read into one shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attunement.trainers.lint.tokens import Tokens

Turn = tuple[str, str]
"""A message: role, text. The role of plain text is `text`."""
Turns = tuple[Turn, ...]
PAIR, EXAMPLE = ("chosen", "rejected"), ("completion",)

_ROLES = {
    "system": "system", "user": "user", "assistant": "assistant", "tool": "tool",
    "developer": "system",
}  # fmt: skip
_NAMES = _ROLES | {
    "human": "user", "gpt": "assistant", "observation": "tool", "function_call": "assistant",
}  # fmt: skip
"""ShareGPT's, under `from`. Under `role` they would reach the chat template as they are."""


class MalformedError(ValueError):
    """A row that is JSON but no row of any known format."""


@dataclass(slots=True)
class Sample:
    """A row in the one shape that checks look at."""

    number: int
    """Counts from 0 within its set."""
    file: str
    line: int
    """Line of a file of JSON lines, else row; from 1."""
    split: str
    raw: dict[str, Any]
    format: str
    prompt: Turns
    sides: dict[str, Turns]
    """`chosen` and `rejected`, or `completion`."""
    tokens: "Tokens | None" = None
    """Where a tokenizer is at hand and its template takes the row."""
    refused: str = ""
    """Why the chat template does not take it."""
    texts: dict[str, str] = field(init=False)
    """The words of each side."""

    def __post_init__(self) -> None:
        self.texts = {
            side: turns[0][1] if len(turns) == 1 else "\n".join(t for r, t in turns if r != "user")
            for side, turns in self.sides.items()
        }

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def plain(self) -> bool:
        """Whether it is text rather than messages."""
        return next(iter(self.sides.values()))[0][0] == "text"

    @property
    def pair(self) -> bool:
        """Whether it is a preference pair."""
        return "chosen" in self.sides


Parsed = tuple[str, Turns, dict[str, Turns]]
"""Format, prompt, sides."""


def parse(raw: object) -> Parsed:
    """The format, prompt and sides of a row. `MalformedError` says what keeps it from being one."""
    if not isinstance(raw, dict):
        raise MalformedError(f"a row must be an object, this is {_kind(raw)}")
    # Parquet, and JSON rows that were once a table, hold None where there is no value.
    has = {name for name, value in raw.items() if value is not None}
    if "conversations" in has:
        return _dialogue(raw, has, "conversations", "sharegpt")
    if "messages" in has:
        if not has & {"chosen", "rejected"}:
            return _dialogue(raw, has, "messages", "trl-messages")
        if not isinstance(raw.get("chosen"), list):
            return _dialogue(raw, has, "messages", "sharegpt")
    if "instruction" in has:
        return _alpaca(raw, has)
    if has & {"chosen", "rejected"}:
        _require(raw, has, PAIR)
        return _pair(raw) if "prompt" in has else _implicit(raw)
    if has & {"completion", "prompt"}:
        _require(raw, has, ("prompt", "completion"))
        return _completion(raw)
    if "text" in has:
        return "trl-text", (), {"completion": _text(raw, "text")}
    names = ", ".join(map(repr, list(raw)[:8])) or "none"
    raise MalformedError(f"no known format has these fields: {names}")


def _require(raw: dict[str, Any], has: set[str], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in has:
            raise MalformedError(f"`{name}` is {'null' if name in raw else 'missing'}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", type(None): "null", bool: "a truth"}
    return names.get(type(value), "a number")


# ---- TRL ----------------------------------------------------------------------------------------


def _pair(raw: dict[str, Any]) -> Parsed:
    prompt, sides = _both(raw, "prompt"), {side: _both(raw, side) for side in PAIR}
    _same_kind(prompt, sides)
    return ("trl-plain" if prompt[0][0] == "text" else "trl-conversational"), prompt, sides


def _completion(raw: dict[str, Any]) -> Parsed:
    prompt, sides = _both(raw, "prompt"), {"completion": _both(raw, "completion")}
    _same_kind(prompt, sides)
    plain = prompt[0][0] == "text"
    return ("trl-completion-plain" if plain else "trl-completion"), prompt, sides


def _same_kind(prompt: Turns, sides: dict[str, Turns]) -> None:
    for side, turns in sides.items():
        if (prompt[0][0] == "text") != (turns[0][0] == "text"):
            raise MalformedError(
                f"`prompt` and `{side}` mix text and messages; make both messages, or, where the "
                "sides hold the whole dialogue, remove `prompt`"
            )


def _implicit(raw: dict[str, Any]) -> Parsed:
    chosen, rejected = (_both(raw, side) for side in PAIR)
    _same_kind(chosen, {"rejected": rejected})
    if chosen[0][0] == "text":
        return _implicit_text(chosen[0][1], rejected[0][1])
    shared = _shared(chosen, rejected)
    # Equal or nested sides: the last message is the reply, so that there is something to compare.
    shared = min(shared, len(chosen) - 1, len(rejected) - 1)
    if not shared:
        raise MalformedError(
            "there is no `prompt`, and `chosen` and `rejected` do not begin with the same messages"
        )
    sides = {"chosen": chosen[shared:], "rejected": rejected[shared:]}
    return "trl-implicit", chosen[:shared], sides


def _shared(one: Sequence[object], two: Sequence[object]) -> int:
    """How many items two sequences begin with in common."""
    pairs = zip(one, two, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _implicit_text(chosen: str, rejected: str) -> Parsed:
    """As TRL's `extract_prompt` parts them: a last blank that both share, and of equal or nested
    texts the last character, belong to the sides."""
    shared = _shared(chosen, rejected)
    if not shared:
        raise MalformedError("there is no `prompt`, and `chosen` and `rejected` share no beginning")
    if shared == min(len(chosen), len(rejected)) or chosen[shared - 1] == " ":
        shared -= 1
    sides: dict[str, Turns] = {
        "chosen": (("text", chosen[shared:]),), "rejected": (("text", rejected[shared:]),),
    }  # fmt: skip
    return "trl-plain-implicit", (("text", chosen[:shared]),), sides


# ---- LLaMA-Factory, and `messages` --------------------------------------------------------------


def _dialogue(raw: dict[str, Any], has: set[str], name: str, format: str) -> Parsed:
    """A dialogue whose last reply is learnt, or, with `chosen` and `rejected`, a pair behind it."""
    turns = _messages(raw[name], name)
    if "system" in has and (system := _text(raw, "system")[0][1]):
        turns = (("system", system), *turns)
    if has & {"chosen", "rejected"}:
        _require(raw, has, PAIR)
        sides: dict[str, Turns] = {side: (_message(raw[side], side),) for side in PAIR}
        return f"{format}-pairs", turns, sides
    if turns[-1][0] != "assistant":
        raise MalformedError(f"`{name}` must end with the assistant, got role {turns[-1][0]!r}")
    format = format if format.startswith("trl") else f"{format}-examples"
    return format, turns[:-1], {"completion": turns[-1:]}


def _alpaca(raw: dict[str, Any], has: set[str]) -> Parsed:
    turns: list[Turn] = []
    if "system" in has and (system := _text(raw, "system")[0][1]):
        turns.append(("system", system))
    for past in _list(raw, "history") if "history" in has else ():
        if not isinstance(past, list) or [type(text) for text in past] != [str, str]:
            raise MalformedError(
                "`history` must hold pairs of texts: what was asked, what was said"
            )
        turns += [("user", past[0]), ("assistant", past[1])]
    asked = _text(raw, "instruction")[0][1]
    more = _text(raw, "input")[0][1] if "input" in has else ""
    turns.append(("user", f"{asked}\n{more}" if more else asked))
    if has & {"chosen", "rejected"}:
        _require(raw, has, PAIR)
        sides: dict[str, Turns] = {side: (("assistant", _text(raw, side)[0][1]),) for side in PAIR}
        return "alpaca-pairs", tuple(turns), sides
    _require(raw, has, ("output",))
    completion = (("assistant", _text(raw, "output")[0][1]),)
    return "alpaca-examples", tuple(turns), {"completion": completion}


# ---- fields -------------------------------------------------------------------------------------


def _both(raw: dict[str, Any], name: str) -> Turns:
    """A field that may hold text or messages."""
    value = raw[name]
    return (("text", value),) if isinstance(value, str) else _messages(value, name)


def _text(raw: dict[str, Any], name: str) -> Turns:
    if not isinstance(raw[name], str):
        raise MalformedError(f"`{name}` must be text, got {_kind(raw[name])}")
    return (("text", raw[name]),)


def _list(raw: dict[str, Any], name: str) -> list[Any]:
    if not isinstance(raw[name], list):
        raise MalformedError(f"`{name}` must be a list, got {_kind(raw[name])}")
    return list(raw[name])


def _messages(value: object, name: str) -> Turns:
    if not isinstance(value, list):
        raise MalformedError(f"`{name}` must be a list of messages, got {_kind(value)}")
    if not value:
        raise MalformedError(f"`{name}` holds no message")
    return tuple([_message(message, name) for message in value])


def _message(message: Any, name: str) -> Turn:
    roles = _ROLES
    try:
        role, text = message["role"], message["content"]
    except (KeyError, TypeError):
        if not isinstance(message, dict):
            raise MalformedError(
                f"`{name}` must hold messages (role and content), got {_kind(message)}"
            ) from None
        if "from" not in message or "value" not in message:
            raise MalformedError(
                f"a message of `{name}` must have `role` and `content`, it has: "
                f"{', '.join(message) or 'nothing'}"
            ) from None
        roles, role, text = _NAMES, message["from"], message["value"]
    if not isinstance(text, str):
        raise MalformedError(f"a message of `{name}` must hold text, got {_kind(text)}")
    known = roles.get(role) if isinstance(role, str) else None
    if known is None:
        raise MalformedError(f"unknown role {role!r} in `{name}`; known: {', '.join(roles)}")
    return known, text
