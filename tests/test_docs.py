"""What the docs show works as it stands."""

import re
from pathlib import Path

import pytest
import yaml

from attunement.core.needs import kind_of_help
from attunement.core.records import Emotion, Persona, Problem
from attunement.simulator.config import read_config

DOCS = Path(__file__).parent.parent / "docs"


def examples(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def test_the_example_card_is_one_and_its_needs_can_be_read():
    (text,) = examples("cards.md", "yaml")
    (card,) = map(Persona.model_validate, yaml.safe_load(text))
    kinds = [kind_of_help(need) for need in (*card.what_helps, *card.what_hurts)]
    assert None not in kinds
    assert len(set(kinds)) == len(kinds)


def test_the_card_page_names_every_field_and_value():
    page = (DOCS / "cards.md").read_text("utf-8")
    assert [field for field in Persona.model_fields if f"`{field}`" not in page] == []
    assert [value for value in (*Emotion, *Problem) if value not in page] == []


def test_the_example_configuration_is_the_default(tmp_path):
    (text,) = examples("reference.md", "toml")
    (tmp_path / "c.toml").write_text(text)
    assert read_config(tmp_path / "c.toml") == read_config(None)


@pytest.mark.parametrize("code", examples("reference.md", "python"))
def test_the_python_examples_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {})
