"""`attune personas`: what each command prints and writes, and how it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from attunement.cli.personas import app
from attunement.core.errors import PersonaError
from attunement.personas.cards import library, load_personas

ROLES = """\
story,feeling,years,Sex
My cat ran away.,sadness,25-34,male
,,,
I failed an exam.,shame,41,female
"""


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "140"})


def out(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def error(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, PersonaError), result.output
    return str(result.exception)


def as_json(*arguments: object) -> Any:
    return json.loads(out(*arguments, "--json"))


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    file = tmp_path / "roles.csv"
    file.write_text(ROLES, encoding="utf-8")
    return file


# ---- list and show ------------------------------------------------------------------------------


def test_list_shows_every_card_of_the_library() -> None:
    text = out("list")
    assert all(card.id in text for card in library())
    assert f"{len(library())} cards from the packaged library" in text
    assert [row["id"] for row in as_json("list")] == [card.id for card in library()]


def test_show_prints_what_is_hidden_and_takes_words_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "cards.yaml"
    file.write_text(
        "id: a\nproblem: other\nsituation: '[bold red]{x}[/] :smile:'\nemotion: fear\n"
        "intensity: 3\nwhat_helps: [Being asked]\n",
        encoding="utf-8",
    )
    text = out("show", "a", "--personas", file)
    assert "[bold red]{x}[/] :smile:" in text
    assert "- Being asked" in text
    assert as_json("show", "a", "--personas", file)["what_helps"] == ["Being asked"]


def test_show_names_near_ids_for_one_that_is_unknown() -> None:
    known = library()[0].id
    message = error("show", known[:-1])
    assert message.startswith(f"no card {known[:-1]!r} in the packaged library")
    assert known in message


# ---- import -------------------------------------------------------------------------------------


def test_import_reports_what_it_read_drew_and_skipped(roles: Path, tmp_path: Path) -> None:
    file = tmp_path / "cards.yaml"
    text = out("import", roles, "--map", "situation=story", "--map", "age=years", "--out", file)
    assert "situation  story" in text
    assert "columns not read: feeling" in text
    assert "drawn: big_five, emotion, intensity" in text
    assert "skipped: row 2 (empty)" in text
    assert "roles.csv: 3 rows read, 2 cards made, written to" in text
    assert [card.demographics.age for card in load_personas(file)] == [30, 41]


def test_import_without_out_writes_nothing_and_says_how(roles: Path, tmp_path: Path) -> None:
    text = out("import", roles, "--set", "problem=job crisis")
    assert "3 rows read, 2 cards made, nothing written; pass --out cards.yaml" in text
    assert [p.name for p in tmp_path.iterdir()] == ["roles.csv"]


def test_import_reports_as_json(roles: Path, tmp_path: Path) -> None:
    report = as_json("import", roles, "--map", "emotion=feeling", "--out", tmp_path / "c.jsonl")
    assert (report["rows"], report["cards"]) == (3, 2)
    assert report["columns"] == {"emotion": "feeling", "gender": "Sex"}
    assert report["skipped"] == [{"row": 2, "reason": "empty"}]
    assert report["out"] == str(tmp_path / "c.jsonl")


def test_import_takes_seed_and_limit(roles: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        out("import", roles, "--seed", seed, "--limit", 1, "--out", tmp_path / f"{seed}.jsonl")
    one, two = (load_personas(tmp_path / f"{seed}.jsonl") for seed in (1, 2))
    assert len(one) == len(two) == 1
    assert one != two


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "situation"], "`--map` must be FIELD=..., got 'situation'"),
        (["--map", "age=years", "--map", "age=x"], "`--map` names 'age' twice; keep one of them"),
        (["--map", "mood=x"], "`--map`: unknown field 'mood'; known: id, name"),
        (["--set", "=x"], "`--set` must be FIELD=..., got '=x'"),
        (["--limit", "0"], "`limit` must be at least 1, got 0; pass --limit 10"),
        (["--out", "cards.csv"], "`cards.csv` must end in .yaml, .yml, .jsonl"),
    ],
)
def test_import_refuses_a_wrong_option_in_one_sentence(
    roles: Path, options: list[str], message: str
) -> None:
    assert error("import", roles, *options).startswith(message)


def test_an_existing_file_is_overwritten_only_by_force(roles: Path, tmp_path: Path) -> None:
    file = tmp_path / "cards.jsonl"
    file.write_text("mine", encoding="utf-8")
    for arguments in (["import", roles], ["sample", "--n", 2]):
        assert "exists; give another file or pass --force" in error(*arguments, "--out", file)
        assert file.read_text(encoding="utf-8") == "mine"
    out("sample", "--n", 2, "--out", file, "--force")
    assert len(load_personas(file)) == 2


# ---- sample and coverage ------------------------------------------------------------------------


def test_sample_writes_the_same_cards_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out("sample", "--n", 12, "--seed", seed, "--out", tmp_path / f"{name}.yaml")
    a, b, c = (load_personas(tmp_path / f"{name}.yaml") for name in "abc")
    assert a == b != c
    assert len(a) == 12


def test_a_sample_larger_than_the_set_goes_round_and_says_so(tmp_path: Path) -> None:
    size = len(library())
    text = out("sample", "--n", size + 5, "--out", tmp_path / "a.jsonl")
    assert "its id ends in .2" in text
    cards = load_personas(tmp_path / "a.jsonl")
    assert sum(card.id.endswith(".2") for card in cards) == 5


def test_sample_refuses_none(tmp_path: Path) -> None:
    assert error("sample", "--n", 0, "--out", tmp_path / "a.yaml").startswith("`n` must be at le")
    assert run("sample", "--n", "many", "--out", tmp_path / "a.yaml").exit_code == 2


def test_coverage_prints_the_matrix_and_names_empty_cells(roles: Path, tmp_path: Path) -> None:
    file = tmp_path / "cards.yaml"
    out("import", roles, "--set", "problem=Sleep Problems", "--out", file)
    text = out("coverage", "--personas", file)
    assert "2 cards from" in text
    assert "problem: ongoing depression, job crisis" in text
    report = as_json("coverage", "--personas", file)
    assert report["dimensions"][0]["counts"]["Sleep Problems"] == 2
    assert "problem: job crisis" in report["empty"]


def test_every_command_gives_an_example() -> None:
    for command in ("list", "show", "sample", "import", "coverage"):
        assert f"Example: attune personas {command}" in out(command, "--help")


def test_the_module_imports_nothing_heavy() -> None:
    code = "import sys, attunement.cli.personas; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"pydantic", "orjson", "yaml", "langgraph", "numpy"} & set(loaded.stdout.split())
