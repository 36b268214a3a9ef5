"""A chat backend that answers from a script: for tests and for worked examples."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import PrivateAttr

from attunement.agents.models.base import Answer, Ask, ChatBackend
from attunement.core.errors import ModelError

Script = Sequence[str | Exception] | Callable[[Ask], str | Awaitable[str]]


class ScriptedChat(ChatBackend):
    """Answers with a list's items in turn, or with what a function makes of the request.

    An item that is an exception is raised. `asked` keeps every request.
    """

    _script: Script = PrivateAttr()
    _asked: list[Ask] = PrivateAttr(default_factory=list)

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    @property
    def spec(self) -> str:
        return "scripted"

    @property
    def asked(self) -> list[Ask]:
        """Every request so far, in order."""
        return self._asked

    async def answer(self, ask: Ask) -> Answer:
        self._asked.append(ask)
        if callable(self._script):
            text = self._script(ask)
            return Answer(text if isinstance(text, str) else await text)
        if len(self._asked) > len(self._script):
            raise ModelError(f"the script has only {len(self._script)} answers")
        item = self._script[len(self._asked) - 1]
        if isinstance(item, Exception):
            raise item
        return Answer(item)
