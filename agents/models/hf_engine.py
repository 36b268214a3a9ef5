"""Engines behind `hf:` chats: one model in memory, a queue, and a thread that serves it in batches.

transformers' own continuous batching was looked at (5.23) and serves no run of ours: it draws all
requests from one generator, so that an answer depends on its neighbours, its processors see the
newest token only (no repetition penalty, no grammar), and a request cannot choose its adapter.
Instead the thread takes what waits, pads it on the left, and generates for all of it at once.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from attunement.agents.models.base import Answer, Ask, Engine
from attunement.core.errors import AttunementError, ModelError, StoppedError

if TYPE_CHECKING:
    from attunement.agents.models.hf_model import Model
    from attunement.agents.models.hf_reader import Reader
    from attunement.agents.models.hf_sampling import Row


@dataclass(eq=False, slots=True)
class Call:
    """One request on its way."""

    ask: Ask
    adapter: str | None
    owner: object
    """Who may stop it."""
    future: "Future[Answer]" = field(default_factory=Future)
    prompt: list[int] = field(default_factory=list)
    """Token ids, once the call's turn has come."""
    name: str = ""
    """The model's name for the adapter."""
    limit: int = 0
    """Tokens of the longest answer that fits."""

    @property
    def size(self) -> int:
        """Characters of the prompt: near enough to sort by."""
        return sum(len(message["content"]) for message in self.ask.messages)

    def end(self, result: Answer | Exception) -> None:
        """Hand the result over, if anybody still waits for it."""
        if self.future.done() or not self.future.set_running_or_notify_cancel():
            return
        if isinstance(result, Answer):
            self.future.set_result(result)
        else:
            self.future.set_exception(result)


class SharedEngine:
    """One model in this process, for all chats that name it."""

    def __init__(self, path: str, engine: Engine) -> None:
        self.path, self._engine = path, engine
        self.users = 0
        """Chats that have it open."""
        self.batches = 0
        """Forward loops so far."""
        self._lock = threading.Condition()
        self._waiting: list[Call] = []
        self._working = False
        self._reading = threading.Lock()
        self._reader: Reader | None = None
        self._model: Model | None = None

    async def answer(self, ask: Ask, adapter: str | None, owner: object) -> Answer:
        """Queue the request and wait for its batch."""
        call = Call(ask, adapter, owner)
        with self._lock:
            self._waiting.append(call)
        # Not at once: what else is asked in this turn of the loop goes into the same batch.
        asyncio.get_running_loop().call_soon(self._wake)
        return await asyncio.wrap_future(call.future)

    def stop(self, owner: object) -> None:
        """End the owner's calls that still wait."""
        with self._lock:
            stopped = [call for call in self._waiting if call.owner is owner]
            self._waiting = [call for call in self._waiting if call.owner is not owner]
        for call in stopped:
            call.end(StoppedError("stopped before its turn had come"))

    def read(self) -> "Reader":
        """Tokenizer, template and context length, loaded once. `ConfigError` where it fails."""
        with self._reading:
            if self._reader is None:
                from attunement.agents.models.hf_reader import Reader

                self._reader = Reader(self.path, self._engine)
            return self._reader

    def close(self) -> None:
        """Wait for the batch that is running, and free the model."""
        with self._lock:
            self._lock.wait_for(lambda: not self._working)
            loaded, self._model, self._reader = self._model is not None, None, None
        if loaded:
            from attunement.agents.models.hf_model import free_memory

            free_memory()

    def _wake(self) -> None:
        with self._lock:
            if self._working or not self._waiting:
                return
            self._working = True
        threading.Thread(target=self._work, name=f"hf:{self.path}", daemon=True).start()

    def _work(self) -> None:
        while calls := self._take():
            try:
                self._serve(calls)
            except BaseException as error:  # a panic in compiled code is no Exception
                self._fail(calls, error)

    def _take(self) -> list[Call]:
        """The oldest call and those closest to it in length; none ends the work."""
        with self._lock:
            waiting = [call for call in self._waiting if not call.future.cancelled()]
            nearest = sorted(waiting, key=lambda call: abs(call.size - waiting[0].size))
            taken = nearest[: self._engine.max_batch]
            self._waiting = [call for call in waiting if call not in taken]
            if not taken:
                self._working = False
                self._lock.notify_all()
            return taken

    def _serve(self, calls: Sequence[Call]) -> None:
        reader = self.read()
        if self._model is None:
            from attunement.agents.models.hf_model import Model

            self._model = Model(reader, self.path, self._engine)
        ready = [call for call in calls if self._prepare(call, reader, self._model)]
        for batch in _split(ready, self._model, reader.context):
            self._run(batch, reader, self._model)

    def _prepare(self, call: Call, reader: "Reader", model: "Model") -> bool:
        """Fill in tokens, row and adapter; a call for which that fails ends here, alone."""
        try:
            call.name = model.adapter(call.adapter)
            call.prompt = reader.tokens(call.ask.messages)
            call.limit = self._limit(call, reader.context)
            _row(call, reader, model)  # a record without a grammar shows here
        except Exception as error:
            self._fail([call], error)
            return False
        return True

    def _limit(self, call: Call, context: int | None) -> int:
        tokens, wanted = len(call.prompt), call.ask.decoding.max_tokens
        if context is None:
            return wanted
        if tokens >= context:
            raise ModelError(
                f"the messages make {tokens} tokens, but `hf:{self.path}` takes {context} for "
                f"prompt and answer together; shorten the dialogue or name a model that takes more"
            )
        return min(wanted, context - tokens)

    def _run(self, calls: Sequence[Call], reader: "Reader", model: "Model") -> None:
        """Generate for all calls at once; out of memory, for half of them at a time."""
        try:
            self.batches += 1
            rows = [_row(call, reader, model) for call in calls]
            answers = model.generate(rows, [call.name for call in calls])
        except Exception as error:
            from attunement.agents.models.hf_model import is_out_of_memory

            halve = is_out_of_memory(error) and len(calls) > 1
            if not halve:
                self._fail(calls, error)
                return
        else:
            for call, tokens in zip(calls, answers, strict=True):
                call.end(_answer(call, tokens, reader, model))
            return
        # Out of the handler: the error's traceback held on to the batch's memory.
        from attunement.agents.models.hf_model import free_memory

        free_memory()
        middle = len(calls) // 2
        self._run(calls[:middle], reader, model)
        self._run(calls[middle:], reader, model)

    def _fail(self, calls: Sequence[Call], error: BaseException) -> None:
        for call in calls:
            if isinstance(error, AttunementError):
                call.end(type(error)(str(error)))
            else:
                why = str(error).strip().partition("\n")[0]
                call.end(ModelError(f"hf:{self.path}: {type(error).__name__}: {why}"))


