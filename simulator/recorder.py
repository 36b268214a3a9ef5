"""One dialogue's link to its models and the journal: asks, journals, then hands on."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from attunement.agents.models.base import Answer, Ask, ChatBackend
from attunement.agents.prompting import ChatMessage, Prompt, PromptFile
from attunement.core.errors import ConfigError, JournalError, ModelError, StoppedError
from attunement.core.records import Outcome, Record, Role, StopReason, Turn
from attunement.core.seeds import content_hash, derive_seed
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import Purse, Reserve
from attunement.simulator.delta import split_delta
from attunement.simulator.journal import Journal, Task
from attunement.simulator.writer import Row

GIVEN = "person"
"""What stands for a model where a person gave the answer."""
SLOTS = 4
"""Dialogues that may compute at a time, between one model call's answer and the next call."""


def slots_for(config: RunConfig, backends: Mapping[str, ChatBackend]) -> asyncio.Semaphore:
    """The slots of a run.

    An event loop takes turns between all that are ready. Answers that arrive together would so
    leave together again, each delayed by all of them, for the whole run. Served a few at a time,
    in order of arrival, they drift apart and stop waiting for each other. Where no model is
    waited for, there is nothing to drift, and every dialogue has a slot.
    """
    waits = any(backend.waits for backend in backends.values())
    return asyncio.Semaphore(SLOTS if waits else config.concurrency)


@dataclass(slots=True)
class Tally:
    """What a run has done since it was started or resumed; the progress display reads it."""

    calls: int = 0
    repeated: int = 0
    """Calls answered from the journal."""
    failed_calls: int = 0
    tries: int = 0
    """Requests that were sent beyond the first of each call."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    turns: int = 0
    set_aside: int = 0
    done: int = 0
    failed: int = 0
    labelled: int = 0
    """Replies that a judge has labelled, readably or not."""
    started: float = field(default_factory=time.monotonic)
    stopped_by: str = ""
    """What stopped the run before its end: a bound of its budget, or a signal."""
    trouble: Callable[[], str] = str
    """Says which servers do not answer at present."""
    stop: Callable[[str], object] = lambda reason: None
    """Ends the work as a signal does, and says why; may be called from any thread."""


class Gate:
    """Lets calls through until the run is to stop; then those in flight finish and no new starts.

    A call that arrives after `stop` waits for good: its dialogue is cancelled once all is quiet.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.in_flight = 0
        self._quiet = asyncio.Event()

    def stop(self) -> None:
        """Let nothing new start."""
        self.stopping = True
        if not self.in_flight:
            self._quiet.set()

    async def quiet(self) -> None:
        """Wait until `stop` was called and nothing is in flight."""
        await self._quiet.wait()

    async def __aenter__(self) -> None:
        if self.stopping:
            await asyncio.get_running_loop().create_future()
        self.in_flight += 1

    async def __aexit__(self, *_: object) -> None:
        self.in_flight -= 1
        if self.stopping and not self.in_flight:
            self._quiet.set()


@dataclass(frozen=True, slots=True)
class Desk:
    """What all dialogues of a run share."""

    config: RunConfig
    backends: Mapping[str, ChatBackend]
    """By spec."""
    prompts: Mapping[Role, PromptFile]
    journal: Journal
    gate: Gate
    tally: Tally
    slots: asyncio.Semaphore
    """Which dialogues may compute; see `slots_for`."""
    purse: Purse
    lost: dict[str, str] = field(default_factory=dict)
    """Why models that only branches ask did not answer when the work began, by spec."""

    def stop(self, reason: str) -> None:
        """Let nothing new start; what waits for a server is given up, what was sent finishes."""
        if not self.gate.stopping:
            self.tally.stopped_by = reason
            self.gate.stop()
            for backend in self.backends.values():
                backend.stop()


@dataclass(frozen=True, slots=True)
class Heritage:
    """What a branch has from its origin (see `heritage.py`)."""

    root: int
    """Index of the dialogue at the root of its lineage, whose seeds it asks with."""
    turn: int
    """Where it was forked."""
    given: Mapping[Role, str]
    """Answers at that turn that a person put in their place, by role."""
    calls: Mapping[tuple[int, str, str, int], Row]
    """The origin's calls from that turn on, by what tells them apart; failed ones left out."""

    def answer(self, asked: Row) -> Row | None:
        """`model`, `text` and `cut` of the answer that there is already; None if it must be asked.

        The words of the seeker whom the forked turn answers stand, whoever would speak now.
        """
        forked = asked["turn"] == self.turn
        if forked and asked["role"] in self.given:
            return {"model": GIVEN, "text": self.given[asked["role"]], "cut": False}
        found = self.calls.get(call_key(asked))
        same = found and found["request_hash"] == asked["request_hash"]
        if found is None or not (same or (forked and asked["role"] == "seeker")):
            return None
        return {name: found[name] for name in ("model", "text", "cut")}


