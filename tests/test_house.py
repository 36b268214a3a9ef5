"""The house itself: packages match folders, imports only go down, every module says what it is."""

import ast
import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = (
    "core", "personas", "agents", "graphs", "simulator", "evaluation", "trainers", "viewer", "cli",
)  # fmt: skip
"""Bottom to top."""
ROOMS = [room for room in FLOORS if (ROOT / room).is_dir()]
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_packages_are_exactly_the_folders_with_modules():
    folders = {path.parent.relative_to(ROOT) for path in MODULES}
    packages = {"attunement." + ".".join(folder.parts) for folder in folders}
    assert packages == set(_project()["tool"]["setuptools"]["packages"])


def test_every_room_is_typed():
    assert [room for room in ROOMS if not (ROOT / room / "py.typed").exists()] == []


def _imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("attunement.")}
    return rooms


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path: Path):
    here = path.relative_to(ROOT).parts[0]
    above = {room for room in _imported_rooms(path) if FLOORS.index(room) > FLOORS.index(here)}
    assert not above, f"{here} imports {above}, which stands above it"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_opens_with_what_it_is(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_langgraph_json_names_graphs_that_load_and_run():
    import asyncio
    import importlib.util
    import inspect

    from attunement.personas.cards import library

    for name, target in json.loads((ROOT / "langgraph.json").read_text())["graphs"].items():
        file, _, function = target.partition(":")
        spec = importlib.util.spec_from_file_location(name, ROOT / file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # LangGraph's server hands its own settings to a parameter: that would be another graph.
        assert not inspect.signature(getattr(module, function)).parameters, name
        graph = getattr(module, function)()
        # As LangGraph's own tools do it: a plain dict, an empty context or one of plain values.
        feed = {"persona": library()[0].model_dump(mode="json")}
        if name == "ipm":
            recorded = [("seeker", "I lost my job."), ("supporter", "Oh no."), ("seeker", "Yes.")]
            lines = [{"speaker": speaker, "text": text} for speaker, text in recorded * 2]
            feed["recorded"] = lines
        for context, turns in ((None, 8), ({}, 8), ({"max_turns": 2}, 2)):
            state = asyncio.run(graph.ainvoke(feed, {"recursion_limit": 200}, context=context))
            assert 1 < len(state["turns"]) <= turns + 1, name


def test_shipped_configs_parse():
    """Those of runs; tests/test_trainers_evolve_config.py reads those that name a recipe."""
    from attunement.simulator.config import read_config

    found = sorted((ROOT / "configs").glob("*.toml"))
    runs = [path for path in found if "recipe" not in tomllib.loads(path.read_text("utf-8"))]
    assert {"self_evolution", "decoupled", "preference_mining"} <= {path.stem for path in runs}
    for path in runs:
        read_config(path)