def _row(call: Call, reader: "Reader", model: "Model") -> "Row":
    """A fresh row: a batch that is tried again begins from its seeds."""
    from attunement.agents.models.hf_sampling import Row

    decoding, advised = call.ask.decoding, model.defaults
    penalty = decoding.repetition_penalty or advised.repetition_penalty
    return Row(
        call.prompt, call.limit, call.ask.seed, decoding.temperature, decoding.top_p,
        decoding.top_k or advised.top_k or 0, 1.0 if penalty is None else penalty,
        model.guide(call.ask.schema) if call.ask.schema and reader.guides else None,
        call.future.cancelled,
    )  # fmt: skip


def _answer(call: Call, tokens: list[int], reader: "Reader", model: "Model") -> Answer:
    cut = not tokens or tokens[-1] not in model.ends
    return Answer(reader.text(tokens), len(call.prompt), len(tokens), cut=cut)


def _split(calls: Sequence[Call], model: "Model", context: int | None) -> Iterator[list[Call]]:
    """Calls that can go together: all of them, but for some models and adapters."""
    batch: list[Call] = []
    for call in sorted(calls, key=lambda call: (call.name, len(call.prompt))):
        wider = [*batch, call]
        fits = model.mixes({other.name for other in wider})
        if context is not None and model.learned_positions:
            most = max(other.limit for other in wider)
            fits = fits and max(len(other.prompt) for other in wider) + most <= context
        if batch and not fits:
            yield batch
            wider = [call]
        batch = wider
    if batch:
        yield batch


_engines: dict[tuple[str, Engine], SharedEngine] = {}
_opening = threading.Lock()


def resolved(path: str) -> str:
    """A folder's full path; a name on the hub as it is."""
    folder = Path(path).expanduser()
    return str(folder.resolve()) if folder.is_dir() else path


def open_engine(path: str, engine: Engine) -> SharedEngine:
    """The engine for this model and these settings, the same for all who ask."""
    key = resolved(path), engine
    with _opening:
        shared = _engines.setdefault(key, SharedEngine(*key))
        shared.users += 1
        return shared


def close_engine(shared: SharedEngine) -> None:
    """Give an engine back; the last to do so frees it."""
    with _opening:
        shared.users -= 1
        if shared.users:
            return
        for key in [key for key, value in _engines.items() if value is shared]:
            del _engines[key]
    shared.close()
