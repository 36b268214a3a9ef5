"""The debugger's index keeps up with a journal that grows, changes and is run again."""

import shutil
from itertools import count

import pytest

from attunement.core.psychology import ERRORS
from attunement.core.records import Verdict
from attunement.simulator.annotating import Annotation
from attunement.simulator.run import run as run_again
from attunement.viewer.debugger.listing import Asked
from tests.helpers import answering, journal_of, small_run
from tests.viewing import (
    branch,
    forkable,
    opened,
    read_all,
    say,
    varied,
    varied_run,
    writing,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return varied_run(tmp_path_factory.mktemp("filling") / "run", 10)


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def _known(reading):
    """All that the lists, the figures and the search say."""
    words = ("sleep", "失眠", "quito", "why", "schlaflos", "tapir", "n")
    found = [reading.listed(Asked(q=q, limit=200)) for q in ("", *words)]
    return found, reading.page().model_copy(update={"card": _still(reading)})


def _still(reading):
    return reading.card().model_copy(update={"writing": False})


def _same_as_new(reading, run):
    """Whether what was kept up says what an index made anew says."""
    new = read_all(opened(run))
    try:
        assert _known(read_all(reading)) == _known(new)
    finally:
        new.close()


def _annotated(reading):
    return [c.index for c in read_all(reading).listed(Asked(flag="annotated", limit=200)).rows]


def test_annotations_that_are_replaced_and_removed_are_noticed(run):
    reading, (*_, index) = read_all(opened(run)), forkable(run)
    before = _annotated(reading)
    for said, flags in (
        (Annotation(label="good"), {"annotated"}),
        (Annotation(label="bad"), {"annotated", "bad"}),  # takes the keys of what it replaces
        (Annotation(label="good"), {"annotated"}),
        (Annotation(label="good", note="tapir"), {"annotated"}),
        (Annotation(errors=("Other",), note="tapir"), {"annotated", "bad"}),
        (Annotation(), set()),
    ):
        say(run, index, 1, said)
        row = next(c for c in read_all(reading).listed(Asked(limit=99)).rows if c.index == index)
        assert set(row.flags) & {"annotated", "bad"} == flags
        _same_as_new(reading, run)
    assert _annotated(reading) == before
    reading.close()


def test_a_judge_who_is_asked_anew_and_one_who_takes_back_are_noticed(run):
    reading, (one, two, *_) = read_all(opened(run)), forkable(run)[-2:]

    def judge(index, value, name="strict"):
        label = "Other" if value else None
        verdict = Verdict(name=ERRORS, value=value, label=label, about="draft", judge=name)
        writing(run, lambda journal: journal.write_verdicts(index, 1, [verdict], 1))

    for index, value, name in ((one, 1, "a"), (two, 1, "a"), (one, 0, "a"), (two, 0, "b"),
                               (two, 0, "a"), (one, None, "a"), (one, 1, "a")):  # fmt: skip
        judge(index, value, name)
        _same_as_new(reading, run)
    reading.close()


def test_failed_dialogues_that_are_run_again_fail_otherwise_or_end(run):
    reading = read_all(opened(run))
    failed = [card.index for card in reading.listed(Asked(status="failed")).rows]
    assert failed
    words = count()

    def responder(ask):
        if next(words) == 0:
            raise RuntimeError("a tapir sat on the line")
        return "What happened?"

    journal = journal_of(run)
    journal.reopen_failed()
    journal.close()
    opened_again = read_all(reading).listed(Asked(status="open")).rows
    assert [card.index for card in opened_again] == failed
    assert reading.listed(Asked(q="quito")).total == 0
    _same_as_new(reading, run)
    run_again(run, backends=[answering(responder=responder)])
    again = read_all(reading).listed(Asked(q="tapir")).rows
    assert [(card.index in failed, card.status) for card in again] == [(True, "failed")]
    _same_as_new(reading, run)
    run_again(run, backends=[answering()], retry_failed=True)
    assert read_all(reading).card().failed == 0
    assert [(u.role, u.calls, u.failed) for u in reading.page().usage] == [
        (u.role, u.calls, u.failed) for u in reading.journal.usage()
    ]
    reading.close()


def test_branches_appear_and_enter_no_figure(run):
    reading = read_all(opened(run))
    before, index = _still(reading), forkable(run)[1]
    new = branch(run, index, 1, seed=9)
    after = _still(read_all(reading))
    added = {"branches": before.branches + 1}
    assert after == before.model_copy(update=added)
    row = next(c for c in reading.listed(Asked(limit=99)).rows if c.index == new)
    assert (row.origin, row.forked_at) == (index, 1)
    _same_as_new(reading, run)
    reading.close()


def test_a_run_is_taken_in_a_step_at_a_time_while_it_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("attunement.viewer.debugger.filling._TURNS", 7)
    monkeypatch.setattr("attunement.viewer.debugger.filling._CARDS", 3)
    monkeypatch.setattr("attunement.viewer.debugger.filling._TEXTS", 2)
    monkeypatch.setattr("attunement.viewer.debugger.spending._STEP", 10)
    run, reading, seen, shares = tmp_path / "run", [], set(), []

    def watching(ask):
        """Between two answers, a look at the run."""
        if not reading:
            reading.append(opened(run))
        before = reading[0].index.revision
        reading[0].keep_up()
        if ask.seed % 5 == 0:
            _still(read_all(reading[0]))
        seen.update(reading[0].since(before))
        shares.append(reading[0].index.read)
        return "What happened?"

    chat = varied(fails=False)
    small_run(run, answering(responder=watching), dialogues=10, max_turns=3, concurrency=4)
    (found,) = reading
    _same_as_new(found, run)
    assert seen == set(range(10))
    assert found.index.read == 1
    assert min(shares) < 1
    assert chat.asked == []
    found.close()


def test_what_has_changed_is_named_while_it_can_be(run):
    reading = read_all(opened(run))
    start, index = reading.index.revision, forkable(run)[0]
    say(run, index, 1, Annotation(label="bad"))
    read_all(reading)
    assert reading.index.revision == start + 1
    assert reading.since(start) == (index,)
    assert not reading.filler.changed()
    assert reading.since(-1) == ()  # from before this was remembered: anything may have changed
    reading.close()


def test_the_index_stands_in_no_run_folder_and_is_removed(run):
    before = sorted(path.name for path in run.iterdir())
    journal = (run / "journal.db").read_bytes()
    reading = read_all(opened(run))
    home = reading.index._home.folder
    assert home.is_dir()
    assert run not in home.parents
    reading.close()
    assert not home.exists()
    assert sorted(path.name for path in run.iterdir()) == before
    assert (run / "journal.db").read_bytes() == journal
