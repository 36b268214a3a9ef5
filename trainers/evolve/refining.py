"""Refining a draft several times: M_t asked again with other seeds, for a reward to choose from."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from attunement.agents.models.base import Answer, Ask, ChatBackend
from attunement.agents.prompting import Prompt, PromptFile
from attunement.agents.refiner import refine
from attunement.core.errors import AnswerError, RunFolderError
from attunement.core.records import Dialogue, Record, Reflection, Reply, Utterance
from attunement.core.seeds import derive_seed
from attunement.personas.files import write_atomically
from attunement.simulator.backends import backends_for
from attunement.simulator.config import RunConfig
from attunement.simulator.history import with_history
from attunement.simulator.run import open_run
from attunement.trainers.evolve.stages import Done, Say, Stage
from attunement.trainers.evolve.work import Evolution, Model, run_settings, usual

FILE, PART = "refinements.jsonl", ".refinements.part"
_TOLD = 10
"""Times that the progress is told."""


class Refinements(Record):
    """All refinements of one turn's draft, the run's own first."""

    dialogue_id: str
    turn: int
    replies: tuple[Reply, ...]


class _Again:
    """The refiner's chat at one turn, for one more try."""

    def __init__(
        self, backend: ChatBackend, config: RunConfig, prompt: PromptFile, seed: int
    ) -> None:
        self.prompt = prompt
        self._backend, self._config, self._seed = backend, config, seed

    async def __call__(
        self, prompt: Prompt, *, attempt: int = 1, schema: type[Record] | None = None
    ) -> Answer:
        decoding = self._config.sampling_for("refiner")
        seed = derive_seed(self._seed, attempt)
        return await self._backend.answer(Ask(prompt.messages, "refiner", seed, decoding, schema))


class _Draft(Record):
    """A turn whose draft is to be refined again."""

    dialogue_id: str
    turn: int
    heard: tuple[Utterance, ...]
    reflection: Reflection
    draft: Reply
    first: Reply


def refine_again(work: Evolution, model: Model, made: Done) -> Done:
    """The refinements of every turn that a run has refined; the stage's folder holds their file."""
    assert work.config.reward
    again = work.config.reward.refinements
    settings = run_settings("simulate", work.config.simulate) | {"reward.refinements": again}
    run = work.out / made.name
    name = f"m{model.t + 1}/refinements"

    def ask(folder: Path) -> None:
        refine_run(run, folder, again, lambda line: work.display.say(f"{name}: {line}"))

    reads = {"dialogues": made.output, "model": model.hash}
    new = usual("simulate", work.config.simulate)
    return work.stages.run(Stage(name, ask, settings, reads, usual=new))


def read_refinements(folder: Path) -> dict[tuple[str, int], tuple[Reply, ...]]:
    """(dialogue, turn) -> its refinements."""
    with (folder / FILE).open("rb") as lines:
        found = [Refinements.model_validate_json(line) for line in lines]
    return {(one.dialogue_id, one.turn): one.replies for one in found}


def refine_run(run: Path, folder: Path, count: int, say: Say) -> None:
    """Write the file; what an attempt that was stopped has left is not asked again.

    `ModelError` where the model cannot be asked: what was asked before stays for the next attempt.
    """
    folder.mkdir(exist_ok=True)
    config, journal = open_run(run)
    with closing(journal):
        prompt = journal.prompts()["refiner"]
        drafts = [draft for dialogue in journal.dialogues() for draft in _drafts(dialogue)]
    known = _left(folder / PART)
    write_atomically(folder / PART, _lines(known.values()), RunFolderError)  # without a cut line
    missing = [draft for draft in drafts if (draft.dialogue_id, draft.turn) not in known]
    with (folder / PART).open("ab", buffering=0) as file:
        asyncio.run(_ask_all(config, prompt, missing, count, file, say))
    found = _left(folder / PART)
    whole = (found[draft.dialogue_id, draft.turn] for draft in drafts)
    write_atomically(folder / FILE, _lines(whole), RunFolderError)
    (folder / PART).unlink()


def _lines(rows: Iterable[Refinements]) -> bytes:
    return "".join(f"{row.model_dump_json()}\n" for row in rows).encode()


def _left(part: Path) -> dict[tuple[str, int], Refinements]:
    """What was asked already; a line that was cut by a kill does not count."""
    found = {}
    for line in part.read_bytes().splitlines() if part.exists() else ():
        with suppress(ValidationError):
            one = Refinements.model_validate_json(line)
            found[one.dialogue_id, one.turn] = one
    return found


def _drafts(dialogue: Dialogue) -> Iterator[_Draft]:
    for turn, heard in with_history(dialogue):
        if turn.draft and turn.reflection and turn.refined and not turn.set_aside:
            yield _Draft(
                dialogue_id=dialogue.id, turn=turn.number, heard=heard, reflection=turn.reflection,
                draft=turn.draft, first=turn.refined,
            )  # fmt: skip


async def _ask_all(
    config: RunConfig, prompt: PromptFile, drafts: list[_Draft], count: int, file: BinaryIO,
    say: Say,
) -> None:  # fmt: skip
    """Append the refinements of each draft as soon as they are there. Raises what asking does."""
    (backend,) = backends_for(config, ("refiner",)).values()
    slots, done = asyncio.Semaphore(config.concurrency), 0

    async def one(draft: _Draft) -> None:
        nonlocal done
        async with slots:
            replies = await _ask(backend, config, prompt, draft, count)
        row = Refinements(dialogue_id=draft.dialogue_id, turn=draft.turn, replies=replies)
        file.write(_lines([row]))
        done += 1
        if done * _TOLD // len(drafts) > (done - 1) * _TOLD // len(drafts):
            say(f"{done:,} of {len(drafts):,} drafts refined again")

    try:
        async with asyncio.TaskGroup() as group:
            for draft in drafts:
                group.create_task(one(draft))
    except ExceptionGroup as errors:  # one dead server gives many; the first says it
        raise errors.exceptions[0] from None
    finally:
        await backend.aclose()


async def _ask(
    backend: ChatBackend, config: RunConfig, prompt: PromptFile, draft: _Draft, count: int
) -> tuple[Reply, ...]:
    """The first refinement and those that could be read of the others.

    `ModelError` where the model cannot be asked, which says nothing about its refinements.
    """
    replies = [draft.first]
    for again in range(1, count):
        seed = derive_seed(config.seed, draft.dialogue_id, draft.turn, "refined again", again)
        try:
            chat = _Again(backend, config, prompt, seed)
            replies.append(await refine(chat, draft.heard, draft.reflection, draft.draft))
        except AnswerError:
            continue  # one fewer to choose from
    return tuple(replies)
