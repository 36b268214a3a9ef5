"""A run in figures, from its index."""

import sqlite3
from collections.abc import Iterator

from attunement.core.records import Record
from attunement.simulator.backends import roles_by_spec
from attunement.simulator.config import RunConfig
from attunement.viewer.debugger.index import Index
from attunement.viewer.debugger.listing import IS
from attunement.viewer.debugger.records import FLAGS, Count, RoleUsage, RunCard, RunPage

_COUNTS = """
SELECT count(*) FILTER (WHERE origin IS NULL) AS dialogues,
       count(*) FILTER (WHERE origin IS NULL AND status = 'open') AS open,
       count(*) FILTER (WHERE origin IS NULL AND status = 'done') AS done,
       count(*) FILTER (WHERE origin IS NULL AND status = 'failed') AS failed,
       count(origin) AS branches,
       coalesce(sum(replies) FILTER (WHERE origin IS NULL), 0) AS turns,
       coalesce(sum(set_aside) FILTER (WHERE origin IS NULL), 0) AS set_aside,
       coalesce(sum(crisis) FILTER (WHERE origin IS NULL), 0) AS crises,
       coalesce(sum(annotated), 0) AS annotated
FROM cards
"""
_ASIDE = """
SELECT role, sum(turns) FROM asides JOIN cards ON idx = dialogue WHERE origin IS NULL
GROUP BY role ORDER BY 2 DESC, 1
"""
_MEANS = "SELECT avg(first - last), avg(rating) FROM cards WHERE origin IS NULL"
_USAGE = """
SELECT role, model, calls, failed, prompt_tokens, completion_tokens FROM usage ORDER BY 1, 2
"""


class Named(Record):
    """How a run is called."""

    key: str
    name: str
    folder: str


def run_card(named: Named, config: RunConfig, index: Index, writing: bool) -> RunCard:
    """A run in a list."""
    with index.reading() as db:
        return _card(db, named, config, index, writing)


def run_page(named: Named, config: RunConfig, index: Index, writing: bool) -> RunPage:
    """A run in figures; branches are left out, but for annotations and what calls cost."""
    with index.reading() as db:
        relief, rating = db.execute(_MEANS).fetchone()
        return RunPage(
            card=_card(db, named, config, index, writing),
            ended=_counts(db, "stop_reason"),
            set_aside=tuple(Count(name=role, count=n) for role, n in db.execute(_ASIDE)),
            errors=_counts(db, "error")[:5],
            relief=relief,
            rating=rating,
            usage=tuple(_usage(db)),
            problems=_counts(db, "problem"),
            emotions=_counts(db, "emotion"),
            flags=tuple(_flags(db)),
            intensity=tuple(_intensity(db)),
        )


def _card(
    db: sqlite3.Connection, named: Named, config: RunConfig, index: Index, writing: bool
) -> RunCard:
    found = db.execute(_COUNTS)
    counts = dict(zip((column[0] for column in found.description), found.fetchone(), strict=True))
    return RunCard(
        **named.model_dump(), **counts, graph=config.graph, plain_draft=config.plain_draft,
        models=tuple(roles_by_spec(config)), replayed=config.replay is not None, writing=writing,
        read=index.read,
    )  # fmt: skip


def _counts(db: sqlite3.Connection, column: str) -> tuple[Count, ...]:
    """How often each value of a column comes, the commonest first."""
    query = f"SELECT {column}, count(*) FROM cards WHERE origin IS NULL AND {column} IS NOT NULL "
    query += "GROUP BY 1 ORDER BY 2 DESC, 1"
    return tuple(Count(name=name, count=count) for name, count in db.execute(query))


def _usage(db: sqlite3.Connection) -> Iterator[RoleUsage]:
    for role, model, calls, failed, prompt, completion in db.execute(_USAGE):
        yield RoleUsage(
            role=role, model=model, calls=calls, failed=failed, prompt_tokens=prompt,
            completion_tokens=completion,
        )  # fmt: skip


def _flags(db: sqlite3.Connection) -> Iterator[Count]:
    """In the sequence of `FLAGS`, those that some dialogue or branch has."""
    sums = ", ".join(f"coalesce(sum({IS[flag]}), 0)" for flag in FLAGS)
    for flag, count in zip(FLAGS, db.execute(f"SELECT {sums} FROM cards").fetchone(), strict=True):
        if count:
            yield Count(name=flag, count=count)


def _intensity(db: sqlite3.Connection) -> Iterator[float | None]:
    rows = db.execute("SELECT number, dialogues, total FROM intensities")
    means = {number: total / dialogues for number, dialogues, total in rows}
    return (means.get(number) for number in range(1, max(means, default=0) + 1))
