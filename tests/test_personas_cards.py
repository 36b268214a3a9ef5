"""Persona cards: the packaged library, files that load and come back, and errors that point."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attunement.core.errors import PersonaError
from attunement.core.needs import kinds_of_help
from attunement.core.records import BigFive, Demographics, Persona
from attunement.personas.cards import library, load_personas, write_personas

CARD = """\
id: mara
problem: job crisis
situation: |
  I was let go.
emotion: Anxiety
intensity: 4
demographics:
  age: 41
what_helps:
  - Being asked
  - Practical steps
"""


def as_list(*cards: str) -> str:
    """Cards as a YAML list, each in its own entry."""
    return "".join("- " + card.replace("\n", "\n  ").rstrip(" ") for card in cards)


def save(folder: Path, text: str, name: str = "cards.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


# ---- reading ------------------------------------------------------------------------------------


def test_the_library_loads_with_needs_that_can_be_read_on_every_card() -> None:
    cards = library()
    assert len({card.id for card in cards}) == len(cards) > 0
    for card in cards:
        assert kinds_of_help(card.what_helps), card.id
        assert kinds_of_help(card.what_hurts), card.id


def test_a_file_holds_one_card_or_a_list(tmp_path: Path) -> None:
    (one,) = load_personas(save(tmp_path, CARD))
    assert (one.id, one.demographics.age, one.emotion.value) == ("mara", 41, "anxiety")
    two = load_personas(save(tmp_path, as_list(CARD, CARD.replace("mara", "noor"))))
    assert [card.id for card in two] == ["mara", "noor"]


def test_a_folder_is_read_in_the_order_of_its_file_names(tmp_path: Path) -> None:
    save(tmp_path, CARD.replace("mara", "second"), "b.yml")
    save(tmp_path, CARD.replace("mara", "first"), "a.yaml")
    write_personas(tmp_path / "c.jsonl", [card("third")])
    save(tmp_path, "not a card", "notes.txt")
    assert [c.id for c in load_personas(tmp_path)] == ["first", "second", "third"]


def test_control_characters_leave_the_texts_but_newlines_stay(tmp_path: Path) -> None:
    text = CARD.replace("situation: |\n  I was let go.", r'situation: "a\0b\e[2J\r\nc\td"')
    assert load_personas(save(tmp_path, text))[0].situation == "ab[2J\nc\td"


def test_yaml_anchors_and_merges_work(tmp_path: Path) -> None:
    text = "- &base\n" + "".join(f"  {line}\n" for line in CARD.splitlines())
    both = load_personas(save(tmp_path, text + "- <<: *base\n  id: noor\n"))
    assert [(c.id, c.intensity) for c in both] == [("mara", 4), ("noor", 4)]


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "emotion: Anxiety",
            "emotion: hapiness",
            r"line 5, field `emotion`: unknown emotion 'hapiness'; known: anxiety, depression",
        ),
        ("intensity: 4", "intensity: 9", r"line 6, field `intensity`: must be at most 5, got 9"),
        ("  age: 41", "  age: 3", r"line 8, field `demographics\.age`: must be at least 10, got 3"),
        ("  age: 41", "  agee: 41", r"line 8, field `demographics\.agee`: unknown field"),
        ("steps", "steps\n  - 7", r"line 12, field `what_helps\.3`: must be text .*, got 7"),
        ("problem: job crisis\n", "", r"line 1, field `problem`: is missing"),
        ("id: mara", "id: ma ra", r"line 1, field `id`: must be 1 to 80 letters, .* got 'ma ra'"),
        ("id: mara", "id: mara\nid: noor", r"line 2, field `id`: is given twice"),
        ("id: mara", "id: mara\nmood: sad", r"line 2, field `mood`: unknown field 'mood'"),
        ("id: mara", "id: mara\nname: Yes", r"line 2, field `name`: must be text .*quotes.* True"),
        ("id: mara", "id: mara\nopens_up: fast", r"line 2, field `opens_up`: must be 'slowly', "),
        ("id: mara", "id: mara\nrisk: at-risk", r"line 1: `risk_detail` must say"),
        ("id: mara", "id: [mara", r"line 2: not YAML: "),
        ("id: mara", "id: !!python/name:os.system x", r"line 1: not YAML: could not"),
        ("id: mara", "id: " + "[" * 99 + "]" * 99, r"line 1: nested deeper than 20"),
        ("id: mara", "id: mara\nname: 2024-99-99", r"begins at line 1: .*: month must be"),
        ("id: mara", "id: mara\nname: &a [*a]", r"line 2, field `name`: must be text .* a list"),
    ],
)  # fmt: skip
def test_a_broken_yaml_card_is_named_by_file_line_and_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in CARD
    with pytest.raises(PersonaError, match=r"^`cards\.yaml`.*" + message):
        load_personas(save(tmp_path, CARD.replace(old, new)))


def test_a_second_card_in_a_list_is_found_by_its_own_lines(tmp_path: Path) -> None:
    broken = CARD.replace("mara", "noor").replace("Anxiety", "glee")
    with pytest.raises(PersonaError, match=r"line 16, field `emotion`: unknown emotion 'glee'"):
        load_personas(save(tmp_path, as_list(CARD, broken)))


def test_several_problems_of_one_card_are_counted(tmp_path: Path) -> None:
    broken = CARD.replace("intensity: 4", "intensity: 9").replace("Anxiety", "glee")
    with pytest.raises(PersonaError, match=r"\(and 1 more\)"):
        load_personas(save(tmp_path, broken))


def test_a_broken_jsonl_card_is_named_by_line_and_field(tmp_path: Path) -> None:
    file = tmp_path / "cards.jsonl"
    write_personas(file, [card("a")])
    good = file.read_text(encoding="utf-8")
    save(tmp_path, good + "\n" + good.replace('"intensity":3', '"intensity":0'), "cards.jsonl")
    with pytest.raises(
        PersonaError, match=r"`cards\.jsonl`, line 3, field `intensity`: must be at"
    ):
        load_personas(file)
    save(tmp_path, good + "[1]\n", "cards.jsonl")
    with pytest.raises(PersonaError, match=r"line 2: must be a card .*, got a list"):
        load_personas(file)


def test_an_id_that_occurs_twice_names_both_places(tmp_path: Path) -> None:
    save(tmp_path, CARD, "a.yaml")
    save(tmp_path, CARD, "b.yaml")
    with pytest.raises(PersonaError, match=r"`b\.yaml`, line 1, .*'mara' is taken by .*`a\.yaml`"):
        load_personas(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cards.yaml", b"", "holds no persona cards"),
        ("cards.jsonl", b"\n\n", "holds no persona cards"),
        ("cards.yaml", b"id: x\nname: \xe9\n", r"line 2: not UTF-8; save the file as UTF-8"),
        ("cards.jsonl", b'{"id": "\\udcff"}', r"line 1, column \d+: .*lone surrogate"),
        ("cards.txt", b"x", r"must end in \.yaml, \.yml, \.jsonl, got '\.txt'"),
        ("cards.yaml", b"- just text", r"line 1: must be a card .*, got 'just text'"),
        ("cards.yaml", b"a: \x01", "control characters are not allowed"),
    ],
)
def test_a_file_without_cards_says_why(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(PersonaError, match=message):
        load_personas(file)


def test_a_missing_file_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match="does not exist"):
        load_personas(tmp_path / "none.yaml")
    with pytest.raises(PersonaError, match="holds no persona cards"):
        load_personas(tmp_path)


# ---- writing ------------------------------------------------------------------------------------


def card(name: str, **fields: object) -> Persona:
    given = {"id": name, "problem": "other", "situation": "s", "emotion": "fear", "intensity": 3}
    return Persona.model_validate(given | fields)


TEXT = (
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]))
    .map(str.strip)
    .filter(bool)
)
CARDS = st.builds(
    Persona,
    id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    name=st.none() | TEXT | st.just(""),
    demographics=st.builds(Demographics, age=st.none() | st.integers(10, 110)),
    language=st.just("en"),
    big_five=st.from_type(BigFive),
    situation=TEXT,
    background=st.lists(TEXT, max_size=2).map(tuple),
    profile=st.just("") | st.sampled_from(["{a}\n\n- b: c", " {{situation}}\t", "yes", "1", "# x"]),
    risk=st.just("none"),
)


@given(cards=st.lists(CARDS, min_size=1, max_size=3, unique_by=lambda c: c.id))
@pytest.mark.parametrize("extension", ["yaml", "jsonl"])
def test_written_cards_come_back_equal(
    cards: list[Persona], extension: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / f"cards.{extension}"
    write_personas(file, cards, overwrite=True)
    assert load_personas(file) == tuple(cards)


def test_the_library_comes_back_equal_from_both_formats(tmp_path: Path) -> None:
    for name in ("all.yaml", "all.jsonl"):
        write_personas(tmp_path / name, library())
        assert load_personas(tmp_path / name) == library()


def test_a_file_that_exists_is_kept_unless_told(tmp_path: Path) -> None:
    file = save(tmp_path, CARD)
    with pytest.raises(PersonaError, match=r"exists; give another file or pass --force"):
        write_personas(file, [card("new")])
    assert load_personas(file)[0].id == "mara"
    write_personas(file, [card("new")], overwrite=True)
    assert load_personas(file)[0].id == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["cards.yaml"]


def test_writing_refuses_what_could_not_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match="'a' is taken by the card at card 1"):
        write_personas(tmp_path / "x.yaml", [card("a"), card("a")])
    with pytest.raises(PersonaError, match="must end in"):
        write_personas(tmp_path / "x.csv", [card("a")])
    with pytest.raises(PersonaError, match="is not a folder"):
        write_personas(tmp_path / "none" / "x.yaml", [card("a")])
    assert not list(tmp_path.iterdir())
