"""The debugger's lists and figures, against a plain reading of the journal."""

from collections import Counter
from itertools import pairwise, product

import pytest

from attunement.core.errors import UserError
from attunement.core.records import Emotion, Problem
from attunement.evaluation.summary import summarise
from attunement.viewer.debugger.listing import Asked
from attunement.viewer.debugger.reading import card_of
from attunement.viewer.debugger.records import FLAGS
from tests.viewing import opened, read_all, varied_run


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    found = read_all(opened(varied_run(tmp_path_factory.mktemp("lists") / "run")))
    yield found
    found.close()


@pytest.fixture(scope="module")
def plain(reading):
    """Every dialogue's card, made of the whole dialogue."""
    dialogues = enumerate(reading.journal.dialogues(branches=True))
    return [card_of(reading.journal, dialogue, index) for index, dialogue in dialogues]


def _rows(reading, **asked):
    return list(reading.listed(Asked(limit=200, **asked)).rows)


def test_the_list_says_of_each_dialogue_what_reading_it_says_and_branches_stand_beside(
    reading, plain
):
    rows = _rows(reading)
    assert sorted(rows, key=lambda card: card.index) == plain
    assert {flag for card in rows for flag in card.flags} == set(FLAGS)
    for before, card in pairwise(rows):
        if card.origin is not None:
            assert card.origin == before.index
    own = [card.index for card in rows if card.origin is None]
    assert own == sorted(own)


def test_every_filter_keeps_what_a_plain_reading_keeps(reading, plain):
    kinds = {
        "status": ("open", "done", "failed"),
        "ended": ("satisfied", "gave_up", "max_turns", "crisis", "recording_ended"),
        "problem": tuple(Problem), "emotion": tuple(Emotion), "flag": FLAGS,
    }  # fmt: skip
    of = {
        "status": lambda card: [card.status], "ended": lambda card: [card.stop_reason],
        "problem": lambda card: [card.problem], "emotion": lambda card: [card.emotion],
        "flag": lambda card: card.flags,
    }  # fmt: skip
    met = Counter()
    for kind, values in kinds.items():
        for value in values:
            fit = [card.index for card in plain if value in of[kind](card)]
            page = reading.listed(Asked(limit=200, **{kind: value}))
            assert sorted(card.index for card in page.rows) == fit
            assert page.total == len(fit)
            met[kind] += bool(fit)
    assert min(met.values()) >= 2
    both = product(("done", "failed"), FLAGS)
    for status, flag in both:
        fit = [card.index for card in plain if card.status == status and flag in card.flags]
        assert sorted(card.index for card in _rows(reading, status=status, flag=flag)) == fit


@pytest.mark.parametrize("sort", ["turns", "relief", "rating", "set_aside"])
@pytest.mark.parametrize("descending", [False, True])
def test_every_sort_puts_the_unknown_last_and_keeps_equals_in_sequence(
    reading, plain, sort, descending
):
    def value(card):
        first, last = card.outcome.first_intensity, card.outcome.last_intensity
        relief = None if first is None or last is None else first - last
        rating = card.outcome.mean_rating
        return {"turns": card.turns, "relief": relief, "rating": rating,
                "set_aside": card.set_aside}[sort]  # fmt: skip

    rows = _rows(reading, sort=sort, descending=descending)
    in_sequence = [card.index for card in _rows(reading)]
    known = [card for card in plain if value(card) is not None]
    known.sort(key=lambda card: in_sequence.index(card.index))
    known.sort(key=value, reverse=descending)
    assert [card.index for card in rows[: len(known)]] == [card.index for card in known]
    assert all(value(card) is None for card in rows[len(known) :])
    assert len({value(card) for card in known}) > 1
    assert len(rows) == len(plain)


def test_pages_are_the_list_cut_up(reading):
    whole = _rows(reading)
    for limit in (1, 5, 7):
        pages = [reading.listed(Asked(limit=limit, offset=n)) for n in range(0, len(whole), limit)]
        assert [card for page in pages for card in page.rows] == whole
        assert {page.total for page in pages} == {len(whole)}
    assert reading.listed(Asked(offset=10_000)).rows == ()
    with pytest.raises(UserError, match="at most 400 letters and 16 words"):
        reading.listed(Asked(q="word " * 100))


def test_the_figures_are_those_of_the_run_summary_and_branches_enter_none(reading):
    page, summary = reading.page(), summarise(reading.journal)
    card = page.card
    assert (card.dialogues, card.done, card.failed, card.open) == (
        summary.dialogues, summary.done, summary.failed, summary.open,
    )  # fmt: skip
    assert (card.turns, card.crises, card.branches, card.annotated) == (
        summary.turns, summary.crises, 2, 2,
    )  # fmt: skip
    assert {count.name: count.count for count in page.ended} == summary.stop_reasons
    assert {count.name: count.count for count in page.set_aside} == summary.set_aside
    assert {count.name: count.count for count in page.errors} == summary.errors
    assert page.relief == pytest.approx(-summary.mean_intensity_change)
    assert page.rating == pytest.approx(summary.mean_rating)
    assert [(u.role, u.model, u.calls, u.failed) for u in page.usage] == [
        (u.role, u.model, u.calls, u.failed) for u in reading.journal.usage()
    ]
    felt = [[t.seeker.intensity for t in d.turns] for d in reading.journal.dialogues()]
    for number, mean in enumerate(page.intensity):
        values = [values[number] for values in felt if len(values) > number]
        assert mean == pytest.approx(sum(values) / len(values))
    assert len(page.intensity) == max(map(len, felt))
