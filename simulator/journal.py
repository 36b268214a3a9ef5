"""The journal: every call before its result is used, every turn in one transaction.

The writer takes whatever has gathered since its last commit and writes it as one transaction
(group commit), so that durability does not cost throughput. SQLite runs in WAL mode
with `synchronous=NORMAL`: what was acknowledged survives any end of the process. After a power
cut the last commits may be missing; the journal is then a consistent, slightly earlier one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import URL, Connection, Engine, create_engine, delete, event, exists, func, select
from sqlalchemy.exc import DatabaseError, OperationalError

from attunement.agents.prompting import ChatMessage, PromptFile
from attunement.core.errors import RunFolderError, UserError
from attunement.core.records import (
    Dialogue,
    Fork,
    Outcome,
    Persona,
    Role,
    StopReason,
    Turn,
    Utterance,
    Verdict,
)
from attunement.simulator.branches import fork_of, names_of
from attunement.simulator.delta import join_delta
from attunement.simulator.tables import (
    CALLS,
    DIALOGUES,
    META,
    METADATA,
    PERSONAS,
    PROMPTS,
    TURNS,
    VERDICTS,
    VERSION,
)
from attunement.simulator.usage import Usage, together
from attunement.simulator.verdicts import Judged, turns_of, verdict_row, verdicts_of
from attunement.simulator.writer import (
    VERDICT_KEY,
    Row,
    Writer,
    as_journal_error,
    insert_in_pages,
)

_PRAGMAS = (
    "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "wal_autocheckpoint=0",
)  # fmt: skip
"""The writer checkpoints by itself; the last connection to close does it too."""
_FORGOTTEN = "forgotten"
"""Where in `meta` it stands what calls cost that a retry has made again."""
PAGE = 200
"""Dialogues that are read at a time."""
_RECORDED = TypeAdapter(tuple[Utterance, ...])


@dataclass(frozen=True, slots=True)
class Task:
    """A dialogue that is to be run: new, or with turns and calls that are journalled already."""

    index: int
    id: str
    persona: Persona
    recorded: tuple[Utterance, ...] | None
    turns: tuple[Turn, ...]
    calls: tuple[Row, ...]
    """Every journalled call, in the order of turns."""
    fork: Fork | None = None
    """Where it comes from, for a branch."""


class Journal:
    """The journal of one run. Open it with `create` or `open`; close it when done."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer: Writer | None = None
        self._prompts: Mapping[Role, PromptFile] | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        personas: Iterable[Persona],
        dialogues: Iterable[Row],
        prompts: Mapping[Role, PromptFile],
    ) -> "Journal":
        """A new journal with its dialogues laid out; `JournalError` where it cannot be written."""
        journal = cls(_engine(path))
        with as_journal_error(), journal.engine.begin() as db:
            METADATA.create_all(db)
            db.execute(META.insert(), {"key": "version", "value": str(VERSION)})
            rows = [{"role": r, "version": p.version, "text": p.text} for r, p in prompts.items()]
            db.execute(PROMPTS.insert(), rows)
            cards = ({"position": i, "card": p.model_dump_json()} for i, p in enumerate(personas))
            insert_in_pages(db, PERSONAS, cards)
            insert_in_pages(db, DIALOGUES, dialogues)
        return journal

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """An existing journal. `RunFolderError` if it is missing, foreign or of another version."""
        if not path.is_file():
            raise RunFolderError(f"no journal {str(path)!r}; name a run folder that was simulated")
        journal = cls(_engine(path))
        try:
            with journal.engine.connect() as db:
                found = db.execute(select(META.c.value).where(META.c.key == "version")).scalar()
        except OperationalError as error:
            if "no such table" in str(error.orig):  # an empty file, or another program's database
                raise RunFolderError(
                    f"{str(path)!r} is not a journal: no run is in it; name a run folder that was "
                    "simulated"
                ) from None
            raise RunFolderError(f"journal {str(path)!r} cannot be opened: {error.orig}") from None
        except DatabaseError as error:
            raise RunFolderError(f"{str(path)!r} is not a journal: {error.orig}") from None
        if found != str(VERSION):
            raise RunFolderError(
                f"journal {str(path)!r} has version {found!r}, this package reads {VERSION}; "
                "use the package version that wrote it"
            )
        return journal

    async def close_writer(self) -> None:
        """End the writing; the event loop that wrote may then end."""
        if self._writer:
            await self._writer.aclose()
            self._writer = None

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    # ---- writing, from within an event loop -----------------------------------------------------

    async def write_call(self, row: Row) -> None:
        """Journal one model call; returns when it is committed. `JournalError` if it cannot be."""
        await self.writer.write(("call", row))

    async def write_turn(
        self, index: int, turn: Turn, stop: StopReason | None, outcome: Outcome | None
    ) -> None:
        """Commit a turn and, with a stop reason, close its dialogue in the same transaction."""
        record = turn.model_dump_json(exclude_defaults=True)
        items = [("turn", {"dialogue": index, "number": turn.number, "record": record})]
        if stop:
            items.append(("close", _closing(index, "done", stop=stop, outcome=outcome)))
        await self.writer.write(*items)

    async def write_failure(self, index: int, error: str) -> None:
        """Close a dialogue that failed; its turns stay."""
        await self.writer.write(("close", _closing(index, "failed", error=error)))

    async def write_verdicts(
        self, index: int, turn: int, verdicts: Sequence[Verdict], round: int,
        instead: Sequence[Verdict] = (),
    ) -> None:  # fmt: skip
        """Keep what one answer says, in place of earlier verdicts of these names by the same judge
        and of those that are named: all of them, or none."""
        rows = [verdict_row(index, turn, verdict, round) for verdict in verdicts]
        old_rows = [verdict_row(index, turn, verdict, round) for verdict in instead]
        all_rows = (*rows, *old_rows)
        keys = dict.fromkeys(tuple(row[name] for name in VERDICT_KEY) for row in all_rows)
        named = (zip((f"its_{name}" for name in VERDICT_KEY), key, strict=True) for key in keys)
        old = (("unjudge", dict(pairs)) for pairs in named)
        await self.writer.write(*old, *(("verdict", row) for row in rows))

    @property
    def writer(self) -> Writer:
        """The writer, started when first needed, within the running event loop."""
        if self._writer is None:
            self._writer = Writer(self.engine)
        return self._writer

    # ---- reading --------------------------------------------------------------------------------

    def prompts(self) -> Mapping[Role, PromptFile]:
        """The prompt files that this run was started with."""
        if self._prompts is None:
            with self.engine.connect() as db:
                found = db.execute(select(PROMPTS)).fetchall()
            self._prompts = {row.role: PromptFile(row.text) for row in found}
        return self._prompts

    def skeletons(self) -> dict[Role, list[ChatMessage]]:
        """What stands before each role's first call: its prompt file, placeholders unfilled."""
        return {role: prompt.skeleton for role, prompt in self.prompts().items()}

    def counts(self, branches: bool = False) -> dict[str, int]:
        """Dialogues by status: `open`, `done`, `failed`; branches only if they are asked for."""
        query = select(DIALOGUES.c.status, func.count()).group_by(DIALOGUES.c.status)
        query = query.where(*_without(branches))
        with self.engine.connect() as db:
            return {"open": 0, "done": 0, "failed": 0} | {
                row.status: row[1] for row in db.execute(query)
            }

    def open_tasks(self, only: Sequence[int] | None = None) -> Iterator[Task]:
        """The dialogues that are to be run, branches among them, in order, read a page at a time;
        of `only` these."""
        yield from self.tasks("open", only, branches=True)

    def tasks(
        self, status: str, only: Sequence[int] | None = None, role: Role | None = None,
        branches: bool = False,
    ) -> Iterator[Task]:  # fmt: skip
        """The dialogues of a status with their calls, in order, of `only` these; with a role, its
        calls alone; branches only if they are asked for."""
        where = [DIALOGUES.c.status == status, *_without(branches)]
        if only is not None:
            where.append(DIALOGUES.c.idx.in_(only))
        with as_journal_error():
            for page in self._pages(*where):
                for row in page:
                    yield self._task(row, role)

    def cast(
        self, begun: bool = False
    ) -> Iterator[tuple[int, Persona, tuple[Utterance, ...] | None]]:
        """(index, persona, recording) of every dialogue, or of those with a turn, in order."""
        where = [exists().where(TURNS.c.dialogue == DIALOGUES.c.idx)] if begun else []
        for page in self._pages(*where, *_without(branches=False)):
            for row in page:
                yield row.idx, Persona.model_validate_json(row.card), _recorded(row)

    def dialogues(self, *where: Any, branches: bool = False) -> Iterator[Dialogue]:
        """All dialogues with their turns, in order, read a page at a time; branches only if they
        are asked for."""
        for page in self._pages(*where, *_without(branches)):
            with self.engine.connect() as db:
                judged = verdicts_of(db, [row.idx for row in page])
                turns = turns_of(db, [row.idx for row in page], judged)
                names = names_of(db, {row.origin for row in page} - {None})
            for row in page:
                yield Dialogue(
                    id=row.id,
                    persona=Persona.model_validate_json(row.card),
                    recorded=_recorded(row),
                    turns=tuple(turns[row.idx]),
                    stop_reason=row.stop_reason,
                    outcome=Outcome.model_validate_json(row.outcome) if row.outcome else None,
                    error=row.error,
                    verdicts=tuple(judged.get((row.idx, 0), ())),
                    fork=fork_of(row, names),
                )

    def named(self, id: str) -> Dialogue | None:
        """The dialogue of an id, a branch or not; None if there is none."""
        return next(self.dialogues(DIALOGUES.c.id == id, branches=True), None)

    def verdicts(self, indices: Sequence[int]) -> Judged:
        """What judges said of some dialogues, by index and turn; turn 0 is the whole dialogue."""
        with self.engine.connect() as db:
            return verdicts_of(db, indices)

    def find(self, name: str) -> Dialogue:
        """A dialogue by its id, or by its number counted from 0. `UserError` if there is none."""
        by_number = DIALOGUES.c.idx == int(name) if name.isdecimal() and len(name) < 10 else False
        where = (DIALOGUES.c.id == name) | by_number
        found = next(self.dialogues(where, branches=True), None)
        if found is None:
            count = sum(self.counts(branches=True).values())
            raise UserError(f"no dialogue {name!r}; give an id, or a number from 0 to {count - 1}")
        return found

    def rounds(self, index: int) -> dict[tuple[int, str, str, str], int]:
        """How often each reply of a dialogue was judged, by turn, side, verdict's name, judge."""
        c = VERDICTS.c
        query = select(c.turn, c.about, c.name, c.judge, func.max(c.round))
        query = query.where(c.dialogue == index).group_by(c.turn, c.about, c.name, c.judge)
        with self.engine.connect() as db:
            return {(row[0], row[1], row[2], row[3]): row[4] for row in db.execute(query)}

    def calls(self, index: int, role: Role | None = None) -> list[Row]:
        """A dialogue's calls by turn, with their request under `messages`; of one role, or all."""
        query = select(CALLS).where(CALLS.c.dialogue == index)
        if role:
            query = query.where(CALLS.c.role == role)
        order = (CALLS.c.turn, CALLS.c.role, CALLS.c.about, CALLS.c.attempt)
        with self.engine.connect() as db:
            found = db.execute(query.order_by(*order)).mappings().all()
        rows = [{str(name): value for name, value in row.items()} for row in found]
        skeletons = self.skeletons()
        before: dict[tuple[Role, str], list[ChatMessage]] = {}
        for row in rows:
            asked = row["role"], row["about"]
            last = before.get(asked) or skeletons[row["role"]]
            before[asked] = row["messages"] = join_delta(last, row.pop("delta"))
        return rows

    def usage(self) -> list[Usage]:
        """What the calls amount to, by role and model; those that a retry made again count too."""
        with self.engine.connect() as db:
            forgotten = db.execute(select(META.c.value).where(META.c.key == _FORGOTTEN)).scalar()
            rows = self._usage(db) + [Usage(*row) for row in json.loads(forgotten or "[]")]
        return together(rows)

    def _usage(self, db: Connection, *where: Any) -> list[Usage]:
        """Of the calls that were sent: those that a branch took over cost nothing."""
        c = CALLS.c
        sums = (func.sum(n) for n in (c.prompt_tokens, c.completion_tokens, c.cached_tokens))
        query = select(c.role, c.model, func.count(), func.count(c.error), *sums)
        query = query.where(c.tries > 0, *where).group_by(c.role, c.model)
        return [Usage(*row) for row in db.execute(query)]

    def indices(self, branches: bool = False) -> Iterator[tuple[int, str]]:
        """(index, id) of all dialogues, in order; branches only if they are asked for."""
        for page in self._pages(*_without(branches)):
            yield from ((row.idx, row.id) for row in page)

    def reopen_failed(self) -> int:
        """Make failed dialogues open again, each from its last committed turn; returns how many.

        The calls of the turn that failed are forgotten, but for what they cost. Those of committed
        turns stay, failed ones too: their turns stand.
        """
        failed = select(DIALOGUES.c.idx).where(DIALOGUES.c.status == "failed")
        committed = select(func.count()).where(TURNS.c.dialogue == CALLS.c.dialogue)
        lost = CALLS.c.dialogue.in_(failed), CALLS.c.turn > committed.scalar_subquery()
        change = DIALOGUES.update().where(DIALOGUES.c.status == "failed")
        with as_journal_error(), self.engine.begin() as db:
            before = db.execute(select(META.c.value).where(META.c.key == _FORGOTTEN)).scalar()
            spent = json.dumps(json.loads(before or "[]") + self._usage(db, *lost))
            db.execute(delete(META).where(META.c.key == _FORGOTTEN))
            db.execute(META.insert(), {"key": _FORGOTTEN, "value": spent})
            db.execute(delete(CALLS).where(*lost))
            return db.execute(change.values(status="open", error=None)).rowcount

    def _pages(self, *where: Any) -> Iterator[Sequence[Any]]:
        last = -1
        joined = select(DIALOGUES, PERSONAS.c.card).join(PERSONAS).order_by(DIALOGUES.c.idx)
        while True:
            query = joined.where(DIALOGUES.c.idx > last, *where).limit(PAGE)
            with self.engine.connect() as db:
                page = db.execute(query).fetchall()
            if not page:
                return
            yield page
            last = page[-1].idx

    def _task(self, row: Any, role: Role | None) -> Task:
        with self.engine.connect() as db:
            turns = turns_of(db, [row.idx], verdicts_of(db, [row.idx]))[row.idx]
            names = names_of(db, {row.origin} - {None})
        return Task(
            index=row.idx,
            id=row.id,
            persona=Persona.model_validate_json(row.card),
            recorded=_recorded(row),
            turns=tuple(turns),
            calls=tuple(self.calls(row.idx, role)),
            fork=fork_of(row, names),
        )


def _without(branches: bool) -> list[Any]:
    return [] if branches else [DIALOGUES.c.origin.is_(None)]


def _recorded(row: Any) -> tuple[Utterance, ...] | None:
    return _RECORDED.validate_json(row.recorded) if row.recorded else None


def _closing(
    index: int, status: str, stop: str | None = None, outcome: Outcome | None = None,
    error: str | None = None,
) -> Row:  # fmt: skip
    kept = outcome.model_dump_json() if outcome else None
    return {"at": index, "status": status, "stop_reason": stop, "outcome": kept, "error": error}


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def open_row(index: int, id: str, persona: int, recorded: Sequence[Utterance] | None) -> Row:
    """The row of a dialogue that is still to be run."""
    lines = _RECORDED.dump_json(tuple(recorded), exclude_none=True).decode() if recorded else None
    return {"idx": index, "id": id, "persona": persona, "recorded": lines, "status": "open"}
