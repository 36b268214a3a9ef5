"""Searching a run: any part of any words, in any language, and nothing is syntax."""

import json

import pytest

from attunement.simulator.annotating import Annotation
from attunement.viewer.debugger import texts
from attunement.viewer.debugger.listing import Asked
from tests.viewing import branch, forkable, opened, read_all, say, varied_run

ASKED = (
    "sleep", "SLEEP", "slee", "leep, an", "the", "nights are long", "long nights", "n7",
    "失眠", "昨晚", "我", "晚又失眠了", "什么 失眠",
    "לא", "ישן בלילה",
    "zürich", "ZÜRICH", "İstanbul", "istanbul", "strasse", "straße",
    '"', '"never"', '"nev', "AND", "OR", "NOT", "NEAR(", "left*", "*", "-", "--", "-sleep", "(so",
    "never AND left", "a OR b", "text:sleep", "^she", "{braces}", "\\", "<script>", "&", "100%",
    "it_all", "%", "_", "'", "''", "; DROP TABLE cards", "a\0b", "e", "q", "zz", "quetzalcoatl",
    "quito", "line to quito broke", "schlaflos", "n'est-ce", "question", "clockmaker",
    "Ilse Brandl", "Ilse failed", "why 1", "sleep sleep sleep",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return varied_run(tmp_path_factory.mktemp("search") / "run")


@pytest.fixture(scope="module")
def reading(run):
    found = read_all(opened(run))
    yield found
    found.close()


@pytest.fixture(scope="module")
def plain(reading):
    """All that is searched, by dialogue and turn, read without the index."""
    found = {}
    for index, dialogue in enumerate(reading.journal.dialogues(branches=True)):
        card = [text for _, text in texts.of_card(dialogue.persona.model_dump(mode="json"))]
        found[index, 0] = [dialogue.id, *card, dialogue.error or ""]
        for turn in dialogue.turns:
            record = turn.model_dump(mode="json", exclude_defaults=True)
            notes = [verdict.reason for verdict in turn.verdicts if verdict.name == "annotation"]
            found[index, turn.number] = [text for _, text in texts.of_turn(record)] + notes
    return found


def _holding(plain, asked):
    """The dialogues with how many of their turns hold all the words."""
    words, found = texts.fold(asked).split(), {}
    for (index, _), named in plain.items():
        whole = texts.fold("\n".join(named))
        if all(word in whole for word in words):
            found[index] = found.get(index, 0) + 1
    return found


@pytest.mark.parametrize("asked", ASKED)
def test_a_search_finds_what_looking_through_everything_finds(reading, plain, asked):
    page = reading.listed(Asked(q=asked, limit=200))
    holding = _holding(plain, asked)
    assert sorted(card.index for card in page.rows) == sorted(holding)
    assert page.total == len(holding)
    by_fit = reading.listed(Asked(q=asked, limit=200, sort="match"))
    assert [holding[card.index] for card in by_fit.rows] == sorted(holding.values(), reverse=True)
    for card in page.rows:
        assert len(card.hits) == min(3, holding[card.index])
        for hit in card.hits:
            assert any(word in texts.fold(hit.found) for word in texts.fold(asked).split())
            assert (card.index, hit.turn) in plain
            assert len(hit.before + hit.found + hit.after) < 400


def test_some_searches_find_some_dialogues_and_some_none(plain):
    found = {asked: len(_holding(plain, asked)) for asked in ASKED}
    assert found["sleep"] > found["line to quito broke"] > 0
    assert found["失眠"] > 0
    assert found['"never"'] > 0
    assert found["quetzalcoatl"] == 0


def test_a_hit_names_where_the_words_stand_and_shows_what_is_around_them(reading):
    def hits(asked):
        rows = reading.listed(Asked(q=asked, limit=200)).rows
        return [hit for card in rows for hit in card.hits]

    assert {hit.field for hit in hits("失眠")} <= {"seeker", "reply", "draft"}
    assert {(hit.turn, hit.field) for hit in hits("quito")} == {(0, "error")}
    (note, *copies) = hits("schlaflos")
    assert (note.field, note.before, note.found, copies) == ("note", "", "Schlaflos", [])
    assert note.after == ", n'est-ce pas?"
    assert {hit.field for hit in hits("clockmaker")} >= {"persona"}
    assert all(hit.found == "<script>" for hit in hits("<script>"))
    assert all(texts.fold(hit.found) == "zürich" for hit in hits("ZÜRICH"))


def test_a_search_joins_filters_and_sorts(reading, plain):
    holding = _holding(plain, "sleep")
    crises = {card.index for card in reading.listed(Asked(flag="crisis", limit=200)).rows}
    page = reading.listed(Asked(q="sleep", flag="crisis", limit=200, sort="turns"))
    assert {card.index for card in page.rows} == crises & set(holding)
    assert [card.turns for card in page.rows] == sorted(card.turns for card in page.rows)
    assert 0 < page.total < len(holding)
    first = reading.listed(Asked(q="sleep", limit=3))
    second = reading.listed(Asked(q="sleep", limit=3, offset=3))
    whole = reading.listed(Asked(q="sleep", limit=6))
    assert (first.rows + second.rows, first.total) == (whole.rows, len(holding))


def test_notes_and_branches_are_found_when_they_come_and_no_more_when_they_go(tmp_path):
    run = varied_run(tmp_path / "run", 8)
    reading, index = read_all(opened(run)), forkable(run)[-1]

    def found(asked):
        return [card.index for card in read_all(reading).listed(Asked(q=asked)).rows]

    assert found("wombat") == []
    say(run, index, 1, Annotation(note="Ein Wombat, 失眠?"))
    assert found("wombat") == found("ombat 失眠") == [index]
    seeker = reading.journal.find(str(index)).turns[0].seeker.text.split()[0]
    assert index in found(f"wombat {seeker}")  # a note and the seeker's words, in one turn
    say(run, index, 1, Annotation(note="Ein Tapir"))
    assert (found("wombat"), found("tapir")) == ([], [index])
    say(run, index, 1, Annotation())
    assert found("tapir") == []
    new = branch(run, index, 1)
    assert new in [card.index for card in read_all(reading).listed(Asked(q="~", limit=99)).rows]
    assert json.loads(reading.page().model_dump_json())["card"]["branches"] == 3
    reading.close()