class Recorder:
    """The chats and the commit of one dialogue."""

    def __init__(self, desk: Desk, task: Task, heritage: Heritage | None = None) -> None:
        self.desk = desk
        self.index = task.index
        self.heritage = heritage
        self.seeded_as = heritage.root if heritage else task.index
        self.known = {call_key(row): row for row in task.calls}
        self.waiting = 0
        """Calls in flight: two while draft and reflection run side by side."""
        self._computing = False
        self._last = {(row["role"], row["about"]): row["messages"] for row in task.calls}

    def last_messages(self, role: Role, about: str) -> list[ChatMessage]:
        """The request before this one, by the same role about the same; or its prompt file."""
        return self._last.get((role, about)) or self.desk.journal.prompts()[role].skeleton

    def keep_messages(self, role: Role, about: str, messages: list[ChatMessage]) -> None:
        """This request is journalled: the next one is written as a change against it."""
        self._last[role, about] = messages

    async def begin_computing(self) -> None:
        """Take a slot, unless another call of this dialogue is still awaited."""
        if not self.waiting and not self._computing:
            await self.desk.slots.acquire()
            self._computing = True

    def end_computing(self) -> None:
        """Give the slot to the next dialogue."""
        if self._computing:
            self._computing = False
            self.desk.slots.release()

    def chat(self, role: Role, turn: int) -> "RecordedChat | None":
        """The chat of a role at a turn; None for a guard without a model."""
        spec = self.desk.config.spec_for(role)
        return RecordedChat(self, role, turn, self.desk.backends[spec]) if spec else None

    def chat_about(
        self, role: Role, turn: int, about: str, prompt: PromptFile | None = None
    ) -> "RecordedChat":
        """The chat of a role that has a model and is asked about several things at a turn, by its
        own prompt file or another one."""
        spec = self.desk.config.spec_for(role)
        assert spec is not None, role
        return RecordedChat(self, role, turn, self.desk.backends[spec], about, prompt)

    async def commit(self, turns: Sequence[Turn], stop: StopReason | None) -> None:
        """Commit the last turn; with a stop reason, close the dialogue."""
        turn = turns[-1]
        outcome = outcome_of(turns) if stop else None
        async with self.desk.gate:
            await self.desk.journal.write_turn(self.index, turn, stop, outcome)
        tally = self.desk.tally
        tally.turns += turn.spoken is not None
        tally.set_aside += bool(turn.set_aside)
        if stop:
            tally.done += 1


