"""The journal: deltas, versions, full disks, failures that stay rows."""

import asyncio
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.agents.models.rehearsal import RehearsalChat
from attunement.core.errors import JournalError, ModelError, RunFolderError, UserError
from attunement.simulator.delta import join_delta, split_delta
from attunement.simulator.journal import Journal
from attunement.simulator.run import JOURNAL, open_run, run
from tests.helpers import answering, journal_of, small_run

messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant"]),
            "content": st.text("ab\n🙂é", max_size=30),
        }
    ),
    max_size=6,
)


@given(messages, messages)
def test_a_delta_gives_back_the_request(before, now):
    assert join_delta(before, split_delta(before, now)) == now


def test_a_delta_holds_only_what_is_new():
    old = [{"role": "system", "content": "s" * 500}, {"role": "user", "content": "a" * 500 + "end"}]
    new = [old[0], {"role": "user", "content": "a" * 500 + "NEW" + "end"}]
    assert split_delta(old, new) == '[2,[1,"user",500,"NEW",3]]'
    assert split_delta(old, old) == "[2]"


def test_a_call_keeps_its_exact_request(tmp_path):
    backend = answering()
    small_run(tmp_path / "run", backend, max_turns=4)
    journal = journal_of(tmp_path / "run")
    kept = {(c["turn"], c["role"], c["attempt"]): c["messages"] for c in journal.calls(0)}
    seen = iter(backend.asked)
    assert sorted(str(m) for m in kept.values()) == sorted(str(ask.messages) for ask in seen)
    journal.close()


def test_an_empty_file_is_no_journal(tmp_path):
    (tmp_path / JOURNAL).touch()
    with pytest.raises(RunFolderError, match="is not a journal: no run is in it"):
        Journal.open(tmp_path / JOURNAL)


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    (tmp_path / JOURNAL).write_bytes(b"x" * 4096)
    with pytest.raises(RunFolderError, match="not a journal"):
        Journal.open(tmp_path / JOURNAL)
    with pytest.raises(RunFolderError, match="no journal"):
        Journal.open(tmp_path / "nothing.db")


def test_a_journal_of_another_version_is_refused(tmp_path):
    small_run(tmp_path / "run", answering())
    with sqlite3.connect(tmp_path / "run" / JOURNAL) as db:
        db.execute("update meta set value = '99' where key = 'version'")
    db.close()
    with pytest.raises(RunFolderError, match="version '99', this package reads 4"):
        open_run(tmp_path / "run")


def test_a_failed_dialogue_keeps_its_turns_and_the_run_goes_on(tmp_path):
    count = iter(range(100))

    def sometimes(ask):
        if next(count) % 3 == 1:
            raise ModelError("server gone")
        return "What happened?"

    folder = tmp_path / "run"
    small_run(folder, answering(responder=sometimes), dialogues=6, max_turns=2, concurrency=1)
    journal = journal_of(folder)
    found = list(journal.dialogues())
    failed = [d for d in found if d.error]
    assert failed
    assert len(failed) < 6
    assert {d.error for d in failed} == {"server gone"}
    assert any(d.turns for d in failed)
    assert all(d.stop_reason == "max_turns" for d in found if not d.error)
    journal.close()


def test_failed_dialogues_can_be_tried_again_and_keep_what_they_had(tmp_path):
    down = True

    def flaky(ask):
        if down and len(ask.messages) > 2:
            raise ModelError("server gone")
        return "What happened?"

    folder = tmp_path / "run"
    backend = answering(responder=flaky)
    small_run(folder, backend, dialogues=3, max_turns=2)
    assert journal_of(folder).counts()["failed"] == 3
    asked = len(backend.asked)
    assert run(folder, backends=[backend])
    assert len(backend.asked) == asked, "a failed dialogue is not touched unless asked for"
    down = False
    assert run(folder, backends=[backend], retry_failed=True)
    journal = journal_of(folder)
    assert journal.counts() == {"open": 0, "done": 3, "failed": 0}
    per_call = [(c["turn"], c["role"], c["attempt"]) for c in journal.calls(1)]
    assert len(per_call) == len(set(per_call)) == 11
    assert sum(row.calls for row in journal.usage()) == len(backend.asked), "what was spent stays"
    assert sum(len(journal.calls(index)) for index in range(3)) < len(backend.asked)
    journal.close()


def test_retrying_begins_the_failed_turn_anew(tmp_path):
    """Also where an earlier role of that turn had failed and now answers otherwise, and where the
    answers were there but could not be read."""
    down = True

    def planner(ask):
        if down:
            raise ModelError("planner gone")
        return {"stage": "Action", "strategy": "Information"}

    folder = tmp_path / "run"
    backend = answering(planner=planner, responder=lambda ask: " " if down else "Well.")
    small_run(folder, backend, dialogues=2, max_turns=1)
    assert journal_of(folder).counts()["failed"] == 2
    down = False
    assert run(folder, backends=[backend], retry_failed=True)
    assert journal_of(folder).counts() == {"open": 0, "done": 2, "failed": 0}


