"""Prompt files: sections with placeholders, filled in one pass, versioned by content hash."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

from attunement.core.errors import ConfigError, unknown
from attunement.core.records import Role, Utterance

ChatMessage = dict[str, str]
"""A chat message in the OpenAI shape: `role` and `content`."""

ROLES_WITH_PROMPT: tuple[Role, ...] = (
    "seeker", "guard", "planner", "responder", "joint", "reflector", "refiner", "judge",
)  # fmt: skip
BLOCKS = (
    "persona", "dialogue", "private", "reflection", "draft", "reply", "reply_a", "reply_b",
)  # fmt: skip
"""Names of the delimited data blocks that prompts may hold."""

_SECTION = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(BLOCKS)})\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a model: its messages, and the version of the prompt file behind them."""

    messages: list[ChatMessage]
    version: str


class PromptFile:
    """One role's prompt: named sections, each a text with `{{placeholders}}`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.version = hashlib.sha256(text.encode()).hexdigest()[:12]
        pieces = _SECTION.split(text)
        self._sections = {
            name: _PLACEHOLDER.split(body.removesuffix("\n"))
            for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
        }
        self.skeleton: list[ChatMessage] = [
            {"role": name, "content": "".join(self._sections[name])}
            for name in ("system", "user")
            if name in self._sections
        ]
        """The usual request with its placeholders not filled."""

    @property
    def placeholders(self) -> dict[str, set[str]]:
        """The names of its placeholders, by section."""
        return {name: set(parts[1::2]) for name, parts in self._sections.items()}

    def fixed_texts(self) -> Iterator[str]:
        """What stands before, between and behind the placeholders of its sections, in order."""
        for parts in self._sections.values():
            yield from parts[::2]

    def section(self, name: str, **values: str) -> str:
        """The section with its placeholders filled in one pass: values are never read again."""
        if name not in self._sections:
            raise ConfigError(unknown("prompt section", name, self._sections))
        parts = self._sections[name]
        if len(parts) == 1:
            return parts[0]
        try:
            return "".join(values[p] if i % 2 else p for i, p in enumerate(parts))
        except KeyError as missing:
            raise ConfigError(
                f"placeholder {missing} in prompt section {name!r} has no value; "
                f"this section knows: {', '.join(sorted(values)) or 'none'}"
            ) from None

    def chat(self, **values: str) -> Prompt:
        """The usual request: the `system` section, then the `user` section."""
        return Prompt(
            [
                {"role": "system", "content": self.section("system", **values)},
                {"role": "user", "content": self.section("user", **values)},
            ],
            self.version,
        )


@lru_cache(maxsize=1)
def packaged_prompts() -> Mapping[Role, PromptFile]:
    """The prompt files that ship with this package, by role."""
    folder = resources.files("attunement.agents") / "prompts"
    return {r: PromptFile((folder / f"{r}.txt").read_text("utf-8")) for r in ROLES_WITH_PROMPT}


@lru_cache
def instrument(name: Literal["rating", "comparing"]) -> PromptFile:
    """A prompt file that a judge uses besides its own."""
    file = resources.files("attunement.agents") / "prompts" / f"{name}.txt"
    return PromptFile(file.read_text("utf-8"))


def block(name: str, text: str) -> str:
    """`text` as a delimited data block; a tag that it might forge loses its bracket."""
    return f"<{name}>\n{_TAG.sub('‹', text) if '<' in text else text}\n</{name}>"


def flatten(dialogue: Iterable[Utterance]) -> str:
    """The dialogue as a block of lines `seeker: …` and `supporter: …`.

    An utterance's own line breaks become spaces, so that nobody can forge the other's line.
    """
    lines = [f"{u.speaker}: {u.text}" for u in dialogue]
    text = "\n".join(lines)
    if len(text.splitlines()) != len(lines):
        text = "\n".join(" ".join(line.splitlines()) for line in lines)
    return block("dialogue", text or "(nothing has been said yet)")


def as_chat(dialogue: Iterable[Utterance]) -> list[ChatMessage]:
    """The dialogue as chat turns, seeker = user, supporter = assistant, strictly alternating.

    A supporter's line without a seeker's line before it gets a blank one (recipe B's convention);
    consecutive lines of a seeker are joined.
    """
    messages: list[ChatMessage] = []
    for u in dialogue:
        role = "user" if u.speaker == "seeker" else "assistant"
        previous = messages[-1]["role"] if messages else "assistant"
        if role == "user" and previous == "user":
            messages[-1]["content"] += "\n" + u.text
            continue
        if role == "assistant" and previous == "assistant":
            messages.append({"role": "user", "content": " "})
        messages.append({"role": role, "content": u.text})
    return messages