class RecordedChat:
    """One role's chat at one turn: a journalled call is never made again."""

    __slots__ = ("_about", "_backend", "_recorder", "_role", "_turn", "prompt")

    def __init__(
        self,
        recorder: Recorder,
        role: Role,
        turn: int,
        backend: ChatBackend,
        about: str = "",
        prompt: PromptFile | None = None,
    ) -> None:
        self.prompt = prompt or recorder.desk.prompts[role]
        self._recorder, self._role, self._turn, self._backend = recorder, role, turn, backend
        self._about = about

    async def __call__(
        self, prompt: Prompt, *, attempt: int = 1, schema: type[Record] | None = None
    ) -> Answer:
        desk, index = self._recorder.desk, self._recorder.index
        about = (self._about,) if self._about else ()
        of = self._recorder.seeded_as
        seed = derive_seed(desk.config.seed, of, self._turn, self._role, *about, attempt)
        d = desk.config.sampling_for(self._role)
        named = (self._backend.spec, seed, d.temperature, d.top_p, d.top_k, d.repetition_penalty,
                 d.max_tokens, schema.__name__ if schema else None)  # fmt: skip
        request_hash = content_hash(orjson.dumps((named, prompt.messages)))
        row: Row = {
            "dialogue": index, "turn": self._turn, "role": self._role, "about": self._about,
            "attempt": attempt,
            "model": self._backend.spec, "prompt_version": prompt.version, "seed": seed,
            "request_hash": request_hash,
        }  # fmt: skip
        if known := self._recorder.known.get(call_key(row)):
            return self._from_journal(known, request_hash)
        heritage = self._recorder.heritage
        if heritage and (found := heritage.answer(row)):
            return await self._take_over(row | found, prompt.messages)
        ask = Ask(prompt.messages, self._role, seed, d, schema)
        recorder = self._recorder
        recorder.end_computing()
        recorder.waiting += 1
        try:
            reserve = await self._within_budget(ask)
            async with desk.gate:
                answer = await self._ask(ask, row, reserve)
        except StoppedError:
            # Never sent, and nothing kept: as if the gate had held it back in the first place.
            await asyncio.get_running_loop().create_future()
            raise
        finally:
            recorder.waiting -= 1
        await recorder.begin_computing()
        return answer

    async def _within_budget(self, ask: Ask) -> Reserve:
        desk = self._recorder.desk
        characters = sum(len(message["content"]) for message in ask.messages)
        found = await desk.purse.open(self._backend.spec, characters, ask.decoding.max_tokens)
        if isinstance(found, str):
            desk.stop(found)
            raise StoppedError(found)
        return found

    async def _ask(self, ask: Ask, row: Row, reserve: Reserve) -> Answer:
        started = time.perf_counter()
        answer: Answer | None = None
        error: ModelError | None = None
        try:
            answer = await self._backend.answer(ask)
        except ModelError as failed:
            error = failed
        except ConfigError:
            raise  # a model that cannot be loaded, say: no dialogue's fault
        except ValueError as failed:
            error = ModelError(str(failed))
        finally:
            self._recorder.desk.purse.close(reserve, answer)
        if answer is None:
            answer = Answer("", tries=error.tries if error else 1)
        row |= {
            "text": None if error else answer.text,
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "cached_tokens": answer.cached_tokens,
            "cut": answer.cut,
            "tries": answer.tries,
            "latency_ms": round((time.perf_counter() - started) * 1000, 3),
            "error": str(error) if error else None,
        }  # fmt: skip
        await self._journal(row, ask.messages)
        self._count(answer, error)
        if error:
            raise error
        return answer

    async def _journal(self, row: Row, messages: list[ChatMessage]) -> None:
        """Keep a call, its request as what it changes against the one before."""
        last = self._recorder.last_messages(self._role, self._about)
        delta = split_delta(last, messages)
        self._recorder.keep_messages(self._role, self._about, messages)
        await self._recorder.desk.journal.write_call(row | {"delta": delta})

    async def _take_over(self, row: Row, messages: list[ChatMessage]) -> Answer:
        """Use an answer that there is already: nothing is sent, and nothing spent."""
        nothing = ("prompt_tokens", "completion_tokens", "cached_tokens", "latency_ms", "error")
        async with self._recorder.desk.gate:
            await self._journal(row | dict.fromkeys(nothing) | {"tries": 0}, messages)
        self._recorder.desk.tally.repeated += 1
        return Answer(str(row["text"]), cut=bool(row["cut"]))

    def _count(self, answer: Answer, error: ModelError | None) -> None:
        desk = self._recorder.desk
        tally = desk.tally
        tally.calls += 1
        tally.tries += answer.tries - 1
        tally.failed_calls += error is not None
        tally.prompt_tokens += answer.prompt_tokens or 0
        tally.completion_tokens += answer.completion_tokens or 0
        tally.usd = desk.purse.usd

    def _from_journal(self, row: Row, request_hash: str) -> Answer:
        if row["request_hash"] != request_hash:
            raise JournalError(
                f"the {self._role}'s request at turn {self._turn} of dialogue {row['dialogue']} "
                "is not the journalled one; resume with the config.toml and the package version "
                "that began the run"
            )
        self._recorder.desk.tally.repeated += 1
        if row["error"]:
            raise ModelError(row["error"])
        return Answer(str(row["text"]), cut=bool(row["cut"]))


def call_key(row: Row) -> tuple[int, str, str, int]:
    """What tells a dialogue's calls apart."""
    return row["turn"], row["role"], row["about"], row["attempt"]


def outcome_of(turns: Sequence[Turn]) -> Outcome:
    """What a dialogue did to its seeker: intensities at its ends, and the mean rating."""
    felt = [t.seeker.intensity for t in turns if t.seeker.intensity is not None]
    ratings = [t.seeker.rating for t in turns if t.seeker.rating is not None]
    return Outcome(
        first_intensity=felt[0] if felt else None,
        last_intensity=felt[-1] if len(felt) > 1 else None,
        mean_rating=sum(ratings) / len(ratings) if ratings else None,
    )