def test_a_run_that_cannot_reach_its_model_leaves_failures_as_they_are(tmp_path, monkeypatch):
    def gone(ask):
        raise ModelError("gone")

    folder = tmp_path / "run"
    small_run(folder, answering(responder=gone))
    with pytest.raises(UserError, match="unknown model 'scripted'"):
        run(folder, retry_failed=True)
    assert journal_of(folder).counts()["failed"] == 1


def test_the_log_does_not_grow_with_the_run(tmp_path):
    from attunement.simulator.casting import cast_for
    from attunement.simulator.config import RunConfig
    from attunement.simulator.run import create_run

    config = RunConfig(dialogues=250)
    create_run(tmp_path / "run", config, cast_for(config))
    largest = 0

    class Watching(RehearsalChat):
        async def answer(self, ask):
            nonlocal largest
            log = tmp_path / "run" / "journal.db-wal"
            largest = max(largest, log.stat().st_size if log.exists() else 0)
            return await super().answer(ask)

    run(tmp_path / "run", backends=[Watching()])
    # Without a restart of the log it would be larger than the database, and grow for ever.
    assert largest < 2 * (tmp_path / "run" / JOURNAL).stat().st_size


def test_odd_folder_names_hold_their_run(tmp_path):
    for name in ("r?x", "r%41", "[/red]", "ünï", "a b"):
        small_run(tmp_path / name, answering())
        assert {p.name for p in (tmp_path / name).iterdir()} >= {JOURNAL, "config.toml"}
        assert journal_of(tmp_path / name).counts()["done"] == 1
    assert len(list(tmp_path.iterdir())) == 5


def test_a_set_aside_turn_is_a_row_with_its_reason(tmp_path):
    folder = tmp_path / "run"
    small_run(folder, answering(reflector="no idea"), max_turns=1)
    journal = journal_of(folder)
    (dialogue,) = journal.dialogues()
    (aside,) = dialogue.turns[0].set_aside
    assert aside.role == "reflector"
    assert "in 3 attempts" in aside.reason
    assert [c["attempt"] for c in journal.calls(0) if c["role"] == "reflector"] == [1, 2, 3]
    journal.close()


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path, monkeypatch):
    """SQLite's own page limit stands in for the disk: the same error from the same place."""
    import attunement.simulator.journal as module

    whole = tmp_path / "whole"
    small_run(whole, dialogues=6, seed=2)
    folder = tmp_path / "run"
    real = module._engine

    def small_disk(path):
        from sqlalchemy import event

        engine = real(path)

        @event.listens_for(engine, "connect")
        def _limit(connection, _):
            connection.execute("PRAGMA max_page_count = 60")

        return engine

    from attunement.simulator.casting import cast_for
    from attunement.simulator.config import RunConfig
    from attunement.simulator.run import create_run

    config = RunConfig(dialogues=6, seed=2)
    create_run(folder, config, cast_for(config))
    monkeypatch.setattr(module, "_engine", small_disk)
    with pytest.raises(JournalError, match=r"full.*nothing that was committed is lost"):
        run(folder)
    monkeypatch.undo()
    journal = journal_of(folder)
    assert journal.counts()["failed"] == 0
    assert journal.counts()["open"] > 0
    journal.close()
    assert run(folder)
    from tests.helpers import exported

    assert exported(folder) == exported(whole)


def test_a_changed_request_is_not_answered_from_the_journal(tmp_path):
    folder = tmp_path / "run"
    backend = answering()
    small_run(folder, backend, max_turns=1)
    with sqlite3.connect(folder / JOURNAL) as db:
        db.execute("delete from turns")
        db.execute("update dialogues set status = 'open'")
        db.execute(
            "update prompts set text = replace(text, 'reply', 'word') where role = 'planner'"
        )
    db.close()
    with pytest.raises(JournalError, match="planner's request at turn 1"):
        run(folder, backends=[backend])


def test_a_journalled_failure_is_not_asked_again(tmp_path):
    def gone(ask):
        raise ModelError("gone")

    folder = tmp_path / "run"
    backend = answering(reflector=gone)
    small_run(folder, backend, max_turns=1)
    with sqlite3.connect(folder / JOURNAL) as db:
        db.execute("delete from turns")
        db.execute("update dialogues set status = 'open', stop_reason = null")
    db.close()
    asked = len(backend.asked)
    assert run(folder, backends=[backend])
    assert len(backend.asked) == asked
    journal = journal_of(folder)
    (dialogue,) = journal.dialogues()
    assert dialogue.turns[0].set_aside[0].reason == "gone"
    journal.close()


def test_find_names_what_there_is(tmp_path):
    small_run(tmp_path / "run", answering(), dialogues=3)
    journal = journal_of(tmp_path / "run")
    assert journal.find("2").id == journal.find("000002-mira").id == "000002-mira"
    with pytest.raises(UserError, match="from 0 to 2"):
        journal.find("3")
    journal.close()


def test_waiting_writers_all_hear_of_a_failed_commit(tmp_path):
    small_run(tmp_path / "run", answering())
    journal = journal_of(tmp_path / "run")

    async def write_twice():
        row = {"dialogue": 0, "number": 1, "record": "{}"}
        jobs = [journal.writer.write(("turn", row)) for _ in range(3)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    assert all(isinstance(e, JournalError) for e in asyncio.run(write_twice()))
    journal.close()
